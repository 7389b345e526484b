import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  alterError,
  commitCause,
  errorKind,
  insertError,
  isDiskFull,
  isDurable,
  isOutcomeUnknown,
  queryError,
  statementError,
  tableError,
} from '../src/duckdb-error.ts'
import {
  ConstraintError,
  errorFromData,
  SchemaError,
  type SinkError,
  StatementError,
} from '../src/protocol/errors.ts'
import type { PhysicalValue } from './parts.ts'
import { insertRequest, openSession } from './session.ts'

type Values = Readonly<Record<string, readonly PhysicalValue[]>>

// no test table, column or constraint is named like it
const SECRET = 'hunter2'
const SECRET_NUMBER = 987_654_321

/** The error with which DuckDB refuses a batch, as a caller on the other thread would see it. */
async function refusal(
  ddl: string,
  values: Values,
  before: Values | undefined,
  table = 't',
): Promise<SinkError> {
  const { rows, layout, transactions } = await openSession()
  for (const sql of ddl.split(';')) await rows(sql)
  const write = async (batch: Values): Promise<SinkError | undefined> => {
    const [reply] = await transactions.insertGroup([insertRequest(await layout(table), batch, { key: 'k1' })])
    return reply !== undefined && 'error' in reply ? errorFromData(structuredClone(reply.error)) : undefined
  }
  if (before !== undefined) expect(await write(before)).toBeUndefined()
  const error = await write(values)
  if (error === undefined) throw new Error('the batch was not refused')
  // the rows before it are all there is, and the next batch is as good as ever
  const count = Object.values(before ?? {})[0]?.length ?? 0
  expect(await rows(`SELECT count(*)::INTEGER AS n FROM "${table.replaceAll('"', '""')}"`)).toEqual([
    { n: count },
  ])
  return error
}

function expectNoValue(error: SinkError): void {
  const all = [
    error.message,
    String(error.cause),
    JSON.stringify(error),
    inspect(error, { depth: 9, showHidden: true }),
  ]
  for (const text of all) {
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain(String(SECRET_NUMBER))
  }
}

