import { describe, expect, test } from 'vitest'
import type { InsertReply, InsertRequest } from '../src/protocol/insert-messages.ts'
import type { SinkWorker } from '../src/sink-worker.ts'
import { openWorker } from './open-worker.ts'
import { readFile } from './read-file.ts'
import { insertRequest, openSession, temporaryDirectory } from './session.ts'

const COUNT = 'SELECT count(*)::INTEGER FROM t'

interface Opened {
  readonly worker: SinkWorker
  readonly path: string
  part(a: readonly number[], options?: Partial<InsertRequest>): InsertRequest
}

async function open(): Promise<Opened> {
  const { worker, path, layout } = await openWorker({
    ...{ config: {}, groupCommit: { maxBatches: 64, maxDelayMs: 0 }, checkpointBytes: 2 ** 26 },
  })
  return { worker, path, part: (a, options) => insertRequest(layout, { a }, options) }
}

const statusOf = async (answers: ReturnType<SinkWorker['insert']>): Promise<string[]> =>
  (await answers).map(({ status }) => status)

test('a statement that is cancelled while it waits is answered at once and not run, and those around it are', async () => {
  const { worker, path, part } = await open()
  const first = part([1], { last: false })
  expect(await statusOf(worker.insert([first]))).toEqual(['inserted'])
  const [cancelled, kept] = [1, 2].map((queryId) =>
    worker.query({ queryId, sql: `INSERT INTO t VALUES (${queryId * 10})`, parameters: undefined }),
  )
  await worker.cancelQuery(1)
  expect(await cancelled).toMatchObject({ status: 'failed', error: { message: 'the query was cancelled' } })
  await worker.insert([part([2], { writeId: first.writeId, first: false })])
  expect(await kept).toMatchObject({ status: 'rows' })
  await worker.close()
  expect(await readFile(path, 'SELECT a FROM t ORDER BY a')).toEqual([[1], [2], [20]])
})

test('a statement that is cancelled as its turn comes is not run', async () => {
  const { worker, path } = await open()
  const running = worker.query({ queryId: 1, sql: 'INSERT INTO t VALUES (1)', parameters: undefined })
  // the queue begins in the next turn, and asks DuckDB first what kind of statement it is
  await new Promise((resolve) => setImmediate(resolve))
  await worker.cancelQuery(1)
  expect(await running).toMatchObject({ status: 'failed' })
  await worker.close()
  expect(await readFile(path, COUNT)).toEqual([[0]])
})

describe('a write that is taken back', () => {
  test('while it waits behind another is answered at once, and those around it are committed', async () => {
    const { worker, path, part } = await open()
    const first = part([1], { last: false })
    expect(await statusOf(worker.insert([first]))).toEqual(['inserted'])
    // the connection is the first one's until its last part comes
    const waiting = [part([10]), part([11], { last: false }), part([12])]
    const [whole, large, other] = waiting.map((request) => worker.insert([request])) as [
      ReturnType<SinkWorker['insert']>,
      ReturnType<SinkWorker['insert']>,
      ReturnType<SinkWorker['insert']>,
    ]
    await worker.cancel((waiting[0] as InsertRequest).writeId)
    await worker.cancel((waiting[1] as InsertRequest).writeId)
    expect(await statusOf(whole)).toEqual(['cancelled'])
    expect(await statusOf(large)).toEqual(['cancelled'])
    await worker.abandon((waiting[1] as InsertRequest).writeId)
    const end = worker.insert([part([2], { writeId: first.writeId, first: false })])
    expect(await statusOf(end)).toEqual(['committed'])
    expect(await statusOf(other)).toEqual(['committed'])
    await worker.close()
    expect(await readFile(path, 'SELECT a FROM t ORDER BY a')).toEqual([[1], [2], [12]])
  })

  test('between its parts is rolled back before main is told', async () => {
    const { worker, path, part } = await open()
    const first = part([1], { last: false })
    await worker.insert([first])
    const { writeId } = first
    await worker.cancel(writeId)
    // main has sent nothing after that, and gives it up
    await worker.abandon(writeId)
    expect(await statusOf(worker.insert([part([2])]))).toEqual(['committed'])
    await worker.close()
    expect(await readFile(path, 'SELECT a FROM t')).toEqual([[2]])
  })

  test('while its last parts wait is rolled back, all of them answered', async () => {
    const { worker, path, part } = await open()
    const first = part([1], { last: false })
    const { writeId } = first
    const rest = { writeId, first: false }
    const sent = [first, part([2], { ...rest, last: false }), part([3], rest)].map((request) =>
      worker.insert([request]),
    )
    await worker.cancel(writeId)
    const answers = (await Promise.all(sent)).flat().map(({ status }) => status)
    expect(answers.at(-1)).toBe('cancelled')
    expect(await statusOf(worker.insert([part([4])]))).toEqual(['committed'])
    await worker.close()
    expect(await readFile(path, 'SELECT a FROM t')).toEqual([[4]])
  })

  test('after its end, or without ever having been, changes nothing', async () => {
    const { worker, path, part } = await open()
    const done = part([1])
    await worker.insert([done])
    await worker.cancel(done.writeId)
    await worker.cancel(4_711)
    expect(await statusOf(worker.insert([part([2])]))).toEqual(['committed'])
    await worker.close()
    expect(await readFile(path, COUNT)).toEqual([[2]])
  })

  test('of a group that is being committed is committed: it cannot be told from the others', async () => {
    const { worker, path, part } = await open()
    const group = [part([1]), part([2])]
    const answers = worker.insert(group)
    // the group is taken from the queue a turn later
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    await worker.cancel((group[0] as InsertRequest).writeId)
    expect(await statusOf(answers)).toEqual(['committed', 'committed'])
    await worker.close()
    expect(await readFile(path, COUNT)).toEqual([[2]])
  })
})

describe('a write of several parts', () => {
  async function insertFirst() {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await openSession(path)
    await session.rows('CREATE TABLE t (a INTEGER)')
    const layout = await session.layout('t')
    const first = insertRequest(layout, { a: [1] }, { last: false })
    await session.transactions.insertParts([first])
    const last = insertRequest(layout, { a: [2] }, { writeId: first.writeId, first: false })
    return { session, path, last }
  }

  const statuses = (replies: readonly InsertReply[]): string[] => replies.map(({ status }) => status)

  test('that is taken back while its last part is inserted is rolled back', async () => {
    const { session, last } = await insertFirst()
    const answer = session.transactions.insertParts([last])
    session.transactions.cancel(last.writeId)
    expect(statuses(await answer)).toEqual(['cancelled'])
    expect(await session.rows(COUNT)).toMatchObject([{ 'CAST(count_star() AS INTEGER)': 0 }])
  })

  test('that is taken back once it commits is committed, and the next one is not mistaken for it', async () => {
    const { session, path, last } = await insertFirst()
    const answer = session.transactions.insertParts([last])
    // the next one may be inserted: the commit has begun
    await session.transactions.turn
    session.transactions.cancel(last.writeId)
    const next = insertRequest(await session.layout('t'), { a: [3] }, { last: false })
    const after = await session.transactions.insertParts([next])
    expect(statuses(after)).toEqual(['inserted'])
    const end = insertRequest(await session.layout('t'), { a: [4] }, { writeId: next.writeId, first: false })
    expect(statuses(await session.transactions.insertParts([end]))).toEqual(['committed'])
    expect(statuses(await answer)).toEqual(['committed'])
    session.close()
    expect(await readFile(path, 'SELECT a FROM t ORDER BY a')).toEqual([[1], [2], [3], [4]])
  })
})
