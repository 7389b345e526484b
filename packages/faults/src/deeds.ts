import type { MessagePort } from 'node:worker_threads'
import type { Deed } from './job.ts'

/** What a deed is done with. */
export interface DeedTools {
  /** Where the engine's calls come in. */
  readonly port: MessagePort
  readonly tell: () => void
}

/** Does something bad to this thread or process. */
export function doDeed(deed: Deed, { port, tell }: DeedTools): void {
  switch (deed) {
    case 'kill':
      killNow()
      return
    case 'throw':
      // not inside a call of the engine, which would catch it
      setImmediate(() => {
        throw new Error('thrown on purpose')
      })
      return
    case 'reject':
      setImmediate(() => void Promise.reject(new Error('rejected on purpose')))
      return
    case 'close the port':
      port.close()
      return
    case 'exit':
      process.exit(3)
      return
    case 'hang':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      return
    case 'exhaust the heap':
      exhaustHeap()
      return
    case 'abort':
      // what std::terminate in native code ends in; process.abort() is not there in a thread
      process.kill(process.pid, 'SIGABRT')
      return
    case 'tell':
      tell()
      return
    default:
      deed satisfies never
  }
}

/** Kills this process; the signal may come a little later, but nothing more is done here. */
function killNow(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

function exhaustHeap(): void {
  const held: unknown[] = []
  for (;;) held.push(Array.from({ length: 10_000 }, (_, index) => ({ index })))
}
