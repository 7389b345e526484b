import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { InvalidOptionsError, StatementError } from '../src/protocol/errors.ts'
import type { QueryRequest } from '../src/protocol/messages.ts'
import { PartReader } from '../src/protocol/part-reader.ts'
import { classifyStatement, runRead, runStatement } from '../src/query.ts'
import { spawnChild } from './child.ts'
import { batchColumns, encodePart } from './parts.ts'
import { openSession, type Session, temporaryDirectory } from './session.ts'

const never = new AbortController().signal

/** Runs a statement as the worker does: on the connection that its kind belongs to. */
async function query(
  { database: { reader, writer } }: Session,
  sql: string,
  parameters?: QueryRequest['parameters'],
): Promise<readonly object[]> {
  const request = { queryId: 1, sql, parameters }
  if ((await classifyStatement(reader, sql)) === 'read') return runRead(reader, request, never)
  return (await runStatement(writer, request)).rows
}

async function openTable(path?: string): Promise<Session> {
  const session = await openSession(path)
  await session.rows('CREATE TABLE t (a INTEGER, b VARCHAR)')
  await session.rows("INSERT INTO t VALUES (1, 'x')")
  return session
}

describe('reads run beside the writer:', () => {
  test.each([
    ['SELECT', 'SELECT a FROM t', [{ a: 1 }]],
    ['FROM', 'FROM t SELECT a', [{ a: 1 }]],
    ['WITH', 'WITH x AS (SELECT 5 AS a) FROM x', [{ a: 5 }]],
    ['VALUES', 'VALUES (1)', [{ col0: 1 }]],
    ['TABLE', 'TABLE t', [{ a: 1, b: 'x' }]],
    ['a comment before and a semicolon after', '/* one */ SELECT 1 AS a -- two\n;', [{ a: 1 }]],
    ['DESCRIBE', 'SELECT column_name FROM (DESCRIBE t)', [{ column_name: 'a' }, { column_name: 'b' }]],
    ['SHOW TABLES', 'SHOW TABLES', [{ name: 't' }]],
    ['a PRAGMA that reads', 'PRAGMA database_list', [expect.objectContaining({ name: 'memory' })]],
    ['EXPLAIN', 'EXPLAIN SELECT 1', [expect.objectContaining({ explain_key: 'physical_plan' })]],
    [
      'EXPLAIN ANALYZE',
      'EXPLAIN ANALYZE SELECT 1',
      [expect.objectContaining({ explain_key: 'analyzed_plan' })],
    ],
  ])('%s', async (_, sql, rows) => {
    const session = await openTable()
    expect(await classifyStatement(session.database.reader, sql)).toBe('read')
    expect(await query(session, sql)).toEqual(rows)
  })
})

test('EXPLAIN takes its options', async () => {
  const session = await openTable()
  const [row] = await query(session, 'EXPLAIN (ANALYZE, FORMAT json) FROM t')
  expect(row).toMatchObject({ explain_key: 'analyzed_plan' })
})

describe('changes of rows wait their turn on the writer, and keep the schema:', () => {
  test.each([
    ['INSERT', "INSERT INTO t VALUES (2, 'y')", 2],
    ['INSERT with RETURNING', 'INSERT INTO t (a) VALUES (2) RETURNING a', 2],
    ['UPDATE', "UPDATE t SET b = 'z'", 1],
    ['DELETE', 'DELETE FROM t', 0],
    ['TRUNCATE', 'TRUNCATE t', 0],
    [
      'MERGE',
      'MERGE INTO t USING (SELECT 7 AS a) s ON t.a = s.a WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)',
      2,
    ],
  ])('%s', async (_, sql, count) => {
    const { database, rows } = await openTable()
    expect(await classifyStatement(database.reader, sql)).toBe('write')
    const request = { queryId: 1, sql, parameters: undefined }
    expect(await runStatement(database.writer, request)).toMatchObject({ changedSchema: false })
    expect(await rows('SELECT count(*)::INTEGER AS n FROM t')).toEqual([{ n: count }])
  })
})

