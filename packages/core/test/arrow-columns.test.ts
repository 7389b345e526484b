import {
  Binary,
  Bool,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  DurationMicrosecond,
  Field,
  FixedSizeList,
  Float16,
  Int32,
  Int64,
  LargeUtf8,
  List,
  Map_,
  makeData,
  makeVector,
  Null,
  Struct,
  Table,
  TimeMillisecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const item = (type: Int32): Field<Int32> => new Field('item', type)
const point = new Struct([new Field('x', new Int32()), new Field('name', new Utf8())])

/** Rows of every type that is taken, and what DuckDB prints of them. */
const COLUMNS = {
  int: { vector: vectorFromArray([1, null, -3], new Int32()), type: 'INTEGER', texts: ['1', null, '-3'] },
  big: {
    vector: vectorFromArray([2n ** 62n, null, -1n], new Int64()),
    type: 'BIGINT',
    texts: [String(2n ** 62n), null, '-1'],
  },
  text: {
    vector: vectorFromArray(['ä', null, 'more than twelve bytes'], new Utf8()),
    type: 'VARCHAR',
    texts: ['ä', null, 'more than twelve bytes'],
  },
  word: {
    vector: vectorFromArray(['b', 'a', null], new Dictionary(new Utf8(), new Int32())),
    type: 'VARCHAR',
    texts: ['b', 'a', null],
  },
  isOn: {
    vector: vectorFromArray([true, null, false], new Bool()),
    type: 'BOOLEAN',
    texts: ['true', null, 'false'],
  },
  raw: {
    vector: vectorFromArray([Uint8Array.of(0, 255), null, Uint8Array.of()], new Binary()),
    type: 'BLOB',
    texts: ['\\x00\\xFF', null, ''],
  },
  millis: {
    vector: vectorFromArray([1, null, -1], new TimestampMillisecond()),
    type: 'TIMESTAMP_MS',
    texts: ['1970-01-01 00:00:00.001', null, '1969-12-31 23:59:59.999'],
  },
  instant: {
    vector: vectorFromArray([1, null, 0], new TimestampMicrosecond('UTC')),
    type: 'TIMESTAMP WITH TIME ZONE',
    texts: ['1970-01-01 00:00:00.001+00', null, '1970-01-01 00:00:00+00'],
  },
  day: {
    vector: vectorFromArray([new Date(0), null, new Date(86_400_000)], new DateDay()),
    type: 'DATE',
    texts: ['1970-01-01', null, '1970-01-02'],
  },
  midnight: {
    vector: vectorFromArray([new Date(0), null, new Date(86_400_000)], new DateMillisecond()),
    type: 'DATE',
    texts: ['1970-01-01', null, '1970-01-02'],
  },
  clock: {
    vector: vectorFromArray([1_500, null, 0], new TimeMillisecond()),
    type: 'TIME',
    texts: ['00:00:01.5', null, '00:00:00'],
  },
  list: {
    vector: vectorFromArray([[1, 2], null, []], new List(item(new Int32()))),
    type: 'BIGINT[]',
    texts: ['[1, 2]', null, '[]'],
  },
  pair: {
    vector: vectorFromArray([[1, 2], null, [3, 4]], new FixedSizeList(2, item(new Int32()))),
    type: 'BIGINT[]',
    texts: ['[1, 2]', null, '[3, 4]'],
  },
  point: {
    vector: vectorFromArray([{ x: 1, name: 'a' }, null, { x: null, name: 'b' }], point),
    type: 'STRUCT(x BIGINT, "name" VARCHAR)',
    texts: ["{'x': 1, 'name': a}", null, "{'x': NULL, 'name': b}"],
  },
} as const

const table = (): Table =>
  new Table(Object.fromEntries(Object.entries(COLUMNS).map(([name, { vector }]) => [name, vector])))

const printed = (path: string): Promise<readonly object[]> =>
  readFile(path, 'SELECT COLUMNS(*)::VARCHAR FROM t ORDER BY rowid')
const expected = (row: number): object =>
  Object.fromEntries(Object.entries(COLUMNS).map(([name, { texts }]) => [name, texts[row]]))

it('a table makes an absent one of its types, and slices and chunks of it are its rows, nulls included', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, config: { TimeZone: 'UTC' } })
  await engine.table('t').writeColumns(table())
  await engine.table('t').writeColumns(table().slice(1))
  await engine.table('t').writeColumns(table().slice(1, 2).concat(table().slice(2)))
  await engine.table('t').writeColumns(table().batches[0] as never)
  const types = await engine.query<{ column_name: string; column_type: string }>('DESCRIBE t')
  await engine.close()
  expect(Object.fromEntries(types.map((column) => [column.column_name, column.column_type]))).toEqual(
    Object.fromEntries(Object.entries(COLUMNS).map(([name, { type }]) => [name, type])),
  )
  // the reader's session is in the zone of the machine
  const rows = (await printed(path)).map((row) => ({ ...row, instant: undefined }))
  const order = [0, 1, 2, 1, 2, 1, 2, 0, 1, 2]
  expect(rows).toEqual(order.map((row) => ({ ...expected(row), instant: undefined })))
})