describe('a constraint that a batch violates is told without a row value:', () => {
  test.each([
    [
      'NOT NULL',
      'CREATE TABLE t (a INTEGER NOT NULL, b VARCHAR)',
      { a: [1, null], b: [SECRET, SECRET] },
      undefined,
      { message: 'column "a" of table "t" is NOT NULL and a record has no value for it', column: 'a' },
    ],
    [
      'NOT NULL of a column that was left out',
      'CREATE TABLE t (a INTEGER NOT NULL, b VARCHAR)',
      { b: [SECRET] },
      undefined,
      { message: expect.stringContaining('column "a" of table "t" is NOT NULL'), column: 'a' },
    ],
    [
      'NOT NULL of a column with dots and quotes',
      'CREATE TABLE t ("x.y"".z" VARCHAR NOT NULL, b VARCHAR)',
      { b: [SECRET] },
      undefined,
      { message: expect.stringContaining('is NOT NULL'), column: 'x.y".z' },
    ],
    [
      'NOT NULL of a column with a line break',
      'CREATE TABLE t ("x\ny" VARCHAR NOT NULL, b VARCHAR)',
      { b: [SECRET] },
      undefined,
      { message: expect.stringContaining('is NOT NULL'), column: 'x\ny' },
    ],
    [
      'CHECK',
      'CREATE TABLE t (a VARCHAR CHECK (length(a) < 3))',
      { a: ['ok', SECRET] },
      undefined,
      { message: 'a record violates CHECK((length(a) < 3)) of table "t"' },
    ],
    [
      'CHECK that cannot be evaluated',
      'CREATE TABLE t (a VARCHAR CHECK (CAST(a AS INTEGER) > 0))',
      { a: [SECRET] },
      undefined,
      { message: 'a record violates CHECK((CAST(a AS INTEGER) > 0)) of table "t"' },
    ],
    [
      'CHECK of the table',
      'CREATE TABLE t (a INTEGER, b INTEGER, CONSTRAINT ordered CHECK (a < b))',
      { a: [SECRET_NUMBER], b: [1] },
      undefined,
      { message: 'a record violates CHECK((a < b)) of table "t"' },
    ],
    [
      'PRIMARY KEY, against a row that is there',
      'CREATE TABLE t (a INTEGER PRIMARY KEY)',
      { a: [1, SECRET_NUMBER] },
      { a: [SECRET_NUMBER] },
      { message: `a record's key is already there: it violates the PRIMARY KEY of table "t"` },
    ],
    [
      'PRIMARY KEY of two columns',
      'CREATE TABLE t (a VARCHAR, b INTEGER, PRIMARY KEY (a, b))',
      { a: [SECRET], b: [SECRET_NUMBER] },
      { a: [SECRET], b: [SECRET_NUMBER] },
      { message: `a record's key is already there: it violates the PRIMARY KEY of table "t"` },
    ],
    [
      'PRIMARY KEY, within the batch',
      'CREATE TABLE t (a VARCHAR PRIMARY KEY)',
      { a: [SECRET, 'other', SECRET] },
      undefined,
      { message: 'two records of the batch have the same PRIMARY KEY or UNIQUE key of table "t"' },
    ],
    [
      'PRIMARY KEY that is NULL',
      'CREATE TABLE t (a VARCHAR PRIMARY KEY, b VARCHAR)',
      { a: [null], b: [SECRET] },
      undefined,
      { message: expect.stringContaining('is NOT NULL'), column: 'a' },
    ],
    [
      'UNIQUE',
      'CREATE TABLE t (a VARCHAR UNIQUE)',
      { a: [SECRET] },
      { a: [SECRET] },
      { message: `a record's key is already there: it violates the UNIQUE of table "t"` },
    ],
    [
      'a unique index on an expression',
      'CREATE TABLE t (a VARCHAR); CREATE UNIQUE INDEX i ON t (lower(a))',
      { a: [SECRET.toUpperCase()] },
      { a: [SECRET] },
      { message: `a record's key is already there: it violates the UNIQUE of table "t"` },
    ],
    [
      'FOREIGN KEY',
      'CREATE TABLE p (a VARCHAR PRIMARY KEY); CREATE TABLE t (a VARCHAR REFERENCES p (a))',
      { a: [SECRET] },
      undefined,
      { message: 'a record violates a FOREIGN KEY of table "t"' },
    ],
    [
      'a generated column that cannot be computed',
      'CREATE TABLE t (a VARCHAR, g INTEGER AS (CAST(a AS INTEGER)))',
      { a: [SECRET] },
      undefined,
      { message: 'a record has no value for a generated column of table "t"' },
    ],
  ] as [string, string, Values, Values | undefined, object][])(
    '%s',
    async (_, ddl, values, before, expected) => {
      const error = await refusal(ddl, values, before)
      expect(error).toBeInstanceOf(ConstraintError)
      expect(error).toMatchObject({
        code: 'CONSTRAINT_VIOLATED',
        table: 't',
        key: 'k1',
        retryable: false,
        ...expected,
      })
      expectNoValue(error)
    },
  )

  test('NOT NULL of a table whose name has dots, written in another case', async () => {
    const ddl = 'CREATE TABLE "A.b c" ("d.e" INTEGER NOT NULL, f INTEGER)'
    const error = await refusal(ddl, { f: [1] }, undefined, 'a.B c')
    expect(error.column).toBe('d.e')
  })

  // a key may hold the text of another violation's message, with a value where that has a name
  test.each([
    `x NOT NULL constraint failed: t.${SECRET}`,
    `x\nConstraint Error: NOT NULL constraint failed: t.${SECRET}`,
    `CHECK constraint failed on table t with expression CHECK(${SECRET})`,
    `" violates unique constraint. ${SECRET}`,
    `foreign key ${SECRET}`,
  ])('PRIMARY KEY whose value looks like a message: %j', async (value) => {
    const error = await refusal('CREATE TABLE t (a VARCHAR PRIMARY KEY)', { a: [value] }, { a: [value] })
    expect(error.message).toBe(`a record's key is already there: it violates the PRIMARY KEY of table "t"`)
    expectNoValue(error)
  })
})

