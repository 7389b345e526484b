import { describe, expect, test } from 'vitest'
import { SchemaError } from '../src/protocol/errors.ts'
import type { TableColumn, TableReference } from '../src/protocol/table-messages.ts'
import { readFile } from './read-file.ts'
import { openSession, type Session, temporaryDirectory } from './session.ts'

const table: TableReference = { name: 't' }

const create = ({ evolution }: Session, createTableSql: string, name = 't'): Promise<unknown> =>
  evolution.prepare({ table: { name }, createTableSql, origin: 'declared' })

const declare = (
  { evolution }: Session,
  columns: readonly TableColumn[],
  reference = table,
): Promise<unknown> => evolution.prepare({ table: reference, columns, origin: 'declared' })

async function refusal(attempt: Promise<unknown>): Promise<SchemaError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SchemaError)
  return error as SchemaError
}

const tables = async ({ rows }: Session): Promise<unknown[]> =>
  (await rows('SELECT schema_name || $$.$$ || table_name AS name FROM duckdb_tables() ORDER BY 1')).map(
    (row) => row.name,
  )

describe('createTableSql', () => {
  test('makes the table, and the change is told', async () => {
    const session = await openSession()
    const layout = await create(
      session,
      'CREATE TABLE t (id BIGINT PRIMARY KEY, "at" TIMESTAMP DEFAULT now());',
    )
    expect(layout).toMatchObject({ columns: [{ name: 'id' }, { name: 'at' }] })
    expect(session.changes).toEqual([
      {
        table,
        kind: 'create-table',
        before: [],
        after: [
          { name: 'id', type: 'BIGINT' },
          { name: 'at', type: 'TIMESTAMP' },
        ],
        origin: 'declared',
      },
    ])
  })

  test.each([
    ['a comment and a semicolon', '-- the table\nCREATE TABLE t (a INTEGER); -- done\n'],
    ['IF NOT EXISTS', 'CREATE TABLE IF NOT EXISTS t (a INTEGER)'],
    ['OR REPLACE', 'CREATE OR REPLACE TABLE t (a INTEGER)'],
    ['the name in full and in another case', 'CREATE TABLE memory.main."T" (a INTEGER)'],
    ['a query', 'CREATE TABLE t AS SELECT 1 AS a WHERE false'],
    ['a semicolon in a literal', "CREATE TABLE t (a VARCHAR DEFAULT ';DROP TABLE x;')"],
  ])('may have %s', async (_, sql) => {
    const session = await openSession()
    expect(await create(session, sql)).toMatchObject({ columns: [{ name: 'a' }] })
    expect(await session.rows('FROM t')).toEqual([])
  })

  test('is not run where the table is there, whatever it says', async () => {
    const session = await openSession()
    await session.rows('CREATE TABLE t (a INTEGER)')
    await session.rows('INSERT INTO t VALUES (1)')
    const layout = await create(session, 'CREATE OR REPLACE TABLE t (b INTEGER)')
    expect(layout).toMatchObject({ columns: [{ name: 'a', type: 'INTEGER' }] })
    expect(await session.rows('FROM t')).toEqual([{ a: 1 }])
    expect(session.changes).toEqual([])
  })

  test.each([
    ['two statements', 'CREATE TABLE t (a INTEGER); CREATE TABLE u (a INTEGER)', /holds 2 statements/],
    [
      'two statements, the first another',
      'DROP TABLE kept; CREATE TABLE t (a INTEGER)',
      /holds 2 statements/,
    ],
    ['no statement', ' -- nothing', /holds 0 statements/],
    ['no CREATE', 'DROP TABLE kept', /is of type DROP/],
    ['a SELECT', 'SELECT 1', /is of type SELECT/],
    ['an INSERT', 'INSERT INTO kept VALUES (2)', /is of type INSERT/],
    ['what ends the transaction', 'COMMIT', /is of type TRANSACTION/],
    ['a syntax error', 'CREATE TABLE t (a INTEGER', /Parser Error/],
    ['a type that does not exist', 'CREATE TABLE t (a QUACK)', /Catalog Error: .*QUACK/],
    ['another table', 'CREATE TABLE u (a INTEGER)', /did not create it/],
    ['another table in its place', 'CREATE OR REPLACE TABLE kept (b INTEGER)', /did not create it/],
    ['the table in another catalog', 'CREATE TEMP TABLE t (a INTEGER)', /did not create it/],
    ['a view', 'CREATE VIEW t AS SELECT 1 AS a', /did not create it/],
    ['a schema', 'CREATE SCHEMA t', /did not create it/],
    ['a function', 'CREATE MACRO t() AS 1', /did not create it|is of type/],
    ['the rows of the batch', 'CREATE TABLE t AS FROM sink_batch(1)', /belongs to the engine/],
  ])('with %s is refused and leaves nothing behind', async (_, sql, message) => {
    const session = await openSession()
    await session.rows('CREATE TABLE kept (a INTEGER)')
    await session.rows('INSERT INTO kept VALUES (1)')
    const error = await refusal(create(session, sql))
    expect(error.message).toMatch(message)
    expect(error).toMatchObject({ code: 'DDL_FAILED', table: 't', retryable: false })
    expect(await tables(session)).toEqual(['main.kept'])
    expect(await session.rows('FROM kept')).toEqual([{ a: 1 }])
    expect(session.changes).toEqual([])
    // the connection is not left in a transaction
    expect(await create(session, 'CREATE TABLE t (a INTEGER)')).toMatchObject({ columns: [{ name: 'a' }] })
  })
})

