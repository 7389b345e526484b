import { describe, expect, test } from 'vitest'
import { SchemaError } from '../src/protocol/errors.ts'
import type { InsertReply } from '../src/protocol/insert-messages.ts'
import type { PhysicalValue } from './parts.ts'
import { readFile } from './read-file.ts'
import { insertRequest, openSession, type Session, temporaryDirectory } from './session.ts'

type Values = Readonly<Record<string, readonly PhysicalValue[]>>

async function insert(session: Session, table: string, values: Values): Promise<InsertReply> {
  const request = insertRequest(await session.layout(table), values)
  const [reply] = await session.transactions.insertGroup([request])
  return reply as InsertReply
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

describe('an INSERT', () => {
  test('goes by name: columns left out get their DEFAULT, NULL that is there stays NULL', async () => {
    const session = await openSession()
    await session.rows("CREATE TABLE t (a INTEGER DEFAULT 7, b VARCHAR DEFAULT 'none', c INTEGER)")
    expect(await insert(session, 't', { c: [1, 2], b: [null, 'x'] })).toMatchObject({ status: 'committed' })
    expect(await session.rows('FROM t')).toEqual([
      { a: 7, b: null, c: 1 },
      { a: 7, b: 'x', c: 2 },
    ])
  })

  test.each([
    'two words',
    'dots.and.dots',
    'say "hi"',
    "it's",
    'select',
    'rowid',
    '🦆',
    'a;DROP TABLE t;--',
    '$1',
    '__proto__',
  ])('reaches a table and a column called %s', async (name) => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await openSession(path)
    await session.rows(`CREATE TABLE ${quote(name)} (${quote(name)} INTEGER, other INTEGER)`)
    const values = Object.fromEntries([[name, [1, null]]])
    expect(await insert(session, name, values)).toMatchObject({ status: 'committed' })
    session.close()
    expect(await readFile(path, `SELECT ${quote(name)}, other FROM ${quote(name)}`)).toEqual([
      [1, null],
      [null, null],
    ])
  })

  test.each([
    ['JSON', '{"a": [1, null, "x"]}', '{"a": [1, null, "x"]}'],
    ['GEOMETRY', 'POINT (1 2)', 'POINT (1 2)'],
    ['VARIANT', 'text', 'text'],
    ['JSON[]', ['{"a": 1}', null, '"x"'], '[{"a": 1}, NULL, "x"]'],
    ['JSON[2]', ['1.50', 'null'], '[1.50, null]'],
    ['STRUCT(j JSON, n INTEGER)', ['{"a": 1.50}', 5], `{'j': '{"a": 1.50}', 'n': 5}`],
    ['MAP(VARCHAR, JSON[])', [['k', ['1', '"2"']]], '{k=[1, "2"]}'],
    ['UNION(j JSON, s VARCHAR)', [0, '[ 1 ]'], '[ 1 ]'],
    ['STRUCT(g GEOMETRY, v VARIANT[])', ['POINT (1 2)', ['x', null]], `{'g': 'POINT (1 2)', 'v': [x, NULL]}`],
  ] as const)('takes a %s with text where DuckDB casts it', async (type, value, text) => {
    const session = await openSession()
    await session.rows(`CREATE TABLE t (a ${type})`)
    expect(await insert(session, 't', { a: [value, null] })).toMatchObject({ status: 'committed' })
    expect(await session.rows(`SELECT typeof(a) AS type, a::VARCHAR AS text FROM t`)).toEqual([
      { type, text },
      { type, text: null },
    ])
  })

  test.each([
    [0, '5', 'n'],
    [1, '5', 's'],
    [2, '"5"', 'j'],
  ])('keeps member %i of a UNION whose JSON is cast', async (tag, value, name) => {
    const session = await openSession()
    await session.rows('CREATE TABLE t (a UNION(n INTEGER, s VARCHAR, j JSON))')
    const given = [[tag, tag === 0 ? Number(value) : value]]
    expect(await insert(session, 't', { a: given })).toMatchObject({ status: 'committed' })
    expect(await session.rows('SELECT union_tag(a)::VARCHAR AS tag, a::VARCHAR AS text FROM t')).toEqual([
      { tag: name, text: value },
    ])
  })

  test('into a generated column is refused, and the next one goes on', async () => {
    const session = await openSession()
    await session.rows('CREATE TABLE t (a INTEGER, g INTEGER AS (a + 1))')
    const refused = await insert(session, 't', { a: [1], g: [2] })
    expect(refused).toMatchObject({ status: 'rolled-back', error: { code: 'SCHEMA_MISMATCH', table: 't' } })
    expect(await insert(session, 't', { a: [1] })).toMatchObject({ status: 'committed' })
    expect(await session.rows('FROM t')).toEqual([{ a: 1, g: 2 }])
  })
})

