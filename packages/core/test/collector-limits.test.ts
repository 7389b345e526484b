import { expect, it } from 'vitest'
import {
  ClosedError,
  type CollectOptions,
  type FlushReason,
  type Receipt,
  type SinkEngine,
} from '../src/index.ts'
import { databasePath, numbered, openEngine } from './open-engine.ts'
import { readFile, readValue } from './read-file.ts'

interface Event {
  id: number
  text?: string | null
}

type Collected = Receipt & { readonly reason: FlushReason }

const tables = { events: { columns: { id: 'INTEGER', text: 'VARCHAR' } } }

/** A collector whose receipts are kept, and whose next one can be waited for. */
function collect(engine: SinkEngine, options: CollectOptions, table = 'events') {
  const receipts: Collected[] = []
  let next = Promise.withResolvers<Collected>()
  const collector = engine.table<Event>(table).collect({
    ...options,
    onReceipt: (receipt) => {
      receipts.push(receipt)
      next.resolve(receipt)
      next = Promise.withResolvers()
    },
  })
  return { collector, receipts, nextReceipt: () => next.promise }
}

const reasonsOf = (receipts: readonly Collected[]) =>
  receipts.map(({ reason, rowCount }) => [reason, rowCount])

const NO_DELAY = 2 ** 31 - 1

it('a batch is sent when it has its rows, and what is left when the collector closes', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const { collector, receipts } = collect(engine, { maxBatchRows: 1_000, maxDelayMs: NO_DELAY })
  for (const record of numbered(2_500)) expect(collector.push(record)).toBe(true)
  await collector.close()
  expect(reasonsOf(receipts)).toEqual([
    ['rows', 1_000],
    ['rows', 1_000],
    ['close', 500],
  ])
  expect(receipts.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
  expect(receipts[0]).toMatchObject({ deadLetterCount: 0, duplicate: false, durationMs: expect.any(Number) })
  await engine.close()
  expect(await readFile(path, 'SELECT count(*) AS count, max(id) AS last FROM events')).toEqual([
    { count: 2_500n, last: 2_499 },
  ])
})

it('a batch is sent when its encoded bytes reach the limit', async () => {
  const engine = await openEngine({ tables })
  await engine.write('events', [{ id: 0 }])
  const { collector, receipts } = collect(engine, { maxBatchBytes: 100_000, maxDelayMs: NO_DELAY })
  const text = 'x'.repeat(1_000)
  for (let id = 0; id < 350; id++) collector.push({ id, text })
  await collector.close()
  expect(receipts.map(({ reason }) => reason)).toEqual(['bytes', 'bytes', 'bytes', 'close'])
  for (const { rowCount } of receipts.slice(0, 3)) {
    expect(rowCount).toBeGreaterThan(90)
    expect(rowCount).toBeLessThanOrEqual(100)
  }
})

it('a batch is sent when its first record has waited long enough', async () => {
  const engine = await openEngine({ tables })
  const { collector, receipts, nextReceipt } = collect(engine, { maxDelayMs: 1 })
  for (const id of [1, 2, 3]) {
    collector.push({ id })
    expect(await nextReceipt()).toMatchObject({ reason: 'delay', rowCount: 1 })
  }
  await collector.close()
  expect(receipts).toHaveLength(3)
})

it('flush sends what was gathered and resolves when all of it is committed', async () => {
  const engine = await openEngine({ tables })
  const { collector, receipts } = collect(engine, { maxBatchRows: 10, maxDelayMs: NO_DELAY })
  await collector.flush()
  expect(receipts).toEqual([])
  for (const record of numbered(25)) collector.push(record)
  await collector.flush()
  expect(reasonsOf(receipts)).toEqual([
    ['rows', 10],
    ['rows', 10],
    ['flush', 5],
  ])
  collector.push({ id: 25 })
  await engine.flush()
  expect(reasonsOf(receipts).at(-1)).toEqual(['flush', 1])
  expect(await engine.query('SELECT count(*) AS count FROM events')).toEqual([{ count: 26n }])
})

