import type { Worker } from 'node:worker_threads'
import type { StopMessage } from '@ducksink/worker'

// A process that exits while a DuckDB call is in flight dies of SIGABRT, whatever exit code it chose. So on exit the
// worker is asked to end the call and close; its own event loop still runs while this thread waits.

const MAX_WAIT_MS = 5_000

interface Guarded {
  readonly worker: Worker
  readonly stopped: Int32Array
}

const guarded = new Set<Guarded>()

function stopAll(): void {
  const message: StopMessage = { type: 'stop' }
  for (const { worker } of guarded) worker.postMessage(message)
  const endMs = performance.now() + MAX_WAIT_MS
  for (const { stopped } of guarded) {
    const outcome = Atomics.wait(stopped, 0, 0, Math.max(0, endMs - performance.now()))
    // Node would wait for the call, for ever if it hangs, and then abort; receipts survive this as well
    if (outcome === 'timed-out') process.kill(process.pid, 'SIGKILL')
  }
}

/** Keeps the worker from being ended in the middle of a DuckDB call; returns what removes the guard. */
export function guardExit(worker: Worker, stopped: Int32Array): () => void {
  const entry: Guarded = { worker, stopped }
  if (guarded.size === 0) process.on('exit', stopAll)
  guarded.add(entry)
  return () => {
    guarded.delete(entry)
    if (guarded.size === 0) process.off('exit', stopAll)
  }
}
