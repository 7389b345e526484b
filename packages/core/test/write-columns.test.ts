import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { PackedColumn, SinkColumns } from '../src/index.ts'
import { WorkerThread } from '../src/worker-thread.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { bitmap, packed } from './packed.ts'
import { readFile } from './read-file.ts'
import { openSteered } from './steered-engine.ts'

const people = {
  people: { createTableSql: "CREATE TABLE people (id INTEGER, name VARCHAR DEFAULT 'nobody', raw BLOB)" },
}

describe('columns', () => {
  it('are rows in the file, of any length of text, with what is left out at its DEFAULT', async () => {
    const path = databasePath()
    const engine = await openEngine({ path, tables: people })
    const table = engine.table('people')
    const names = ['Ann', '', null, 'x'.repeat(13), 'ünïcödé \u{1F986} und mehr']
    const receipt = await table.writeColumns({ id: new Int32Array([0, 1, 2, 3, 4]), name: packed(names) })
    await table.writeColumns({ id: [5] })
    await table.writeColumns({ id: [6, undefined], raw: packed([Uint8Array.of(0, 255), null]) })
    await engine.close()
    expect(receipt).toMatchObject({ rowCount: 5, duplicate: false, sequence: 1 })
    expect(await readFile(path, 'SELECT id, name, hex(raw) AS raw FROM people ORDER BY rowid')).toEqual([
      ...names.map((name, id) => ({ id, name, raw: null })),
      { id: 5, name: 'nobody', raw: null },
      { id: 6, name: 'nobody', raw: '00FF' },
      { id: null, name: 'nobody', raw: null },
    ])
  })

  it('make an absent table of the types of their arrays', async () => {
    const engine = await openEngine()
    await engine.table('made').writeColumns({
      ...{
        tiny: new Int8Array(1),
        word: new Uint16Array(1),
        int: new Int32Array(1),
        big: new BigInt64Array(1),
      },
      ...{
        float: new Float32Array(1),
        double: new Float64Array(1),
        text: packed(['x']),
        any: [1.5],
        list: [['a']],
      },
      ...{
        at: { values: new BigInt64Array(1), type: 'TIMESTAMP' },
        isOn: { values: new Uint8Array(1), type: 'BOOLEAN' },
      },
    })
    const columns = await engine.query<{ column_name: string; column_type: string }>('DESCRIBE made')
    expect(Object.fromEntries(columns.map((column) => [column.column_name, column.column_type]))).toEqual({
      ...{
        tiny: 'TINYINT',
        word: 'USMALLINT',
        int: 'INTEGER',
        big: 'BIGINT',
        float: 'FLOAT',
        double: 'DOUBLE',
      },
      ...{ text: 'VARCHAR', any: 'DOUBLE', list: 'VARCHAR[]', at: 'TIMESTAMP', isOn: 'BOOLEAN' },
    })
  })

  it('find their place in any case of letters, and new ones are added where the contract lets them', async () => {
    const schemaContract = { columns: 'evolve' } as const
    const engine = await openEngine({ tables: { people: { ...people.people, schemaContract } } })
    await engine.table('people').writeColumns({ ID: [1], age: new Uint8Array([30]), born: [new Date(0)] })
    expect(await engine.query('SELECT id, age, born FROM people')).toEqual([
      { id: 1, age: 30, born: new Date(0) },
    ])
  })

  it('that have no place are left out and counted where the contract says so', async () => {
    const schemaContract = { columns: 'discard-value' } as const
    const engine = await openEngine({ tables: { people: { ...people.people, schemaContract } } })
    const age = { values: new Uint8Array([30, 0]), validity: bitmap([true, false]) }
    const receipt = await engine.table('people').writeColumns({ id: [1, 2], age, more: ['x', null] })
    expect(receipt).toMatchObject({ rowCount: 2, discardedValueCount: 2 })
  })

  it('of no rows are written as no records are', async () => {
    const engine = await openEngine({ tables: people })
    expect(await engine.table('people').writeColumns({ id: new Int32Array(0) })).toMatchObject({
      rowCount: 0,
    })
  })

  it('larger than a part are one batch, aborted as a whole or written as a whole', async () => {
    const engine = await openEngine({ tables: people })
    const rows = 50_000
    const columns = (): SinkColumns => ({
      id: Int32Array.from({ length: rows }, (_, id) => id),
      name: packed(Array.from({ length: rows }, (_, id) => `name number ${id}`)),
    })
    const abort = new AbortController()
    const aborted = engine.table('people').writeColumns(columns(), { signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    for (const transfer of [false, true]) await engine.table('people').writeColumns(columns(), { transfer })
    const [row] = await engine.query(`SELECT count(*)::INTEGER AS rows, count(DISTINCT id)::INTEGER AS ids,
      bool_and(name = 'name number ' || id) AS isSame FROM people`)
    expect(row).toEqual({ rows: 2 * rows, ids: rows, isSame: true })
    expect(engine.bufferedBytes).toBe(0)
  })
})

it('arrays of a class of their own are the memory that they are of', async () => {
  class Short extends Uint8Array {
    override subarray(): this {
      return new Uint8Array(0) as this
    }
  }
  const engine = await openEngine({ tables: people })
  const name = (): PackedColumn => {
    const { data, offsets } = packed(['a text of more than twelve bytes', 'and one more of them'])
    return { data: new Short(data), offsets }
  }
  for (const transfer of [false, true])
    await engine.table('people').writeColumns({ name: name() }, { transfer })
  expect(
    await engine.query('SELECT name, count(*)::INTEGER AS n FROM people GROUP BY ALL ORDER BY ALL'),
  ).toEqual([
    { name: 'a text of more than twelve bytes', n: 2 },
    { name: 'and one more of them', n: 2 },
  ])
})

describe('what a row needs beyond its columns', () => {
  it('is looked at row by row: bad records are set aside, also those that DuckDB refuses', async () => {
    const createTableSql = 'CREATE TABLE t (id INTEGER PRIMARY KEY, n TINYINT)'
    for (const transfer of [false, true]) {
      const engine = await openEngine({ tables: { t: { createTableSql, badRecords: 'dead-letter' } } })
      const table = engine.table('t')
      const misfit = await table.writeColumns(
        { id: new Int32Array([1, 2, 3]), n: new Int32Array([1, 1_000, 3]) },
        { transfer },
      )
      const refused = await table.writeColumns(
        { id: new Int32Array([4, 1, 5]), n: new Int8Array([4, 5, 6]) },
        { transfer },
      )
      expect([misfit, refused]).toMatchObject([
        { rowCount: 2, deadLetterCount: 1 },
        { rowCount: 2, deadLetterCount: 1 },
      ])
      expect(await engine.query('SELECT * FROM t ORDER BY id')).toEqual([
        ...[
          { id: 1, n: 1 },
          { id: 3, n: 3 },
          { id: 4, n: 4 },
          { id: 5, n: 6 },
        ],
      ])
      const letters = await engine.deadLetters('t')
      expect(letters.map(({ record, row }) => [record, row])).toEqual([
        [{ id: 2, n: 1_000 }, 1],
        [{ id: 1, n: 5 }, 1],
      ])
    }
  })

  it('is asked of a Standard Schema, which sees records', async () => {
    const seen: unknown[] = []
    const validate = (value: unknown): { value: unknown } => {
      seen.push(value)
      return { value: { ...(value as object), name: 'validated' } }
    }
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
    const engine = await openEngine({ tables: { people: { ...people.people, schema } } })
    await engine
      .table('people')
      .writeColumns({ id: new Int32Array([7]), name: packed(['Ann']) }, { transfer: true })
    expect(seen).toEqual([{ id: 7, name: 'Ann' }])
    expect(await engine.query('SELECT id, name FROM people')).toEqual([{ id: 7, name: 'validated' }])
  })

  it('may be a wider type of its column', async () => {
    const schemaContract = { types: 'evolve' } as const
    const engine = await openEngine({ tables: { people: { ...people.people, schemaContract } } })
    await engine.table('people').writeColumns({ id: new Float64Array([2 ** 40, 1]) }, { transfer: true })
    expect(await engine.query('SELECT id, typeof(id) AS type FROM people')).toEqual([
      { id: 2n ** 40n, type: 'BIGINT' },
      { id: 1n, type: 'BIGINT' },
    ])
  })

  it('is found by name where DuckDB refuses a row of a batch that was handed over', async () => {
    const engine = await openEngine({
      tables: { t: { createTableSql: 'CREATE TABLE t (id INTEGER CHECK (id < 9000))' } },
    })
    const id = Int32Array.from({ length: 10_000 }, (_, row) => row)
    const error = await rejection(engine.table('t').writeColumns({ id }, { transfer: true }))
    expect(error).toMatchObject({ name: 'ConstraintError', table: 't', row: 9_000 })
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM t')).toEqual([{ n: 0 }])
  })
})

it('batches that were handed over are encoded anew where their table is altered before they come', async () => {
  const engine = await openEngine({ tables: people })
  const table = engine.table('people')
  const columns = (from: number): SinkColumns => ({
    id: Int32Array.from({ length: 20_000 }, (_, row) => from + row),
    name: packed(Array.from({ length: 20_000 }, (_, row) => (row % 3 === 0 ? null : `name ${from + row}`))),
  })
  await table.writeColumns({ id: [-1] })
  const [, ...receipts] = await Promise.all([
    engine.query('ALTER TABLE people ALTER id TYPE BIGINT'),
    table.writeColumns(columns(0), { transfer: true }),
    table.writeColumns(columns(20_000), { transfer: true }),
  ])
  expect(receipts.map(({ rowCount }) => rowCount)).toEqual([20_000, 20_000])
  const [row] = await engine.query(`SELECT count(*)::INTEGER AS rows, any_value(typeof(id)) AS type,
    count(*) FILTER (name = 'name ' || id OR (name IS NULL AND id % 20000 % 3 = 0))::INTEGER AS same FROM people WHERE id >= 0`)
  expect(row).toEqual({ rows: 40_000, type: 'BIGINT', same: 40_000 })
})

it('batches that were handed over to a worker that dies are settled, each as it is', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path, tables: people })
  const rows = 40_000
  const columns = (batch: number): SinkColumns => ({
    id: Int32Array.from({ length: rows }, () => batch),
    name: packed(Array.from({ length: rows }, (_, row) => `name number ${row}`)),
  })
  const writes = Array.from({ length: 12 }, (_, batch) =>
    engine.table('people').writeColumns(columns(batch), { transfer: true }),
  )
  const outcomes = Promise.allSettled(writes)
  await Promise.any(writes)
  steer('throw')
  const codes = (await outcomes).map((outcome) =>
    outcome.status === 'fulfilled' ? 'COMMITTED' : (outcome.reason as { code: string }).code,
  )
  expect(['COMMITTED', 'OUTCOME_UNKNOWN', 'WORKER_DIED']).toEqual(expect.arrayContaining([...new Set(codes)]))
  expect([engine.bufferedBytes, engine.bufferedBatches]).toEqual([0, 0])
  await engine.table('people').writeColumns(columns(99), { transfer: true })
  await engine.close()
  const there = new Map(
    (await readFile(path, 'SELECT id, count(*)::INTEGER AS rows FROM people GROUP BY id')).map((row) => [
      row.id,
      row.rows,
    ]),
  )
  expect([...there.values()]).toEqual([...there].map(() => rows))
  codes.forEach((code, batch) => {
    if (code !== 'OUTCOME_UNKNOWN') expect(there.has(batch)).toBe(code === 'COMMITTED')
  })
})

