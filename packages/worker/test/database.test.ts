import { pbkdf2 } from 'node:crypto'
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import duckdb from '@duckdb/node-bindings'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '../src/database.ts'
import { InvalidOptionsError, TargetUnavailableError } from '../src/protocol/errors.ts'
import { databaseOptions } from './database-options.ts'
import { readFile } from './read-file.ts'
import { temporaryDirectory } from './session.ts'

async function open(path: string, config: Readonly<Record<string, string>> = {}): Promise<Database> {
  const database = await openDatabase(path, config, databaseOptions('nonce'))
  let isOpen = true
  const close = database.close.bind(database)
  database.close = () => {
    if (isOpen) close()
    isOpen = false
  }
  onTestFinished(() => database.close())
  return database
}

test('writer and reader work on the target, whose tables need no catalog in their names', async () => {
  const path = join(temporaryDirectory(), 'my events.v2.duckdb')
  const { writer, reader, target } = await open(path)
  expect(target).toMatchObject({ path, catalog: 'my events', duckdbVersion: 'v1.5.5' })
  await writer.run('CREATE TABLE t AS SELECT 1 AS a')
  expect(await reader.rows('FROM t')).toEqual([{ a: 1 }])
  expect(await reader.rows('SELECT current_database() AS d')).toEqual([{ d: 'my events' }])
})

test('a database in memory has both connections on the same tables, and no lock', async () => {
  const { writer, reader, target } = await open(':memory:')
  await writer.run('CREATE TABLE t AS SELECT 1 AS a')
  expect(await reader.rows('FROM t')).toEqual([{ a: 1 }])
  expect(target).toMatchObject({ path: ':memory:', catalog: 'memory' })
})

test('the reader sees what is committed, at once, and nothing else', async () => {
  const { writer, reader } = await open(':memory:')
  await writer.run('CREATE TABLE t (a INTEGER)')
  await writer.run('BEGIN')
  await writer.run('INSERT INTO t VALUES (1)')
  expect(await reader.rows('FROM t')).toEqual([])
  await writer.run('COMMIT')
  expect(await reader.rows('FROM t')).toEqual([{ a: 1 }])
})

test.each([
  ['nothing', 'it is not there any more'],
  ['another file', 'another file has its place'],
])('a target that is opened again is the same file, and not %s', async (place, reason) => {
  const directory = temporaryDirectory()
  const path = join(directory, 'a.duckdb')
  const database = await open(path)
  await database.writer.run('CREATE TABLE t AS SELECT 7 AS a')
  await database.reopen()
  expect(await database.reader.rows('FROM t')).toEqual([{ a: 7 }])
  renameSync(path, join(directory, 'moved.duckdb'))
  if (place === 'another file') {
    const other = await open(join(directory, 'b.duckdb'))
    other.close()
    renameSync(join(directory, 'b.duckdb'), path)
  }
  await expect(database.reopen()).rejects.toThrow(`cannot open ${path} again: ${reason}`)
  expect(existsSync(path)).toBe(place === 'another file')
})

test('a closed file is checkpointed, unlocked, and read by another process', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'a.duckdb')
  const database = await open(path)
  expect(existsSync(`${path}.ducksink-lock`)).toBe(true)
  await database.writer.run('CREATE TABLE t AS SELECT 7 AS a')
  await database.checkpoint()
  database.close()
  expect(readdirSync(directory)).toEqual(['a.duckdb'])
  expect(await readFile(path, 'FROM t')).toEqual([[7]])
  expect((await open(path)).target.path).toBe(path)
})

test('what was not checkpointed is read from the log by another process', async () => {
  const path = join(temporaryDirectory(), 'a.duckdb')
  const database = await open(path)
  await database.writer.run('CREATE TABLE t AS SELECT 7 AS a')
  database.close()
  expect(await readFile(path, 'FROM t')).toEqual([[7]])
})

test('stopping waits for the call in flight, refuses the next, and frees the file', async () => {
  const path = join(temporaryDirectory(), 'a.duckdb')
  const database = await open(path)
  await database.writer.run('BEGIN')
  const running = database.writer.run('CREATE TABLE t AS SELECT i FROM range(100_000) r(i)')
  const stopped = database.stop()
  await expect(database.writer.run('COMMIT')).rejects.toMatchObject({ code: 'WORKER_DIED' })
  await expect(database.reader.rows('SELECT 1')).rejects.toMatchObject({ code: 'WORKER_DIED' })
  await running
  await stopped
  database.close()
  expect(await readFile(path, 'SELECT count(*)::INTEGER FROM duckdb_tables()')).toEqual([[0]])
})