it('a collector that is closed takes no more, and closing it again is the same close', async () => {
  const engine = await openEngine({ tables })
  const { collector, receipts } = collect(engine, { maxDelayMs: NO_DELAY })
  collector.push({ id: 1 })
  const closing = collector.close()
  expect(() => collector.push({ id: 2 })).toThrow(ClosedError)
  await Promise.all([closing, collector.close(), collector.flush()])
  expect(reasonsOf(receipts)).toEqual([['close', 1]])
  await collector.flush()
  expect(await engine.query('SELECT id FROM events')).toEqual([{ id: 1 }])
})

it('closing the engine closes its collectors, and loses none of their records', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const known = collect(engine, { maxDelayMs: NO_DELAY })
  const absent = collect(engine, { maxDelayMs: NO_DELAY }, 'absent')
  known.collector.push({ id: 1 })
  absent.collector.push({ id: 2 })
  await engine.close()
  expect(reasonsOf([...known.receipts, ...absent.receipts])).toEqual([
    ['close', 1],
    ['close', 1],
  ])
  expect(() => known.collector.push({ id: 3 })).toThrow(ClosedError)
  expect(() => engine.table('events').collect()).toThrow(ClosedError)
  expect(
    await readFile(path, 'SELECT id::INTEGER AS id FROM events UNION ALL SELECT id::INTEGER FROM absent'),
  ).toEqual([{ id: 1 }, { id: 2 }])
})

it('await using closes a collector', async () => {
  const engine = await openEngine({ tables })
  {
    await using collector = engine.table('events').collect({ maxDelayMs: NO_DELAY })
    collector.push({ id: 1 })
  }
  expect(await engine.query('SELECT id FROM events')).toEqual([{ id: 1 }])
})

it('records of two collectors and of writes go to one table in the order in which they are sent', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const one = collect(engine, { maxBatchRows: 2, maxDelayMs: NO_DELAY })
  const other = collect(engine, { maxBatchRows: 3, maxDelayMs: NO_DELAY })
  await engine.write('events', [{ id: 0 }])
  for (let id = 1; id <= 12; id++) (id % 2 === 0 ? one : other).collector.push({ id })
  const write = engine.write('events', [{ id: 13 }])
  await Promise.all([one.collector.close(), write, other.collector.close()])
  await engine.close()
  const rows = await readFile(path, 'SELECT id FROM events ORDER BY rowid')
  expect(rows.map(({ id }) => id)).toEqual([0, 2, 4, 1, 3, 5, 6, 8, 7, 9, 11, 10, 12, 13])
})

it('a large stream of records with long and short strings is committed exactly', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  await engine.write('events', [{ id: -1 }])
  const { collector, receipts } = collect(engine, { maxBatchRows: 20_000, maxDelayMs: NO_DELAY })
  const textOf = (id: number) =>
    id % 1_000 === 999 ? `${id}`.repeat(40_000) : id % 7 === 0 ? null : `t${id}`
  for (let id = 0; id < 60_000; id++) {
    if (!collector.push({ id, text: textOf(id) })) await collector.ready
  }
  await collector.close()
  expect(receipts.reduce((rows, { rowCount }) => rows + rowCount, 0)).toBe(60_000)
  expect(engine.bufferedBytes).toBe(0)
  await engine.close()
  const wrong = `
    SELECT count(*) FILTER (text IS DISTINCT FROM CASE
      WHEN id % 1000 = 999 THEN repeat(id::VARCHAR, 40000)
      WHEN id % 7 = 0 THEN NULL ELSE 't' || id END) + abs(count(*) - 60000)
    FROM events WHERE id >= 0`
  expect(await readValue(path, wrong)).toBe(0n)
})

it('strings that fill chunk after chunk are committed each as it was given', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables, maxBufferedBytes: 256 * 2 ** 20 })
  await engine.write('events', [{ id: -1 }])
  const { collector } = collect(engine, { maxDelayMs: NO_DELAY })
  const textOf = (id: number) => String(id).padEnd(150_000, '.')
  for (let id = 0; id < 200; id++) {
    if (!collector.push({ id, text: textOf(id) })) await collector.ready
  }
  await collector.close()
  await engine.close()
  const right = `SELECT count(*) FROM events WHERE id >= 0 AND text = rpad(id::VARCHAR, 150000, '.')`
  expect(await readValue(path, right)).toBe(200n)
})
