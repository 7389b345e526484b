import { existsSync } from 'node:fs'
import { isMainThread, type Worker } from 'node:worker_threads'
import type { StopMessage } from '@ducksink/worker'

// A process that exits while a DuckDB call is in flight dies of SIGABRT, whatever exit code it chose. So on exit the
// worker is asked to end the call and close; its own event loop still runs while this thread waits.

const MAX_WAIT_MS = 5_000
const SHELL = '/bin/sh'

interface Guarded {
  readonly worker: Worker
  readonly stopped: Int32Array
  /** True where it is known not to answer. */
  hangs: boolean
}

/** The guard of one worker. */
export interface ExitGuard {
  /** The worker hangs: an exit does not wait for it. */
  expectNothing(): void
  remove(): void
}

const guarded = new Set<Guarded>()

function stopAll(code: number): void {
  const message: StopMessage = { type: 'stop' }
  const answering = [...guarded].filter(({ hangs }) => !hangs)
  for (const { worker } of answering) worker.postMessage(message)
  const endMs = performance.now() + MAX_WAIT_MS
  const stopped = answering.every(
    ({ stopped }) => Atomics.wait(stopped, 0, 0, Math.max(0, endMs - performance.now())) !== 'timed-out',
  )
  if (!stopped || answering.length < guarded.size) leaveNow(code)
}

/**
 * Ends the process without its threads: Node would wait for the call that hangs, for ever. Another program in its place,
 * which does nothing but end with the code, is the only way to keep that code; where there is none, SIGKILL it is.
 * Receipts survive both.
 */
function leaveNow(code: number): never {
  // where execve(2) fails, Node aborts
  if (existsSync(SHELL) && isMainThread) process.execve?.(SHELL, ['sh', '-c', `exit ${code & 0xff}`], {})
  process.kill(process.pid, 'SIGKILL')
  throw new Error('the process was killed')
}

/** Keeps the worker from being ended in the middle of a DuckDB call. */
export function guardExit(worker: Worker, stopped: Int32Array): ExitGuard {
  const entry: Guarded = { worker, stopped, hangs: false }
  if (guarded.size === 0) process.on('exit', stopAll)
  guarded.add(entry)
  return {
    expectNothing: () => {
      entry.hangs = true
    },
    remove: () => {
      guarded.delete(entry)
      if (guarded.size === 0) process.off('exit', stopAll)
    },
  }
}