describe('a value that DuckDB cannot convert is told without it:', () => {
  test.each([
    ['JSON', `{${SECRET}`],
    ['JSON[]', ['1', `[${SECRET}`]],
    ['STRUCT(j JSON, n INTEGER)', [`"${SECRET}`, SECRET_NUMBER]],
    ['MAP(VARCHAR, JSON)', [[SECRET, SECRET]]],
    ['UNION(n INTEGER, j JSON)', [1, `{"${SECRET}"`]],
    ['GEOMETRY', SECRET],
    ['GEOMETRY[2]', ['POINT (1 2)', `POINT (${SECRET})`]],
  ] as const)('%s of %j', async (type, value) => {
    const error = await refusal(`CREATE TABLE t (a ${type})`, { a: [value] }, undefined)
    expect(error).toBeInstanceOf(StatementError)
    expect(error).toMatchObject({ code: 'INSERT_FAILED', table: 't' })
    expect(error.message).toBe(`DuckDB could not convert a value to its column's type of table "t"`)
    expectNoValue(error)
  })

  test('an index on an expression, which refuses the value at COMMIT', async () => {
    const ddl = 'CREATE TABLE t (a VARCHAR); CREATE INDEX i ON t (CAST(a AS INTEGER))'
    const error = await refusal(ddl, { a: [SECRET] }, { a: ['1'] })
    expect(error).toMatchObject({
      code: 'INSERT_FAILED',
      message: 'an index of table "t" cannot take a value of the batch',
    })
    expectNoValue(error)
  })

  test('a default that cannot be computed', async () => {
    const ddl = "CREATE TABLE t (a INTEGER, b INTEGER DEFAULT (CAST('no number' AS INTEGER)))"
    const error = await refusal(ddl, { a: [SECRET_NUMBER] }, undefined)
    expect(error.code).toBe('INSERT_FAILED')
    expectNoValue(error)
  })
})

test('what DuckDB says of columns and tables is told as it is', () => {
  const binder = new Error(
    'Binder Error: Table "t" does not have a column with name "zz"\n\nDid you mean: "a"',
  )
  const error = insertError(binder, { table: 't' })
  expect(error).toBeInstanceOf(SchemaError)
  expect(error.message).toContain('does not have a column with name "zz"')
  expect(error.message).not.toContain('Did you mean')
})

test('an error of another kind keeps its first line, and no stack trace', () => {
  const io = new Error('IO Error: Could not read file "a.duckdb"\n\nStack Trace:\n/usr/lib/libduckdb.so')
  const error = insertError(io, { table: undefined })
  expect(error.message).toBe('the insert failed: IO Error: Could not read file "a.duckdb"')
  expect(inspect(error)).not.toContain('libduckdb')
})

test.each([
  ['Constraint Error: x', 'Constraint'],
  ['Out of Range Error: x', 'Out of Range'],
  ['TransactionContext Error: x', 'TransactionContext'],
  ['FATAL Error: x', 'FATAL'],
  ['Failed to extract statements: Parser Error: x', ''],
  ['no kind at all', ''],
])('the kind of %j is %j', (message, kind) => {
  expect(errorKind(new Error(message))).toBe(kind)
})

describe('a statement of the app', () => {
  test('fails with DuckDB’s words', () => {
    const error = new Error('Binder Error: no such column')
    for (const told of [queryError(error), statementError(error)])
      expect(told).toMatchObject({ code: 'STATEMENT_FAILED', message: error.message, cause: error })
    expect(tableError(error, 't')).toMatchObject({ code: 'DDL_FAILED', table: 't' })
  })

  test('fails with ducksink’s own error as it is', () => {
    const refused = new StatementError('STATEMENT_REFUSED', 'm')
    expect(queryError(refused)).toBe(refused)
    expect(statementError(refused)).toBe(refused)
    expect(tableError(refused, 't')).toBe(refused)
  })

  test.each([
    'INTERRUPT Error: Interrupted!',
    'FATAL Error: Failed: database has been invalidated',
    'TransactionContext Error: Failed to commit: Could not write file "a.duckdb.wal": Input/output error',
    'IO Error: Transaction COMMIT succeeded and is durable, but the autocheckpoint failed.',
  ])('that writes has an unknown outcome after %j', (message) => {
    expect(statementError(new Error(message)).code).toBe('OUTCOME_UNKNOWN')
    expect(queryError(new Error(message)).code).toBe('STATEMENT_FAILED')
  })
})

