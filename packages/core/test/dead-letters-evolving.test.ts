import { describe, expect, it } from 'vitest'
import type { SchemaContract, SinkRecord } from '../src/index.ts'
import { numbered, openEngine } from './open-engine.ts'

const withContract = (schemaContract: SchemaContract) =>
  ({
    events: { columns: { id: 'INTEGER', name: 'VARCHAR' }, badRecords: 'dead-letter', schemaContract },
  }) as const

const rowsOf = (letters: readonly { readonly row: number }[]): number[] => letters.map(({ row }) => row)

describe('where types evolve', () => {
  it('a column becomes wider for the records that can be written, and the others are set aside', async () => {
    const engine = await openEngine({ tables: withContract({ types: 'evolve' }) })
    const records: SinkRecord[] = numbered(20_000)
    records[7] = { id: () => 1 }
    records[9_000] = { id: 2 ** 40 }
    records[15_000] = { id: Symbol('x'), name: 'y' }
    expect(await engine.write('events', records)).toMatchObject({ rowCount: 19_998, deadLetterCount: 2 })
    expect(rowsOf(await engine.deadLetters('events'))).toEqual([7, 15_000])
    const [row] = await engine.query('SELECT typeof(id) AS type, max(id) AS most FROM events GROUP BY 1')
    expect(row).toEqual({ type: 'BIGINT', most: 2n ** 40n })
  })

  it('records wait no longer for a column that DuckDB does not alter', async () => {
    const createTableSql = 'CREATE TABLE events (id INTEGER PRIMARY KEY, name VARCHAR)'
    const events = { createTableSql, badRecords: 'dead-letter', schemaContract: { types: 'evolve' } } as const
    const engine = await openEngine({ tables: { events } })
    expect(await engine.write('events', [{ id: 1 }, { id: 2 ** 40 }, { id: 2 }])).toMatchObject({
      rowCount: 2,
      deadLetterCount: 1,
    })
    expect(rowsOf(await engine.deadLetters('events'))).toEqual([1])
  })

  it('a violation and a wider value in one batch are both seen to', async () => {
    const createTableSql = 'CREATE TABLE events (id INTEGER, amount INTEGER, CHECK (id > 0))'
    const events = { createTableSql, badRecords: 'dead-letter', schemaContract: { types: 'evolve' } } as const
    const engine = await openEngine({ tables: { events } })
    const records = [
      { id: 1, amount: 1 },
      { id: -1, amount: 2 },
      { id: 2, amount: 2 ** 40 },
    ]
    expect(await engine.write('events', records)).toMatchObject({ rowCount: 2, deadLetterCount: 1 })
    expect(await engine.query('SELECT amount FROM events ORDER BY id')).toEqual([
      { amount: 1n },
      { amount: 2n ** 40n },
    ])
  })
})

it('where columns evolve, a column is added for the records that can be written', async () => {
  const engine = await openEngine({ tables: withContract({ columns: 'evolve' }) })
  const records = [
    { id: 1, extra: 1 },
    { id: 2, extra: () => 1 },
    { id: 'x', extra: 3 },
    { id: 4, other: Symbol('x') },
  ]
  expect(await engine.write('events', records)).toMatchObject({ rowCount: 1, deadLetterCount: 3 })
  expect(await engine.query('FROM events')).toEqual([{ id: 1, name: null, extra: 1n }])
  const collector = engine.table<SinkRecord>('events').collect()
  for (const record of [{ id: 5 }, { id: 6, more: true }, { id: 7, more: () => 1 }, { id: 'x' }])
    collector.push(record)
  await collector.close()
  expect(await engine.query('SELECT id, more FROM events WHERE id > 4 ORDER BY id')).toEqual([
    { id: 5, more: null },
    { id: 6, more: true },
  ])
  expect(await engine.deadLetters('events')).toHaveLength(5)
})

it('where values are discarded, their records are none to set aside', async () => {
  const engine = await openEngine({
    tables: withContract({ columns: 'discard-value', types: 'discard-value' }),
  })
  const records: unknown[] = numbered(5_000)
  records[100] = { id: 'x', name: 'kept' }
  records[200] = 7
  records[300] = { id: 1, extra: 2 }
  expect(await engine.write('events', records as object[])).toMatchObject({
    ...{ rowCount: 4_999, deadLetterCount: 1, discardedValueCount: 2 },
  })
  expect(await engine.query("SELECT id FROM events WHERE name = 'kept'")).toEqual([{ id: null }])
  expect(rowsOf(await engine.deadLetters('events'))).toEqual([200])
})

it('where tables are not made, rows are left out, and what is no row is set aside', async () => {
  const schemaContract = { tables: 'discard-value' } as const
  const engine = await openEngine({ tables: { absent: { badRecords: 'dead-letter', schemaContract } } })
  expect(await engine.write('absent', [{ id: 1 }, { id: 2 }])).toMatchObject({
    ...{ rowCount: 0, discardedRowCount: 2, deadLetterCount: 0 },
  })
})
