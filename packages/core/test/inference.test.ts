import { once } from 'node:events'
import { type ILogObj, Logger } from 'tslog'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SinkEngine } from '../src/index.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

/** Values of one field, and the type of the column that is inferred from them. */
const INFERRED: readonly (readonly [type: string, values: readonly unknown[]])[] = [
  ['BOOLEAN', [true, false]],
  ['BIGINT', [1, -5, 0]],
  ['BIGINT', [1, 2n]],
  ['BIGINT', [2n ** 63n - 1n, -(2n ** 63n)]],
  ['HUGEINT', [2n ** 63n]],
  ['HUGEINT', [1, 1n, -(2n ** 127n)]],
  ['UHUGEINT', [1, 2n ** 127n]],
  ['BIGNUM', [-1, 2n ** 127n]],
  ['BIGNUM', [2n ** 128n]],
  ['DOUBLE', [1, 1.5]],
  ['DOUBLE', [-0]],
  ['DOUBLE', [NaN]],
  ['DOUBLE', [2 ** 53]],
  ['DOUBLE', [2n ** 60n, 1.5, 3]],
  ['VARCHAR', ['a', '2026-11-22', '5']],
  ['TIMESTAMP', [new Date(0)]],
  ['BLOB', [new Uint8Array(1), Buffer.from('x')]],
  // strings beside other scalars
  ['VARCHAR', [1, 'a', 1.5, 7n, true, new Date(0)]],
  // what is inside
  ['BIGINT[]', [[1, 2], [], [null]]],
  ['DOUBLE[]', [[1], [2.5]]],
  ['VARCHAR[][]', [[['a'], []], [['b']]]],
  ['STRUCT(a BIGINT)', [{ a: 1 }, {}]],
  ['STRUCT(a DOUBLE, b VARCHAR[])', [{ a: 1 }, { b: ['x'] }, { a: 2.5, b: null }]],
  ['STRUCT(x BIGINT, y BIGINT)[]', [[{ x: 1 }], [{ y: 2 }]]],
  ['MAP(VARCHAR, BIGINT)', [new Map([['a', 1]]), new Map()]],
  // shapes in conflict
  ['JSON', [{ a: 1 }, [1], 5, true]],
  ['JSON', [1.5, false, 1n]],
  ['JSON', [2n ** 53n + 1n, 1.5]],
  ['JSON', [[1, 'a']]],
  ['JSON', [{ a: 1 }, { a: 'x' }]],
  ['JSON', [{ a: 1 }, { A: 1 }]],
  ['JSON', [{ '': 1 }]],
  ['JSON', [[]]],
  ['JSON', [{}]],
]

const CONFLICTS: readonly (readonly unknown[])[] = [
  ['a', { a: 1 }],
  ['a', [1]],
  [2n ** 53n + 1n, Number.NaN],
  [new Date(0), 1],
  [new Uint8Array(1), 'a'],
  [new Uint8Array(1), [1]],
  [new Date(0), {}],
  [[1, 'a', new Date(0)]],
  [[Number.NaN, true]],
  [new Map([['a', 1]]), {}],
  [new Map([[1, 1]]), new Map([['a', 1]])],
  [new Map()],
]

const NO_TYPE = [() => 1, Symbol('x'), new (class Point {})(), [[new (class Point {})()]], new Set()]

let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:' })
})
afterAll(() => engine.close())

