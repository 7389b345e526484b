import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import type { SinkEngine, TableOptions } from '@ducksink/core'
import type { FlightBatch } from './flight-batches.ts'
import type { Flight } from './flight-file.ts'
import type { Progress } from './progress.ts'

/** The table that the flights go to: the narrowest types that hold them. */
export const FLIGHTS_TABLE: TableOptions = {
  columns: {
    date: 'TIMESTAMP',
    delay: 'SMALLINT',
    distance: 'SMALLINT',
    origin: 'VARCHAR',
    destination: 'VARCHAR',
  },
}

/** The histogram of delays counts from its timer's first tick to its last; this long takes no tick. */
const SETTLE_MS = 5

/** What writing the flights took. */
export interface WriteFigures {
  readonly rowsRead: number
  readonly batchCount: number
  readonly durationMs: number
  /** Times that the source waited until the engine had room. */
  readonly pauses: number
  readonly delayP99Ms: number
  readonly delayMaxMs: number
}

/** What a write needs besides its batches. */
export interface WriteContext {
  readonly engine: SinkEngine
  readonly progress: Progress
  /** Ends the writing, whoever aborts it: the user, or a batch that failed. */
  readonly stop: AbortController
}

/** Writes one batch after another, as many at once as the engine wants, and resolves when all are committed. */
export async function writeFlights(
  batches: AsyncIterable<FlightBatch>,
  { engine, progress, stop }: WriteContext,
): Promise<WriteFigures> {
  const table = engine.table<Flight>('flights')
  const { signal } = stop
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await setTimeout(SETTLE_MS)
  const startedAt = performance.now()
  let rowsRead = 0
  let batchCount = 0
  let pauses = 0
  for await (const { key, month, flights } of batches) {
    rowsRead += flights.length
    batchCount++
    void table.write(flights, { key, signal }).then(
      (receipt) => progress.advance(receipt.rowCount, month),
      (error: unknown) => stop.abort(error),
    )
    if (engine.writableNeedDrain) {
      pauses++
      await engine.ready
    }
    signal.throwIfAborted()
  }
  await engine.flush()
  const durationMs = performance.now() - startedAt
  await setTimeout(SETTLE_MS)
  delay.disable()
  signal.throwIfAborted()
  const [delayP99Ms, delayMaxMs] = [delay.percentile(99) / 1e6, delay.max / 1e6]
  return { rowsRead, batchCount, durationMs, pauses, delayP99Ms, delayMaxMs }
}