describe('what may change the schema wait their turn on the writer, and says so:', () => {
  test.each([
    ['CREATE TABLE', 'CREATE TABLE u (a INTEGER)'],
    ['CREATE TABLE AS', 'CREATE TABLE u AS FROM t'],
    ['CREATE VIEW', 'CREATE VIEW v AS FROM t'],
    ['CREATE INDEX', 'CREATE INDEX i ON t (a)'],
    ['CREATE SCHEMA', 'CREATE SCHEMA s'],
    ['CREATE SEQUENCE', 'CREATE SEQUENCE s'],
    ['CREATE TYPE', "CREATE TYPE mood AS ENUM ('sad')"],
    ['CREATE MACRO', 'CREATE MACRO m(x) AS x + 1'],
    ['ALTER', 'ALTER TABLE t ADD COLUMN c INTEGER'],
    ['COMMENT', "COMMENT ON TABLE t IS 'hello'"],
    ['DROP', 'DROP TABLE t'],
    ['ANALYZE', 'ANALYZE'],
    ['VACUUM', 'VACUUM'],
    ['CHECKPOINT', 'CHECKPOINT'],
    ['CALL', 'CALL pragma_version()'],
  ])('%s', async (_, sql) => {
    const { database } = await openTable()
    expect(await classifyStatement(database.reader, sql)).toBe('write')
    const request = { queryId: 1, sql, parameters: undefined }
    expect(await runStatement(database.writer, request)).toMatchObject({ changedSchema: true })
  })
})

describe('refused before anything runs:', () => {
  test.each([
    ['BEGIN', 'BEGIN'],
    ['COMMIT', 'COMMIT'],
    ['ROLLBACK', 'ROLLBACK'],
    ['USE', 'USE temp'],
    ['SET', 'SET threads = 2'],
    ['SET VARIABLE', 'SET VARIABLE x = 1'],
    ['RESET', 'RESET threads'],
    ['ATTACH', "ATTACH ':memory:' AS m"],
    ['DETACH', 'DETACH memory'],
    ['COPY between databases', 'COPY FROM DATABASE memory TO temp'],
    ['LOAD', 'LOAD httpfs'],
    ['INSTALL', 'INSTALL httpfs'],
    ['UPDATE EXTENSIONS', 'UPDATE EXTENSIONS'],
    ['PREPARE', 'PREPARE p AS SELECT 1'],
    ['a PRAGMA that changes something', 'PRAGMA disable_checkpoint_on_shutdown'],
    ['a PRAGMA that sets something', "PRAGMA memory_limit = '1GB'"],
    ['EXPLAIN ANALYZE of a SET', "EXPLAIN ANALYZE SET search_path = 'temp'"],
    ['EXPLAIN ANALYZE of a SET, behind a comment', '/* x /* y */ */ EXPLAIN ANALYZE SET VARIABLE x = 1'],
    ['EXPLAIN with options of a SET', 'EXPLAIN (ANALYZE, FORMAT json) SET VARIABLE x = 1'],
    ['two statements', 'SELECT 1; SELECT 2'],
    ['a read with a write behind it', 'SELECT 1; DROP TABLE t'],
    ['nothing', ''],
    ['a comment', '-- SELECT 1'],
  ])('%s', async (_, sql) => {
    const session = await openTable()
    const refused = query(session, sql)
    await expect(refused).rejects.toMatchObject({ code: 'STATEMENT_REFUSED', retryable: false })
    await expect(refused).rejects.toBeInstanceOf(StatementError)
    expect(await query(session, 'FROM t')).toEqual([{ a: 1, b: 'x' }])
  })

  test('what DuckDB cannot parse, by DuckDB’s own words', async () => {
    const session = await openTable()
    await expect(query(session, 'SELEC 1')).rejects.toThrow(/^Parser Error: syntax error at or near "SELEC"/)
    await expect(query(session, 'SELECT nonsense FROM t')).rejects.toThrow(/^Binder Error: .*nonsense/)
  })
})