describe('declared columns', () => {
  test('make a table of any name in any order, for another process to read', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await openSession(path)
    const name = 'say "hi" to.the 🦆; DROP TABLE x'
    const columns = [
      { name: 'select', type: 'VARCHAR[]' },
      { name: 'a.b', type: 'STRUCT("x y" INTEGER)' },
      { name: '"', type: "ENUM('it''s', 'b')" },
      { name: 'order by', type: 'DECIMAL(10,2)' },
    ]
    await declare(session, columns, { name })
    session.close()
    const quoted = `"${name.replaceAll('"', '""')}"`
    expect(await readFile(path, `SELECT column_name, column_type FROM (DESCRIBE ${quoted})`)).toEqual(
      columns.map((column) => [column.name, column.type]),
    )
  })

  test('that are there already, in any spelling, are taken as they are', async () => {
    const session = await openSession()
    await session.rows(
      'CREATE TABLE t (Id INTEGER, Price DECIMAL(10,2), more VARCHAR, pair STRUCT(low INTEGER, "HIGH" VARCHAR))',
    )
    const columns = [
      { name: 'PRICE', type: 'numeric( 10, 2 )' },
      { name: 'id', type: 'int4' },
      { name: 'pair', type: 'STRUCT("Low" INT, high TEXT)' },
    ]
    expect(await declare(session, columns)).toMatchObject({ columns: { length: 4 } })
    expect(session.changes).toEqual([])
  })

  test('may be of a type that CREATE TYPE made, at every start', async () => {
    const session = await openSession()
    await session.rows("CREATE TYPE mood AS ENUM ('sad', 'Happy')")
    const columns = [
      { name: 'a', type: 'mood' },
      { name: 'b', type: 'mood[]' },
    ]
    await declare(session, columns)
    expect(await declare(session, columns)).toMatchObject({
      columns: [{ type: "ENUM('sad', 'Happy')" }, { type: "ENUM('sad', 'Happy')[]" }],
    })
    const other = await refusal(declare(session, [{ name: 'a', type: "ENUM('sad', 'happy')" }]))
    expect(other.message).toContain("declared as ENUM('sad', 'happy') but is ENUM('sad', 'Happy')")
    const absent = await refusal(declare(session, [{ name: 'a', type: 'temper' }]))
    expect(absent.message).toContain('declared as temper but is ENUM')
  })

  test.each([
    ['is of another type', { name: 'id', type: 'BIGINT' }, /declared as BIGINT but is INTEGER/],
    ['is absent', { name: 'name', type: 'VARCHAR' }, /declared as VARCHAR but is absent/],
    ['differs beyond ASCII case', { name: 'ä', type: 'INTEGER' }, /but is absent/],
  ])('are refused where one %s', async (_, column, message) => {
    const session = await openSession()
    await session.rows('CREATE TABLE t (id INTEGER, "Ä" INTEGER)')
    const error = await refusal(declare(session, [column]))
    expect(error.message).toMatch(message)
    expect(error).toMatchObject({
      code: 'SCHEMA_MISMATCH',
      table: 't',
      column: column.name,
      expected: column.type,
    })
  })

  test.each([
    [
      'twice the same name',
      [
        { name: 'a', type: 'INTEGER' },
        { name: 'A', type: 'INTEGER' },
      ],
      /already exists/i,
    ],
    ['a type that does not exist', [{ name: 'a', type: 'QUACK' }], /QUACK/],
  ])('with %s are refused', async (_, columns, message) => {
    const session = await openSession()
    expect((await refusal(declare(session, columns))).message).toMatch(message)
    expect(await tables(session)).toEqual([])
  })

  test.each([
    ['a table name with a NUL', { name: 'a\0b' }, [{ name: 'a', type: 'INTEGER' }]],
    ['a column name with a NUL', { name: 't' }, [{ name: 'a\0b', type: 'INTEGER' }]],
    ['an empty column name', { name: 't' }, [{ name: '', type: 'INTEGER' }]],
    ['a schema name with a NUL', { name: 't', schema: 's\0' }, [{ name: 'a', type: 'INTEGER' }]],
  ])('with %s are refused before any SQL is run', async (_, reference, columns) => {
    const session = await openSession()
    await expect(declare(session, columns, reference)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await tables(session)).toEqual([])
    expect(await declare(session, [{ name: 'a', type: 'INTEGER' }])).toBeDefined()
  })

  test('do not make a table in a schema that is absent', async () => {
    const session = await openSession()
    const error = await refusal(
      declare(session, [{ name: 'a', type: 'INTEGER' }], { schema: 'nowhere', name: 't' }),
    )
    expect(error).toMatchObject({ code: 'DDL_FAILED', table: 't' })
    expect(error.message).toMatch(/nowhere/)
  })

  test('make a table in a schema that is there', async () => {
    const session = await openSession()
    await session.rows('CREATE SCHEMA "my schema"')
    await declare(session, [{ name: 'a', type: 'INTEGER' }], { schema: 'my schema', name: 't' })
    expect(await tables(session)).toEqual(['my schema.t'])
  })

  test('do not make a table where a view has the name', async () => {
    const session = await openSession()
    await session.rows('CREATE VIEW t AS SELECT 1 AS a')
    const error = await refusal(declare(session, [{ name: 'a', type: 'INTEGER' }]))
    expect(error).toMatchObject({ code: 'DDL_FAILED', table: 't' })
    expect(error.message).toMatch(/View/)
    expect(await session.rows('FROM t')).toEqual([{ a: 1 }])
  })
})

