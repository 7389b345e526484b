import type { Dataset } from '../dataset.ts'
import type { StreamJob, WritesWaiting } from '../job.ts'
import type { ContenderName } from './contenders.ts'

/** What belongs together on a page. */
type Family =
  | 'batch-size'
  | 'small-writes'
  | 'single-record'
  | 'exactly-once'
  | 'shape'
  | 'open'
  | 'stream'
  | 'quick'

/** The command that runs it: `npm run bench`, `bench:seed`, `bench:quick` or `bench:scale`. */
export type Suite = 'bench' | 'seed' | 'quick' | 'scale'

interface CommonScenario {
  readonly name: string
  readonly title: string
  readonly family: Family
  readonly suites: readonly Suite[]
  readonly target: 'memory' | 'file'
  /** How often each contender runs, one after another, where the command line does not say it. */
  readonly rounds: number
}

/** The same rows from every contender; throughput, latencies and ratios. */
export interface WriteScenario extends CommonScenario {
  readonly kind: 'write'
  readonly dataset: Dataset
  readonly batchRows: number
  readonly warmupBatches: number
  readonly iterations: number
  readonly batchesPerIteration: number
  /** For the contenders that do not say it themselves. */
  readonly writesWaiting: WritesWaiting
  /** The first is a way to use ducksink. */
  readonly contenders: readonly ContenderName[]
  /** Whether bytewax-duckdb takes part where it is installed. */
  readonly withBytewax: boolean
}

/** A cold open, up to the receipt of a first record, beside DuckDB opened by itself. */
export interface OpenScenario extends CommonScenario {
  readonly kind: 'open'
  readonly target: 'file'
}

type StreamShape = 'batchRows' | 'batches' | 'records' | 'distinctBatches'

/** Many rows from ducksink alone; memory and the rate over time. */
export interface StreamScenario extends CommonScenario, Pick<StreamJob, StreamShape> {
  readonly kind: 'stream'
  readonly target: 'file'
}

export type Scenario = WriteScenario | OpenScenario | StreamScenario