describe('a read cannot write:', () => {
  test.each([
    ['EXPLAIN ANALYZE of an INSERT', "EXPLAIN ANALYZE INSERT INTO t VALUES (2, 'y')"],
    ['EXPLAIN ANALYZE of a DELETE', 'EXPLAIN ANALYZE DELETE FROM t'],
    ['EXPLAIN ANALYZE of a CREATE TABLE', 'EXPLAIN ANALYZE CREATE TABLE u AS SELECT 1'],
    ['EXPLAIN of an INSERT', "EXPLAIN INSERT INTO t VALUES (2, 'y')"],
    ['nextval', "SELECT nextval('s')"],
  ])('%s', async (_, sql) => {
    const session = await openTable()
    await session.rows('CREATE SEQUENCE s')
    await expect(query(session, sql)).rejects.toThrow(/read-only|query\(\) explains/)
    expect(await session.rows('FROM t')).toEqual([{ a: 1, b: 'x' }])
    expect(await session.rows('SHOW TABLES')).toEqual([{ name: 't' }])
    // and the reader is not left in a transaction
    await session.rows("INSERT INTO t VALUES (3, 'later')")
    expect(await query(session, 'SELECT count(*)::INTEGER AS n FROM t')).toEqual([{ n: 2 }])
  })
})

describe('the parts of a batch cannot be reached:', () => {
  test.each([
    'FROM sink_batch(1)',
    'EXPLAIN ANALYZE FROM sink_batch(1)',
    'INSERT INTO t (a) FROM sink_batch(1)',
    'CREATE TABLE u AS FROM sink_batch(1)',
    'CREATE VIEW v AS FROM sink_batch(1)',
    'CREATE MACRO m() AS TABLE FROM sink_batch(1)',
    "FROM query('FROM sink_batch(1)')",
    'CALL sink_batch(1)',
    'FROM "SINK_BATCH"(1)',
  ])('%s', async (sql) => {
    const session = await openTable()
    const { batch, rows } = session
    const id = batch.define(batchColumns(['INTEGER']))
    expect(id).toBe(1)
    batch.arm([new PartReader(encodePart([{ type: 'INTEGER', values: [42] }]).buffer)], 1)
    await expect(query(session, sql)).rejects.toThrow('sink_batch belongs to the engine')
    expect(await rows('SELECT table_name AS name FROM information_schema.tables')).toEqual([{ name: 't' }])
    expect(await rows('SELECT a FROM t')).toEqual([{ a: 1 }])
  })
})