describe('a statement', () => {
  async function twoColumns(): Promise<Session> {
    const session = await openSession()
    await session.rows('CREATE TABLE t (a INTEGER, b VARCHAR)')
    return session
  }

  test('is prepared once for a column set', async () => {
    const { statements, layout } = await twoColumns()
    const { layoutId } = await layout('t')
    const first = await statements.get(layoutId, [0, 1])
    expect(await statements.get(layoutId, [0, 1])).toBe(first)
    expect(await statements.get(layoutId, [0])).not.toBe(first)
  })

  test('is prepared again after DDL, also of another table', async () => {
    const { statements, catalog, layout, rows } = await twoColumns()
    const { layoutId } = await layout('t')
    const first = await statements.get(layoutId, [0])
    await rows('CREATE TABLE u (a INTEGER)')
    catalog.invalidate()
    const second = await statements.get(layoutId, [0])
    expect(second.prepared).not.toBe(first.prepared)
    expect(second.layout).toBe(first.layout)
    expect(await statements.get(layoutId, [0])).toBe(second)
  })

  test('is let go where 64 others were used since, and made anew', async () => {
    const session = await openSession()
    const names = Array.from({ length: 70 }, (_, column) => `c${column}`)
    await session.rows(`CREATE TABLE t (${names.map((name) => `${name} INTEGER`).join(', ')})`)
    const { layoutId } = await session.layout('t')
    const first = await session.statements.get(layoutId, [0])
    const second = await session.statements.get(layoutId, [1])
    for (const column of names.keys()) {
      await session.statements.get(layoutId, [0])
      await session.statements.get(layoutId, [column])
    }
    expect(await session.statements.get(layoutId, [0])).toBe(first)
    expect(await session.statements.get(layoutId, [1])).not.toBe(second)
    for (const name of names) {
      expect(await insert(session, 't', { [name]: [1] })).toMatchObject({ status: 'committed' })
    }
    expect(await session.rows('SELECT sum(c0) + sum(c1) + sum(c69) AS n, count(*) AS rows FROM t')).toEqual([
      { n: 3n, rows: 70n },
    ])
  })

  test('of a layout that was never read is refused', async () => {
    const { statements } = await twoColumns()
    await expect(statements.get(99, [0])).rejects.toThrow(SchemaError)
  })
})

