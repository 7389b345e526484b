import { expect, it } from 'vitest'
import { SchemaError, SinkEngine, type TableOptions } from '../src/index.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const TABLES = 'SELECT table_name AS name FROM duckdb_tables() ORDER BY name'

/** What opening a file with this table fails with, and the tables that are in the file after. */
async function failedOpen(events: TableOptions): Promise<{ error: SchemaError; tables: unknown[] }> {
  const path = databasePath()
  const error = await rejection(SinkEngine.open({ path, tables: { events } }))
  expect(error).toBeInstanceOf(SchemaError)
  const rows = await readFile(path, TABLES)
  return { error: error as SchemaError, tables: rows.map(({ name }) => name) }
}

const RIGHT = [
  'CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL);',
  '  -- made by the app\n CREATE TABLE main."events" (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL) ; -- done\n',
  `CREATE OR REPLACE TABLE EVENTS (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL CHECK (name <> ';'))`,
]

it('a table that is absent is made when the engine opens, and one that is there is left as it is', async () => {
  for (const createTableSql of RIGHT) {
    const path = databasePath()
    const tables = { events: { createTableSql } }
    for (const id of [1, 2]) {
      const engine = await openEngine({ path, tables })
      await engine.write('events', [{ name: 'x', id }])
      await engine.close()
    }
    expect(await readFile(path, 'FROM events ORDER BY id')).toEqual([1, 2].map((id) => ({ id, name: 'x' })))
  }
})

const WRONG = [
  'CREATE TABLE events (id NO_SUCH_TYPE)',
  'CREATE TABLE events (id INTEGER); CREATE TABLE others (id INTEGER)',
  '-- nothing',
  'CREATE TABLE others (id INTEGER)',
  'CREATE TEMP TABLE events (id INTEGER)',
  'CREATE VIEW events AS SELECT 1 AS id',
  'INSERT INTO events VALUES (1)',
]

it.each(WRONG)(
  'createTableSql that does not make exactly its table is refused, and leaves nothing: %s',
  async (createTableSql) => {
    const { error, tables } = await failedOpen({ createTableSql })
    expect(error).toMatchObject({ code: 'DDL_FAILED', table: 'events', retryable: false })
    expect(tables).toEqual([])
  },
)

it('a table is made from declared columns', async () => {
  const path = databasePath()
  const columns = { id: 'BIGINT', tags: 'VARCHAR[]', price: 'DECIMAL(9, 2)', 'the kind': `ENUM('a', 'b')` }
  const engine = await openEngine({ path, tables: { events: { columns } } })
  await engine.write('events', [{ id: 1, tags: ['x'], price: '1.25', 'the kind': 'b' }])
  await engine.close()
  const [row] = await readFile(
    path,
    'SELECT id, tags::VARCHAR AS tags, price::VARCHAR AS price, "the kind" FROM events',
  )
  expect(row).toEqual({ id: 1n, tags: '[x]', price: '1.25', 'the kind': 'b' })
  // the same by other names of the types
  const synonyms = { ID: 'int8', tags: 'text[]', price: 'numeric(9,2)', 'the kind': `enum('a','b')` }
  const again = await openEngine({ path, tables: { events: { columns: synonyms } } })
  await again.write('events', [{ id: 2 }])
})

it('a table that is there with other columns than declared is refused by column', async () => {
  const path = databasePath()
  const first = await openEngine({
    path,
    tables: { events: { columns: { id: 'INTEGER', name: 'VARCHAR' } } },
  })
  await first.close()
  for (const columns of [{ id: 'BIGINT' }, { name: 'VARCHAR', other: 'INTEGER' }]) {
    const error = await rejection(SinkEngine.open({ path, tables: { events: { columns } } }))
    const [column, expected] = Object.entries(columns).at(-1) as [string, string]
    expect(error).toMatchObject({ name: 'SchemaError', table: 'events', column, expected })
  }
})

it('a declared type that does not exist fails, and makes no table', async () => {
  const { error, tables } = await failedOpen({ columns: { id: 'INTEGER', other: 'NO_SUCH_TYPE' } })
  expect(error).toMatchObject({ code: 'DDL_FAILED', table: 'events' })
  expect(tables).toEqual([])
})

it('where one of several tables cannot be made, the engine does not open and the file can be opened again', async () => {
  const path = databasePath()
  const tables = { good: { columns: { id: 'INTEGER' } }, bad: { createTableSql: 'SELECT 1' } }
  await expect(SinkEngine.open({ path, tables })).rejects.toBeInstanceOf(SchemaError)
  const engine = await openEngine({ path, tables: { good: tables.good } })
  await engine.write('good', [{ id: 1 }])
})

it('a view is no table to write to', async () => {
  const engine = await openEngine()
  await engine.query('CREATE TABLE base (id INTEGER)')
  await engine.query('CREATE VIEW events AS FROM base')
  await expect(engine.write('events', [{ id: 1 }])).rejects.toMatchObject({
    name: 'SchemaError',
    table: 'events',
  })
  expect(await engine.query('FROM base')).toEqual([])
})

it('a table that is absent is not made where the contract freezes the tables', async () => {
  const engine = await openEngine({ tables: { events: { schemaContract: { tables: 'freeze' } } } })
  const refusal = { name: 'SchemaError', code: 'TABLE_ABSENT', table: 'events', retryable: false }
  await expect(engine.write('events', [{ id: 1 }])).rejects.toMatchObject(refusal)
  expect(await engine.query('FROM duckdb_tables()')).toEqual([])
  await engine.query('CREATE TABLE events (id INTEGER)')
  expect(await engine.write('events', [{ id: 1 }])).toMatchObject({ rowCount: 1 })
})

it('a declared table is made again where the app has dropped it', async () => {
  const engine = await openEngine({ tables: { events: { columns: { id: 'INTEGER' } } } })
  await engine.write('events', [{ id: 1 }])
  await engine.query('DROP TABLE events')
  await engine.write('events', [{ id: 2 }])
  expect(await engine.query('FROM events')).toEqual([{ id: 2 }])
})
