import { afterAll, beforeAll, expect, it } from 'vitest'
import { BackpressureError, SchemaError, SinkEngine, ValueError } from '../src/index.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

const NO_DELAY = 2 ** 31 - 1
const createTableSql = `CREATE TABLE events (id INTEGER, a INTEGER DEFAULT 7, b VARCHAR DEFAULT 'none')`
const tables = { events: { createTableSql } }

let shared: SinkEngine
let made = 0
beforeAll(async () => {
  shared = await SinkEngine.open({ path: ':memory:' })
})
afterAll(() => shared.close())

/** A collector of a new table, on the engine that the tests share. */
async function openCollector() {
  const name = `events${++made}`
  await shared.query(createTableSql.replace('events', name))
  const table = shared.table(name)
  const collector = table.collect({ maxDelayMs: NO_DELAY })
  const rows = async () => {
    await collector.close()
    const found = await shared.query(`FROM ${name} ORDER BY id`)
    return found.map(({ id, a, b }) => [id, a, b])
  }
  return { name, table, collector, rows }
}

it('a record may be changed after it was pushed, whether its table is known, unknown yet or absent', async () => {
  const path = databasePath()
  const first = await openEngine({
    path,
    tables: { known: { createTableSql: 'CREATE TABLE known (id INTEGER)' } },
  })
  await first.write('unknown', [{ id: 0 }])
  await first.close()
  const engine = await openEngine({ path })
  await engine.write('known', [{ id: 0 }])
  for (const table of ['known', 'unknown', 'absent']) {
    const collector = engine.table(table).collect({ maxDelayMs: NO_DELAY })
    const record = { id: 0 }
    for (record.id = 1; record.id <= 3; record.id++) collector.push(record)
    await collector.close()
    const rows = await engine.query(`SELECT id::INTEGER AS id FROM ${table} WHERE id > 0 ORDER BY id`)
    expect(rows).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
  }
})

it('a record is encoded at once where the columns are known', async () => {
  const { table, collector, rows } = await openCollector()
  await table.write([{ id: 0 }])
  let reads = 0
  const record = {
    get id(): number {
      return ++reads
    },
  }
  collector.push(record)
  const readsOfPush = reads
  await collector.flush()
  expect(reads).toBe(readsOfPush)
  expect(await rows()).toHaveLength(2)
})

it('DDL elsewhere does not cut a batch of a table that stays as it is twice', async () => {
  const before = shared.stats().committedBatches
  const { name, table, collector } = await openCollector()
  await table.write([{ id: 0 }])
  collector.push({ id: 1 })
  await shared.query('CREATE TABLE other (id INTEGER)')
  collector.push({ id: 2 })
  await table.write([{ id: 3 }])
  collector.push({ id: 4 })
  await collector.close()
  expect(await shared.query(`SELECT id FROM ${name} ORDER BY rowid`)).toEqual(
    [0, 1, 3, 2, 4].map((id) => ({ id })),
  )
  expect(shared.stats().committedBatches).toBe(before + 4)
})

it('a field that no record of a batch has gets its DEFAULT, one that some have is NULL in the others', async () => {
  const { collector, rows } = await openCollector()
  collector.push({ id: 1 })
  await collector.flush()
  collector.push({ id: 2 })
  collector.push({ id: 3, b: 'x' })
  collector.push({ b: undefined, id: 4 })
  expect(await rows()).toEqual([
    [1, 7, 'none'],
    [2, 7, null],
    [3, 7, 'x'],
    [4, 7, null],
  ])
})

it('a field that is first seen late in a batch is NULL in all records before', async () => {
  const { name, table, collector } = await openCollector()
  await table.write([{ id: -1 }])
  for (let id = 0; id < 20_000; id++) collector.push({ id })
  collector.push({ id: 20_000, b: 'a late text that is not inline', a: 1 })
  for (let id = 20_001; id < 22_000; id++) collector.push({ id, a: id })
  await collector.close()
  const [row] = await shared.query(`
    SELECT count(*) AS rows, count(*) FILTER (id >= 0 AND (
      a IS DISTINCT FROM CASE WHEN id = 20000 THEN 1 WHEN id > 20000 THEN id END
      OR b IS DISTINCT FROM CASE WHEN id = 20000 THEN 'a late text that is not inline' END)) AS wrong
    FROM ${name}`)
  expect(row).toEqual({ rows: 22_001n, wrong: 0n })
})

