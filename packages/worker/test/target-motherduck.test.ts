import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, onTestFinished, test } from 'vitest'
import { InvalidOptionsError, type SinkError, TargetUnavailableError } from '../src/protocol/errors.ts'
import { attachError, attachTarget, lockDownTarget, parseTarget, type Target, useSql } from '../src/target.ts'

const TOKEN = "s3cret 't0ken"
const IN_PATH = `motherduck_token=${encodeURIComponent(TOKEN)}`
const sqlOf = (target: Target): string[] => target.beforeAttach.map((step) => step.sql())

describe('a md: path', () => {
  test('becomes the database, its config and the statements that attach it', () => {
    const target = parseTarget(`md:my db?${IN_PATH}&threads=2`, undefined, { environment: {} })
    expect(target).toMatchObject({
      kind: 'motherduck',
      catalog: 'my db',
      displayPath: 'md:my db',
    })
    expect(target.instanceConfig).toEqual({ threads: '1', custom_user_agent: 'ducksink' })
    expect(sqlOf(target)).toEqual([
      `SET GLOBAL "threads" = '2'`,
      'INSTALL motherduck',
      'LOAD motherduck',
      `SET "motherduck_token" = 's3cret ''t0ken'`,
    ])
    expect(target.attachSql).toBe(`ATTACH 'md:my db'`)
    expect(useSql(target)).toBe('USE "my db"')
    expect(target.lockDown.map((step) => step.sql())).toEqual([`SET GLOBAL "lock_configuration" = 'true'`])
  })

  test('takes its user agent and its own settings from query and config', () => {
    const target = parseTarget(
      `md:db?${IN_PATH}&custom_user_agent=my-app&attach_mode=single`,
      { motherduck_saas_mode: 'true' },
      { environment: {} },
    )
    expect(target.instanceConfig).toMatchObject({ custom_user_agent: 'my-app' })
    expect(sqlOf(target)).toContain(`SET "motherduck_attach_mode" = 'single'`)
    expect(sqlOf(target)).toContain(`SET "motherduck_saas_mode" = 'true'`)
  })

  test('without a database is the default one', () => {
    expect(parseTarget('md:', { motherduck_token: 't' }, { environment: {} })).toMatchObject({
      catalog: 'my_db',
      displayPath: 'md:',
    })
  })

  test('refuses a share, which cannot be written to', () => {
    expect(() => parseTarget(`md:_share/db/1?${IN_PATH}`, undefined, { environment: {} })).toThrow(
      /read-only/,
    )
  })
})

describe('the token', () => {
  const tokenStep = (path: string, config: Record<string, string>, environment: Record<string, string>) =>
    sqlOf(parseTarget(path, config, { environment })).find((sql) => sql.includes('motherduck_token'))

  test('comes from the path or the config, and from the environment only where neither has it', () => {
    const environment = { motherduck_token: 'lower', MOTHERDUCK_TOKEN: 'upper' }
    expect(tokenStep('md:db?motherduck_token=path', {}, environment)).toContain("'path'")
    expect(tokenStep('md:db', { motherduck_token: 'config' }, environment)).toContain("'config'")
    expect(tokenStep('md:db', {}, environment)).toContain("'lower'")
    expect(tokenStep('md:db', {}, { MOTHERDUCK_TOKEN: 'upper' })).toContain("'upper'")
  })

  test('is asked for when there is none, rather than by a browser', () => {
    expect(() => parseTarget('md:db', undefined, { environment: {} })).toThrow(TargetUnavailableError)
    expect(() => parseTarget('md:db?motherduck_token=', undefined, { environment: {} })).toThrow(
      /there is no MotherDuck token/,
    )
  })

  test('is not seen by who inspects, prints or serialises the target', () => {
    for (const target of [
      parseTarget(`md:db?${IN_PATH}`, undefined, { environment: {} }),
      parseTarget('md:db', { motherduck_token: TOKEN }, { environment: {} }),
      parseTarget('md:db', undefined, { environment: { motherduck_token: TOKEN } }),
    ]) {
      const shown = inspect(target, { depth: 9, showHidden: true, getters: true }) + JSON.stringify(target)
      expect(shown).not.toMatch(/s3cret|t0ken/)
      expect(target.redact(`SET motherduck_token = 's3cret ''t0ken'; ${TOKEN}; ${IN_PATH}`)).not.toMatch(
        /s3cret|t0ken/,
      )
    }
  })

  test('is not in an error that DuckDB words with it', () => {
    const target = parseTarget(`md:db?${IN_PATH}`, undefined, { environment: {} })
    const error = attachError(
      target,
      new Error(`Invalid token: ${TOKEN}\nLINE 1: SET motherduck_token = '${TOKEN}'`),
    )
    expect(error).toMatchObject({ code: 'TARGET_UNAVAILABLE' })
    expect(error.message).toContain('MotherDuck refused the token')
    expect(inspect(error)).not.toMatch(/s3cret|t0ken/)
  })
})