describe('a disk is full', () => {
  const SAID = 'IO Error: Could not write file "/data/a.duckdb": '

  test.each([
    `${SAID}No space left on device`,
    `${SAID}Disk quota exceeded`,
    `${SAID}Disc quota exceeded`,
    `${SAID}There is not enough space on the disk.\n\nStack Trace:`,
    'TransactionContext Error: Failed to commit: Could not write file "a.wal": No space left on device',
    'IO Error: Transaction COMMIT succeeded and is durable, but the autocheckpoint failed. Original error: Could not write file "a": No space left on device',
  ])('where DuckDB says %j', (message) => {
    expect(isDiskFull(new Error(message))).toBe(true)
  })

  test.each([
    `${SAID}Input/output error`,
    `${SAID}File too large`,
    'IO Error: Could not write file "a": No space left on device/a.duckdb": Permission denied',
    'Constraint Error: Duplicate key "a": No space left on device',
    'TransactionContext Error: Failed to commit: Duplicate key "x": No space left on device',
    'Conversion Error: Could not convert string "x": No space left on device',
    'Binder Error: column "x": No space left on device',
  ])('and not where it says %j', (message) => {
    expect(isDiskFull(new Error(message))).toBe(false)
  })

  test('what found no room can be tried again', () => {
    const error = new Error(`${SAID}No space left on device`)
    const full = { name: 'TargetUnavailableError', code: 'TARGET_FULL', retryable: true }
    expect(insertError(error, { table: 't', key: 'k' })).toMatchObject({ ...full, table: 't', key: 'k' })
    expect(statementError(error)).toMatchObject(full)
    expect(tableError(error, 't')).toMatchObject({ ...full, table: 't' })
    expect(alterError(error, { table: 't', column: 'c' })).toMatchObject({ ...full, table: 't' })
  })
})

// these are DuckDB 1.5.5's own messages; transaction.test.ts brings most of them about
describe('after a failed COMMIT', () => {
  const failed = (what: string): Error => new Error(`TransactionContext Error: Failed to commit: ${what}`)

  test.each([
    ['the log could not be written', failed('Could not write file "a.duckdb.wal": Input/output error'), true],
    ['the log found no room', failed('Could not write file "a.duckdb.wal": No space left on device'), false],
    [
      'a checkpoint in its place found no room',
      failed(
        'Checkpoint failed for database "a". The database has been invalidated. Original error: Could not write file "a.duckdb": No space left on device',
      ),
      false,
    ],
    ['the log could not be synced', failed('fsync of file "a.duckdb.wal": No space left on device'), true],
    [
      'DuckDB could not take back what found no room',
      new Error('FATAL Error: Could not write file "a.duckdb.wal": No space left on device'),
      true,
    ],
    [
      'an index refused a key',
      failed('PRIMARY KEY or UNIQUE constraint violation: duplicate key "hunter2"'),
      false,
    ],
    ['an index refused a value', failed("Could not convert string 'hunter2' to INT32"), false],
    ['DuckDB broke', new Error('INTERNAL Error: Attempted to dereference unique_ptr that is NULL!'), true],
    ['the database was invalidated', new Error('FATAL Error: Failed: database has been invalidated'), true],
    [
      'the database was invalidated before',
      new Error('FATAL Error: Failed: database has been invalidated because of a previous fatal error.'),
      false,
    ],
    ['an insert failed', new Error('Constraint Error: Duplicate key "a: Failed to commit: x"'), false],
    ['what was thrown is no error', 'broken', false],
  ])('where %s the outcome is known or not: %#', (_, error, unknown) => {
    expect(isOutcomeUnknown(error)).toBe(unknown)
    expect(isDurable(error)).toBe(false)
  })

  test('a checkpoint that failed after it became durable is told apart', () => {
    const message =
      'IO Error: Transaction COMMIT succeeded and is durable, but the autocheckpoint failed. Detach'
    expect(isDurable(new Error(message))).toBe(true)
  })

  test('the cause is passed on where it cannot hold a row value', () => {
    const space = failed('Could not write file "a.duckdb.wal": No space left on device')
    expect(commitCause(space)?.message).toBe(space.message)
    const memory = failed(
      'could not allocate block of size 256.0 KiB (99.9 MiB/100.0 MiB used)\n\nPossible solutions',
    )
    expect(commitCause(memory)?.message).toMatch(/used\)$/)
    expect(commitCause(failed("Could not convert string 'hunter2'"))).toBeUndefined()
    expect(commitCause(failed('hunter2 is what error() said'))).toBeUndefined()
    const fatal = new Error('FATAL Error: Failed: database has been invalidated\nOriginal error: "hunter2"')
    expect(commitCause(fatal)?.message).not.toContain('hunter2')
  })
})