it('many columns that are first seen late in a chunk lose none of its rows', async () => {
  const path = databasePath()
  const names = Array.from({ length: 300 }, (_, index) => `c${index}`)
  const columns = Object.fromEntries(['id', ...names].map((name) => [name, 'INTEGER']))
  const engine = await openEngine({ path, tables: { wide: { columns } } })
  await engine.write('wide', [{ id: -1 }])
  const collector = engine.table('wide').collect({ maxDelayMs: NO_DELAY })
  for (let id = 0; id < 2_000; id++) collector.push({ id })
  const all = Object.fromEntries(names.map((name, index) => [name, index]))
  for (let id = 2_000; id < 2_500; id++) collector.push({ id, ...all })
  await collector.close()
  await engine.close()
  const [row] = await readFile(
    path,
    'SELECT count(*) AS rows, count(DISTINCT id) AS ids, count(c299) AS last FROM wide',
  )
  expect(row).toEqual({ rows: 2_501n, ids: 2_501n, last: 500n })
})

it('a push that is refused is not taken, and changes nothing for the records around it', async () => {
  const { table, collector, rows } = await openCollector()
  await table.write([{ id: 0 }])
  collector.push({ id: 1 })
  // each has good fields before the bad one
  expect(() => collector.push({ id: 2, b: 'x', a: 1.5 })).toThrow(ValueError)
  expect(() => collector.push({ id: 2, a: 1, b: 5 })).toThrow(ValueError)
  expect(() => collector.push({ id: 2, a: 1, extra: true })).toThrow(SchemaError)
  expect(() => collector.push([1] as never)).toThrow(ValueError)
  expect(() => collector.push(null as never)).toThrow(ValueError)
  const throwing = {
    id: 2,
    get a(): number {
      throw new Error('no')
    },
  }
  expect(() => collector.push(throwing)).toThrow(ValueError)
  collector.push({ id: 3 })
  await collector.flush()
  collector.push({ id: 4, a: 5 })
  expect(() => collector.push({ a: 1, A: 2 })).toThrow(SchemaError)
  collector.push({ id: 5, b: 'y' })
  expect(await rows()).toEqual([
    [0, 7, 'none'],
    [1, 7, 'none'],
    [3, 7, 'none'],
    [4, 5, null],
    [5, null, 'y'],
  ])
})

it('a refused push of a field that is new does not lose the field for later records', async () => {
  const { table, collector, rows } = await openCollector()
  await table.write([{ id: 0 }])
  expect(() => collector.push({ id: 1, b: 'first', extra: 1 })).toThrow(SchemaError)
  collector.push({ id: 2, b: 'second' })
  expect(() => collector.push({ id: 3, a: 'x' })).toThrow(ValueError)
  collector.push({ id: 4, a: 4 })
  expect(await rows()).toEqual([
    [0, 7, 'none'],
    [2, null, 'second'],
    [4, 4, null],
  ])
})

it('records without a single column fail as a batch, and beside others are rows of DEFAULT and NULL', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const failures: unknown[] = []
  const onFailure = (error: Error, records: () => object[]) => failures.push([error.name, records()])
  const collector = engine.table('events').collect({ maxDelayMs: 1, onFailure })
  await engine.write('events', [{ id: 0 }])
  collector.push({})
  collector.push({})
  await collector.flush()
  expect(failures).toEqual([['SchemaError', [{}, {}]]])
  collector.push({})
  collector.push({ id: 1 })
  await collector.close()
  expect(failures).toHaveLength(1)
  expect(engine.bufferedBytes).toBe(0)
  expect(await engine.query('FROM events ORDER BY id')).toEqual([
    { id: 0, a: 7, b: 'none' },
    { id: 1, a: 7, b: 'none' },
    { id: null, a: 7, b: 'none' },
  ])
})

it('records for a table that is absent are held, and the table is inferred from the first batch', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const collector = engine.table('made').collect({ maxBatchRows: 3, maxDelayMs: NO_DELAY })
  expect(() => collector.push(5 as never)).toThrow(ValueError)
  for (const record of [{ id: 1 }, { id: 2.5, name: 'x' }, { id: 3 }, { id: 4, name: null }])
    collector.push(record)
  expect(engine.bufferedBytes).toBeGreaterThan(0)
  await collector.flush()
  expect(() => collector.push({ id: 'text' })).toThrow(ValueError)
  collector.push({ name: 'y' })
  await collector.close()
  expect(engine.bufferedBytes).toBe(0)
  await engine.close()
  expect(await readFile(path, 'FROM made ORDER BY rowid')).toEqual([
    { id: 1, name: null },
    { id: 2.5, name: 'x' },
    { id: 3, name: null },
    { id: 4, name: null },
    { id: null, name: 'y' },
  ])
})

