import { MessageChannel, type MessagePort, type Worker, type WorkerOptions } from 'node:worker_threads'
import { spawnWorker, type WorkerEvent, type WorkerStart } from '@ducksink/worker'
import { type ExitGuard, guardExit } from './exit-guard.ts'
import { minLevelOf } from './log.ts'
import type { ResolvedOptions } from './resolved-options.ts'

/** What a worker is started with. */
export type StartOptions = Pick<ResolvedOptions, 'logger' | 'createWorker'>

/** A worker that is starting, or has ended already: nobody need have listened to it yet. */
export interface StartedWorker {
  readonly worker: Worker
  /** Where its calls go out. */
  readonly port: MessagePort
  /** Word 0 is 1 when the worker is idle for good. */
  readonly stopped: Int32Array<SharedArrayBuffer>
  /** In place from the start: a thread that is ended while it loads DuckDB aborts the process as well. */
  readonly guard: ExitGuard
  /** Resolves with the reason, its own where it told one, when it has ended and all that it answered has come. */
  readonly exited: Promise<string>
}

/** A worker takes over the flags of the process, but cannot start with the one for a script that is no file. */
const EVALUATED: WorkerOptions = process.execArgv.some((flag) => flag.startsWith('--input-type'))
  ? { execArgv: [] }
  : {}

/** Starts a worker, which takes it 30 ms: whatever can be done meanwhile had better be. */
export function startWorker({ logger, createWorker = spawnWorker }: StartOptions): StartedWorker {
  const { port1, port2 } = new MessageChannel()
  const stopped = new Int32Array(new SharedArrayBuffer(4))
  const workerData: WorkerStart = { port: port2, minLogLevel: minLevelOf(logger), stopped: stopped.buffer }
  const worker = createWorker({ workerData, transferList: [port2], name: 'ducksink', ...EVALUATED })
  const guard = guardExit(worker, stopped)
  worker.once('exit', () => guard.remove())
  const exited = exitOf(worker, port1)
  // an engine that nobody waits for must not keep the process alive; a pending call does. Only now: whoever listens to
  // a worker's messages refs it
  port1.unref()
  worker.unref()
  return { worker, port: port1, stopped, guard, exited }
}

async function exitOf(worker: Worker, port: MessagePort): Promise<string> {
  // listened to from the start: it may give up while the engine is still being put together
  let reason: string | undefined
  worker.on('message', (event: WorkerEvent) => {
    if (event.type === 'fatal') reason ??= event.error.message
  })
  let firstError: Error | undefined
  worker.on('error', (error) => {
    firstError ??= error
  })
  const portClosed = new Promise((resolve) => port.once('close', resolve))
  const code = await new Promise<number>((resolve) => worker.once('exit', resolve))
  // what the worker answered at the last comes before its port's end
  port.ref()
  await portClosed
  // what fails after it has told why fails because it ends
  return reason ?? firstError?.message ?? `the worker thread exited with code ${code}`
}
