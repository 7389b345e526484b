import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { SinkError, WriteOptions } from '../src/index.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { propertyRuns } from './property-runs.ts'
import { openSteered } from './steered-engine.ts'

// Small writes that are made at once are encoded together; each is to be what it would be by itself.

const integer = fc.integer({ min: -1000, max: 1000 })
const sparse = fc.record({ a: fc.option(integer), b: integer, c: integer }, { requiredKeys: [] })

it('fields that a write leaves out get their DEFAULT, whatever others have that wait with it', async () => {
  const createTableSql =
    'CREATE TABLE t (id INTEGER, a INTEGER DEFAULT 7, b INTEGER DEFAULT 8, c INTEGER DEFAULT 9)'
  const rounds = fc.array(fc.array(sparse, { maxLength: 12 }), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(rounds, async (plan) => {
      const engine = await openEngine({ path: ':memory:', tables: { t: { createTableSql } } })
      const expected: object[] = []
      for (const records of plan) {
        const writes = records.map((record) => {
          const id = expected.length
          expected.push({ id, a: 7, b: 8, c: 9, ...record })
          return engine.write('t', [id % 2 === 0 ? { id, ...record } : { ...record, id }])
        })
        await Promise.all(writes)
      }
      expect(await engine.query('FROM t ORDER BY rowid')).toEqual(expected)
      await engine.close()
    }),
    { numRuns: propertyRuns(6) },
  )
})

const columns = {
  id: 'INTEGER PRIMARY KEY',
  text: 'VARCHAR',
  flag: 'BOOLEAN',
  place: 'STRUCT(x INTEGER, name VARCHAR)',
  tags: 'VARCHAR[]',
  pair: 'DOUBLE[2]',
  counts: 'MAP(VARCHAR, INTEGER)',
  grid: 'INTEGER[][]',
}
const createTableSql = `CREATE TABLE t (${Object.entries(columns)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')})`

const nullable = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 3 })
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ minLength: 13, maxLength: 60 }))
const plainText = text.map((value) => value.replaceAll('\0', '').toWellFormed())

const values = fc.record({
  text: nullable(plainText),
  flag: nullable(fc.boolean()),
  place: nullable(fc.record({ x: nullable(integer), name: nullable(plainText) })),
  tags: nullable(fc.array(nullable(plainText), { maxLength: 4 })),
  pair: nullable(fc.tuple(integer, integer)),
  counts: nullable(fc.dictionary(fc.stringMatching(/^[a-z]{1,16}$/), integer, { maxKeys: 3 })),
  grid: nullable(fc.array(nullable(fc.array(integer, { maxLength: 3 })), { maxLength: 3 })),
})

/** What becomes of a write: DuckDB or the encoder refuses it, it is taken back before it is sent, or perhaps after. */
const fate = fc.constantFrom('written', 'written', 'written', 'constraint', 'value', 'abort', 'late-abort')
const writes = fc.array(fc.record({ fate, records: fc.array(values, { minLength: 1, maxLength: 5 }) }), {
  minLength: 1,
  maxLength: 40,
})

it('each is written, refused or taken back as if it were alone, and those written are there in their order', async () => {
  await fc.assert(
    fc.asyncProperty(writes, async (plan) => {
      const path = databasePath()
      const engine = await openEngine({ path, tables: { t: { createTableSql } } })
      let id = 0
      const early = new AbortController()
      const late = new AbortController()
      const options: Record<string, WriteOptions> = {
        abort: { signal: early.signal },
        'late-abort': { signal: late.signal },
      }
      const made = plan.map(({ fate, records }) => ({
        fate,
        records: records.map((record, index) => ({
          id: fate === 'constraint' && index === records.length - 1 ? null : id++,
          ...record,
          ...(fate === 'value' && index === 0 ? { flag: 'perhaps' } : undefined),
        })),
      }))
      const ended = made.map(({ fate, records }) => engine.write('t', records, options[fate]))
      const settled = Promise.allSettled(ended)
      early.abort()
      await new Promise((resolve) => setImmediate(resolve))
      late.abort()
      const results = await settled
      for (const [index, { fate }] of made.entries())
        if (fate !== 'late-abort')
          expect(results[index]?.status).toBe(fate === 'written' ? 'fulfilled' : 'rejected')
      const rows = await engine.query('SELECT * REPLACE (to_json(counts) AS counts) FROM t ORDER BY rowid')
      await engine.close()
      const written = made.flatMap(({ records }, index) =>
        results[index]?.status === 'fulfilled' ? records : [],
      )
      expect(rows.map(({ id }) => id)).toEqual(written.map(({ id }) => id))
      for (const [index, { counts, ...row }] of rows.entries()) {
        const { counts: given, ...rest } = written[index] as (typeof written)[number]
        expect(row).toEqual(rest)
        expect(typeof counts === 'string' ? JSON.parse(counts) : counts).toEqual(given && { ...given })
      }
    }),
    { numRuns: propertyRuns(6) },
  )
})

