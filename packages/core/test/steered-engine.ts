import { EventEmitter, once } from 'node:events'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { SinkEngine, type SinkEngineOptions } from '../src/index.ts'
import { fixtureUrl } from './child.ts'
import { BATCH_TABLES } from './fixtures/numbered-batches.ts'

/** An engine whose workers do what they are told. */
export interface SteeredEngine {
  readonly engine: SinkEngine
  /** Those that were started, the last of them at work. */
  readonly workers: readonly Worker[]
  /** Makes the worker throw, close its port, and so on; see `fixtures/steered-worker.ts`. */
  steer(order: string): void
  /** Resolves when it has taken the next order, or has made a call of DuckDB wait. */
  told(what: 'taken' | 'held'): Promise<void>
}

/** Opens an engine whose workers take orders: the first of `early` as the first worker starts, and so on. */
export async function openSteered(options: SinkEngineOptions, ...early: string[]): Promise<SteeredEngine> {
  const workers: Worker[] = []
  const ports: MessagePort[] = []
  const events = new EventEmitter()
  const engine = await SinkEngine.open({
    tables: BATCH_TABLES,
    ...options,
    createWorker: ({ workerData, transferList = [], ...rest }) => {
      const { port1, port2 } = new MessageChannel()
      port1.on('message', (what: 'taken' | 'held') => events.emit(what)).unref()
      const order = early[workers.length]
      if (order !== undefined) port1.postMessage(order)
      const worker = new Worker(fixtureUrl('steered-worker'), {
        ...rest,
        workerData: { ...workerData, steering: port2 },
        transferList: [...transferList, port2],
      })
      workers.push(worker)
      ports.push(port1)
      return worker
    },
  })
  return {
    engine,
    workers,
    steer: (order) => ports.at(-1)?.postMessage(order),
    async told(what) {
      await once(events, what)
    },
  }
}
