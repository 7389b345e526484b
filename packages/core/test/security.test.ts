import { readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import type { SinkEngine } from '../src/index.ts'
import { runFixture } from './child.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const HOSTILE = [
  `t"; DROP TABLE good; --`,
  `t'); DROP TABLE good; --`,
  `t" (id INTEGER); INSERT INTO good VALUES (666); --`,
  `main"."good`,
  `") SELECT * FROM sink_batch(1) --`,
  `\\"; DROP TABLE good; /*`,
  `\${id}\n; COMMIT; DROP TABLE good`,
]

it('SQL in a name, a key or a value is nothing but text', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  await engine.write('good', [{ id: 1 }])
  for (const text of HOSTILE) {
    const receipt = await engine.write(text, [{ [text]: text, id: 2 }], { key: text })
    expect(receipt).toMatchObject({ key: text, rowCount: 1 })
    expect(await engine.query(`FROM "${text.replaceAll('"', '""')}"`)).toEqual([{ [text]: text, id: 2n }])
    expect(await engine.query('SELECT $1 AS value', [text])).toEqual([{ value: text }])
    expect(await engine.query('SELECT $value AS value', { value: text })).toEqual([{ value: text }])
  }
  await engine.close()
  const tables = await readFile(path, 'SELECT table_name AS name FROM duckdb_tables()')
  expect(new Set(tables.map(({ name }) => name))).toEqual(new Set(['good', ...HOSTILE]))
  expect(await readFile(path, 'FROM good')).toEqual([{ id: 1n }])
})

it('SQL in a path or a setting reaches DuckDB as a name and a value', async () => {
  const directory = dirname(databasePath())
  const names = [
    `a'; DROP TABLE good; --.duckdb`,
    `a" (x INTEGER); --.duckdb`,
    `a'); CREATE TABLE b (x INTEGER); --`,
  ]
  for (const name of names) {
    const engine = await openEngine({ path: join(directory, name) })
    await engine.write('good', [{ id: 1 }])
    expect(await engine.query('SELECT table_name AS name FROM duckdb_tables()')).toEqual([{ name: 'good' }])
    await engine.close()
  }
  expect(readdirSync(directory).sort()).toEqual([...names].sort())
  const wrong: readonly Record<string, string>[] = [
    { threads: "1'; DROP TABLE good; --" },
    { 'threads = 1; SET lock_configuration = false; --': '1' },
    { 'threads" = 1; --': '1' },
    { temp_directory: 'x\0y' },
  ]
  for (const config of wrong)
    expect(await rejection(openEngine({ config }))).toMatchObject({ name: 'InvalidOptionsError' })
})

it('SQL in the parts of a name, or where a type is asked for, does nothing', async () => {
  const engine = await openEngine()
  await engine.write('good', [{ id: 1 }])
  for (const text of HOSTILE) {
    for (const name of [
      { schema: text, name: 'good' },
      { catalog: text, name: 'good' },
    ])
      expect(await rejection(engine.write(name, [{ id: 666 }]))).toBeInstanceOf(Error)
    const columns = { id: `INTEGER${text}` }
    const failure = { name: 'InvalidOptionsError' }
    expect(await rejection(openEngine({ tables: { t: { columns } } }))).toMatchObject(failure)
    const createTableSql = `CREATE TABLE t (id INTEGER); ${text}`
    expect(await rejection(openEngine({ tables: { t: { createTableSql } } }))).toBeInstanceOf(Error)
  }
  expect(await engine.query('FROM good')).toEqual([{ id: 1n }])
  expect(await engine.query('SELECT table_name AS name FROM duckdb_tables()')).toEqual([{ name: 'good' }])
})

it('SQL in a record that is set aside is kept as text, and comes back as it was', async () => {
  const good = { badRecords: 'dead-letter', columns: { id: 'INTEGER', text: 'VARCHAR' } } as const
  const names = Object.fromEntries([...HOSTILE, 'good'].map((name) => [name, good]))
  const engine = await openEngine({ tables: names })
  await engine.write('good', [{ id: 1, text: 'x' }])
  for (const text of HOSTILE) {
    const receipt = await engine.write(
      text,
      [
        { id: text, text },
        { id: 2, text },
      ],
      { key: text },
    )
    expect(receipt).toMatchObject({ rowCount: 1, deadLetterCount: 1 })
    const [letter] = await engine.deadLetters(text)
    expect(letter).toMatchObject({ key: text, record: { id: text, text } })
    expect(await engine.replayDeadLetters(text)).toMatchObject({ rowCount: 0, deadLetterCount: 1 })
    expect(await engine.query('FROM good')).toEqual([{ id: 1, text: 'x' }])
  }
})