const twoColumns = { createTableSql: 'CREATE TABLE t (id INTEGER, note VARCHAR)' }

it('an array that changes after the call takes no row from the writes beside it, and gives them none', async () => {
  const engine = await openEngine({ tables: { t: twoColumns } })
  const record = (id: number): object => ({ id, note: `note ${id}` })
  await engine.write('t', [record(0)])
  const grown = [record(1)]
  const shrunk = [record(2), record(3)]
  const emptied = [record(4)]
  const writes = [grown, [record(5)], shrunk, [record(6)], emptied, [record(7)]]
  const ended = Promise.allSettled(writes.map((records) => engine.write('t', records)))
  grown.push(record(8))
  shrunk.pop()
  emptied.length = 0
  expect((await ended).map(({ status }) => status === 'fulfilled')).toEqual([
    ...[true, true, false],
    ...[true, false, true],
  ])
  expect(await engine.query('FROM t')).toEqual([0, 1, 5, 6, 7].map(record))
})

it('an array that throws when it is read fails alone', async () => {
  const engine = await openEngine({ tables: { t: twoColumns } })
  const record = (id: number): object => ({ id, note: `note ${id}` })
  await engine.write('t', [record(0)])
  const thrower = (): never => {
    throw new Error('unreadable')
  }
  const unreadable = Object.defineProperty([record(1)], 0, { get: thrower })
  const writes = [[record(2)], unreadable, [record(3)], unreadable, unreadable, [record(4)]]
  const results = await Promise.allSettled(writes.map((records) => engine.write('t', records)))
  expect(results.map(({ status }) => status === 'rejected')).toEqual([
    ...[false, true, false],
    ...[true, true, false],
  ])
  expect(results[1]).toMatchObject({ reason: { code: 'INVALID_VALUE', row: 0 } })
  expect(await engine.query('FROM t')).toEqual([0, 2, 3, 4].map(record))
})

it('a getter may write, collect, and take writes back', async () => {
  const engine = await openEngine({ tables: { t: twoColumns } })
  await engine.write('t', [{ id: 0, note: '' }])
  const collector = engine.table<{ id: number; note: string }>('t').collect()
  const aborting = new AbortController()
  const { signal } = aborting
  const inner: Promise<unknown>[] = []
  const record = {
    id: 2,
    get note() {
      aborting.abort()
      if (inner.length === 0) {
        inner.push(engine.write('t', [{ id: 10, note: 'written' }]))
        collector.push({ id: 20, note: 'collected' })
      }
      return 'read'
    },
  }
  const results = await Promise.allSettled([
    engine.write('t', [{ id: 1, note: 'taken back' }], { signal }),
    engine.write('t', [record]),
    engine.write('t', [{ id: 3, note: 'taken back' }], { signal }),
    engine.write('t', [{ id: 4, note: 'kept' }]),
  ])
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual([false, true, false, true])
  await Promise.all([...inner, collector.flush()])
  expect(await engine.query('SELECT id FROM t ORDER BY id')).toEqual([0, 2, 4, 10, 20].map((id) => ({ id })))
  expect(engine.stats()).toMatchObject({ bufferedBytes: 0, bufferedBatches: 0 })
})