describe('files outside the target cannot be reached:', () => {
  test.each([
    ['a CSV file by its name', (file: string) => `FROM '${file}'`],
    ['glob', (file: string) => `FROM glob('${file}*')`],
    ['COPY to a file', (file: string) => `COPY t TO '${file}.out'`],
    ['COPY from a file', (file: string) => `COPY t FROM '${file}'`],
    ['EXPORT', (file: string) => `EXPORT DATABASE '${file}.out'`],
    ['IMPORT', (file: string) => `IMPORT DATABASE '${file}'`],
    ['another database', (file: string) => `FROM read_duckdb('${file}')`],
    ['CREATE SECRET', () => 'CREATE PERSISTENT SECRET s (TYPE http)'],
  ])('%s', async (_, sql) => {
    const directory = temporaryDirectory()
    const file = join(directory, 'in.csv')
    writeFileSync(file, 'a,b\n2,y\n')
    const session = await openTable(join(directory, 'a.duckdb'))
    await expect(query(session, sql(file))).rejects.toThrow(/disabled by configuration|Permission Error/)
    expect(existsSync(`${file}.out`)).toBe(false)
    expect(await query(session, 'FROM t')).toEqual([{ a: 1, b: 'x' }])
  })

  test.each([
    ['read_csv', (file: string) => `FROM read_csv('${file}')`],
    ['read_text', (file: string) => `INSERT INTO t SELECT 1, content FROM read_text('${file}')`],
    ['read_blob, quoted and spaced', (file: string) => `FROM "READ_BLOB" /* ; */ ('${file}')`],
    ['read_json', (file: string) => `CREATE VIEW v AS FROM read_json_auto('${file}')`],
    ['read_parquet', (file: string) => `EXPLAIN FROM read_parquet(['${file}'])`],
    ['parquet_metadata', (file: string) => `FROM parquet_metadata('${file}')`],
    ['sniff_csv', (file: string) => `CALL sniff_csv('${file}')`],
    ['query', (file: string) => `FROM query('FROM read_text(''${file}'')')`],
  ])('%s is refused, of the target’s own file too, whose lock it would drop', async (_, sql) => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const session = await openTable(path)
    await expect(query(session, sql(path))).rejects.toMatchObject({
      code: 'STATEMENT_REFUSED',
      message: 'query() does not read files, as external access is off',
    })
  })

  test('so that another process finds the file locked', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const session = await openTable(path)
    await query(session, `FROM read_blob('${path}')`).catch(() => undefined)
    await query(session, `FROM '${path}'`).catch(() => undefined)
    const child = spawnChild(`
      import { DuckDBInstance } from '@duckdb/node-api'
      await DuckDBInstance.create(${JSON.stringify(path)}).then(() => console.log('in'), (e) => console.log(e.message))`)
    expect(await child.nextLine()).toContain('Could not set lock on file')
    await child.exited
  })

  test('unless the app has external access on', async () => {
    const directory = temporaryDirectory()
    const file = join(directory, 'in.csv')
    writeFileSync(file, 'a,b\n2,y\n')
    const session = await openSession(join(directory, 'a.duckdb'), { enable_external_access: 'true' })
    expect(await query(session, `SELECT b FROM read_csv('${file}')`)).toEqual([{ b: 'y' }])
    await query(session, `CREATE TABLE t AS FROM read_csv('${file}')`)
    expect(await query(session, 'SELECT b FROM t')).toEqual([{ b: 'y' }])
    await expect(query(session, `COPY t TO '${file}.out'`)).rejects.toMatchObject({
      code: 'STATEMENT_REFUSED',
    })
    expect(existsSync(`${file}.out`)).toBe(false)
  })
})

describe('what would act on the whole instance is refused:', () => {
  test.each([
    "FROM enable_logging('QueryLog', storage = 'file', storage_path = '/nowhere/log')",
    'CALL enable_logging()',
    'CALL disable_logging()',
    'FROM enable_profiling()',
    'FROM "disable_profiling" ()',
    'CALL truncate_duckdb_logs()',
  ])('%s', async (sql) => {
    const session = await openTable()
    await expect(query(session, sql)).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
    expect(await session.rows('FROM t')).toEqual([{ a: 1, b: 'x' }])
  })

  test('words in a text are none of it', async () => {
    const session = await openTable()
    expect(await query(session, "SELECT 'please enable_logging' AS a, 'read_csv' AS b")).toEqual([
      { a: 'please enable_logging', b: 'read_csv' },
    ])
  })
})