/** Statements by which `query` could escape its connection, its transaction or the target, with a file's path. */
const ESCAPES: readonly string[] = [
  'SELECT 1; DROP TABLE good',
  'INSERT INTO good VALUES (666); SELECT 1',
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'USE memory',
  'SET schema = memory',
  'SET threads = 4',
  'SET VARIABLE x = 1',
  'RESET threads',
  'PRAGMA disable_checkpoint_on_shutdown',
  "PRAGMA memory_limit = '10GB'",
  'DETACH test',
  'ALTER DATABASE test SET ALIAS TO other',
  '; /* ; */ alter\u200b-- x\n DATABASE if exists test SET ALIAS TO other',
  "ATTACH ':memory:' AS other",
  "ATTACH 'FILE.duckdb' AS other",
  "COPY good TO 'FILE.csv'",
  "COPY good FROM 'FILE'",
  "EXPORT DATABASE 'FILE'",
  "FROM read_text('FILE')",
  "FROM read_blob('test.duckdb')",
  "SELECT '--' AS x FROM read_blob('test.duckdb')",
  "FROM query('FROM read_text(''FILE'')')",
  "INSERT INTO good SELECT length(content) FROM read_text('FILE')",
  "FROM 'FILE'",
  "FROM glob('FILE*')",
  'LOAD json',
  'INSTALL httpfs',
  'UPDATE EXTENSIONS',
  'PREPARE p AS INSERT INTO good VALUES (666)',
  'EXECUTE p',
  'EXPLAIN ANALYZE INSERT INTO good VALUES (666)',
  'EXPLAIN ANALYZE COMMIT',
  "EXPLAIN ANALYZE SET schema = 'memory.main'",
  'EXPLAIN /* /* */ SELECT 1 -- */ ANALYZE SET VARIABLE x = 1',
  "EXPLAIN (ANALYZE, FORMAT json) SET search_path = 'memory.main'",
  'EXPLAIN ANALYZE PRAGMA disable_checkpoint_on_shutdown',
  'EXPLAIN ANALYZE PREPARE p AS INSERT INTO good VALUES (666)',
  "EXPLAIN ANALYZE COPY good TO 'FILE.csv'",
  'FROM sink_batch(1)',
  'FROM system.main.sink_batch(1)',
  'INSERT INTO good FROM sink_batch(1)',
  'CREATE VIEW batch AS FROM sink_batch(1)',
  'CALL sink_batch(1)',
  'CREATE MACRO system.main.sink_batch(x) AS TABLE SELECT 666 AS id',
  'CALL enable_logging()',
]

/** Writes and reads on, and finds nothing but what was written. */
async function expectWorks(engine: SinkEngine, written: number): Promise<void> {
  await engine.write('good', [{ id: written }])
  const rows = await engine.query('SELECT count(*)::INTEGER AS count, max(id)::INTEGER AS max FROM good')
  expect(rows).toEqual([{ count: written + 1, max: written }])
}

it('query() refuses what would escape it, and the engine works on after each attempt', async () => {
  const path = databasePath()
  const directory = dirname(path)
  const file = join(directory, 'secret.txt')
  writeFileSync(file, 'a text of somebody else')
  const engine = await openEngine({ path })
  let written = 0
  await expectWorks(engine, written++)
  for (const attempt of ESCAPES) {
    const sql = attempt.replaceAll('FILE', file).replaceAll('test.duckdb', path)
    const error = await rejection(engine.query(sql)).catch(() => `${sql} was not refused`)
    expect(error).toMatchObject({ name: 'StatementError' })
    await expectWorks(engine, written++)
  }
  // DuckDB's own lock is still there as well
  const other = runFixture('other-program', [path])
  expect((await other.ended).stderr).toContain('Could not set lock on file')
  await engine.close()
  expect(readdirSync(directory).sort()).toEqual(['secret.txt', 'test.duckdb'])
  expect(await readFile(path, 'SELECT count(*) AS count FROM good')).toEqual([{ count: BigInt(written) }])
  expect(await readFile(path, 'SELECT table_name FROM duckdb_tables()')).toEqual([{ table_name: 'good' }])
})

const NAMES_OF_THE_ENGINE = [
  'CREATE MACRO sink_batch(x) AS TABLE SELECT 666 AS id',
  'CREATE TEMP MACRO sink_batch(x) AS TABLE SELECT 666 AS id',
  "CREATE MACRO duckdb_columns() AS TABLE SELECT 'id' AS column_name, 'VARCHAR' AS data_type",
  'CREATE MACRO duckdb_tables() AS TABLE SELECT 666 AS table_oid',
  "CREATE MACRO translate(x, y, z) AS 'something else'",
  'CREATE TEMP TABLE good (id VARCHAR, other VARCHAR)',
  'CREATE SCHEMA system',
  'CREATE SCHEMA test',
]

it('names of the engine’s own that the app takes do not reach its statements', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  let written = 0
  for (const sql of NAMES_OF_THE_ENGINE) {
    await expectWorks(engine, written++)
    await engine.query(sql)
    await engine.write(`after ${written}`, [{ id: 1 }])
  }
  await expectWorks(engine, written++)
  await engine.close()
  const next = await openEngine({ path })
  await expectWorks(next, written)
})