it('strings that are much longer than those before are written in order', async () => {
  const engine = await openEngine({ tables: { t: twoColumns }, path: databasePath() })
  await engine.write('t', [{ id: -1, note: '' }])
  const lengths = Array.from({ length: 130 }, (_, id) => (id % 3 === 0 ? 5 : 40_000 + id))
  const writes = lengths.map((length, id) => engine.write('t', [{ id, note: 'é'.repeat(length) }]))
  await Promise.all(writes)
  const rows = await engine.query(
    'SELECT id, length(note)::INTEGER AS length FROM t WHERE id >= 0 ORDER BY rowid',
  )
  expect(rows).toEqual(lengths.map((length, id) => ({ id, length })))
})

it('those behind an ALTER TABLE have the columns that the table has by then, and the order stays', async () => {
  const engine = await openEngine({ tables: { t: twoColumns } })
  await engine.write('t', [{ id: -1, note: '' }])
  const ended: Promise<unknown>[] = []
  for (let id = 0; id < 90; id++) {
    ended.push(engine.write('t', [{ id, note: `${id}` }]))
    if (id % 30 === 20) ended.push(engine.query(`ALTER TABLE t ADD COLUMN c${id} INTEGER DEFAULT ${id}`))
  }
  await Promise.all(ended)
  const columns = [20, 50, 80].map((id) => [`c${id}`, id])
  const expected = Array.from({ length: 90 }, (_, id) => ({
    id,
    note: `${id}`,
    ...Object.fromEntries(columns),
  }))
  expect(await engine.query('FROM t WHERE id >= 0 ORDER BY rowid')).toEqual(expected)
})

it('a bad record is set aside by its place in its own write', async () => {
  const createTableSql = 'CREATE TABLE t (id INTEGER PRIMARY KEY, flag BOOLEAN)'
  const engine = await openEngine({ tables: { t: { createTableSql, badRecords: 'dead-letter' } } })
  await engine.write('t', [{ id: -1, flag: null }])
  const bad = [{ id: null, flag: true }, { id: 0, flag: 'perhaps' }, undefined]
  const plan = Array.from({ length: 40 }, (_, write) => ({
    place: write % 3,
    record: bad[write % bad.length],
  }))
  const receipts = await Promise.all(
    plan.map(({ place, record }, write) => {
      const records: object[] = [0, 1].map((row) => ({ id: write * 2 + row, flag: true }))
      if (record !== undefined) records.splice(place, 0, record)
      return engine.write('t', records, { key: `${write}` })
    }),
  )
  expect(receipts.map(({ rowCount, deadLetterCount }) => [rowCount, deadLetterCount])).toEqual(
    plan.map(({ record }) => [2, record === undefined ? 0 : 1]),
  )
  const letters = await engine.query('SELECT key, row_index FROM t_dead_letters ORDER BY rowid')
  expect(letters).toEqual(
    plan.flatMap(({ place, record }, write) =>
      record === undefined ? [] : [{ key: `${write}`, row_index: BigInt(place) }],
    ),
  )
  const ids = await engine.query('SELECT id FROM t WHERE id >= 0 ORDER BY rowid')
  expect(ids).toEqual(Array.from({ length: 80 }, (_, id) => ({ id })))
})

it.each(['exit', 'exit before COMMIT', 'exit after COMMIT'])(
  'where the worker does "%s", each is there once or not at all, as it is told',
  async (order) => {
    const tables = { t: twoColumns }
    const { engine, steer } = await openSteered({
      path: databasePath(),
      tables,
      deliveryMode: 'exactly-once',
    })
    await engine.write('t', [{ id: -1, note: '' }], { key: 'first' })
    const write = (id: number) =>
      engine.write('t', [{ id, note: `${id}` }], { channel: 'c', offset: BigInt(id) })
    steer(order)
    const ended = Array.from({ length: 100 }, (_, id) => write(id))
    const results = await Promise.allSettled(ended)
    const rows = await engine.query('SELECT id FROM t WHERE id >= 0 ORDER BY rowid')
    // of one channel nothing is written behind what is not
    expect(rows).toEqual(rows.map((_, id) => ({ id })))
    for (const [id, result] of results.entries())
      if (result.status === 'fulfilled') expect(id).toBeLessThan(rows.length)
      else if ((result.reason as SinkError).code !== 'OUTCOME_UNKNOWN')
        expect(id).toBeGreaterThanOrEqual(rows.length)
    expect(engine.stats()).toMatchObject({ bufferedBytes: 0, bufferedBatches: 0 })
    await engine.close()
  },
)