it('a table that came by IPC is handed over, its columns in one buffer or several', async () => {
  const engine = await openEngine()
  const source = new Table({
    id: vectorFromArray(
      Array.from({ length: 5_000 }, (_, row) => row),
      new Int32(),
    ),
    name: vectorFromArray(
      Array.from({ length: 5_000 }, (_, row) => (row % 5 === 0 ? null : `name of ${row}`)),
      new Utf8(),
    ),
  })
  const chunked = source.slice(0, 3_001).concat(source.slice(3_001))
  for (const transfer of [false, true])
    for (const each of [tableFromIPC(tableToIPC(chunked, 'file')), tableFromIPC(tableToIPC(source))])
      await engine.table('t').writeColumns(each, { transfer })
  // handed over, so it holds nothing any more
  const gone = tableFromIPC(tableToIPC(source))
  await engine.table('t').writeColumns(gone, { transfer: true })
  expect(gone.getChild('id')?.data[0]?.values.length).toBe(0)
  const [row] = await engine.query(`SELECT count(*)::INTEGER AS rows, count(DISTINCT id)::INTEGER AS ids,
    count(*) FILTER (name = 'name of ' || id OR (name IS NULL AND id % 5 = 0))::INTEGER AS same FROM t`)
  expect(row).toEqual({ rows: 25_000, ids: 5_000, same: 25_000 })
})

it('units and widths that DuckDB has otherwise are converted exactly, or refused', async () => {
  const createTableSql =
    'CREATE TABLE t (at TIMESTAMP, zoned TIMESTAMPTZ, amount DECIMAL(18, 3), name VARCHAR, tags MAP(VARCHAR, INTEGER))'.replace(
      'at ',
      '"at" ',
    )
  const engine = await openEngine({ tables: { t: { createTableSql } }, config: { TimeZone: 'UTC' } })
  const amounts = Uint32Array.from([12_345, 0, 0, 0, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff])
  const tags = new Map_(
    new Field(
      'entries',
      new Struct([new Field('key', new Utf8()), new Field('value', new Int32())]),
    ) as never,
  )
  await engine.table('t').writeColumns(
    new Table({
      at: vectorFromArray([1, 2], new TimestampMillisecond()),
      zoned: vectorFromArray([1, 2], new TimestampMillisecond('Europe/Berlin')),
      amount: makeVector(makeData({ type: new Decimal(3, 10, 128), data: amounts, length: 2 })),
      name: vectorFromArray(['a', 'b'], new LargeUtf8()),
      tags: vectorFromArray([new Map([['k', 1]]), new Map()], tags as never),
    }),
  )
  expect(await engine.query('SELECT COLUMNS(*)::VARCHAR FROM t')).toEqual([
    {
      at: '1970-01-01 00:00:00.001',
      zoned: '1970-01-01 00:00:00.001+00',
      amount: '12.345',
      name: 'a',
      tags: '{k=1}',
    },
    {
      at: '1970-01-01 00:00:00.002',
      zoned: '1970-01-01 00:00:00.002+00',
      amount: '-0.001',
      name: 'b',
      tags: '{}',
    },
  ])
  const nanos = new Table({
    at: makeVector(makeData({ type: new TimestampNanosecond(), data: BigInt64Array.of(1n), length: 1 })),
  })
  expect(await rejection(engine.table('t').writeColumns(nanos))).toMatchObject({
    code: 'INVALID_VALUE',
    row: 0,
    column: 'at',
  })
})

