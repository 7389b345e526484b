import { FLAT_WORKLOAD } from '../dataset.ts'
import type { WriteScenario } from './scenario.ts'

/** What scenarios of the workload have in common. */
type Size = Pick<
  WriteScenario,
  | 'kind'
  | 'dataset'
  | 'suites'
  | 'rounds'
  | 'batchRows'
  | 'warmupBatches'
  | 'iterations'
  | 'batchesPerIteration'
  | 'writesWaiting'
  | 'withBytewax'
>

/** DuckDB's own row group: the batch at which everyone is at full speed. */
export const LARGE: Size = {
  kind: 'write',
  dataset: FLAT_WORKLOAD,
  suites: ['bench', 'seed'],
  rounds: 5,
  batchRows: 122_880,
  warmupBatches: 1,
  iterations: 2,
  batchesPerIteration: 5,
  writesWaiting: 'ready',
  withBytewax: true,
}

export const MEDIUM: Size = {
  ...LARGE,
  batchRows: 1_000,
  warmupBatches: 40,
  batchesPerIteration: 150,
  writesWaiting: 1,
}

export const SMALL: Size = {
  ...MEDIUM,
  batchRows: 100,
  warmupBatches: 100,
  batchesPerIteration: 400,
}

/** Writes of one record. */
export const SINGLE: Size = {
  ...SMALL,
  batchRows: 1,
  warmupBatches: 500,
  batchesPerIteration: 2_000,
  withBytewax: false,
}
