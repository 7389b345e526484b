import { MessageChannel, Worker } from 'node:worker_threads'
import { SinkEngine, type SinkEngineOptions } from '../src/index.ts'
import { fixtureUrl } from './child.ts'
import { BATCH_TABLES } from './fixtures/numbered-batches.ts'

/** An engine whose worker does what it is told. */
export interface SteeredEngine {
  readonly engine: SinkEngine
  readonly worker: Worker
  /** Makes the worker throw, close its port, and so on; see `fixtures/steered-worker.ts`. */
  steer(order: string): void
}

/** Opens an engine whose worker takes orders, `early` ones while it starts. */
export async function openSteered(options: SinkEngineOptions, ...early: string[]): Promise<SteeredEngine> {
  const { port1, port2 } = new MessageChannel()
  for (const order of early) port1.postMessage(order)
  let worker: Worker | undefined
  const engine = await SinkEngine.open({
    tables: BATCH_TABLES,
    ...options,
    createWorker: ({ workerData, transferList = [], ...rest }) => {
      worker = new Worker(fixtureUrl('steered-worker'), {
        ...rest,
        workerData: { ...workerData, steering: port2 },
        transferList: [...transferList, port2],
      })
      return worker
    },
  })
  port1.unref()
  return { engine, worker: worker as Worker, steer: (order) => port1.postMessage(order) }
}