it('columns that were handed over to a worker that has ended before their first part is sent are settled', async () => {
  const { engine, workers } = await openSteered({ path: databasePath(), tables: people })
  onTestFinished(() => engine.close())
  const columns = (): SinkColumns => ({
    id: Int32Array.from({ length: 40_000 }, (_, row) => row),
    name: packed(Array.from({ length: 40_000 }, () => 'Ann')),
  })
  const { insert } = WorkerThread.prototype
  const spy = vi.spyOn(WorkerThread.prototype, 'insert').mockImplementationOnce(async function (
    this: WorkerThread,
    requests,
  ) {
    await workers[0]?.terminate()
    while (this.isRunning) await setImmediate()
    return insert.call(this, requests)
  })
  onTestFinished(() => spy.mockRestore())
  expect(await rejection(engine.table('people').writeColumns(columns(), { transfer: true }))).toMatchObject({
    code: 'WORKER_DIED',
    cause: { name: 'WorkerGoneError', wasSent: false },
  })
  expect([engine.bufferedBytes, engine.bufferedBatches]).toEqual([0, 0])
  await engine.table('people').writeColumns(columns(), { transfer: true })
  expect(await engine.query('SELECT count(*)::INTEGER AS n FROM people')).toEqual([{ n: 40_000 }])
})