describe('the columns of a table that is absent', () => {
  it('are inferred from the kinds of all values of the first batch', async () => {
    for (const [index, [type, values]] of INFERRED.entries()) {
      for (const [suffix, inOrder] of orders(type, values).entries()) {
        const table = `t${index}_${suffix}`
        await engine.write(table, [{ v: null }, ...inOrder.map((v) => ({ v })), {}])
        const columns = await engine.query('SELECT data_type FROM duckdb_columns() WHERE table_name = $1', [
          table,
        ])
        expect(columns).toEqual([{ data_type: type }])
        const [count] = await engine.query(`SELECT count(*) AS rows, count(v) AS values FROM ${table}`)
        expect(count).toEqual({ rows: BigInt(values.length + 2), values: BigInt(values.length) })
      }
    }
  })

  it('are refused where the values of a field have no type in common, and no table is made', async () => {
    for (const values of CONFLICTS) {
      for (const inOrder of [values, values.toReversed()]) {
        const error = await rejection(engine.write('conflict', [{ id: 1 }, ...inOrder.map((v) => ({ v }))]))
        expect(error).toMatchObject({
          name: 'SchemaError',
          code: 'SCHEMA_MISMATCH',
          table: 'conflict',
          column: 'v',
        })
      }
    }
    expect(await engine.query(`FROM duckdb_tables() WHERE table_name = 'conflict'`)).toEqual([])
  })

  it('are refused where a value is of a kind that no column holds, by row and field', async () => {
    for (const v of NO_TYPE) {
      const error = await rejection(engine.write('no_type', [{ v: null }, { v }]))
      expect(error).toMatchObject({ name: 'SchemaError', table: 'no_type', column: 'v', row: 1 })
    }
  })

  it('are refused where every value is NULL', async () => {
    const error = await rejection(engine.write('nothing', [{ a: null }, { b: undefined }, {}]))
    expect(error).toMatchObject({ name: 'SchemaError', table: 'nothing' })
    expect(await engine.query(`FROM duckdb_tables() WHERE table_name = 'nothing'`)).toEqual([])
  })

  it('hold a field back that is NULL in every record, until a value comes', async () => {
    await engine.write('held_back', [{ id: 1, later: null }, { id: 2 }])
    expect(await engine.query('FROM held_back')).toEqual([{ id: 1n }, { id: 2n }])
    await engine.write('held_back', [{ id: 3, later: null }])
    await engine.write('held_back', [{ id: 4, Later: 1.5 }])
    await expect(engine.write('held_back', [{ id: 5, other: 1 }])).rejects.toMatchObject({ column: 'other' })
    expect(await engine.query('FROM held_back WHERE id > 2')).toEqual([
      { id: 3n, Later: null },
      { id: 4n, Later: 1.5 },
    ])
  })

  it('hold back a field of a nested value as well, of which the STRUCT then knows nothing', async () => {
    await engine.write('held_inside', [{ v: { a: 1, b: null } }])
    expect(await engine.query('FROM held_inside')).toEqual([{ v: { a: 1n } }])
  })

  it('take the text of numbers, booleans and dates where a field has strings as well', async () => {
    const values = ['a', 300, 2.5, 7n, true, new Date(0), null]
    await engine.write(
      'mixed',
      values.map((v) => ({ v })),
    )
    await engine.write('mixed', [
      { v: -0 },
      { v: 2n ** 70n },
      { v: 1e-7 },
      { v: 'a long text with an ümlaut' },
      { v: 5 },
    ])
    const rows = await engine.query<{ v: string }>('FROM mixed')
    expect(rows.map(({ v }) => v)).toEqual([
      ...['a', '300', '2.5', '7', 'true', '1970-01-01 00:00:00', null],
      ...['-0', '1180591620717411303424', '1e-7', 'a long text with an ümlaut', '5'],
    ])
    expect(await rejection(engine.write('mixed', [{ v: [1] }]))).toMatchObject({
      name: 'ValueError',
      column: 'v',
    })
  })

  it('have the values of records of any shape, exactly', async () => {
    const tags = new Map([['k', [1.5]]])
    await engine.write('nested', [
      { a: { b: [{ c: 1n }, { d: 'x', c: null }], e: {} }, m: tags },
      { a: { b: [], f: true }, m: null },
      { a: null },
    ])
    expect(await engine.query('SELECT a::JSON::VARCHAR AS a, m::VARCHAR AS m FROM nested')).toEqual([
      { a: '{"b":[{"c":1,"d":null},{"c":null,"d":"x"}],"e":{},"f":null}', m: '{k=[1.5]}' },
      { a: '{"b":[],"e":null,"f":true}', m: null },
      { a: null, m: null },
    ])
  })

  it('stand in the order in which the fields are first seen', async () => {
    await engine.write('ordered', [{ z: 1 }, { y: null, a: 2 }, { y: 3 }])
    const columns = await engine.query(
      `SELECT column_name AS name FROM duckdb_columns() WHERE table_name = 'ordered'`,
    )
    expect(columns.map(({ name }) => name)).toEqual(['z', 'y', 'a'])
  })
})

/** Forwards and backwards; the fields of a STRUCT stand in the order in which they are first seen. */
function orders(type: string, values: readonly unknown[]): readonly (readonly unknown[])[] {
  return type.includes(',') && type.includes('STRUCT') ? [values] : [values, values.toReversed()]
}

it('two batches for a table that is absent make one table', async () => {
  const path = databasePath()
  const one = await openEngine({ path })
  await Promise.all([one.write('t', [{ a: 1 }]), one.write('t', [{ a: 2 }]), one.write('t', [{ a: 3 }])])
  await expect(one.write('t', [{ a: 'text' }])).rejects.toMatchObject({
    name: 'ValueError',
    expected: 'BIGINT',
  })
  await one.close()
  expect(await readFile(path, 'FROM t')).toEqual([{ a: 1n }, { a: 2n }, { a: 3n }])
})

it('what was inferred is told by schemaChange and in the log', async () => {
  const logger = new Logger<ILogObj>({ type: 'hidden' })
  const logged = Promise.withResolvers<Record<string, unknown>>()
  logger.attachTransport({
    format: 'json',
    write: (_record, line) => {
      if (line.includes('table created')) logged.resolve(JSON.parse(line))
    },
  })
  const one = await openEngine({ logger })
  const changed = once(one, 'schemaChange')
  await one.write('t', [{ id: 1, name: 'secret' }])
  const columns = [
    { name: 'id', type: 'BIGINT' },
    { name: 'name', type: 'VARCHAR' },
  ]
  const table = { name: 't' }
  const change = { table, kind: 'create-table', before: [], after: columns, origin: 'inferred' }
  expect(await changed).toEqual([change])
  expect(await logged.promise).toMatchObject({
    message: 'table created',
    table: 't',
    columns,
    origin: 'inferred',
  })
})

it('a declared table that is made while the engine is open is told by schemaChange', async () => {
  const one = await openEngine({ tables: { t: { columns: { id: 'INTEGER' } } } })
  await one.query('DROP TABLE t')
  const changed = once(one, 'schemaChange')
  await one.write('t', [{ id: 1 }])
  expect(await changed).toMatchObject([{ after: [{ name: 'id', type: 'INTEGER' }], origin: 'declared' }])
})
