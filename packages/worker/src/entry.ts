import { parentPort, workerData } from 'node:worker_threads'
import { expose, transfer } from 'comlink'
import { WorkerLog } from './log.ts'
import { portEndpoint } from './port-endpoint.ts'
import { errorToData } from './protocol/errors.ts'
import { SINK_METHODS, type SinkApi, type WorkerEvent, type WorkerStart } from './protocol/messages.ts'
import { transferredBuffers } from './protocol/whole-column.ts'
import { SinkWorker } from './sink-worker.ts'

const { port, minLogLevel, stopped } = workerData as WorkerStart
const post = (event: WorkerEvent): void => parentPort?.postMessage(event)
const log = new WorkerLog(minLogLevel, (line) => post({ type: 'log', line }))
const worker = new SinkWorker(log, post, (reason) => void stopAfter(new Error(reason)))

let stopping: Promise<void> | undefined

/** Leaves no DuckDB call in flight: a thread that ends during one takes the whole process with it (SIGABRT). */
function stop(): Promise<void> {
  stopping ??= stopOnce()
  return stopping
}

async function stopOnce(): Promise<void> {
  try {
    await worker.stop()
  } finally {
    tellStopped()
  }
}

function tellStopped(): void {
  const word = new Int32Array(stopped)
  Atomics.store(word, 0, 1)
  Atomics.notify(word, 0)
}

async function stopAfter(error: unknown): Promise<void> {
  post({ type: 'fatal', error: errorToData(error) })
  await stop().finally(() => process.exit(1))
}

// main waits for the word, and not for a thread that is gone
process.on('exit', tellStopped)
process.on('uncaughtException', (error) => void stopAfter(error))
process.on('unhandledRejection', (reason) => void stopAfter(reason))
parentPort?.on('message', () => void stop())
// nobody can be answered any more
port.on('close', () => void stopAfter(new Error('the channel to the main thread was closed')))

const api: SinkApi = {
  open: (request) => worker.open(request),
  prepareTable: (setup) => worker.prepareTable(setup),
  evolveTable: (evolution) => worker.evolveTable(evolution),
  insert: async (requests) => {
    const replies = await worker.insert(requests)
    return transfer(
      replies,
      replies.flatMap((reply) => (reply.status === 'deferred' ? [] : transferredBuffers(reply))),
    )
  },
  insertReply: async (writeId) => {
    const reply = await worker.insertReply(writeId)
    return transfer(reply, transferredBuffers(reply))
  },
  abandon: (writeId) => worker.abandon(writeId),
  cancel: (writeId) => worker.cancel(writeId),
  refuseHeld: () => worker.refuseHeld(),
  query: (request) => worker.query(request),
  readLedger: (keys, servesWrites) => worker.readLedger(keys, servesWrites),
  pruneLedger: (beforeMs) => worker.pruneLedger(beforeMs),
  cancelQuery: (queryId) => worker.cancelQuery(queryId),
  close: () => worker.close(),
}

// Comlink walks any path on the exposed object and would set and construct as well (comlink#603), so nothing but a
// call of a listed method gets through to it.
const methods: ReadonlySet<string> = new Set(SINK_METHODS)

function isAllowed(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false
  const { type, path } = message as { type?: unknown; path?: unknown }
  return type === 'APPLY' && Array.isArray(path) && path.length === 1 && methods.has(path[0])
}

expose(Object.freeze(Object.assign(Object.create(null) as SinkApi, api)), portEndpoint(port, isAllowed))
