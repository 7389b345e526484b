import { once } from 'node:events'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { InsertReply, InsertRequest } from '../src/protocol/insert-messages.ts'
import type {
  OpenReply,
  OpenRequest,
  QueryReply,
  WorkerEvent,
  WorkerStart,
} from '../src/protocol/messages.ts'
import type { PrepareReply, TableLayout } from '../src/protocol/table-messages.ts'
import { spawnWorker } from '../src/spawn.ts'
import { readFile } from './read-file.ts'
import { insertRequest, temporaryDirectory } from './session.ts'

const INFO = 3
const FATAL = 6

/** A message as Comlink sends it, or as somebody does who means harm. */
interface Message {
  readonly id: string
  readonly type: string
  readonly path?: unknown
  readonly argumentList?: readonly unknown[]
  readonly value?: unknown
}

interface Answer {
  readonly id: string
  readonly type: string
  readonly value: unknown
}

/** The worker's thread, and its port without Comlink on this side. */
interface Thread {
  readonly worker: Worker
  readonly port: MessagePort
  readonly stopped: Int32Array<SharedArrayBuffer>
  readonly events: readonly WorkerEvent[]
  /** Every answer that came in. */
  readonly answers: readonly Answer[]
  send(message: Message, transfers?: readonly ArrayBuffer[]): void
  /** Calls a method as Comlink does; gives the value that came back. */
  call<R>(method: string, parameters?: readonly unknown[], transfers?: readonly ArrayBuffer[]): Promise<R>
}

let nextId = 1

function start(minLogLevel = INFO): Thread {
  const thread = spawn(minLogLevel)
  onTestFinished(() => end(thread))
  return thread
}

function spawn(minLogLevel: number): Thread {
  const { port1: port, port2 } = new MessageChannel()
  const stopped = new Int32Array(new SharedArrayBuffer(4))
  const workerData: WorkerStart = { port: port2, minLogLevel, stopped: stopped.buffer }
  const worker = spawnWorker({ workerData, transferList: [port2] })
  const events: WorkerEvent[] = []
  const answers: Answer[] = []
  const waiting = new Map<string, (value: unknown) => void>()
  worker.on('message', (event: WorkerEvent) => events.push(event))
  port.on('message', (answer: Answer) => {
    answers.push(answer)
    waiting.get(answer.id)?.(answer.value)
  })
  const send = (message: Message, transfers: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...transfers])
  return {
    worker,
    port,
    stopped,
    events,
    answers,
    send,
    call<R>(method: string, parameters: readonly unknown[] = [], transfers: readonly ArrayBuffer[] = []) {
      const id = `call ${nextId++}`
      const argumentList = parameters.map((value) => ({ type: 'RAW', value }))
      return new Promise<R>((resolve) => {
        waiting.set(id, resolve as (value: unknown) => void)
        send({ id, type: 'APPLY', path: [method], argumentList }, transfers)
      })
    },
  }
}

async function end({ worker, stopped }: Thread): Promise<void> {
  // only an idle thread may be ended
  worker.postMessage({ type: 'stop' })
  await untilStopped(stopped)
  await worker.terminate()
}

async function untilStopped(stopped: Int32Array<SharedArrayBuffer>): Promise<void> {
  const { value } = Atomics.waitAsync(stopped, 0, 0)
  await value
}

async function openTable({ call }: Thread, path = ':memory:'): Promise<TableLayout> {
  const table = { name: 't' }
  const request: OpenRequest = {
    path,
    config: {},
    tables: [{ table, columns: [{ name: 'a', type: 'INTEGER' }], origin: 'declared' }],
    groupCommit: { maxBatches: 64, maxDelayMs: 0 },
    deliveryMode: 'at-least-once',
    checkpointBytes: 2 ** 26,
    repairTornCheckpoint: false,
    degradedTimeoutMs: 30_000,
    lockNonce: 'nonce',
  }
  expect(await call<OpenReply>('open', [request])).toMatchObject({ status: 'open' })
  const prepared = await call<PrepareReply>('prepareTable', [{ table, origin: 'declared' }])
  if (prepared.status !== 'present') throw new Error('there is no table')
  return prepared.layout
}