describe('delivered exactly once', () => {
  const open = { tables: people, deliveryMode: 'exactly-once' } as const

  it('columns are known again by the records that they stand for, and those by them', async () => {
    const engine = await openEngine(open)
    const table = engine.table('people')
    const columns = (): SinkColumns => ({
      id: Int32Array.from({ length: 5_000 }, (_, row) => row),
      name: packed(Array.from({ length: 5_000 }, (_, row) => (row % 7 === 0 ? null : `n${row}`))),
    })
    const records = Array.from({ length: 5_000 }, (_, row) => ({
      id: row,
      name: row % 7 === 0 ? null : `n${row}`,
    }))
    const first = await table.writeColumns(columns(), { key: 'a', transfer: true })
    await engine.write('people', records, { key: 'b' })
    expect(first).toMatchObject({ duplicate: false, rowCount: 5_000 })
    expect(await engine.write('people', records, { key: 'a' })).toMatchObject({
      duplicate: true,
      sequence: first.sequence,
    })
    for (const transfer of [false, true])
      expect(await table.writeColumns(columns(), { key: 'b', transfer })).toMatchObject({ duplicate: true })
    await expect(table.writeColumns({ id: [1] }, { key: 'b' })).rejects.toMatchObject({
      code: 'KEY_CONFLICT',
    })
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM people')).toEqual([{ n: 10_000 }])
  })

  it('columns of a channel at or below its committed offset are dropped', async () => {
    const engine = await openEngine(open)
    const table = engine.table('people')
    const write = (offset: bigint): Promise<unknown> =>
      table.writeColumns({ id: [1] }, { channel: 'c', offset })
    expect(await write(5n)).toMatchObject({ duplicate: false })
    expect(await write(5n)).toMatchObject({ duplicate: true })
    expect(await engine.committedOffset('c')).toBe(5n)
  })

  it('packed bytes of a BLOB are known again, and stay bytes where records are made of them', async () => {
    const badRecords = 'skip'
    const engine = await openEngine({ ...open, tables: { people: { ...people.people, badRecords } } })
    const table = engine.table('people')
    const columns = (): SinkColumns => ({
      id: new Float64Array([1, 1.5, 3]),
      raw: packed([Uint8Array.of(0xff, 0xfe), Uint8Array.of(1), Buffer.from('\\x41')]),
    })
    expect(await table.writeColumns(columns(), { key: 'a' })).toMatchObject({ rowCount: 2, duplicate: false })
    expect(await table.writeColumns(columns(), { key: 'a', transfer: true })).toMatchObject({
      duplicate: true,
    })
    expect(await engine.query('SELECT id, hex(raw) AS raw FROM people ORDER BY id')).toEqual([
      { id: 1, raw: 'FFFE' },
      { id: 3, raw: '5C783431' },
    ])
  })
})
