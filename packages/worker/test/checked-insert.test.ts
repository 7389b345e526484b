import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CheckedInsert } from '../src/checked-insert.ts'
import type { RefusedRow } from '../src/protocol/insert-messages.ts'
import { PartReader } from '../src/protocol/part-reader.ts'
import type { PhysicalValue } from './parts.ts'
import { insertRequest, openSession, type Session } from './session.ts'

type Values = Readonly<Record<string, readonly PhysicalValue[]>>

/** Inserts a part with checks, in a transaction of its own. */
async function insert(session: Session, table: string, values: Values): Promise<readonly RefusedRow[]> {
  const layout = await session.layout(table)
  const { columns, buffer } = insertRequest(layout, values, { chunkRows: 3 })
  const { writer: connection } = session.database
  await connection.run('BEGIN')
  const checked = await CheckedInsert.open({ connection, batch: session.batch, layout, columns })
  try {
    const refused = await checked.insert([new PartReader(buffer)])
    await checked.close({ isOpen: true })
    await connection.run('COMMIT')
    return refused
  } catch (error) {
    await checked.close({ isOpen: false })
    await connection.rollBack()
    throw error
  }
}

const summary = (refused: readonly RefusedRow[]): string[] =>
  refused.map(({ row, fault }) => `${row}: ${fault.message}`)

async function sessionWith(...statements: string[]): Promise<Session> {
  const session = await openSession()
  for (const sql of statements) await session.rows(sql)
  return session
}

