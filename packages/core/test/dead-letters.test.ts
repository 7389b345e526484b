import { describe, expect, it } from 'vitest'
import { ConstraintError, SchemaError, type SinkError, ValueError } from '../src/index.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const createTableSql = `
  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    email VARCHAR UNIQUE,
    name VARCHAR NOT NULL DEFAULT 'none',
    age INTEGER CHECK (age >= 0),
    parent INTEGER REFERENCES parents (id)
  )`
const parents = { createTableSql: 'CREATE TABLE parents (id INTEGER PRIMARY KEY)' }
const deadLetter = { parents, events: { createTableSql, badRecords: 'dead-letter' } } as const
const simple = { events: { columns: { id: 'INTEGER', name: 'VARCHAR' }, badRecords: 'dead-letter' } } as const

const LETTERS = 'SELECT row_index::INTEGER AS row, code, "column" FROM events_dead_letters ORDER BY row_index'

describe("'dead-letter'", () => {
  it('sets aside what breaks a constraint, of every kind, and writes the others', async () => {
    const path = databasePath()
    const engine = await openEngine({ path, tables: deadLetter })
    await engine.write('parents', [{ id: 1 }])
    await engine.write('events', [{ id: 1, email: 'one' }])
    const events: [] | unknown[] = []
    engine.on('deadLetter', (event) => (events as unknown[]).push(event))
    const receipt = await engine.write(
      'events',
      [
        { id: 10, name: 'a', email: 'ten' },
        { id: 1, name: 'b', email: null },
        { id: 10, name: 'c', email: null },
        { id: 11, name: 'd', email: 'one' },
        { id: 12, name: null, email: null },
        { id: 13, name: 'f', age: -1, email: null },
        { id: 14, name: 'g', parent: 99, email: null },
        { id: 15, name: 'h', parent: 1, email: null },
      ],
      { key: 'batch 1' },
    )
    expect(receipt).toMatchObject({ rowCount: 2, deadLetterCount: 6, skippedCount: 0, key: 'batch 1' })
    expect(engine.stats()).toMatchObject({ deadLetters: 6, skippedRecords: 0, committedRows: 4 })
    await engine.close()
    expect(events).toEqual([{ table: 'events', count: 6, key: 'batch 1' }])
    expect(await readFile(path, 'SELECT id FROM events ORDER BY id')).toEqual(
      [1, 10, 15].map((id) => ({ id })),
    )
    const violated = 'CONSTRAINT_VIOLATED'
    expect(await readFile(path, LETTERS)).toEqual([
      { row: 1, code: violated, column: null },
      { row: 2, code: violated, column: null },
      { row: 3, code: violated, column: null },
      { row: 4, code: violated, column: 'name' },
      { row: 5, code: violated, column: null },
      { row: 6, code: violated, column: null },
    ])
    const sql = 'SELECT record::VARCHAR AS record, key, message FROM events_dead_letters WHERE row_index = 5'
    expect(await readFile(path, sql)).toEqual([
      {
        record: '{"id":13,"name":"f","age":-1,"email":null}',
        key: 'batch 1',
        message: 'row 5 of a batch for table "events": the record violates CHECK((age >= 0))',
      },
    ])
  })

  it('sets aside what no column takes, and what is no record', async () => {
    const engine = await openEngine({ tables: simple })
    const unreadable = {
      id: 1,
      get name(): string {
        throw new Error('no')
      },
    }
    const records: unknown[] = [
      { id: 1 },
      { id: 'x' },
      null,
      { id: 2, extra: true },
      [3],
      unreadable,
      { id: 2 ** 40 },
      { id: 4, name: 5n },
      { id: 5, name: 'good' },
      { id: 6, ID: 6 },
    ]
    expect(await engine.write('events', records as object[])).toMatchObject({
      rowCount: 2,
      deadLetterCount: 8,
    })
    expect(await engine.query('FROM events')).toEqual([
      { id: 1, name: null },
      { id: 5, name: 'good' },
    ])
    const letters = await engine.deadLetters('events')
    expect(letters.map(({ row, code, column, record }) => [row, code, column, record])).toEqual([
      [1, 'INVALID_VALUE', 'id', { id: 'x' }],
      [2, 'INVALID_VALUE', undefined, null],
      [3, 'SCHEMA_MISMATCH', 'extra', { id: 2, extra: true }],
      [4, 'INVALID_VALUE', undefined, [3]],
      [5, 'INVALID_VALUE', 'name', { id: 1, name: '[cannot be read]' }],
      [6, 'INVALID_VALUE', 'id', { id: 2 ** 40 }],
      [7, 'INVALID_VALUE', 'name', { id: 4, name: 5 }],
      [9, 'SCHEMA_MISMATCH', 'ID', { id: 6, ID: 6 }],
    ])
  })

  it('writes a batch of many parts with bad values and violations in one transaction', async () => {
    const path = databasePath()
    const engine = await openEngine({
      path,
      tables: {
        events: {
          ...simple.events,
          columns: undefined,
          createTableSql: 'CREATE TABLE events (id INTEGER PRIMARY KEY, name VARCHAR)',
        },
      } as never,
    })
    const records: { id: unknown }[] = numbered(40_000)
    for (const row of [0, 8_191, 8_192, 20_000, 39_999]) records[row] = { id: `bad ${row}` }
    for (const row of [5, 8_190, 8_193, 30_000, 39_998]) records[row] = { id: 1 }
    const receipt = await engine.write('events', records)
    expect(receipt).toMatchObject({ rowCount: 39_990, deadLetterCount: 10, sequence: 1 })
    expect(engine.bufferedBytes).toBe(0)
    const letters = await engine.deadLetters('events')
    expect(letters.map(({ row, code }) => [row, code])).toEqual([
      [0, 'INVALID_VALUE'],
      [5, 'CONSTRAINT_VIOLATED'],
      [8_190, 'CONSTRAINT_VIOLATED'],
      [8_191, 'INVALID_VALUE'],
      [8_192, 'INVALID_VALUE'],
      [8_193, 'CONSTRAINT_VIOLATED'],
      [20_000, 'INVALID_VALUE'],
      [30_000, 'CONSTRAINT_VIOLATED'],
      [39_998, 'CONSTRAINT_VIOLATED'],
      [39_999, 'INVALID_VALUE'],
    ])
    expect(letters.every(({ row, record }) => JSON.stringify(record) === JSON.stringify(records[row]))).toBe(
      true,
    )
    await engine.close()
    expect(await readFile(path, 'SELECT count(*)::INTEGER AS n FROM events')).toEqual([{ n: 39_990 }])
  })

  it('commits a batch of which every record is bad, with or without a table', async () => {
    const engine = await openEngine({ tables: { ...simple, absent: { badRecords: 'dead-letter' } } })
    const bad = Array.from({ length: 20_000 }, (_, row) => ({ id: 1, name: row }))
    expect(await engine.write('events', bad)).toMatchObject({
      rowCount: 0,
      deadLetterCount: 20_000,
      sequence: 1,
    })
    expect(await engine.write('absent', [5, 6] as unknown as object[])).toMatchObject({
      rowCount: 0,
      deadLetterCount: 2,
    })
    expect(await engine.query(`SELECT table_name AS t FROM duckdb_tables() ORDER BY 1`)).toEqual([
      { t: 'absent_dead_letters' },
      { t: 'events' },
      { t: 'events_dead_letters' },
    ])
    const [last] = await engine.query('SELECT max(row_index)::INTEGER AS row FROM events_dead_letters')
    expect(last).toEqual({ row: 19_999 })
  })

  it('makes an absent table of the records that can be written', async () => {
    const engine = await openEngine({ tables: { made: { badRecords: 'dead-letter' } } })
    const records = [{ id: 1 }, { id: 2, what: () => 1 }, 7, { id: 3, name: 'x' }, { id: Symbol('x') }]
    expect(await engine.write('made', records as object[])).toMatchObject({ rowCount: 2, deadLetterCount: 3 })
    expect(await engine.query('FROM made')).toEqual([
      { id: 1n, name: null },
      { id: 3n, name: 'x' },
    ])
    const letters = await engine.deadLetters('made')
    expect(letters.map(({ row, record }) => [row, record])).toEqual([
      [1, { id: 2, what: '[function]' }],
      [2, 7],
      [4, { id: '[symbol]' }],
    ])
  })

  it('writes the others as if a bad record had not been there: a field that only it has gets its DEFAULT', async () => {
    const engine = await openEngine({ tables: deadLetter })
    const some = numbered(20_000, 100)
    const receipts = [
      // refused on the main thread, in one part and in several
      await engine.write('events', [{ id: 1 }, { id: 'x', name: 'a' }]),
      await engine.write('events', [...some, { id: 'x', name: 'a' }]),
      // refused by DuckDB
      await engine.write('events', [{ id: 2 }, { id: 1, name: 'a' }]),
      await engine.write('events', [...numbered(20_000, 50_000), { id: 1, name: 'a' }]),
    ]
    expect(receipts.map(({ rowCount, deadLetterCount }) => [rowCount, deadLetterCount])).toEqual([
      [1, 1],
      [20_000, 1],
      [1, 1],
      [20_000, 1],
    ])
    expect(await engine.query('SELECT name, count(*)::INTEGER AS n FROM events GROUP BY name')).toEqual([
      { name: 'none', n: 40_002 },
    ])
  })

  it('keeps the order of writes, and those that share a commit with a bad one are as they would be', async () => {
    const engine = await openEngine({ tables: deadLetter })
    const batches = Array.from({ length: 60 }, (_, batch) =>
      batch % 7 === 3 ? [{ id: batch * 10 }, { id: batch * 10 }] : numbered(3, batch * 10),
    )
    const receipts = await Promise.all(batches.map((records) => engine.write('events', records)))
    const sequences = receipts.map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
    expect(receipts.map(({ deadLetterCount }) => deadLetterCount)).toEqual(
      batches.map((_, batch) => (batch % 7 === 3 ? 1 : 0)),
    )
    const [row] = await engine.query(
      'SELECT bool_and(later) AS inOrder FROM (SELECT id > lag(id, 1, -1) OVER (ORDER BY rowid) AS later FROM events)',
    )
    expect(row).toEqual({ inOrder: true })
    expect(engine.bufferedBytes).toBe(0)
  })

  it('refuses a table with the name of the dead letters and other columns', async () => {
    const path = databasePath()
    const engine = await openEngine({ path })
    await engine.query('CREATE TABLE events_dead_letters (id INTEGER)')
    await engine.close()
    const error = await rejection(openEngine({ path, tables: simple }))
    expect(error).toBeInstanceOf(SchemaError)
    expect(error).toMatchObject({ table: 'events_dead_letters', column: 'letter_id' })
  })

  it('has the table of dead letters in the schema of its own table, odd names and all', async () => {
    const engine = await openEngine({
      tables: { 'a "b".c': { columns: { id: 'INTEGER' }, badRecords: 'dead-letter' } },
    })
    await engine.write('a "b".c', [{ id: 1 }, { id: 'x' }])
    expect(await engine.deadLetters('a "b".c')).toHaveLength(1)
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM main."a ""b"".c_dead_letters"')).toEqual([
      { n: 1 },
    ])
  })

  it('goes on after the dead letter table was changed', async () => {
    const engine = await openEngine({ tables: simple })
    await engine.write('events', [{ id: 'x' }])
    await engine.query('ALTER TABLE events_dead_letters ADD COLUMN seen BOOLEAN')
    expect(await engine.write('events', [{ id: 1 }, { id: 'x' }])).toMatchObject({
      rowCount: 1,
      deadLetterCount: 1,
    })
    await engine.query('DROP TABLE events_dead_letters')
    expect(await engine.write('events', [{ id: 2 }, { id: 'x' }])).toMatchObject({
      rowCount: 1,
      deadLetterCount: 1,
    })
    expect(await engine.deadLetters('events')).toHaveLength(1)
  })
})

describe("'skip'", () => {
  it('leaves bad records out and counts them', async () => {
    const tables = { ...deadLetter, events: { createTableSql, badRecords: 'skip' } } as const
    const engine = await openEngine({ tables })
    const receipt = await engine.write('events', [{ id: 1 }, { id: 'x' }, { id: 1 }, { id: 2 }, 5 as never])
    expect(receipt).toMatchObject({ rowCount: 2, deadLetterCount: 0, skippedCount: 3 })
    expect(engine.stats()).toMatchObject({ deadLetters: 0, skippedRecords: 3 })
    expect(await engine.write('events', [{ id: 'x' }])).toMatchObject({
      rowCount: 0,
      skippedCount: 1,
      sequence: 2,
    })
    expect(await engine.query(`SELECT table_name AS t FROM duckdb_tables() ORDER BY 1`)).toEqual([
      { t: 'events' },
      { t: 'parents' },
    ])
    expect(await engine.deadLetters('events')).toEqual([])
  })
})

describe("'fail-batch'", () => {
  const tables = { parents, events: { createTableSql } }

  it('names every bad value of the batch, in order, up to a hundred', async () => {
    const engine = await openEngine({ tables })
    const records: { id: unknown; name?: unknown }[] = numbered(30_000)
    for (const row of [3, 9_000, 25_000]) records[row] = { id: 'secret' }
    records[4] = { id: 4, name: 7 }
    const error = (await rejection(engine.write('events', records, { key: 'k' }))) as SinkError
    expect(error).toBeInstanceOf(ValueError)
    expect(error).toMatchObject({ row: 3, column: 'id', table: 'events', key: 'k' })
    expect(error.failures?.map(({ row, column, code }) => [row, column, code])).toEqual([
      [3, 'id', 'INVALID_VALUE'],
      [4, 'name', 'INVALID_VALUE'],
      [9_000, 'id', 'INVALID_VALUE'],
      [25_000, 'id', 'INVALID_VALUE'],
    ])
    expect(error.message).toMatch(/\(and 3 more records: see `failures`\)$/)
    expect(JSON.stringify(error.failures)).not.toContain('secret')
    const all = Array.from({ length: 5_000 }, () => ({ id: 'x' }))
    const allBad = (await rejection(engine.write('events', all))) as SinkError
    expect(allBad.failures).toHaveLength(100)
    expect(await engine.query('FROM events')).toEqual([])
    expect(engine.bufferedBytes).toBe(0)
  })

  it('names every violation, in one part and in several, and writes nothing', async () => {
    const engine = await openEngine({ tables })
    await engine.write('events', [{ id: 1 }])
    const failing = [
      [{ id: 1 }, { id: 5 }, { id: 5 }, { id: 6, age: -1 }],
      [...numbered(20_000, 10), { id: 1 }, { id: 10 }, { id: 7, age: -1 }],
    ]
    const settled = await Promise.allSettled([
      ...failing.map((records) => engine.write('events', records)),
      engine.write('events', [{ id: 2 }]),
    ])
    const [one, several, after] = settled.map((result) =>
      result.status === 'rejected' ? result.reason : result.value,
    )
    for (const [error, rows] of [
      [one, [0, 2, 3]],
      [several, [20_000, 20_001, 20_002]],
    ] as const) {
      expect(error).toBeInstanceOf(ConstraintError)
      expect(error.failures.map(({ row }: { row: number }) => row)).toEqual(rows)
      expect(error).toMatchObject({ row: rows[0], table: 'events' })
    }
    expect(after).toMatchObject({ rowCount: 1, sequence: 2 })
    expect(await engine.query('SELECT id FROM events ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }])
  })
})