describe('a parameter', () => {
  test.each([
    ['a small number', 5, 'INTEGER', 5],
    ['a negative number', -(2 ** 31), 'INTEGER', -(2 ** 31)],
    ['a large number', 2 ** 31, 'BIGINT', 2n ** 31n],
    ['the largest safe number', Number.MAX_SAFE_INTEGER, 'BIGINT', BigInt(Number.MAX_SAFE_INTEGER)],
    ['a number beyond', 2 ** 53, 'DOUBLE', 2 ** 53],
    ['a fraction', 0.1, 'DOUBLE', 0.1],
    ['negative zero', -0, 'DOUBLE', -0],
    ['NaN', Number.NaN, 'DOUBLE', Number.NaN],
    ['a bigint', -(2n ** 63n), 'BIGINT', -(2n ** 63n)],
    ['a larger bigint', 2n ** 63n, 'HUGEINT', 2n ** 63n],
    ['the least HUGEINT', -(2n ** 127n), 'HUGEINT', -(2n ** 127n)],
    ['a bigint beyond HUGEINT', 2n ** 127n, 'UHUGEINT', 2n ** 127n],
    ['the greatest UHUGEINT', 2n ** 128n - 1n, 'UHUGEINT', 2n ** 128n - 1n],
    ['a string', 'it’s a 🦆\0', 'VARCHAR', 'it’s a 🦆\0'],
    ['a boolean', false, 'BOOLEAN', false],
    ['a Date', new Date('2026-01-02T03:04:05.678Z'), 'TIMESTAMP', new Date('2026-01-02T03:04:05.678Z')],
    ['the last Date', new Date(8.64e15), 'TIMESTAMP', new Date(8.64e15)],
    ['null', null, '"NULL"', null],
  ])('takes %s as it is', async (_, value, type, read) => {
    const session = await openSession()
    expect(await query(session, 'SELECT $1 AS value, typeof($1) AS type', [value])).toEqual([
      { value: read, type },
    ])
    expect(await query(session, 'SELECT $v AS value, typeof($v) AS type', { v: value })).toEqual([
      { value: read, type },
    ])
  })

  test('takes the bytes of a view, and no others of its buffer', async () => {
    const session = await openSession()
    const [row] = await query(session, 'SELECT $1 AS value', [Buffer.from('abcdef').subarray(2, 4)])
    expect(Buffer.from((row as { value: Uint8Array }).value).toString()).toBe('cd')
  })

  test.each([
    ['undefined', [undefined], 'parameter 1 is undefined'],
    ['an invalid Date', [new Date(Number.NaN)], 'parameter 1 is an invalid Date'],
    ['a bigint beyond 128 bits', [2n ** 128n], 'parameter 1 is a bigint beyond 128 bits'],
    ['a bigint below 128 bits', [-(2n ** 127n) - 1n], 'parameter 1 is a bigint beyond 128 bits'],
    ['a lone surrogate', ['a\uD800'], 'parameter 1 has a lone surrogate'],
    ['an array', [[1]], 'parameter 1 is of a kind that cannot be bound'],
    ['an object', [{}], 'parameter 1 is of a kind that cannot be bound'],
    ['a symbol', [Symbol('s')], 'parameter 1 is of a kind that cannot be bound'],
    ['one too many', [1, 2], 'the statement has 1 parameters, but 2 values were given'],
    ['a name that is not there', { zz: 1 }, 'the statement has no parameter $zz'],
    ['a prototype’s name', { toString: 1 }, 'the statement has no parameter $toString'],
  ])('refuses %s', async (_, parameters, message) => {
    const session = await openSession()
    const refused = query(session, 'SELECT $1 AS value', parameters)
    await expect(refused).rejects.toBeInstanceOf(InvalidOptionsError)
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message })
    expect(await query(session, 'SELECT 1 AS a')).toEqual([{ a: 1 }])
  })

  test('that misses its value is told by DuckDB', async () => {
    const session = await openSession()
    await expect(query(session, 'SELECT $1 AS a')).rejects.toThrow('Values were not provided')
    await expect(query(session, 'SELECT $1 AS a', [])).rejects.toThrow('Values were not provided')
    await expect(query(session, 'SELECT $a AS a', {})).rejects.toThrow('Values were not provided')
  })

  test('goes into writes as well', async () => {
    const session = await openTable()
    await query(session, 'INSERT INTO t VALUES ($1, $2)', [2, "'); DROP TABLE t; --"])
    expect(await query(session, 'SELECT b FROM t WHERE a = $a', { a: 2 })).toEqual([
      { b: "'); DROP TABLE t; --" },
    ])
  })
})

