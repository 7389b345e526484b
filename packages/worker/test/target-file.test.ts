import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { InvalidOptionsError, type SinkError, TargetUnavailableError } from '../src/protocol/errors.ts'
import { attachError, attachTarget, lockDownTarget, parseTarget, type Target } from '../src/target.ts'
import { catalogOf, defaultMemoryLimit, fileAttachError } from '../src/target-file.ts'
import { sourceUrl, spawnChild } from './child.ts'

let directory: string
const at = (name: string): string => join(directory, name)

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ducksink-target-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function createConnection(target: Target): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', target.instanceConfig)
  const connection = await instance.connect()
  onTestFinished(() => {
    connection.closeSync()
    instance.closeSync()
  })
  return connection
}

async function open(path: string, config?: Record<string, string>): Promise<DuckDBConnection> {
  const target = parseTarget(path, config)
  const connection = await createConnection(target)
  await attachTarget(target, (sql) => connection.run(sql))
  await lockDownTarget(target, (sql) => connection.run(sql))
  return connection
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<unknown> {
  return (await connection.runAndReadAll(sql)).getRowsJson()
}

const failure = (path: string, config?: Record<string, string>): Promise<unknown> =>
  open(path, config).then(
    () => undefined,
    (error: unknown) => error,
  )

/** Runs SQL on a target in another process, then says what it printed; `end` is how that process goes. */
function elsewhere(path: string, sql: string, end: 'kill' | 'close' | 'stay'): ReturnType<typeof spawnChild> {
  const endings = {
    kill: "process.kill(process.pid, 'SIGKILL')",
    close: 'connection.closeSync(); instance.closeSync()',
    stay: 'setInterval(() => {}, 1000)',
  }
  return spawnChild(`
    import { DuckDBInstance } from '@duckdb/node-api'
    const { attachTarget, parseTarget } = await import(${JSON.stringify(sourceUrl('target.ts'))})
    const target = parseTarget(${JSON.stringify(path)})
    const instance = await DuckDBInstance.create(':memory:', target.instanceConfig)
    const connection = await instance.connect()
    await attachTarget(target, (sql) => connection.run(sql))
    console.log(JSON.stringify((await connection.runAndReadAll(${JSON.stringify(sql)})).getRowsJson()))
    ${endings[end]}`)
}

describe('the catalog of a file', () => {
  test.each([
    ['events.duckdb', 'events'],
    ['events.v2.duckdb', 'events'],
    ['.hidden.duckdb', 'hidden'],
    ['no-extension', 'no-extension'],
    ["it's.db", "it's"],
    ['🦆.db', '🦆'],
    ['...', 'database'],
    ['memory.db', 'memory_db'],
    ['MEMORY.db', 'MEMORY_db'],
    ['system.db', 'system_db'],
    ['Temp.db', 'Temp_db'],
    ['main.db', 'main_db'],
    ['information_schema.db', 'information_schema_db'],
  ])('%s is %s', (file, catalog) => {
    expect(catalogOf(`/some.where/${file}`)).toBe(catalog)
  })

  test.each([
    'memory',
    'MEMORY',
    'system',
    'Temp',
    'main',
    'MAIN',
    'pg_catalog',
    'select',
    'a"b',
    "a'b c",
    '🦆',
  ])('a file called %s takes rows and answers main.t', async (name) => {
    const connection = await open(at(`${name}.duckdb`))
    await connection.run('CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)')
    expect(await rowsOf(connection, 'SELECT a FROM main.t')).toEqual([[1]])
    expect(await rowsOf(connection, 'SELECT count(*) FROM information_schema.tables')).toEqual([['1']])
  })
})

test('the memory limit is a quarter of the memory, at most 1 GiB', () => {
  const gibibyte = 1024 ** 3
  expect(defaultMemoryLimit(64 * gibibyte)).toBe('1024MiB')
  expect(defaultMemoryLimit(gibibyte)).toBe('256MiB')
  expect(defaultMemoryLimit(1)).toBe('1MiB')
})

describe('a file target', () => {
  test('is opened by its real path, whatever the spelling', () => {
    mkdirSync(at('real'))
    symlinkSync(at('real'), at('folder'))
    writeFileSync(at('real/a.duckdb'), '')
    symlinkSync(at('folder/a.duckdb'), at('link.duckdb'))
    symlinkSync(at('real/new.duckdb'), at('dangling.duckdb'))
    const real = at('real/a.duckdb')
    for (const path of [real, at('folder/a.duckdb'), at('link.duckdb'), at('real/../real/./a.duckdb')]) {
      expect(parseTarget(path)).toMatchObject({ kind: 'file', file: real, catalog: 'a' })
    }
    expect(parseTarget(at('dangling.duckdb')).file).toBe(at('real/new.duckdb'))
  })

  test('expands ~ as DuckDB does', () => {
    expect(parseTarget('~/x.duckdb').file).toBe(join(homedir(), 'x.duckdb'))
  })

  test('has its defaults, which query and config override', async () => {
    const settings = `SELECT current_setting('threads'), current_setting('temp_directory'),
      current_setting('autoload_known_extensions'), current_setting('TimeZone')`
    const defaults = await open(at('a.duckdb'))
    expect(await rowsOf(defaults, settings)).toMatchObject([
      ['1', at('a.duckdb.tmp'), false, expect.any(String)],
    ])
    const own = await open(`${at('b.duckdb')}?threads=2&temp_directory=${encodeURIComponent(at('spill'))}`, {
      TimeZone: 'Asia/Tokyo',
      autoload_known_extensions: 'true',
    })
    expect(await rowsOf(own, settings)).toEqual([['2', at('spill'), true, 'Asia/Tokyo']])
    expect(readdirSync(directory).sort()).toEqual(['a.duckdb', 'b.duckdb'])
  })

  test('names the setting that DuckDB refuses', async () => {
    for (const [name, value] of [
      ['threads', 'many'],
      ['memory_limit', '5 apples'],
      ['no_such_setting', '1'],
      ['enable_progress_bar', 'true'],
    ] as const) {
      const error = await failure(at('a.duckdb'), { [name]: value })
      expect(error).toBeInstanceOf(InvalidOptionsError)
      expect((error as InvalidOptionsError).message).toContain(`"${name}"`)
    }
    const creation = { allow_unsigned_extensions: 'perhaps' }
    const error = attachError(parseTarget(at('a.duckdb'), creation), await failure(at('a.duckdb'), creation))
    expect(error).toBeInstanceOf(InvalidOptionsError)
    expect(error.message).toContain('allow_unsigned_extensions')
  })

  test('keeps what another process committed before it was killed', async () => {
    const child = elsewhere(at('a.duckdb'), 'CREATE TABLE t AS SELECT 7 AS a; FROM t', 'kill')
    expect(await child.nextLine()).toBe('[[7]]')
    expect(await child.nextLine()).toBeUndefined()
    expect(readdirSync(directory)).toContain('a.duckdb.wal')
    expect(await rowsOf(await open(at('a.duckdb')), 'FROM t')).toEqual([[7]])
  })

  test('keeps commits made through a link that crashed', async () => {
    mkdirSync(at('real'))
    symlinkSync(at('real/a.duckdb'), at('link.duckdb'))
    const child = elsewhere(at('link.duckdb'), 'CREATE TABLE t AS SELECT 7 AS a; FROM t', 'kill')
    expect(await child.nextLine()).toBe('[[7]]')
    expect(await child.nextLine()).toBeUndefined()
    expect(await rowsOf(await open(at('real/a.duckdb')), 'FROM t')).toEqual([[7]])
  })

  test('is refused where another program left a log beside the link', async () => {
    mkdirSync(at('real'))
    symlinkSync(at('real/a.duckdb'), at('link.duckdb'))
    writeFileSync(at('link.duckdb.wal'), '')
    const error = await failure(at('link.duckdb'))
    expect(error).toBeInstanceOf(TargetUnavailableError)
    expect((error as TargetUnavailableError).message).toContain('link.duckdb.wal')
  })
})

describe('a file target that cannot be opened says why', () => {
  const parquet = Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(8192)])
  test.each([
    ['a text', Buffer.from('no database\n'.repeat(1000)), /is not a DuckDB database/],
    ['a Parquet file', parquet, /is not a DuckDB database/],
    ['a SQLite file', Buffer.from('SQLite format 3\0'.padEnd(8192)), /is not a DuckDB database/],
    ['an empty file', Buffer.alloc(0), /is not a DuckDB database; .* empty/],
  ])('%s', async (_, content, message) => {
    writeFileSync(at('a.duckdb'), content)
    const error = await failure(at('a.duckdb'))
    expect(error).toBeInstanceOf(TargetUnavailableError)
    expect((error as TargetUnavailableError).message).toMatch(message)
    expect((error as TargetUnavailableError).message).toContain(at('a.duckdb'))
  })

  test('a missing directory', async () => {
    const error = await failure(at('missing/a.duckdb'))
    expect(error).toMatchObject({ code: 'TARGET_UNAVAILABLE', retryable: false })
    expect((error as SinkError).message).toContain(`${at('missing')} does not exist`)
  })

  test('a directory that is a file', async () => {
    writeFileSync(at('file'), '')
    const error = await failure(at('file/a.duckdb'))
    expect(error).toMatchObject({ code: 'TARGET_UNAVAILABLE' })
    expect((error as SinkError).message).toContain('is not a directory')
  })

  test('a file that is a directory', async () => {
    mkdirSync(at('a.duckdb'))
    const error = await failure(at('a.duckdb'))
    expect((error as SinkError).message).toContain('it is a directory')
  })

  test.skipIf(!existsSync('/proc/self'))('a directory in which nobody can make a file', async () => {
    const error = await failure('/proc/a.duckdb')
    expect(error).toMatchObject({ code: 'TARGET_UNAVAILABLE' })
    expect((error as SinkError).message).toContain('takes no files')
  })

  test('a lock of another process, by its id; and the same instance can attach it later', async () => {
    const path = at('a.duckdb')
    const child = elsewhere(path, 'CREATE TABLE t AS SELECT 7 AS a; FROM t', 'stay')
    expect(await child.nextLine()).toBe('[[7]]')
    const target = parseTarget(path)
    const connection = await createConnection(target)
    const attach = (): Promise<void> => attachTarget(target, (sql) => connection.run(sql))
    const refused = { code: 'TARGET_LOCKED', retryable: true }
    await expect(attach()).rejects.toMatchObject(refused)
    await expect(attach()).rejects.toThrow(`process ${child.process.pid} has it open`)
    await child.kill()
    await attach()
    expect(await rowsOf(connection, 'FROM t')).toEqual([[7]])
  })

  test('an internal error of DuckDB, without its stack trace', () => {
    const cause = new Error('INTERNAL Error: broken\n\nStack Trace:\n\n/usr/lib/libduckdb.so(+0x1)')
    const error = fileAttachError('/a.duckdb', cause)
    expect(error.message).toBe(
      'cannot open /a.duckdb: INTERNAL Error: broken; restart the process before trying again',
    )
    expect(String((error.cause as Error).message)).not.toContain('libduckdb')
  })

  test.each([
    ['No space left on device', 'no space is left on its disk'],
    ['Disk quota exceeded', 'the quota of its disk is used up'],
  ])('is full where DuckDB says %j', (said, reason) => {
    const error = fileAttachError(
      '/a.duckdb',
      new Error(`IO Error: Could not write file "/a.duckdb": ${said}`),
    )
    expect(error).toMatchObject({ code: 'TARGET_FULL', message: `cannot open /a.duckdb: ${reason}` })
  })
})

