import { statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import {
  ConstraintError,
  DuckDBSink,
  InvalidOptionsError,
  MOTHERDUCK_SCHEME,
  output,
  SchemaError,
  ValueError,
} from '../src/index.ts'
import { databasePath, rejection } from './open-engine.ts'
import { readFile, readValue } from './read-file.ts'

const createTableSql = 'CREATE TABLE events (id INTEGER, name VARCHAR)'
const unique = 'CREATE TABLE events (id INTEGER PRIMARY KEY, name VARCHAR)'
const COUNT = 'SELECT count(*)::INTEGER FROM events'

it('the scheme of MotherDuck is md', () => {
  expect(MOTHERDUCK_SCHEME).toBe('md')
})

// the seed's own test
it('a partition that is given 100 batches of one record writes 100 rows', async () => {
  const path = databasePath()
  const sink = new DuckDBSink(path, 'events', createTableSql)
  expect(sink.listParts()).toEqual(['partition_0'])
  const partition = await sink.buildPart('out', 'partition_0', null)
  const batches = Array.from({ length: 100 }, (_, id) => [{ id, name: `name ${id}` }])
  await partition.writeBatch(batches)
  expect(partition.snapshot()).toBeNull()
  await partition.close()
  expect(await readValue(path, COUNT)).toBe(100)
})

it('a sink has a default table and takes what makes no table', async () => {
  const path = databasePath()
  const partition = await new DuckDBSink(path).buildPart('out', 'partition_0')
  await partition.writeBatch([])
  await partition.writeBatch([[], [{ id: 1 }]])
  await partition.close()
  await partition.close()
  expect(await readFile(path, 'FROM default_table')).toEqual([{ id: 1n }])
})

it('a batch that fails ends writeBatch: those before it are written, those after are not', async () => {
  const path = databasePath()
  const partition = await new DuckDBSink(path, 'events', createTableSql).buildPart('out', 'partition_0')
  const batches = [[{ id: 1 }], [{ id: 2 }, { id: 'x' }], [{ id: 3 }]]
  expect(await rejection(partition.writeBatch(batches))).toBeInstanceOf(ValueError)
  await partition.writeBatch([[{ id: 4 }]])
  await partition.close()
  expect(await readFile(path, 'SELECT id FROM events ORDER BY id')).toEqual([{ id: 1 }, { id: 4 }])
})

it('buildPart refuses what the sink does not have, all at once', async () => {
  const sink = new DuckDBSink(databasePath(), 'events')
  const error = await rejection(sink.buildPart('', 'partition_1', {} as never))
  expect(error).toBeInstanceOf(InvalidOptionsError)
  expect((error as InvalidOptionsError).problems).toHaveLength(3)
  const wrong = new DuckDBSink(databasePath(), 'events', 'SELECT 1')
  expect(await rejection(wrong.buildPart('out', 'partition_0'))).toBeInstanceOf(SchemaError)
})

/** Pairs of five keys in turn, as the seed's test has them. */
const pairs = (count: number): [string, object][] =>
  Array.from({ length: count }, (_, id) => [`key ${id % 5}`, { id, name: `key ${id % 5}` }])

// the seed's own test
it('output that is run twice over the same keys writes 200 rows', async () => {
  const path = databasePath()
  const options = { dbPath: path, tableName: 'events', createTableSql }
  for (let run = 0; run < 2; run++) {
    const summary = await output('out', pairs(100), options)
    expect(summary).toEqual({ rowCount: 100, batchCount: 5, durationMs: expect.any(Number) })
  }
  expect(await readValue(path, COUNT)).toBe(200)
})

it('a batch of output holds records of one key, in their order, and batchSize of them at most', async () => {
  const path = databasePath()
  const summary = await output('out', pairs(103), {
    dbPath: path,
    tableName: 'events',
    createTableSql,
    batchSize: 6,
  })
  // 21 records of three keys are 3 batches and a rest, and 20 of the other two as well
  expect(summary).toMatchObject({ rowCount: 103, batchCount: 5 * 4 })
  const rows = await readFile(path, 'SELECT id, name FROM events ORDER BY rowid')
  const order = rows.map(({ id, name }) => ({ id: id as number, key: name as string }))
  for (let key = 0; key < 5; key++) {
    const ids = order.filter((row) => row.key === `key ${key}`).map(({ id }) => id)
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
  }
  // full batches of the keys in turn
  expect(order.slice(0, 12).map(({ id }) => id)).toEqual([0, 5, 10, 15, 20, 25, 1, 6, 11, 16, 21, 26])
})

it('output reads sources that are asynchronous, and those that are not', async () => {
  const path = databasePath()
  const later = async function* (): AsyncGenerator<[string, object]> {
    for (const pair of pairs(10)) {
      await setImmediate()
      yield pair
    }
  }
  const options = { dbPath: path, tableName: 'events' }
  expect(await output('out', later(), options)).toMatchObject({ rowCount: 10, batchCount: 5 })
  expect(await output('out', new Map(pairs(5)), options)).toMatchObject({ rowCount: 5, batchCount: 5 })
  expect(await output('out', [], options)).toMatchObject({ rowCount: 0, batchCount: 0 })
  expect(await readValue(path, COUNT)).toBe(15)
})

it('a batch does not wait longer than timeoutMs for more of its key', async () => {
  const path = databasePath()
  const logged = () => statSync(`${path}.wal`, { throwIfNoEntry: false })?.size ?? 0
  // the second record comes when the first is committed, which only its age can bring about
  const waiting = async function* (): AsyncGenerator<[string, object]> {
    yield ['key', { id: 1 }]
    for (const before = logged(); logged() === before; ) await setImmediate()
    yield ['key', { id: 2 }]
  }
  const options = { dbPath: path, tableName: 'events', createTableSql, timeoutMs: 5 }
  expect(await output('out', waiting(), options)).toMatchObject({ rowCount: 2, batchCount: 2 })
})

it('a source that never waits leaves the event loop to the app', async () => {
  const path = databasePath()
  let turns = 0
  let isDone = false
  const written = output('out', pairs(100_000), { dbPath: path, tableName: 'events' }).finally(() => {
    isDone = true
  })
  while (!isDone) {
    turns++
    await setImmediate()
  }
  expect((await written).rowCount).toBe(100_000)
  expect(turns).toBeGreaterThan(5)
})

it('a batch that fails ends output: no batch after it is written, the source is read no further, the file is closed', async () => {
  const path = databasePath()
  let given = 0
  let isReturned = false
  const endless = async function* (): AsyncGenerator<[string, object]> {
    try {
      for (;;) {
        given++
        // the third batch has the key of the first
        yield ['key', { id: given === 30 ? 1 : given }]
      }
    } finally {
      isReturned = true
    }
  }
  const options = { dbPath: path, tableName: 'events', createTableSql: unique, batchSize: 10 }
  expect(await rejection(output('out', endless(), options))).toBeInstanceOf(ConstraintError)
  expect(isReturned).toBe(true)
  const ids = 'SELECT min(id) AS first, max(id) AS last, count(*) AS count FROM events'
  expect(await readFile(path, ids)).toEqual([{ first: 1, last: 20, count: 20n }])
})

it('of many keys that are due when the source ends, none is written after the one that fails', async () => {
  const path = databasePath()
  const items = Array.from({ length: 50 }, (_, id): [string, object] => [
    `key ${id}`,
    { id: id === 7 ? 0 : id },
  ])
  const options = { dbPath: path, tableName: 'events', createTableSql: unique }
  expect(await rejection(output('out', items, options))).toBeInstanceOf(ConstraintError)
  expect(await readValue(path, COUNT)).toBe(7)
})

it('a batch that fails ends output while the source only waits', async () => {
  let isReturned = false
  const waiting: AsyncIterable<[string, object]> = {
    [Symbol.asyncIterator]: () => {
      const given = pairs(1).values()
      return {
        next: async () => {
          const next = given.next()
          return next.done === true
            ? new Promise(() => undefined)
            : { done: false, value: ['key', { id: 'x' }] }
        },
        return: async () => {
          isReturned = true
          return { done: true, value: undefined }
        },
      }
    },
  }
  for (const limit of [{ batchSize: 1 }, { timeoutMs: 1 }]) {
    const options = { dbPath: databasePath(), tableName: 'events', createTableSql, ...limit }
    isReturned = false
    expect(await rejection(output('out', waiting, options))).toBeInstanceOf(ValueError)
    expect(isReturned).toBe(true)
  }
})

it('more keys than the engine holds batches may become due in one turn', async () => {
  const count = 1_100
  const pausing = async function* (): AsyncGenerator<[string, object]> {
    for (let id = 0; id < count; id++) yield [`key ${id}`, { id }]
    // every timer of the keys is due when the event loop turns
    const end = performance.now() + 60
    while (performance.now() < end);
    await setImmediate()
    yield ['key 0', { id: count }]
  }
  // in memory, as they are committed one by one
  const options = { dbPath: ':memory:', tableName: 'events', createTableSql, timeoutMs: 50 }
  expect(await output('out', pausing(), options)).toMatchObject({ rowCount: count + 1 })
})

it('a source that fails ends output with its error', async () => {
  const path = databasePath()
  const failure = new Error('the source is gone')
  const failing = function* (): Generator<[string, object]> {
    yield ['key', { id: 1 }]
    throw failure
  }
  const options = { dbPath: path, tableName: 'events', createTableSql }
  expect(await rejection(output('out', failing(), options))).toBe(failure)
  // the file is free again
  expect(await output('out', pairs(5), options)).toMatchObject({ rowCount: 5 })
})

it('output refuses wrong options all at once, and items that are no pairs', async () => {
  const path = databasePath()
  const wrong = { dbPath: '', tableName: 5, batchSize: 0, timeoutMs: -1, createTableSQL: '' }
  const error = await rejection(output('', [], wrong as never))
  expect(error).toBeInstanceOf(InvalidOptionsError)
  expect((error as InvalidOptionsError).problems).toHaveLength(6)
  expect(await rejection(output('out', [], undefined as never))).toBeInstanceOf(InvalidOptionsError)
  const nothing = { dbPath: path, tableName: 'events' }
  expect(await rejection(output('out', undefined as never, nothing))).toBeInstanceOf(InvalidOptionsError)
  const options = { dbPath: path, tableName: 'events', createTableSql }
  for (const item of [undefined, [5, { id: 1 }]]) {
    const refused = await rejection(output('out', [['key', { id: 1 }], item as never], options))
    expect(refused).toMatchObject({ name: 'InvalidOptionsError', code: 'INVALID_ARGUMENT' })
    expect((refused as Error).message).toContain('item 1')
  }
})