it.each([
  ['Duration<MICROSECOND>', new DurationMicrosecond(), [1n]],
  ['Float16', new Float16(), [1]],
])('a type that DuckDB has none for is named: %s', async (name, type, values) => {
  const engine = await openEngine()
  const error = await rejection(
    engine.table('t').writeColumns(new Table({ x: vectorFromArray(values, type as never) })),
  )
  expect(error).toMatchObject({ code: 'INVALID_VALUE', table: 't', column: 'x', found: name })
})

it('a column of nulls becomes one when a value comes, and a table without rows is written as no records are', async () => {
  const engine = await openEngine()
  const source = new Table({
    id: vectorFromArray([1], new Int32()),
    later: vectorFromArray([null], new Null()),
  })
  await engine.table('t').writeColumns(source)
  expect(await engine.table('t').writeColumns(source.slice(0, 0))).toMatchObject({ rowCount: 0 })
  await engine.table('t').writeColumns({ id: [2], later: ['x'] })
  expect(await engine.query('FROM t ORDER BY id')).toEqual([
    { id: 1, later: null },
    { id: 2, later: 'x' },
  ])
})

it('text of an Arrow column that is no UTF-8 is refused, wherever it is', async () => {
  const engine = await openEngine()
  const bad = makeData({
    type: new Utf8(),
    data: Uint8Array.of(97, 0xff),
    valueOffsets: Int32Array.of(0, 1, 2),
    length: 2,
  })
  const plain = new Table({ x: makeVector(bad) })
  const list = makeData({
    type: new List(new Field('item', new Utf8())),
    child: bad,
    valueOffsets: Int32Array.of(0, 2),
    length: 1,
  })
  for (const source of [plain, new Table({ x: makeVector(list) })])
    expect(await rejection(engine.table('t').writeColumns(source))).toMatchObject({
      code: 'INVALID_VALUE',
      column: 'x',
    })
})

describe('record batches that were handed over come back together where their table is altered before they come', () => {
  const batch = (from: number): Table =>
    new Table({
      id: vectorFromArray(
        Array.from({ length: 10_000 }, (_, row) => from + row),
        new Int32(),
      ),
      name: vectorFromArray(
        Array.from({ length: 10_000 }, (_, row) => `name ${from + row}`),
        new Utf8(),
      ),
    })

  it.each([
    ['all of them are on their way', {}],
    // the answer to the first, which asks for the batch once more, is what gives the second its room
    ['the second is made, and waits for room to be sent', { maxBufferedBytes: 1 }],
  ])('while %s', async (_, bounds) => {
    const engine = await openEngine({
      tables: { t: { createTableSql: 'CREATE TABLE t (id INTEGER, name VARCHAR)' } },
      ...bounds,
    })
    await engine.table('t').writeColumns({ id: [-1] })
    const [, receipt] = await Promise.all([
      engine.query('ALTER TABLE t ALTER id TYPE BIGINT'),
      engine
        .table('t')
        .writeColumns(batch(0).concat(batch(10_000)).concat(batch(20_000)), { transfer: true }),
    ])
    expect(receipt).toMatchObject({ rowCount: 30_000 })
    const [row] = await engine.query(`SELECT count(*)::INTEGER AS rows, count(DISTINCT id)::INTEGER AS ids,
      count(*) FILTER (name = 'name ' || id)::INTEGER AS same FROM t WHERE id >= 0`)
    expect(row).toEqual({ rows: 30_000, ids: 30_000, same: 30_000 })
  })
})

it('a record batch that does not fit makes its table wider, also behind others that were sent', async () => {
  const schemaContract = { types: 'evolve' } as const
  const engine = await openEngine({
    tables: { t: { columns: { id: 'INTEGER', n: 'SMALLINT' }, schemaContract } },
  })
  const batch = (from: number, n: number): Table =>
    new Table({
      id: vectorFromArray(
        Array.from({ length: 5_000 }, (_, row) => from + row),
        new Int32(),
      ),
      n: vectorFromArray(
        Array.from({ length: 5_000 }, () => n),
        new Int32(),
      ),
    })
  await engine.table('t').writeColumns(batch(0, 1).concat(batch(5_000, 100_000)), { transfer: true })
  expect(
    await engine.query(
      'SELECT n, typeof(n) AS type, count(*)::INTEGER AS rows FROM t GROUP BY ALL ORDER BY n',
    ),
  ).toEqual([
    { n: 1, type: 'INTEGER', rows: 5_000 },
    { n: 100_000, type: 'INTEGER', rows: 5_000 },
  ])
})
