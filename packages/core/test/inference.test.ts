import { once } from 'node:events'
import fc from 'fast-check'
import { type ILogObj, Logger } from 'tslog'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SinkEngine } from '../src/index.ts'
import { inferColumns } from '../src/inference.ts'
import { TimeSlice } from '../src/time-slice.ts'
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
  ['DOUBLE', [1, 1.5]],
  ['DOUBLE', [-0]],
  ['DOUBLE', [NaN]],
  ['DOUBLE', [2 ** 53]],
  ['VARCHAR', ['a', '2026-11-22', '5']],
  ['TIMESTAMP', [new Date(0)]],
  ['BLOB', [new Uint8Array(1), Buffer.from('x')]],
  ['JSON', [[1, 2]]],
  ['JSON', [{ a: 1 }, [1], 5, true]],
  ['JSON', [1.5, false]],
]

const CONFLICTS: readonly (readonly unknown[])[] = [
  [1, 'a'],
  ['a', { a: 1 }],
  ['a', true],
  [1n, 1.5],
  [new Date(0), 'a'],
  [new Date(0), 1],
  [new Uint8Array(1), 'a'],
  [new Uint8Array(1), [1]],
  [1n, true],
  [new Date(0), {}],
]

const NO_TYPE = [() => 1, Symbol('x'), new Map(), new (class Point {})(), 2n ** 127n]

let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:' })
})
afterAll(() => engine.close())

describe('the columns of a table that is absent', () => {
  it('are inferred from the kinds of all values of the first batch', async () => {
    for (const [index, [type, values]] of INFERRED.entries()) {
      for (const [suffix, inOrder] of [values, values.toReversed()].entries()) {
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

  it('leave out a field that is NULL in every record, whose values are then refused', async () => {
    await engine.write('held_back', [{ id: 1, later: null }, { id: 2 }])
    expect(await engine.query('FROM held_back')).toEqual([{ id: 1n }, { id: 2n }])
    await engine.write('held_back', [{ id: 3, later: null }])
    await expect(engine.write('held_back', [{ id: 4, later: 1 }])).rejects.toMatchObject({ column: 'later' })
  })

  it('stand in the order in which the fields are first seen', async () => {
    await engine.write('ordered', [{ z: 1 }, { y: null, a: 2 }, { y: 3 }])
    const columns = await engine.query(
      `SELECT column_name AS name FROM duckdb_columns() WHERE table_name = 'ordered'`,
    )
    expect(columns.map(({ name }) => name)).toEqual(['z', 'y', 'a'])
  })

  it('have types that do not depend on the order of the records', async () => {
    const value = fc.constantFrom<unknown>(
      null,
      true,
      1,
      2.5,
      3n,
      2n ** 70n,
      'a',
      new Date(0),
      new Uint8Array(1),
      [1],
      {},
    )
    const record = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] })
    const shuffled = fc
      .array(record, { minLength: 1, maxLength: 6 })
      .chain((records) =>
        fc.tuple(fc.constant(records), fc.shuffledSubarray(records, { minLength: records.length })),
      )
    await fc.assert(
      fc.asyncProperty(shuffled, async ([records, again]) => {
        expect(await inferred(again)).toEqual(await inferred(records))
      }),
      { numRuns: 300 },
    )
  })
})

async function inferred(records: readonly Record<string, unknown>[]): Promise<unknown> {
  try {
    const columns = await inferColumns('t', records, new TimeSlice())
    return columns.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    return (error as Error).name
  }
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
