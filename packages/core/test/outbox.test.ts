import { EventEmitter } from 'node:events'
import type { MessagePort, Worker, WorkerOptions } from 'node:worker_threads'
import {
  errorToData,
  type InsertAnswer,
  type InsertReply,
  type InsertRequest,
  portEndpoint,
  StatementError,
  type WorkerStart,
} from '@ducksink/worker'
import { expose } from 'comlink'
import { expect, it } from 'vitest'
import { Outbox } from '../src/outbox.ts'
import { startWorker } from '../src/started-worker.ts'
import { WorkerClient } from '../src/worker-client.ts'
import { rejection } from './open-engine.ts'

// What a worker tells of itself comes by another port than its answers: which is first is chance, unless the worker is
// one that has its turns in this thread.

/** Answers a first write, has the others wait for their replies, and tells before that that it ends. */
class EndingWorker extends EventEmitter {
  readonly #port: MessagePort

  constructor(options: WorkerOptions) {
    super()
    this.#port = (options.workerData as WorkerStart).port
    let hasDeferred = false
    const insert = async (requests: readonly InsertRequest[]): Promise<readonly InsertAnswer[]> => {
      hasDeferred = true
      const error = errorToData(new StatementError('STATEMENT_FAILED', 'something else has failed'))
      this.emit('message', { type: 'fatal', error })
      return requests.map(({ buffer }, index) =>
        index === 0 ? { status: 'cancelled', buffer } : { status: 'deferred' },
      )
    }
    const insertReply = async (): Promise<InsertReply> => {
      if (!hasDeferred) throw new Error('no reply was deferred')
      return new Promise(() => undefined)
    }
    expose({ insert, insertReply }, portEndpoint(this.#port))
  }

  exit(): void {
    this.emit('exit', 1)
    this.#port.close()
  }

  ref(): void {}
  unref(): void {}
  postMessage(): void {}
}

it('a write whose reply was deferred by a worker that ends is lost with it', async () => {
  const workers: EndingWorker[] = []
  const createWorker = (options: WorkerOptions): Worker => {
    const worker = new EndingWorker(options)
    workers.push(worker)
    return worker as never
  }
  const options = { logger: undefined, createWorker, hangTimeoutMs: 0, onEvent: () => undefined }
  const died = Promise.withResolvers<void>()
  const events = { onSuspend: () => undefined, onDeath: () => died.resolve() }
  const client = new WorkerClient(options, events, startWorker(options))
  const outbox = new Outbox(client, 32)
  const post = (writeId: number): Promise<InsertReply> =>
    new Promise((onReply, onLoss) => {
      const request = { writeId, first: true, last: true, buffer: new ArrayBuffer(0) } as InsertRequest
      outbox.post({ request, byteLength: 0, refusal: () => undefined, onReply, onLoss })
    })
  const [first, second] = [post(1), rejection(post(2))]
  outbox.flush()
  expect(await first).toMatchObject({ status: 'cancelled' })
  workers[0]?.exit()
  await died.promise
  client.resume(client.start())
  // it may be committed, which the next worker knows by the ledger alone
  expect(await second).toMatchObject({ name: 'WorkerGoneError', wasSent: true })
  workers[1]?.exit()
})