describe('attaching', () => {
  async function attach(path: string, config: Record<string, string>): Promise<unknown> {
    const target = parseTarget(path, config, { environment: {} })
    const instance = await DuckDBInstance.create(':memory:', target.instanceConfig)
    const connection = await instance.connect()
    onTestFinished(() => {
      connection.closeSync()
      instance.closeSync()
    })
    const agent = await connection.runAndReadAll('PRAGMA user_agent')
    expect(String(agent.getRowsJson()[0])).toMatch(/ ducksink$/)
    return attachTarget(target, (sql) => connection.run(sql)).catch((error: unknown) => error)
  }

  test('names a missing network as the cause and hides the token', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ducksink-extensions-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    // nothing listens on that port, whether or not there is a network here
    const nowhere = { custom_extension_repository: 'http://127.0.0.1:9', extension_directory: directory }
    const error = await attach(`md:my_db?${IN_PATH}`, nowhere)
    expect(error).toBeInstanceOf(TargetUnavailableError)
    expect((error as SinkError).message).toMatch(
      /^cannot open md:my_db: the MotherDuck extension .* could not be/,
    )
    expect(inspect(error, { depth: 9 })).not.toMatch(/s3cret|t0ken/)
  })

  test('names the setting that DuckDB refuses and hides its value', async () => {
    const error = await attach(`md:my_db?${IN_PATH}`, { http_proxy_password: 'hush', no_such_setting: 'x' })
    expect(error).toBeInstanceOf(InvalidOptionsError)
    expect((error as SinkError).message).toContain('"no_such_setting"')
    expect(inspect(error)).not.toMatch(/hush|s3cret|t0ken/)
  })
})

describe('other targets', () => {
  test('a database in memory keeps the memory limit of DuckDB, and is locked down', async () => {
    const target = parseTarget(':memory:?threads=2')
    expect(target).toMatchObject({ kind: 'memory', catalog: 'memory', file: undefined, attachSql: undefined })
    expect(sqlOf(target)).toEqual([`SET GLOBAL "threads" = '2'`])
    const instance = await DuckDBInstance.create(':memory:', target.instanceConfig)
    const connection = await instance.connect()
    await attachTarget(target, (sql) => connection.run(sql))
    await lockDownTarget(target, (sql) => connection.run(sql))
    await connection.run('CREATE TABLE t AS SELECT 1 AS a')
    await expect(connection.run('SET threads = 1')).rejects.toThrow(/locked/)
    await expect(connection.run("FROM read_text('/etc/hostname')")).rejects.toThrow(/disabled|Permission/)
    connection.closeSync()
    instance.closeSync()
  })

  test.each([
    ['quack:host', /not transactional/],
    ['ducklake:meta.ducklake', /not supported yet/],
    ['s3://bucket/a.duckdb', /object storage/],
    ['https://host/a.duckdb?threads=1', /over HTTP/],
    ['file:///tmp/a.duckdb', /fileURLToPath/],
    ['motherduck:db', /write 'md:'/],
    ['postgres:dbname=x', /no such target; .*'\.\/postgres:/],
    ['', /must not be empty/],
    ['?threads=1', /must not be empty/],
    [':memory:other', /':memory:'/],
    ['a\0.duckdb', /NUL/],
    ['a\uD800.duckdb', /lone surrogate/],
  ])('%j is refused with a reason', (path, reason) => {
    expect(() => parseTarget(path)).toThrow(InvalidOptionsError)
    expect(() => parseTarget(path)).toThrow(reason)
  })

  test('what follows the scheme of a refused path is not shown, as it may hold a password', () => {
    expect(() => parseTarget('postgres:password=hush')).not.toThrow(/hush/)
  })

  test('a path that is no string is refused', () => {
    for (const path of [undefined, null, 1, {}]) {
      expect(() => parseTarget(path as never)).toThrow(InvalidOptionsError)
    }
  })

  test('a drive letter is no scheme', () => {
    expect(parseTarget('C:a.duckdb').kind).toBe('file')
    expect(parseTarget('./odd:name.duckdb').kind).toBe('file')
  })
})