describe('a batch that was encoded before the table changed', () => {
  async function stale(ddl: readonly string[]): Promise<{ reply: InsertReply; session: Session }> {
    const session = await openSession()
    await session.rows('CREATE TABLE t (a INTEGER, b VARCHAR)')
    const request = insertRequest(await session.layout('t'), { a: [300] })
    // once before, so that a prepared statement is at hand
    await session.transactions.insertGroup([insertRequest(await session.layout('t'), { a: [1] })])
    for (const sql of ddl) await session.rows(sql)
    session.catalog.invalidate()
    const [reply] = await session.transactions.insertGroup([request])
    return { reply: reply as InsertReply, session }
  }

  test.each([
    ['a column was added', ['ALTER TABLE t ADD COLUMN c INTEGER DEFAULT 5']],
    ['another column was dropped', ['ALTER TABLE t DROP COLUMN b']],
    ['another column’s type changed', ['ALTER TABLE t ALTER b TYPE BLOB USING b::BLOB']],
    ['it was made anew with the columns elsewhere', ['DROP TABLE t', 'CREATE TABLE t (z DATE, a INTEGER)']],
    ['another table was made', ['CREATE TABLE u (a INTEGER)']],
  ])('is written where %s', async (_, ddl) => {
    const { reply, session } = await stale(ddl)
    expect(reply).toMatchObject({ status: 'committed' })
    expect(await session.rows('SELECT a FROM t WHERE a = 300')).toEqual([{ a: 300 }])
  })

  test.each([
    ['the column’s type grew', ['ALTER TABLE t ALTER a TYPE BIGINT']],
    ['the column’s type shrank', ['ALTER TABLE t ALTER a TYPE TINYINT']],
    ['the column became text', ['ALTER TABLE t ALTER a TYPE VARCHAR']],
    ['the column was dropped', ['ALTER TABLE t DROP COLUMN a']],
    ['the column was renamed', ['ALTER TABLE t RENAME a TO z']],
    ['the columns changed names', ['DROP TABLE t', 'CREATE TABLE t (b INTEGER, a VARCHAR)']],
    ['the table was dropped', ['DROP TABLE t', 'CREATE TABLE u (a INTEGER, b VARCHAR)']],
    ['a view took its place', ['ALTER TABLE t RENAME TO u', 'CREATE VIEW t AS FROM u']],
  ])('is refused, and nothing of it cast or written, where %s', async (_, ddl) => {
    const { reply, session } = await stale(ddl)
    expect(reply).toMatchObject({
      status: 'run-again',
      error: { code: 'TABLE_CHANGED', retryable: true, table: 't' },
    })
    const [table] = await session.rows(
      "SELECT table_name AS name FROM duckdb_tables() WHERE table_name IN ('t', 'u')",
    )
    const [count] = await session.rows(`SELECT count(*) AS n FROM "${table?.name}"`)
    expect(Number(count?.n)).toBeLessThanOrEqual(1)
  })
})

test('a file whose statements were cleared can be opened by another process at once', async () => {
  const path = `${temporaryDirectory()}/a.duckdb`
  const session = await openSession(path)
  await session.rows('CREATE TABLE t (a INTEGER NOT NULL, b VARCHAR)')
  await insert(session, 't', { a: [1], b: ['a string that is longer than twelve bytes'] })
  await insert(session, 't', { a: [2] })
  await insert(session, 't', { a: [null] })
  session.close()
  expect(await readFile(path, 'SELECT a, b FROM t ORDER BY a')).toEqual([
    [1, 'a string that is longer than twelve bytes'],
    [2, null],
  ])
  const again = await openSession(path)
  expect(await insert(again, 't', { a: [3] })).toMatchObject({ status: 'committed' })
})

describe('a type that only SQL can make', () => {
  test.each([
    ['TINYINT[100000]', 'more than 99999 elements'],
    ['STRUCT(a INTEGER, b TINYINT[100000][])', 'more than 99999 elements'],
    ['MAP(VARCHAR, UNION(a TINYINT[100000]))', 'more than 99999 elements'],
    ['mood', 'U+0000'],
    ['STRUCT(a mood)[]', 'U+0000'],
  ])('%s is refused before DuckDB sees it, alone and beside another', async (type, reason) => {
    const session = await openSession()
    await session.rows("CREATE TYPE mood AS ENUM (SELECT 'a' || chr(0) || 'b')")
    await session.rows(`CREATE TABLE t (id INTEGER, v ${type})`)
    for (const values of [{ v: [null] }, { id: [1], v: [null] }]) {
      expect(await insert(session, 't', values)).toMatchObject({
        error: { code: 'SCHEMA_MISMATCH', table: 't', column: 'v', message: expect.stringContaining(reason) },
      })
    }
    expect(await insert(session, 't', { id: [2] })).toMatchObject({ status: 'committed' })
    expect(await session.rows('SELECT id FROM t')).toEqual([{ id: 2 }])
  })
})
