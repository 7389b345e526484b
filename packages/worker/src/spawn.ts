// Bundlers find a worker's file by this very form, and webpack only without the `node:` prefix.
import { Worker, type WorkerOptions } from 'worker_threads'

/** Starts the thread that holds DuckDB; loading this module loads no native code. */
export function spawnWorker(options: WorkerOptions): Worker {
  return new Worker(new URL('./entry.ts', import.meta.url), options)
}
