import type { Fault, FaultRun } from '../fault.ts'
import { numbers } from '../fault.ts'
import type { Point } from '../job.ts'

/** Aborts the signals of writes. */
export const ABORT_FAULTS: readonly Fault[] = [
  {
    id: 'aborts',
    name: 'aborted signals at random times, during INSERT and during COMMIT',
    runs: 20,
    note: 'a run aborts 5 signals or more (in all above 200) whose writes are under way; each outcome that was told is true',
    run: abortSignals,
  },
]

const MIN_ABORTS = 5

async function abortSignals(run: FaultRun): Promise<void> {
  // most of them too large to share a commit: such a write is committed, whatever its signal says
  const shape = run.shape({ maxRows: 30_000 })
  const point: Point = {
    ...{ statement: 'COMMIT', also: 'INSERT', moment: 'during', occurrence: 1, deed: 'tell' },
  }
  const job = run.job({
    ...{ mode: run.mode(), shape, breakages: [{ point }], batches: numbers(0, 60) },
    ...{ maxInFlight: run.random.pick([2, 8]), abortWithinMs: run.random.pick([2, 20, 60]) },
  })
  const app = run.start(job)
  const { code, signal, stderr } = await app.ended
  if (code !== 0) run.find('unmet', `the app ended with ${signal ?? code}: ${stderr.slice(0, 2_000)}`)
  const aborted = app.reports.filter((report) => report.kind === 'event' && report.name === 'aborted').length
  if (aborted < MIN_ABORTS) run.find('unmet', `only ${aborted} signals were aborted`)
  run.count('signals', aborted)
  run.count('not written', run.account.count('rejections'))
  await run.checkAftermath(job)
}