describe('rows', () => {
  test('have plain JS values, DECIMAL as its exact text, also inside others', async () => {
    const session = await openSession()
    const sql = `SELECT 12345678901234567.89::DECIMAL(19,2) AS d, [1.50::DECIMAL(3,2)] AS l, {'x': 2.5::DECIMAL(2,1)} AS s,
      9007199254740993 AS n, 1::UBIGINT AS u, DATE '2026-01-02' AS day, TIMESTAMP '2026-01-02 03:04:05.678' AS at,
      '\\xFF'::BLOB AS b, NULL AS nothing, [1, NULL] AS n1, MAP {'k': 1} AS m`
    // as they arrive on the other thread
    expect(structuredClone(await query(session, sql))).toEqual([
      {
        d: '12345678901234567.89',
        l: ['1.50'],
        s: { x: '2.5' },
        n: 9007199254740993n,
        u: 1n,
        day: new Date('2026-01-02T00:00:00Z'),
        at: new Date('2026-01-02T03:04:05.678Z'),
        b: new Uint8Array([255]),
        nothing: null,
        n1: [1, null],
        m: [{ key: 'k', value: 1 }],
      },
    ])
  })

  test('keep columns of the same name apart, and names that objects have already', async () => {
    const session = await openSession()
    const [row = {}] = await query(session, 'SELECT 1 AS a, 2 AS a, 3 AS "__proto__", 4 AS "toString"')
    expect(Object.entries(row)).toEqual([
      ['a', 1],
      ['a:1', 2],
      ['__proto__', 3],
      ['toString', 4],
    ])
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  })

  test('keep fields called __proto__, at any depth', async () => {
    const session = await openSession()
    const struct = `{'a': 0, '__proto__': 1}`
    const [row] = await query(
      session,
      `SELECT ${struct} AS struct, [${struct}, NULL] AS list, MAP {${struct}: ${struct}} AS map,
        {'__proto__': ${struct}, 'toString': NULL} AS nested, union_value("__proto__" := ${struct}) AS member,
        array_value(${struct}) AS array, NULL::STRUCT("__proto__" INTEGER) AS absent`,
    )
    const object = JSON.parse('{ "a": 0, "__proto__": 1 }')
    expect(row).toEqual({
      struct: object,
      list: [object, null],
      map: [{ key: object, value: object }],
      nested: Object.fromEntries([
        ['__proto__', object],
        ['toString', null],
      ]),
      member: { tag: '__proto__', value: object },
      array: [object],
      absent: null,
    })
    const { struct: read = {} } = row as { struct?: object }
    expect([Object.entries(read), Object.getPrototypeOf(read)]).toEqual([
      Object.entries(object),
      Object.prototype,
    ])
  })

  test('are what docs/types.md says of each type', async () => {
    const session = await openSession()
    const page = readFileSync(new URL('../../../docs/types.md', import.meta.url), 'utf8')
    const table = page.slice(page.indexOf('## What `query` gives back'))
    const examples = [...table.matchAll(/^\| .*? \| .*? \| `(.*?)` \| `(.*?)` \|$/gm)]
    expect(examples.length).toBeGreaterThan(15)
    // as they arrive on the other thread
    for (const [, sql = '', value = ''] of examples)
      expect([sql, structuredClone(await query(session, `SELECT ${sql} AS value`))]).toEqual([
        sql,
        [{ value: runInThisContext(`(${value})`) }],
      ])
  })

  test.each([
    "'infinity'::TIMESTAMP",
    "'290000-01-01'::TIMESTAMP",
    "['-infinity'::DATE]",
    "{'at': 'infinity'::TIMESTAMPTZ}",
  ])('fail the query by name where no Date can hold %s', async (sql) => {
    const session = await openSession()
    await expect(query(session, `SELECT 1 AS a, ${sql} AS b, 2 AS c`)).rejects.toThrow(
      'column "b" holds a date or timestamp that no Date can hold: select it as text, by ::VARCHAR',
    )
    expect(await query(session, 'SELECT 1 AS a')).toEqual([{ a: 1 }])
  })
})

test('a query that fails half way leaves the reader as it was', async () => {
  const session = await openTable()
  const sql = "SELECT CASE WHEN i = 90_000 THEN error('boom') ELSE 'fine' END AS x FROM range(100_000) r(i)"
  await expect(query(session, sql)).rejects.toThrow('boom')
  expect(await query(session, 'FROM t')).toEqual([{ a: 1, b: 'x' }])
})
