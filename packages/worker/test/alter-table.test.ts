import { describe, expect, test } from 'vitest'
import type { EvolvedTable } from '../src/evolution.ts'
import { SchemaError } from '../src/protocol/errors.ts'
import type { TableReference } from '../src/protocol/table-messages.ts'
import { openSession } from './session.ts'

const table: TableReference = { name: 't' }

async function refusal(attempt: Promise<unknown>): Promise<SchemaError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SchemaError)
  return error as SchemaError
}

const NAMES = ['a', 'A "quoted"; DROP TABLE t --', 'select', 'ä 🦆'] as const

describe('evolve', () => {
  test('adds columns of any name and widens types, and tells each change with before and after', async () => {
    const session = await openSession()
    await session.rows('CREATE TABLE t (id INTEGER DEFAULT 7 NOT NULL)')
    await session.rows('INSERT INTO t VALUES (1)')
    const add = NAMES.map((name) => ({ name, type: 'VARCHAR[]' }))
    const widen = [{ name: 'ID', from: 'INTEGER', to: 'BIGINT' }]
    const { layout, isAltered } = (await session.evolution.evolve({ table, add, widen })) as EvolvedTable
    const columns = [{ name: 'id', type: 'BIGINT' }, ...add]
    expect(isAltered).toBe(true)
    expect(layout.columns).toEqual(columns)
    expect(session.changes).toEqual([
      ...add.map((column) => ({
        table,
        kind: 'add-column',
        before: [],
        after: [column],
        origin: 'inferred',
      })),
      {
        table,
        kind: 'alter-type',
        before: [{ name: 'id', type: 'INTEGER' }],
        after: [{ name: 'id', type: 'BIGINT' }],
        origin: 'inferred',
      },
    ])
    expect(await session.rows('SELECT id, a, "select" FROM t')).toEqual([{ id: 1n, a: null, select: null }])
    // what the column was made with is kept
    await session.rows('INSERT INTO t (a) VALUES (NULL)')
    expect(await session.rows('SELECT id FROM t')).toEqual([{ id: 1n }, { id: 7n }])
    await expect(session.rows('INSERT INTO t (id) VALUES (NULL)')).rejects.toThrow('NOT NULL')
  })

  test('leaves what is there already, in whatever case and type, and what has another type by now', async () => {
    const session = await openSession()
    await session.rows('CREATE TABLE t (Id INTEGER, other DOUBLE)')
    const add = [{ name: 'ID', type: 'VARCHAR' }]
    const widen = [
      { name: 'other', from: 'FLOAT', to: 'VARCHAR' },
      { name: 'gone', from: 'INTEGER', to: 'BIGINT' },
    ]
    const { layout, isAltered } = (await session.evolution.evolve({ table, add, widen })) as EvolvedTable
    expect(isAltered).toBe(false)
    expect(layout.columns).toEqual([
      { name: 'Id', type: 'INTEGER' },
      { name: 'other', type: 'DOUBLE' },
    ])
    expect(session.changes).toEqual([])
  })

  test('sees what another connection has added', async () => {
    const session = await openSession()
    await session.rows('CREATE TABLE t (id INTEGER)')
    await session.layout('t')
    await session.rows('ALTER TABLE t ADD COLUMN a DOUBLE')
    const { layout } = (await session.evolution.evolve({
      table,
      add: [{ name: 'a', type: 'BIGINT' }],
      widen: [],
    })) as EvolvedTable
    expect(layout.columns[1]).toEqual({ name: 'a', type: 'DOUBLE' })
  })

  test.each([
    ['a PRIMARY KEY', 'id INTEGER PRIMARY KEY', 'PRIMARY KEY'],
    ['UNIQUE', 'id INTEGER UNIQUE', 'UNIQUE'],
    ['a CHECK', 'id INTEGER CHECK (id > 0)', 'CHECK'],
    ['a CHECK of the table', 'id INTEGER, b INTEGER, CHECK (id < b)', 'CHECK'],
    ['a FOREIGN KEY', 'id INTEGER REFERENCES parent (id)', 'FOREIGN KEY'],
    ['a generated column', 'id INTEGER, g INTEGER AS (id + 1)', 'generated column'],
    ['an index', 'id INTEGER); CREATE INDEX i ON t (id', 'index'],
    ['an index on another column', 'id INTEGER, b INTEGER); CREATE INDEX i ON t (b', 'index'],
  ])(
    'is refused on a column with %s, with the reason, and all of it is undone',
    async (_, columns, reason) => {
      const session = await openSession()
      await session.rows('CREATE TABLE parent (id INTEGER PRIMARY KEY)')
      for (const sql of `CREATE TABLE t (${columns})`.split('; ')) await session.rows(sql)
      const before = await session.layout('t')
      const add = [{ name: 'extra', type: 'VARCHAR' }]
      const widen = [{ name: 'id', from: 'INTEGER', to: 'BIGINT' }]
      const error = await refusal(session.evolution.evolve({ table, add, widen }))
      expect(error).toMatchObject({ code: 'DDL_FAILED', table: 't', column: 'id' })
      expect(error.message).toContain(reason)
      expect(error.message).toContain("'discard-value'")
      expect((await session.layout('t')).columns).toEqual(before.columns)
      expect(session.changes).toEqual([])
      // a column can be added to any of these tables
      expect(await session.evolution.evolve({ table, add, widen: [] })).toMatchObject({ isAltered: true })
    },
  )

  test('is refused where a value that is there does not fit, which the error does not tell', async () => {
    const session = await openSession()
    await session.rows('CREATE TABLE t (a DATE)')
    await session.rows("INSERT INTO t VALUES ('500000-01-01')")
    const widen = [{ name: 'a', from: 'DATE', to: 'TIMESTAMP' }]
    const error = await refusal(session.evolution.evolve({ table, add: [], widen }))
    expect(error).toMatchObject({ code: 'DDL_FAILED', column: 'a' })
    expect(error.cause).toBeUndefined()
    expect(error.message).not.toContain('500000')
    expect(await session.rows('SELECT year(a) AS year FROM t')).toEqual([{ year: 500_000n }])
  })

  test('finds no table where there is none, and refuses a name that can be none', async () => {
    const session = await openSession()
    const column = { name: 'a', type: 'BIGINT' }
    expect(await session.evolution.evolve({ table, add: [column], widen: [] })).toBeUndefined()
    await session.rows('CREATE TABLE t (id INTEGER)')
    const add = [{ name: 'a\0b', type: 'BIGINT' }]
    await expect(session.evolution.evolve({ table, add, widen: [] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect((await session.layout('t')).columns).toHaveLength(1)
  })
})