describe('rows that break a rule are left out and named', () => {
  test('NOT NULL, also of columns that are not written and have no DEFAULT', async () => {
    const session = await sessionWith(`CREATE TABLE t (a INTEGER NOT NULL, b VARCHAR NOT NULL DEFAULT 'x')`)
    const refused = await insert(session, 't', { a: [1, null, 3, null] })
    expect(summary(refused)).toEqual([
      '1: column "a" is NOT NULL and the record has no value for it',
      '3: column "a" is NOT NULL and the record has no value for it',
    ])
    expect(refused[0]?.fault).toMatchObject({ code: 'CONSTRAINT_VIOLATED', column: 'a' })
    expect(await session.rows('FROM t')).toEqual([
      { a: 1, b: 'x' },
      { a: 3, b: 'x' },
    ])
    const withoutA = await insert(session, 't', { b: ['y', 'z'] })
    expect(withoutA.map(({ row }) => row)).toEqual([0, 1])
    expect(await session.rows('SELECT count(*)::INTEGER AS n FROM t')).toEqual([{ n: 2 }])
  })

  test('CHECK as DuckDB takes it: NULL is right, 0 and what fails are wrong, the table has its name', async () => {
    const session = await sessionWith(
      `CREATE TABLE t (a INTEGER CHECK (a > 0), b VARCHAR, c VARCHAR COLLATE NOCASE,
         CHECK (b::INTEGER + b::INTEGER < 10), CHECK (t.b::INTEGER <> 3), CHECK (a % 7), CHECK (c = 'x'))`,
    )
    const refused = await insert(session, 't', {
      a: [1, 0, null, 2, 14, 5, 6, 8],
      b: ['1', '1', null, 'abc', '1', '3', '7', '1'],
      c: ['x', 'X', 'X', 'X', 'X', 'X', 'X', 'y'],
    })
    expect(refused.map(({ row }) => row)).toEqual([1, 3, 4, 5, 6, 7])
    expect(summary(refused)[0]).toBe('1: the record violates CHECK((a > 0))')
    expect(await session.rows('FROM t')).toEqual([
      { a: 1, b: '1', c: 'x' },
      { a: null, b: null, c: 'X' },
    ])
  })

  test('CHECK over a DEFAULT, whose value is the one that is then inserted', async () => {
    const session = await sessionWith(
      'CREATE SEQUENCE s',
      `CREATE TABLE t (id INTEGER DEFAULT nextval('s') CHECK (id % 2 = 1), a INTEGER)`,
    )
    const refused = await insert(session, 't', { a: [10, 20, 30, 40] })
    expect(refused.map(({ row }) => row)).toEqual([1, 3])
    expect(await session.rows('FROM t')).toEqual([
      { id: 1, a: 10 },
      { id: 3, a: 30 },
    ])
  })

  test('a CHECK that cannot be tried is left to the insert', async () => {
    const session = await sessionWith('CREATE TABLE t (a INTEGER NOT NULL CHECK (random() < 2))')
    expect((await insert(session, 't', { a: [1, null] })).map(({ row }) => row)).toEqual([1])
  })

  test('text that is none of its column', async () => {
    const session = await sessionWith('CREATE TABLE t (j JSON, k JSON NOT NULL)')
    const refused = await insert(session, 't', {
      j: ['{"a": 1}', '{"a"', null, '[1]', 'null'],
      k: ['1', '1', '2', 'x', 'null'],
    })
    expect(refused.map(({ row, fault }) => [row, fault.code, fault.column, fault.expected])).toEqual([
      [1, 'INVALID_VALUE', 'j', 'JSON'],
      [3, 'INVALID_VALUE', 'k', 'JSON'],
    ])
    expect(await session.rows('FROM t')).toEqual([
      { j: '{"a": 1}', k: '1' },
      { j: null, k: '2' },
      { j: 'null', k: 'null' },
    ])
  })

  test('keys that are there, and keys that are twice in the part: the first row has it', async () => {
    const session = await sessionWith(
      'CREATE TABLE t (id INTEGER PRIMARY KEY, email VARCHAR UNIQUE, a INTEGER, b INTEGER, UNIQUE (a, b))',
      'CREATE UNIQUE INDEX lower_email ON t (lower(email))',
      `INSERT INTO t VALUES (1, 'one', 1, 1)`,
    )
    const refused = await insert(session, 't', {
      id: [1, 2, 2, 3, 4, 5, 6, 7],
      email: ['a', 'one', 'two', 'three', 'THREE', null, null, 'eight'],
      a: [null, null, 1, 1, 2, 2, 2, 2],
      b: [null, null, 2, 1, null, null, 5, 5],
    })
    expect(summary(refused)).toEqual([
      "0: the record's key is there already: it violates the PRIMARY KEY(id)",
      "1: the record's key is there already: it violates the UNIQUE(email)",
      "3: the record's key is there already: it violates the UNIQUE(a, b)",
      "7: the record's key is there already: it violates the UNIQUE(a, b)",
    ])
    expect(await session.rows('SELECT id FROM t ORDER BY id')).toEqual([1, 2, 4, 5, 6].map((id) => ({ id })))
  })

  test('a key as the index has it, whatever the collation; -0 is 0, and NaN is NaN', async () => {
    const session = await sessionWith(
      'CREATE TABLE t (name VARCHAR COLLATE NOCASE PRIMARY KEY, x DOUBLE UNIQUE)',
      `INSERT INTO t VALUES ('a', 0)`,
    )
    const refused = await insert(session, 't', {
      name: ['A', 'b', 'B', 'b', 'c', 'd'],
      x: [1, 2, Number.NaN, 3, -0, Number.NaN],
    })
    expect(refused.map(({ row }) => row)).toEqual([3, 4, 5])
  })

  test('an index on an expression that fails for the value', async () => {
    const session = await sessionWith(
      'CREATE TABLE t (a VARCHAR, b VARCHAR)',
      'CREATE INDEX i ON t ((a::INTEGER))',
      'CREATE UNIQUE INDEX j ON t ((b::INTEGER), a)',
    )
    const refused = await insert(session, 't', { a: ['1', 'x', '1', null], b: ['1', '1', '1', 'y'] })
    expect(summary(refused)).toEqual([
      '1: index "i" cannot take a value of the record',
      `2: the record's key is there already: it violates the unique index "j"`,
      '3: index "j" cannot take a value of the record',
    ])
  })

  test('a generated column, or a DEFAULT, that cannot be computed', async () => {
    const session = await sessionWith(
      `CREATE TABLE t (a VARCHAR, g INTEGER AS (a::INTEGER), d INTEGER DEFAULT ('x'::INTEGER))`,
    )
    const refused = await insert(session, 't', { a: ['1', 'x', null], d: [1, 1, 1] })
    expect(refused.map(({ row, fault }) => [row, fault.column])).toEqual([[1, 'g']])
    const withoutD = await insert(session, 't', { a: ['1'] })
    expect(withoutD.map(({ row, fault }) => [row, fault.column])).toEqual([[0, 'd']])
    expect(await session.rows('SELECT a, g FROM t')).toEqual([
      { a: '1', g: 1 },
      { a: null, g: null },
    ])
  })

  test('FOREIGN KEY, of several columns and with NULLs', async () => {
    const session = await sessionWith(
      'CREATE TABLE p (a INTEGER, b VARCHAR, PRIMARY KEY (a, b))',
      `INSERT INTO p VALUES (1, 'x')`,
      'CREATE TABLE t (a INTEGER, b VARCHAR, FOREIGN KEY (a, b) REFERENCES p (a, b))',
    )
    const refused = await insert(session, 't', { a: [1, 1, 2, null], b: ['x', 'X', null, 'y'] })
    expect(summary(refused)).toEqual(['1: the record violates the FOREIGN KEY (a, b) REFERENCES p(a, b)'])
    expect(await insert(session, 'p', { a: [1, 2], b: ['x', 'y'] })).toHaveLength(1)
  })

  test('a table that refers to itself takes rows that refer to earlier ones of the part', async () => {
    const session = await sessionWith(
      'CREATE TABLE n (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES n (id))',
      'INSERT INTO n VALUES (1, NULL)',
    )
    const refused = await insert(session, 'n', {
      id: [2, 3, 4, 5, 6, 7, 8, 2, 9],
      parent: [1, 2, 3, 5, 7, null, 99, 3, 8],
    })
    expect(refused.map(({ row }) => row)).toEqual([3, 4, 6, 7, 8])
    expect((await session.rows('SELECT id FROM n ORDER BY id')).map(({ id }) => id)).toEqual([1, 2, 3, 4, 7])
  })
})