describe('a table that nothing says how to make', () => {
  test('is absent, and stays so', async () => {
    const session = await openSession()
    expect(await session.evolution.prepare({ table, origin: 'declared' })).toBeUndefined()
    expect(await tables(session)).toEqual([])
  })

  test('inferred columns make it, and do not bind it where it is there', async () => {
    const session = await openSession()
    const columns = [{ name: 'a', type: 'BIGINT' }]
    await session.evolution.prepare({ table, columns, origin: 'inferred' })
    expect(session.changes).toMatchObject([{ origin: 'inferred', after: columns }])
    const others = [{ name: 'b', type: 'VARCHAR' }]
    expect(await session.evolution.prepare({ table, columns: others, origin: 'inferred' })).toMatchObject({
      columns,
    })
  })
})

test('declared columns bind a table whose columns and types evolve by neither', async () => {
  const session = await openSession()
  await session.rows('CREATE TABLE t (id BIGINT)')
  const columns = [
    { name: 'id', type: 'INTEGER' },
    { name: 'later', type: 'DATE' },
  ]
  const prepare = (evolves: { columns: boolean; types: boolean }) =>
    session.evolution.prepare({ table, columns, origin: 'declared', evolves })
  expect(await prepare({ columns: true, types: true })).toMatchObject({ columns: [{ type: 'BIGINT' }] })
  await refusal(prepare({ columns: true, types: false }))
  await refusal(prepare({ columns: false, types: true }))
})
