import { setTimeout as delay } from 'node:timers/promises'
import type { AppProcess } from '../app-process.ts'
import { type Fault, type FaultRun, numbers } from '../fault.ts'
import type { AppJob, Deed, EventName, Point } from '../job.ts'

const RUNS = 20
const HANG_TIMEOUT_MS = 400

/** Breaks the engine's worker: it is started again where that is possible. */
export const WORKER_FAULTS: readonly Fault[] = [
  restartFault('worker-throw', 'an error thrown in the worker', 'throw'),
  restartFault('worker-reject', 'a promise rejected in the worker', 'reject'),
  restartFault('worker-port', "the worker's message port closed", 'close the port'),
  { id: 'worker-exit', name: 'the worker exits while it is idle', runs: RUNS, run: exitIdle },
  {
    id: 'worker-terminate',
    name: 'the worker terminated while it is busy',
    runs: RUNS,
    note: 'the process may die of it',
    run: terminateBusy,
  },
  deadlyFault('worker-heap', "the worker's heap exhausted", 'exhaust the heap'),
  deadlyFault('worker-abort', 'an abort in native code', 'abort'),
  { id: 'worker-hang', name: 'a call that hangs', runs: RUNS, note: 'the engine is `failed`', run: hang },
]

function restartFault(id: string, name: string, deed: Deed): Fault {
  const run = async (run: FaultRun): Promise<void> => {
    // the second worker is broken as well
    const job = run.job({
      ...few(run),
      breakages: [{ point: anyPoint(run, deed) }, { point: { ...anyPoint(run, deed), occurrence: 1 } }],
    })
    await expectRestarts(run, job, 2)
  }
  return { id, name, runs: RUNS, note: 'the engine restarts by itself', run }
}

async function exitIdle(run: FaultRun): Promise<void> {
  const idle = { afterBatches: run.random.int(1, 20), deed: 'exit' } as const
  await expectRestarts(run, run.job({ ...few(run), idle }), 1)
}

async function expectRestarts(run: FaultRun, job: AppJob, restarts: number): Promise<void> {
  const app = run.start(job)
  const { code, signal, stderr } = await app.ended
  if (code !== 0) run.find('unmet', `the app ended with ${signal ?? code}: ${stderr.slice(0, 2_000)}`)
  const found = events(app, 'restart').length
  if (found !== restarts) run.find('unmet', `the engine restarted ${found} times, not ${restarts}`)
  requireSettled(run, app)
  run.count('restarts', found)
  await run.checkAftermath(job)
}

function deadlyFault(id: string, name: string, deed: Deed): Fault {
  const run = async (run: FaultRun): Promise<void> => {
    const job = run.job({ ...few(run), breakages: [{ point: anyPoint(run, deed) }] })
    const app = run.start(job)
    await expectAnyEnd(run, app)
    const { code } = await app.ended
    if (deed === 'abort' && code === 0) run.find('unmet', 'the point was not reached')
    await run.checkAftermath(job)
  }
  return { id, name, runs: RUNS, note: 'the process may die of it', run }
}

async function terminateBusy(run: FaultRun): Promise<void> {
  const job = run.job({ ...few(run), maxInFlight: 16 })
  const app = run.start(job)
  await app.told('sent')
  await delay(run.random.int(0, 120))
  app.order({ order: 'terminate' })
  await expectAnyEnd(run, app)
  await run.checkAftermath(job)
}

/** Whether the process goes on or dies, it must not stay behind with calls that nobody answers. */
async function expectAnyEnd(run: FaultRun, app: AppProcess): Promise<void> {
  const { code } = await app.ended
  if (app.hasHung) run.find('unmet', 'the app did not end')
  run.count(code === 0 ? 'went on' : 'process died')
  requireSettled(run, app)
}

async function hang(run: FaultRun): Promise<void> {
  const job = run.job({
    ...few(run),
    ...{ breakages: [{ point: anyPoint(run, 'hang') }], hangTimeoutMs: HANG_TIMEOUT_MS, leavesOpen: true },
  })
  const app = run.start(job, {
    onReport: (told) => {
      // it cannot end otherwise: a thread in native code cannot be ended
      if (told.kind === 'event' && told.name === 'written') void app.kill()
    },
  })
  await app.ended
  if (events(app, 'failed').length === 0) run.find('unmet', 'the engine has not failed')
  if (app.hasHung) run.find('unmet', 'some writes were never settled')
  await run.checkAftermath(job)
}

const few = (run: FaultRun): Pick<AppJob, 'mode' | 'batches' | 'maxInFlight'> => ({
  mode: run.orderedMode(),
  batches: numbers(0, 50),
  maxInFlight: run.random.pick([1, 6, 16]),
})

/** A place that 50 batches certainly pass. */
function anyPoint(run: FaultRun, deed: Deed): Point {
  const mode = run.orderedMode()
  // without a ledger most writes are a single statement
  const statement = run.random.pick(
    mode === 'at-least-once' ? (['INSERT', 'reply'] as const) : (['INSERT', 'COMMIT', 'reply'] as const),
  )
  const moment = run.random.pick(['before', 'during', 'after'] as const)
  return {
    statement,
    moment,
    occurrence: mode === 'channels' ? 1 : run.random.int(1, 3),
    deed,
    delayUs: run.random.int(0, 2_000),
  }
}

function requireSettled(run: FaultRun, app: AppProcess): void {
  for (const { detail } of events(app, 'unsettled'))
    run.find('unmet', `batches ${detail} were not told of within a second of the worker's end`)
}

const events = (app: AppProcess, name: EventName): { readonly detail: string }[] =>
  app.reports.filter((report) => report.kind === 'event').filter((report) => report.name === name)