describe('what cannot be opened', () => {
  test.each([
    ['a file that is no database', 'a.duckdb', {}, TargetUnavailableError],
    ['a setting that DuckDB refuses', 'b.duckdb', { threads: 'many' }, InvalidOptionsError],
    ['a setting refused after the file is attached', 'b.duckdb', { temp_directory: '/dev/null/x' }, Error],
    [
      'a setting refused at creation',
      'b.duckdb',
      { allow_unsigned_extensions: 'perhaps' },
      InvalidOptionsError,
    ],
    ['a missing directory', 'missing/a.duckdb', {}, TargetUnavailableError],
  ])('%s leaves no lock and no connection behind', async (_, name, config, type) => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'a.duckdb'), 'no database\n'.repeat(1000))
    const path = join(directory, name)
    const failure = await openDatabase(path, config, databaseOptions('nonce')).then(
      (database) => {
        // temp_directory is looked at when DuckDB first spills
        database.close()
        return new Error('it was opened')
      },
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(type)
    expect(readdirSync(directory).filter((file) => file.includes('lock'))).toEqual([])
    if (name === 'b.duckdb') expect(await readFile(path, 'SELECT 1')).toEqual([[1]])
  })

  test('a file that this process has open already', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const first = await open(path)
    await expect(openDatabase(path, {}, databaseOptions('other'))).rejects.toMatchObject({
      code: 'TARGET_LOCKED',
    })
    await first.writer.run('CREATE TABLE t AS SELECT 7 AS a')
    first.close()
    expect(await readFile(path, 'FROM t')).toEqual([[7]])
  })
})

test.each(['writer', 'reader'] as const)('the configuration is locked on the %s', async (connection) => {
  const database = await open(join(temporaryDirectory(), 'a.duckdb'))
  await expect(database[connection].run('SET threads = 4')).rejects.toThrow(/locked/)
  await expect(database[connection].run("SET GLOBAL enable_external_access = 'true'")).rejects.toThrow(
    /locked/,
  )
})

describe('a connection', () => {
  test('rolls back what is open, and nothing is no error', async () => {
    const { writer } = await open(':memory:')
    await writer.rollBack()
    await writer.run('CREATE TABLE t (a INTEGER NOT NULL)')
    await writer.run('BEGIN')
    await expect(writer.run('INSERT INTO t VALUES (NULL)')).rejects.toThrow('NOT NULL')
    // a constraint error aborts the whole transaction
    await expect(writer.run('INSERT INTO t VALUES (1)')).rejects.toThrow(/aborted/)
    await writer.rollBack()
    await writer.run('INSERT INTO t VALUES (1)')
    expect(await writer.rows('FROM t')).toEqual([{ a: 1 }])
  })

  test('interrupts a call however early it is asked to', async () => {
    const { reader } = await open(':memory:')
    const controller = new AbortController()
    const endless = 'SELECT count(*) FROM range(3_000_000) a(i), range(3_000_000) b(j) WHERE (i * j) % 7 = 3'
    // so early that no thread of libuv's has begun with it: DuckDB forgets an interrupt that came before
    const busy = Array.from({ length: 4 }, () => promisify(pbkdf2)('', '', 100_000, 32, 'sha256'))
    const running = reader.call(() => duckdb.query(reader.raw, endless), controller.signal)
    controller.abort()
    await expect(running).rejects.toThrow(/interrupt/i)
    expect(await reader.rows('SELECT 1 AS a')).toEqual([{ a: 1 }])
    await Promise.all(busy)
    const start = (): Promise<unknown> => Promise.reject(new Error('it was started'))
    await expect(reader.call(start, controller.signal)).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('tells SQL without a statement from SQL with an error', async () => {
    const { writer } = await open(':memory:')
    expect(await writer.extract('-- nothing')).toEqual([])
    expect(await writer.extract('')).toEqual([])
    expect(await writer.extract('SELECT 1; SELECT 2')).toHaveLength(2)
    await expect(writer.extract('SELEC 1')).rejects.toThrow(/^Parser Error/)
  })
})
