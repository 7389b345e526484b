import { checksumSql } from '../checksum.ts'
import { createTableSqlOf } from '../dataset.ts'
import type { WriteJob } from '../job.ts'
import { LATENCY_SHARES } from '../statistics.ts'
import { BATCH_SIZES } from './batch-sizes.ts'
import type { Contender, ContenderName } from './contenders.ts'
import { EXACTLY_ONCE } from './exactly-once.ts'
import { LONG_STREAMS } from './long-streams.ts'
import { QUICK } from './quick.ts'
import type { Scenario, WriteScenario } from './scenario.ts'
import { SHAPE_SCENARIOS } from './shapes.ts'
import { COLD_OPEN, SMALL_WRITES } from './small-writes.ts'

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [
  ...BATCH_SIZES,
  ...SMALL_WRITES,
  COLD_OPEN,
  ...EXACTLY_ONCE,
  ...SHAPE_SCENARIOS,
  ...LONG_STREAMS,
  ...QUICK,
]

/** The contenders of a scenario, bytewax beside the first where it is asked for and can take part. */
export function contendersOf(scenario: WriteScenario, withSeed: boolean): ContenderName[] {
  return scenario.withBytewax && withSeed
    ? [...scenario.contenders.slice(0, 1), 'bytewax', ...scenario.contenders.slice(1)]
    : [...scenario.contenders]
}

/** Turns a scenario into the job of one contender's process. */
export function toWriteJob(scenario: WriteScenario, contender: Contender, path: string): WriteJob {
  const { dataset, batchRows, warmupBatches, iterations, batchesPerIteration } = scenario
  return {
    kind: 'write',
    peer: contender.peer,
    path,
    writesWaiting: contender.writesWaiting ?? scenario.writesWaiting,
    engine: contender.engine ?? {},
    dataset,
    createTableSql: createTableSqlOf(dataset),
    batchRows,
    warmupBatches,
    iterations,
    batchesPerIteration,
    latencyShares: LATENCY_SHARES,
    checksumSql: checksumSql(dataset, contender.peer === 'sqlite' ? 'sqlite' : 'duckdb'),
  }
}

/** All rows that a contender writes, those of the warm-up among them. */
export function countRows(scenario: WriteScenario): number {
  return (scenario.warmupBatches + scenario.iterations * scenario.batchesPerIteration) * scenario.batchRows
}