function insert({ call }: Thread, request: InsertRequest): Promise<readonly InsertReply[]> {
  return call('insert', [[request]], [request.buffer])
}

const raw = (value: unknown): unknown => ({ type: 'RAW', value })

test('the channel takes parts whose buffers are transferred, and gives the same memory back', async () => {
  const thread = start()
  const layout = await openTable(thread)
  const request = insertRequest(layout, { a: [1, 2, null] })
  const { byteLength } = request.buffer
  const inserting = insert(thread, request)
  expect(request.buffer.byteLength).toBe(0)
  const [reply] = await inserting
  expect(reply).toMatchObject({ status: 'committed', sequence: 1 })
  expect(reply?.buffer.byteLength).toBe(byteLength)
  const query = { queryId: 1, sql: 'SELECT sum(a)::INTEGER AS s FROM t', parameters: undefined }
  expect(await thread.call<QueryReply>('query', [query])).toEqual({
    status: 'rows',
    rows: [{ s: 3 }],
    changedSchema: false,
  })
  expect(await thread.call('close')).toEqual({ status: 'closed' })
})

describe('the channel drops', () => {
  let thread: Thread
  beforeAll(() => {
    thread = spawn(INFO)
  })
  afterAll(() => end(thread))

  // each would be answered, with a value or an error, if Comlink came to see it
  test.each<[string, Omit<Message, 'id'>]>([
    ['GET of a method', { type: 'GET', path: ['open'] }],
    ['GET of everything', { type: 'GET', path: [] }],
    ['GET of a prototype', { type: 'GET', path: ['__proto__'] }],
    ['GET of a constructor', { type: 'GET', path: ['open', 'constructor'] }],
    ['SET of a method', { type: 'SET', path: ['open'], value: raw(1) }],
    ['SET through a prototype', { type: 'SET', path: ['open', '__proto__', 'polluted'], value: raw(1) }],
    ['SET of a new name', { type: 'SET', path: ['fresh'], value: raw(1) }],
    ['CONSTRUCT of a method', { type: 'CONSTRUCT', path: ['open'], argumentList: [] }],
    ['CONSTRUCT of Function', { type: 'CONSTRUCT', path: ['open', 'constructor'], argumentList: [raw('1')] }],
    ['ENDPOINT', { type: 'ENDPOINT' }],
    ['RELEASE', { type: 'RELEASE' }],
    ['APPLY of nothing', { type: 'APPLY', path: [], argumentList: [] }],
    ['APPLY of an unknown method', { type: 'APPLY', path: ['stop'], argumentList: [] }],
    ['APPLY of an inherited method', { type: 'APPLY', path: ['toString'], argumentList: [] }],
    ['APPLY of the constructor', { type: 'APPLY', path: ['constructor'], argumentList: [] }],
    ['APPLY of __proto__', { type: 'APPLY', path: ['__proto__'], argumentList: [] }],
    ['APPLY of what a method has', { type: 'APPLY', path: ['open', 'call'], argumentList: [] }],
    ['APPLY of Function', { type: 'APPLY', path: ['open', 'constructor'], argumentList: [raw('1')] }],
    ['APPLY with a path that is text', { type: 'APPLY', path: 'open', argumentList: [] }],
    ['APPLY with a path of lists', { type: 'APPLY', path: [['open']], argumentList: [] }],
    ['APPLY without a path', { type: 'APPLY', argumentList: [] }],
    ['a type that does not exist', { type: 'EVAL', path: ['open'], value: raw('1') }],
  ])('%s', async (_, message) => {
    const before = thread.answers.length
    thread.send({ id: 'dropped', ...message })
    // messages of one port keep their order, so an answer to the first would have come by then
    expect(await thread.call('cancelQuery', [1])).toBeUndefined()
    const query = { queryId: 1, sql: 'SELECT 1', parameters: undefined }
    expect(await thread.call<QueryReply>('query', [query])).toMatchObject({ error: { code: 'CLOSED' } })
    expect(thread.answers.slice(before).map(({ id }) => id)).not.toContain('dropped')
    expect(thread.answers.length).toBe(before + 2)
  })

  test('what is no message at all', async () => {
    const { port, call, answers } = thread
    const before = answers.length
    for (const message of [undefined, null, 1, 'APPLY', [], ['APPLY'], new Map()]) port.postMessage(message)
    expect(await call('cancelQuery', [1])).toBeUndefined()
    expect(answers).toHaveLength(before + 1)
  })
})

