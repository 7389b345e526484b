import { expect, test } from 'vitest'
import { runRead } from '../src/query.ts'
import { ReadQueue } from '../src/read-queue.ts'
import { openSession } from './session.ts'

// half a minute if nobody ends it
const ENDLESS = 'SELECT count(*) FROM range(3_000_000) a(i), range(3_000_000) b(j) WHERE (i * j) % 7 = 3'

async function openQueue(): Promise<{
  queue: ReadQueue
  rows: (sql: string) => (signal: AbortSignal) => Promise<unknown>
}> {
  const { database } = await openSession()
  const { reader } = database
  const rows = (sql: string) => async (signal: AbortSignal) =>
    runRead(reader, { queryId: 0, sql, parameters: undefined }, signal)
  return { queue: new ReadQueue(), rows }
}

test('queries run one at a time, in the order they came', async () => {
  const { queue, rows } = await openQueue()
  const events: string[] = []
  const read = (id: number): Promise<unknown> =>
    queue.run(id, async (signal) => {
      events.push(`begin ${id}`)
      const found = await rows(`SELECT ${id} AS id`)(signal)
      events.push(`end ${id}`)
      return found
    })
  expect(await Promise.all([read(1), read(2), read(3)])).toEqual([[{ id: 1 }], [{ id: 2 }], [{ id: 3 }]])
  expect(events).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
})

test('a query that fails does not hold up the next', async () => {
  const { queue, rows } = await openQueue()
  const failing = queue.run(1, rows('SELECT nonsense'))
  const next = queue.run(2, rows('SELECT 2 AS a'))
  await expect(failing).rejects.toThrow('nonsense')
  expect(await next).toEqual([{ a: 2 }])
})

// an interrupt is lost between two calls, and while a call has not reached DuckDB's thread yet
test.each([0, 1, 2, 3, 5, 10, 30])(
  'a query that has run for %i turns is ended, and the next one runs',
  async (turns) => {
    const { queue, rows } = await openQueue()
    const running = queue.run(1, rows(ENDLESS))
    const next = queue.run(2, rows('SELECT 2 AS a'))
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    queue.cancel(1)
    await expect(running).rejects.toThrow(/interrupt|cancelled/i)
    expect(await next).toEqual([{ a: 2 }])
  },
)

test('a query that waits is ended at once without running, and those around it go on', async () => {
  const { queue } = await openQueue()
  const ran: number[] = []
  const first = Promise.withResolvers<void>()
  const running = queue.run(1, () => first.promise)
  const waiting = queue.run(2, async () => ran.push(2))
  const next = queue.run(3, async () => ran.push(3))
  queue.cancel(2)
  await expect(waiting).rejects.toThrow('cancelled')
  first.resolve()
  await Promise.all([running, next])
  expect(ran).toEqual([3])
  expect(queue.isIdle).toBe(true)
})

test('a query that is over, or was never there, is not ended in the place of another', async () => {
  const { queue, rows } = await openQueue()
  await queue.run(1, rows('SELECT 1 AS a'))
  const running = queue.run(2, rows('SELECT sum(i)::BIGINT AS n FROM range(1_000_000) r(i)'))
  queue.cancel(1)
  queue.cancel(99)
  expect(await running).toEqual([{ n: 499_999_500_000n }])
})

test('all that run and wait are ended together', async () => {
  const { queue, rows } = await openQueue()
  queue.cancelAll()
  const queries = [1, 2].map((id) => queue.run(id, rows(ENDLESS)))
  queue.cancelAll()
  for (const query of queries) await expect(query).rejects.toThrow(/interrupt|cancelled/i)
  expect(await queue.run(3, rows('SELECT 3 AS a'))).toEqual([{ a: 3 }])
})
