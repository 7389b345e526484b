import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { InvalidOptionsError, SinkEngine, type SinkEngineOptions, type SinkError } from '../src/index.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'

async function problemsOf(options: unknown): Promise<readonly string[]> {
  const error = (await rejection(SinkEngine.open(options as SinkEngineOptions))) as SinkError
  expect(error).toBeInstanceOf(InvalidOptionsError)
  expect(error.code).toBe('INVALID_OPTIONS')
  for (const problem of error.problems ?? []) expect(error.message).toContain(problem)
  return error.problems ?? []
}

it('wrong options are all told at once, and nothing is opened', async () => {
  const path = databasePath()
  const problems = await problemsOf({
    path,
    config: { threads: 4 },
    maxBufferedBytes: 0,
    maxBufferedBatches: 1.5,
    whenFull: 'wait',
    deliveryMode: 'at-most-once',
    groupCommit: { maxBatches: -1, maxDelayMs: NaN, other: 1 },
    restart: { maxAttempts: 0 },
    hangTimeoutMs: -1,
    handleSignals: { timeoutMs: 'soon', signals: [] },
    logger: console,
    createWorker: 'worker.js',
    maxBufferedbytes: 5,
    tables: {
      '': {},
      'a\0b': {},
      both: { createTableSql: 'CREATE TABLE both (id INTEGER)', columns: { id: 'INTEGER' } },
      none: { columns: {} },
      types: {
        columns: {
          id: 5,
          name: '',
          'x\0': 'INTEGER',
          bad: 'INTEGER NOT NULL',
          worse: 'INTEGER); DROP TABLE t; --',
        },
      },
      sql: { createTableSql: '  ' },
      contract: { schemaContract: { tables: 'discard-row', columns: 'grow', rows: 'freeze' } },
      list: [],
      misspelled: { column: { id: 'INTEGER' } },
      Twice: {},
      tWICE: {},
      Ä: {},
      ä: {},
    },
  })
  const expected = [
    'options has no option "maxBufferedbytes"',
    'deliveryMode',
    'config["threads"]',
    "a table's name must not be empty",
    "a table's name must not hold a NUL",
    'tables["both"]: createTableSql and columns exclude each other',
    'tables["none"].columns must name at least one column',
    'tables["types"].columns["id"]',
    'tables["types"].columns["name"]',
    'tables["types"].columns: a column\'s name must not hold a NUL',
    'tables["types"].columns["bad"]',
    'tables["types"].columns["worse"]',
    'tables["sql"].createTableSql',
    'tables["contract"].schemaContract has no option "rows"',
    'tables["contract"].schemaContract.tables',
    'tables["contract"].schemaContract.columns',
    'tables["list"] must be an object',
    'tables["misspelled"] has no option "column"',
    'tables: "Twice" and "tWICE" are the same table',
    'maxBufferedBytes',
    'maxBufferedBatches',
    'whenFull',
    'groupCommit has no option "other"',
    'groupCommit.maxBatches',
    'groupCommit.maxDelayMs',
    'restart.maxAttempts',
    'hangTimeoutMs',
    'handleSignals has no option "signals"',
    'handleSignals.timeoutMs',
    'logger must be a tslog Logger',
    'createWorker must be a function',
  ]
  for (const part of expected) expect(problems.filter((problem) => problem.includes(part))).not.toEqual([])
  expect(problems).toHaveLength(expected.length)
  expect(readdirSync(dirname(path))).toEqual([])
})

it('options that are no object, and paths that are no string, are told', async () => {
  for (const options of [undefined, null, 5, 'x.duckdb', []]) {
    expect(await problemsOf(options)).toContain('options must be an object')
  }
  for (const path of [undefined, null, 5, '', '  ', {}]) {
    expect(await problemsOf({ path })).toEqual(['path must be a string that is not empty'])
  }
})

it('wrong settings of DuckDB are told by name', async () => {
  const wrong = { path: ':memory:?threads=many', config: { no_such_setting: '1' } }
  const error = await rejection(SinkEngine.open(wrong))
  expect(error).toBeInstanceOf(InvalidOptionsError)
})

it('settings in the path and in config both reach DuckDB', async () => {
  const path = `${databasePath()}?threads=2`
  const engine = await openEngine({ path, config: { memory_limit: '256MiB' } })
  const sql = `SELECT current_setting('threads') AS threads, current_setting('memory_limit') AS memory`
  expect(await engine.query(sql)).toEqual([{ threads: 2n, memory: '256.0 MiB' }])
})

it('wrong options of a collector are all told at once', async () => {
  const engine = await openEngine()
  const wrong = {
    maxBatchRows: 0,
    maxBatchBytes: '5',
    maxDelayMs: -1,
    onReceipt: 1,
    onFailure: {},
    maxrows: 1,
  }
  try {
    engine.table('t').collect(wrong as never)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError)
    const problems = (error as SinkError).problems ?? []
    for (const name of Object.keys(wrong)) {
      expect(problems.filter((problem) => problem.includes(name))).toHaveLength(1)
    }
  }
  await expect(engine.table('t').writeFrom([], { maxBatchRows: -1 })).rejects.toBeInstanceOf(
    InvalidOptionsError,
  )
})