it('records that are held until the columns of a present table are known are encoded or refused then', async () => {
  const path = databasePath()
  const first = await openEngine({ path, tables })
  await first.close()
  const engine = await openEngine({ path })
  const failures: unknown[] = []
  const onFailure = (error: Error, records: () => object[]) => failures.push([error.name, records()])
  const collector = engine.table('events').collect({ maxDelayMs: NO_DELAY, onFailure })
  // pushed before the worker could say which columns there are
  collector.push({ id: 'wrong' })
  collector.push({ id: 1, b: 'x' })
  collector.push({ other: 1 })
  // waits for them as well
  await engine.write('events', [{ id: 0 }])
  await collector.close()
  expect(failures).toEqual([
    ['ValueError', [{ id: 'wrong' }]],
    ['SchemaError', [{ other: 1 }]],
  ])
  expect(engine.bufferedBytes).toBe(0)
  await engine.close()
  expect(await readFile(path, 'FROM events WHERE id > 0')).toEqual([{ id: 1, a: 7, b: 'x' }])
})

it('where every held record is refused nothing is held any more', async () => {
  const path = databasePath()
  const first = await openEngine({ path, tables })
  await first.close()
  const engine = await openEngine({ path })
  let failed = 0
  const collector = engine.table('events').collect({ maxDelayMs: NO_DELAY, onFailure: () => failed++ })
  for (let id = 0; id < 100; id++) collector.push({ id: 'wrong' })
  // waits for the columns as well
  await engine.write('events', [{ id: 0 }])
  expect(failed).toBe(100)
  expect(engine.bufferedBytes).toBe(0)
  collector.push({ id: 1 })
  await collector.close()
  expect(engine.bufferedBytes).toBe(0)
  expect(await engine.query('SELECT count(*) AS count FROM events')).toEqual([{ count: 2n }])
})

it('a column that is added while a batch is open takes values at once', async () => {
  const { name, table, collector } = await openCollector()
  await table.write([{ id: 0 }])
  collector.push({ id: 1 })
  await shared.query(`ALTER TABLE ${name} ADD COLUMN c DOUBLE`)
  collector.push({ id: 2, c: 1.5 })
  await collector.flush()
  await shared.query(`ALTER TABLE ${name} ALTER id TYPE BIGINT`)
  collector.push({ id: 2n ** 40n, c: 2.5 })
  await collector.close()
  expect(await shared.query(`SELECT id, c FROM ${name} ORDER BY id`)).toEqual([
    { id: 0n, c: null },
    { id: 1n, c: null },
    { id: 2n, c: 1.5 },
    { id: 2n ** 40n, c: 2.5 },
  ])
})

it('a batch whose column was dropped meanwhile fails, and its records come back', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  await engine.write('events', [{ id: 0 }])
  const failures: unknown[] = []
  const onFailure = (error: Error, records: () => object[]) => failures.push([error, records()])
  const collector = engine.table('events').collect({ maxDelayMs: NO_DELAY, onFailure })
  collector.push({ id: 1, b: 'x' })
  await engine.query('ALTER TABLE events DROP COLUMN b')
  await collector.flush()
  expect(failures).toEqual([
    [expect.objectContaining({ name: 'SchemaError', table: 'events', column: 'b' }), [{ id: 1, b: 'x' }]],
  ])
  collector.push({ id: 2 })
  await engine.write('events', [{ id: 3 }])
  expect(() => collector.push({ id: 4, b: 'x' })).toThrow(SchemaError)
  await collector.close()
  expect(await engine.query('SELECT id FROM events ORDER BY id')).toEqual([{ id: 0 }, { id: 2 }, { id: 3 }])
})

it('a push beyond maxBufferedBatches is refused and not taken', async () => {
  const engine = await openEngine({ tables, maxBufferedBatches: 1 })
  await engine.write('events', [{ id: 0 }])
  const collector = engine.table('events').collect({ maxBatchRows: 1, maxDelayMs: NO_DELAY })
  expect(collector.push({ id: 1 })).toBe(false)
  expect(() => collector.push({ id: 2 })).toThrow(BackpressureError)
  await collector.ready
  expect(collector.push({ id: 3 })).toBe(false)
  await collector.close()
  expect(await engine.query('SELECT id FROM events')).toEqual([{ id: 0 }, { id: 1 }, { id: 3 }])
})