describe('a file target that is locked down', () => {
  test('still checkpoints, and reads time zones and JSON', async () => {
    const connection = await open(at('a.duckdb'), { TimeZone: 'Asia/Tokyo' })
    await connection.run(`CREATE TABLE t (moment TIMESTAMPTZ, doc JSON);
      INSERT INTO t VALUES ('2026-01-01 00:00:00+00', '{"a": [1, 2]}'); CHECKPOINT`)
    expect(existsSync(at('a.duckdb.wal'))).toBe(false)
    expect(await rowsOf(connection, "SELECT moment::VARCHAR, doc->>'$.a[1]' FROM t")).toEqual([
      ['2026-01-01 09:00:00+09', '2'],
    ])
  })

  test('spills beside the file, not in the working directory', async () => {
    const connection = await open(at('a.duckdb'), { memory_limit: '40MB' })
    const cwd = readdirSync('.')
    await connection.run('CREATE TABLE t AS SELECT i, md5(i::VARCHAR) AS text FROM range(1_000_000) r(i)')
    const sort = await connection.stream('SELECT text FROM t ORDER BY text')
    await sort.fetchChunk()
    expect(readdirSync(at('a.duckdb.tmp'))).not.toEqual([])
    expect(readdirSync('.')).toEqual(cwd)
    connection.closeSync()
  })

  test.each([
    ['a setting', 'SET threads = 2', /locked/],
    ['another database', "ATTACH 'other.duckdb'", /disabled|Permission/],
    ['a file outside', "SELECT * FROM read_text('/etc/hostname')", /disabled|Permission/],
    ['a file to write', "COPY (SELECT 1) TO 'out.csv'", /disabled|Permission/],
    ['an extension', 'INSTALL httpfs', /disabled|Permission|allowed/],
  ])('refuses %s', async (_, sql, message) => {
    const connection = await open(at('a.duckdb'))
    await expect(connection.run(sql)).rejects.toThrow(message)
  })

  test('keeps external access where the config says so', async () => {
    writeFileSync(at('in.csv'), 'a\n1\n')
    const connection = await open(at('a.duckdb'), { enable_external_access: 'true' })
    expect(await rowsOf(connection, `FROM '${at('in.csv')}'`)).toEqual([['1']])
  })
})
