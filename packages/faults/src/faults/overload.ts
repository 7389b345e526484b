import type { Fault, FaultRun } from '../fault.ts'
import { type FloodFigures, MAX_BUFFERED_BATCHES } from '../flood.ts'

const MAX_BUFFERED_BYTES = 2 * 2 ** 20
/** What one part may come to beyond the bound. */
const PART_BYTES = 2 ** 20
/** Batches large enough that all that were taken in a minute are replayed in another. */
const MAX_ROWS = 4_000
const MIN_RATIO = 10

/** A fault that floods an engine for so long, with batches of so many rows at most. */
export const overload = (durationMs: number, maxRows = MAX_ROWS): Fault => ({
  id: 'overload',
  name: `overload for ${durationMs / 1_000} s: producers at more than ${MIN_RATIO} times the sink's rate`,
  runs: 1,
  run: (run) => flood(run, durationMs, maxRows),
})

async function flood(run: FaultRun, durationMs: number, maxRows: number): Promise<void> {
  const shape = run.shape({ maxRows, badOneIn: 0 })
  const job = run.job({
    mode: run.mode(),
    shape,
    batches: [],
    maxInFlight: 256,
    floodMs: durationMs,
    maxBufferedBytes: MAX_BUFFERED_BYTES,
  })
  const app = run.start(job)
  const { code, signal, stderr } = await app.ended
  const told = app.reports.find((report) => report.kind === 'event' && report.name === 'flooded')
  if (told?.kind !== 'event') {
    run.find('unmet', `the app ended with ${signal ?? code}: ${stderr.slice(0, 2_000)}`)
    return
  }
  const figures = JSON.parse(told.detail) as FloodFigures
  if (figures.offeredRows < MIN_RATIO * figures.acceptedRows)
    run.find('unmet', `offered ${figures.offeredRows} rows, of which ${figures.acceptedRows} were taken`)
  if (figures.maxBytes > MAX_BUFFERED_BYTES + PART_BYTES || figures.maxBatches > MAX_BUFFERED_BATCHES)
    run.find('unbounded', `held ${figures.maxBytes} bytes and ${figures.maxBatches} batches at one time`)
  run.count('samples', figures.samples)
  run.count('rows offered', figures.offeredRows)
  run.count('rows taken', figures.acceptedRows)
  const bound = MAX_BUFFERED_BYTES / 1_024
  run.count(`most KiB held at a time (\`maxBufferedBytes\`: ${bound})`, Math.round(figures.maxBytes / 1_024))
  run.count('most MB of the process', figures.maxResidentMb)
  await run.checkAftermath(job)
}