describe('the thread', () => {
  test('asked to stop finishes what is in flight, and frees the file while it still lives', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const thread = start()
    const layout = await openTable(thread, path)
    const values = Array.from({ length: 2_000 }, (_, row) => row)
    const writes = Array.from({ length: 10 }, () => insert(thread, insertRequest(layout, { a: values })))
    const query = {
      queryId: 1,
      sql: 'SELECT count(*) FROM range(3_000_000) a(i), range(3_000_000) b(j)',
      parameters: undefined,
    }
    const endless = thread.call<QueryReply>('query', [query])
    await writes[0]
    thread.worker.postMessage({ type: 'stop' })
    await untilStopped(thread.stopped)
    const statuses = (await Promise.all(writes)).map(([reply]) => reply?.status)
    const committed = statuses.filter((status) => status === 'committed').length
    expect(committed).toBeGreaterThan(0)
    expect(await endless).toMatchObject({ status: 'failed' })
    expect(await readFile(path, 'SELECT count(*)::INTEGER FROM t')).toEqual([[committed * 2_000]])
    expect(await insert(thread, insertRequest(layout, { a: [1] }))).toMatchObject([{ status: 'rolled-back' }])
    expect(thread.worker.threadId).toBeGreaterThan(0)
  })

  test('asked to stop while it opens nothing stops at once', async () => {
    const { worker, stopped } = start()
    worker.postMessage({ type: 'stop' })
    await untilStopped(stopped)
    expect(stopped[0]).toBe(1)
  })

  test('that fails tells why, exits, frees the file, and takes nothing with it', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const thread = start()
    const layout = await openTable(thread, path)
    await insert(thread, insertRequest(layout, { a: [1] }))
    // a part of a write that was never begun: core sends none, and nothing can answer it
    void insert(thread, insertRequest(layout, { a: [2] }, { first: false }))
    const [code] = await once(thread.worker, 'exit')
    expect(code).toBe(1)
    expect(thread.stopped[0]).toBe(1)
    expect(thread.events.at(-1)).toMatchObject({
      type: 'fatal',
      error: { message: expect.stringContaining('not open') },
    })
    expect(await readFile(path, 'FROM t')).toEqual([[1]])
  })

  test('whose channel is closed ends, and frees the file', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const thread = start()
    const layout = await openTable(thread, path)
    await insert(thread, insertRequest(layout, { a: [1] }))
    thread.port.close()
    await once(thread.worker, 'exit')
    expect(await readFile(path, 'FROM t')).toEqual([[1]])
  })

  test.each([
    ['all from its level on', INFO, ['table created', 'target opened', 'target closed']],
    ['nothing below its level', FATAL, []],
  ])('sends of its log %s', async (_, level, expected) => {
    const thread = start(level)
    await openTable(thread)
    await thread.call('close')
    // events have a channel of their own, which is read to its end before the thread's exit is told
    thread.port.close()
    await once(thread.worker, 'exit')
    const lines = thread.events.flatMap((event) => (event.type === 'log' ? event.line : []))
    expect(lines.map(({ message }) => message)).toEqual(expected)
    expect(thread.events.filter((event) => event.type === 'schemaChange')).toHaveLength(1)
  })
})