test('odd names, and columns called as those of the stage', async () => {
  const session = await sessionWith(
    `CREATE TABLE "a ""table" ("sink_row" INTEGER PRIMARY KEY, "sink_text_1" JSON NOT NULL, "rule" INTEGER UNIQUE,
       "row" INTEGER, k0 INTEGER, "select" INTEGER CHECK ("select" > 0), UNIQUE ("row", k0))`,
  )
  const refused = await insert(session, 'a "table', {
    sink_row: [1, 1, 2, 3],
    sink_text_1: ['1', '2', 'x', '4'],
    rule: [1, 2, 3, 4],
    row: [1, 2, 3, 1],
    k0: [1, 2, 3, 1],
    select: [1, 1, 1, 1],
  })
  expect(refused.map(({ row }) => row)).toEqual([1, 2, 3])
})

test('a DEFAULT that is checked beside columns called as those of the stage', async () => {
  const session = await sessionWith(
    'CREATE SEQUENCE s',
    `CREATE TABLE t (id INTEGER PRIMARY KEY DEFAULT nextval('s'), "row" INTEGER UNIQUE, sink_row INTEGER, "part" INTEGER)`,
    'INSERT INTO t VALUES (2, 0, 0, 0)',
  )
  const refused = await insert(session, 't', { row: [10, 20, 30], sink_row: [1, 2, 3], part: [7, 8, 9] })
  expect(refused.map(({ row }) => row)).toEqual([1])
  expect(await session.rows('FROM t WHERE id <> 2')).toEqual([
    { id: 1, row: 10, sink_row: 1, part: 7 },
    { id: 3, row: 30, sink_row: 3, part: 9 },
  ])
})

test('generated columns keep being generated', async () => {
  const session = await sessionWith('CREATE TABLE t (a INTEGER CHECK (a > 0), g INTEGER AS (a + 1))')
  expect(await insert(session, 't', { a: [1, -1] })).toHaveLength(1)
  expect(await session.rows('FROM t')).toEqual([{ a: 1, g: 2 }])
})

test('a part without a good row, and one without a bad one', async () => {
  const session = await sessionWith('CREATE TABLE t (a INTEGER NOT NULL)')
  expect(await insert(session, 't', { a: [null, null] })).toHaveLength(2)
  expect(await insert(session, 't', { a: [1, 2] })).toEqual([])
  expect(await session.rows('FROM t')).toEqual([{ a: 1 }, { a: 2 }])
})

test('nothing of the stage is left', async () => {
  const session = await sessionWith('CREATE TABLE t (a INTEGER NOT NULL)')
  await insert(session, 't', { a: [null, 1] })
  expect(await session.rows('SELECT table_name FROM duckdb_tables()')).toEqual([{ table_name: 't' }])
})

test('the same rows are left out as if each were inserted by itself, in their order', async () => {
  const ddl = (table: string): string => `CREATE TABLE ${table} (
    a INTEGER PRIMARY KEY, b VARCHAR UNIQUE, c INTEGER NOT NULL CHECK (c <> 3), p INTEGER REFERENCES ${table} (a),
    UNIQUE (b, c))`
  const session = await sessionWith(ddl('one'), ddl('many'))
  const small = fc.integer({ min: 0, max: 5 })
  const row = fc.record({
    a: small,
    b: fc.constantFrom(null, 'x', 'y', 'X'),
    c: fc.oneof({ weight: 4, arbitrary: small }, { weight: 1, arbitrary: fc.constant(null) }),
    p: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: small }),
  })
  const rows = fc.array(row, { minLength: 1, maxLength: 12 })
  const property = fc.asyncProperty(rows, rows, async (there, given) => {
    for (const table of ['one', 'many']) {
      await session.rows(`DROP TABLE ${table}`)
      await session.rows(ddl(table))
    }
    const insertOne = ({ a, b, c, p }: (typeof given)[number], table: string): Promise<boolean> =>
      session.rows(`INSERT INTO ${table} VALUES (${a}, ${b && `'${b}'`}, ${c}, ${p})`).then(
        () => true,
        () => false,
      )
    for (const table of ['one', 'many']) for (const one of there) await insertOne(one, table)
    const expected: number[] = []
    for (const [index, one] of given.entries()) if (!(await insertOne(one, 'one'))) expected.push(index)
    const values = (name: 'a' | 'b' | 'c' | 'p'): PhysicalValue[] => given.map((one) => one[name])
    const refused = await insert(session, 'many', {
      ...{ a: values('a'), b: values('b') },
      ...{ c: values('c'), p: values('p') },
    })
    expect(refused.map(({ row: index }) => index)).toEqual(expected)
    const all = (table: string) => session.rows(`FROM ${table} ORDER BY a`)
    expect(await all('many')).toEqual(await all('one'))
  })
  await fc.assert(property, { numRuns: 40 })
})
