import type { Worker, WorkerOptions } from 'node:worker_threads'
import {
  type DeclaredColumn,
  type DeliveryMode,
  deadLetterTable,
  foldIdentifier,
  identifierProblem,
  LEDGER_NAMES,
  parseLogicalType,
  type SinkError,
  type TableColumn,
  type TableReference,
} from '@ducksink/worker'
import type { ILogObj, Logger } from 'tslog'
import type { BadRecordsMode } from './bad-records.ts'
import { OptionsCheck } from './options-check.ts'
import { isStandardSchema, type StandardSchema } from './standard-schema.ts'

/** A table: one name, dots and all, or its parts. */
export type TableName = string | TableReference

/**
 * What becomes of data that the schema has no place for: the schema follows it (`evolve`), the batch fails (`freeze`),
 * or it is left out and counted in the receipt (`discard-value`).
 */
export type ContractMode = 'evolve' | 'freeze' | 'discard-value'

/** What becomes of data that the schema has no place for, by what is missing. */
export interface SchemaContract {
  /**
   * A table that is absent is made from the first batch (`evolve`), the write fails (`freeze`), or its rows are left
   * out (`discard-value`).
   * @defaultValue 'evolve'
   */
  readonly tables?: ContractMode
  /**
   * A field without a column becomes one (`evolve`), fails the batch (`freeze`), or is left out (`discard-value`).
   * @defaultValue 'freeze'
   */
  readonly columns?: ContractMode
  /**
   * A value that its column's type cannot hold makes the type wider, where it can be without loss (`evolve`), fails
   * the batch (`freeze`), or becomes NULL (`discard-value`).
   * @defaultValue 'freeze'
   */
  readonly types?: ContractMode
}

/** How one table is made and written. */
export interface TableOptions {
  /** Exactly one CREATE statement, run where the table is absent; it is trusted. */
  readonly createTableSql?: string
  /**
   * Column names and DuckDB types, from which the table is made where it is absent. They are all of its columns,
   * unless the contract lets `columns` evolve: then other fields are inferred and added.
   */
  readonly columns?: Readonly<Record<string, string>>
  /** @defaultValue tables evolve, columns and types are frozen */
  readonly schemaContract?: SchemaContract
  /**
   * What becomes of records that cannot be written: they fail their batch, are left out and counted (`skip`), or are
   * written to the table `<name>_dead_letters` in the same transaction.
   * @defaultValue 'fail-batch'
   */
  readonly badRecords?: BadRecordsMode
  /**
   * A validator that each record goes through on the main thread; what it makes of a record is written.
   * @see https://standardschema.dev
   */
  readonly schema?: StandardSchema
}

/** What an engine is opened with. */
export interface SinkEngineOptions {
  /** A file (`events.duckdb`), `:memory:`, or MotherDuck (`md:db`); query parameters become `config`. */
  readonly path: string
  /**
   * DuckDB settings, by name.
   * @see https://duckdb.org/docs/stable/configuration/overview
   */
  readonly config?: Readonly<Record<string, string>>
  /** Tables that are not named here get the defaults. */
  readonly tables?: Readonly<Record<string, TableOptions>>
  /**
   * Encoded bytes that the engine holds at most, but for one part under way.
   * @defaultValue 67_108_864 (64 MiB)
   */
  readonly maxBufferedBytes?: number
  /**
   * Batches that the engine holds at most; waiting writes count.
   * @defaultValue 1_024
   */
  readonly maxBufferedBatches?: number
  /**
   * Whether a write waits while `maxBufferedBytes` are used up, or is refused.
   * @defaultValue 'block'
   */
  readonly whenFull?: 'block' | 'reject'
  /**
   * Whether a batch that is written again appends again (`at-least-once`), or is known by its key, or by its channel
   * and offset, and not written twice (`exactly-once`); the target then has a ledger, the tables `ducksink_ledger` and
   * `ducksink_offsets`.
   * @defaultValue 'at-least-once'
   */
  readonly deliveryMode?: DeliveryMode
  /**
   * Writes that wait share a commit, at most `maxBatches` of them (128), the first waiting at most `maxDelayMs` (0).
   * `false` gives each write a transaction of its own.
   */
  readonly groupCommit?: false | { readonly maxBatches?: number; readonly maxDelayMs?: number }
  /**
   * Whether the engine goes on with another worker where one has died, for which it starts at most `maxAttempts` threads
   * within a minute; a database in memory is gone with its worker.
   * @defaultValue { maxAttempts: 5 }
   */
  readonly restart?: false | { readonly maxAttempts?: number }
  /**
   * Milliseconds without any progress after which the writes under way have an unknown outcome and the engine has failed:
   * a call of DuckDB that hangs ends only with the process. 0: it may take as long as it likes.
   * @defaultValue 60_000
   */
  readonly hangTimeoutMs?: number
  /**
   * Whether SIGTERM and SIGINT close the engine, within `timeoutMs` (5,000). Where nothing else listens for the signal,
   * it then ends the process as it would have; a second one does so at once.
   * @defaultValue false
   */
  readonly handleSignals?: boolean | { readonly timeoutMs?: number }
  /**
   * Bytes of the write-ahead log of a file from which on the engine checkpoints it, however high DuckDB's own
   * `checkpoint_threshold` is; not while a query is in the way.
   * @defaultValue 67_108_864 (64 MiB)
   */
  readonly checkpointBytes?: number
  /**
   * How long a write may wait, in milliseconds, while the disk is full.
   * @defaultValue 30_000
   */
  readonly degradedTimeoutMs?: number
  /** Where the engine logs to; nothing is logged without it. */
  readonly logger?: Logger<ILogObj>
  /** Starts the worker where a bundler has moved its file. */
  readonly createWorker?: (options: WorkerOptions) => Worker
}

/** A table's options with every default filled in. */
export interface ResolvedTableOptions {
  readonly createTableSql: string | undefined
  readonly columns: readonly DeclaredColumn[] | undefined
  readonly contract: Required<SchemaContract>
  readonly badRecords: BadRecordsMode
  readonly schema: StandardSchema | undefined
}

/** An engine's options with every default filled in. */
export interface ResolvedOptions {
  readonly path: string
  readonly config: Readonly<Record<string, string>>
  readonly tables: ReadonlyMap<string, ResolvedTableOptions>
  readonly maxBufferedBytes: number
  readonly maxBufferedBatches: number
  readonly whenFull: 'block' | 'reject'
  readonly deliveryMode: DeliveryMode
  readonly groupCommit: false | { readonly maxBatches: number; readonly maxDelayMs: number }
  readonly restart: false | { readonly maxAttempts: number }
  readonly hangTimeoutMs: number
  readonly handleSignals: false | { readonly timeoutMs: number }
  readonly checkpointBytes: number
  readonly degradedTimeoutMs: number
  readonly logger: Logger<ILogObj> | undefined
  readonly createWorker: ((options: WorkerOptions) => Worker) | undefined
}

/** What a table gets that no option names. */
export const DEFAULT_TABLE_OPTIONS: ResolvedTableOptions = {
  createTableSql: undefined,
  columns: undefined,
  contract: { tables: 'evolve', columns: 'freeze', types: 'freeze' },
  badRecords: 'fail-batch',
  schema: undefined,
}

const LEDGER_TABLES: readonly string[] = Object.values(LEDGER_NAMES)
const DELIVERY_MODES: readonly DeliveryMode[] = ['at-least-once', 'exactly-once']
const CONTRACT_MODES: readonly ContractMode[] = ['evolve', 'freeze', 'discard-value']
const BAD_RECORDS_MODES: readonly BadRecordsMode[] = ['fail-batch', 'skip', 'dead-letter']

const DEFAULT_GROUP_COMMIT = { maxBatches: 128, maxDelayMs: 0 } as const

/**
 * Checks options and fills in the defaults.
 * @throws {@link InvalidOptionsError} with every problem at once.
 */
export function resolveOptions(options: SinkEngineOptions): ResolvedOptions {
  const check = new OptionsCheck()
  const given = check.object('options', options, [
    'path',
    'config',
    'tables',
    'maxBufferedBytes',
    'maxBufferedBatches',
    'whenFull',
    'deliveryMode',
    'groupCommit',
    'restart',
    'hangTimeoutMs',
    'handleSignals',
    'checkpointBytes',
    'degradedTimeoutMs',
    'logger',
    'createWorker',
  ])
  const resolved: ResolvedOptions = {
    path: check.text('path', given.path) ?? '',
    config: check.texts('config', given.config) ?? {},
    tables: resolveTables(check, given.tables),
    maxBufferedBytes: check.count('maxBufferedBytes', given.maxBufferedBytes, 64 * 2 ** 20),
    maxBufferedBatches: check.count('maxBufferedBatches', given.maxBufferedBatches, 1_024),
    whenFull: check.oneOf('whenFull', given.whenFull, ['block', 'reject'], 'block'),
    deliveryMode: check.oneOf('deliveryMode', given.deliveryMode, DELIVERY_MODES, 'at-least-once'),
    groupCommit: resolveGroupCommit(check, given.groupCommit),
    restart: resolveRestart(check, given.restart),
    hangTimeoutMs: check.duration('hangTimeoutMs', given.hangTimeoutMs, 60_000),
    handleSignals: resolveSignals(check, given.handleSignals),
    checkpointBytes: check.count('checkpointBytes', given.checkpointBytes, 64 * 2 ** 20),
    degradedTimeoutMs: check.duration('degradedTimeoutMs', given.degradedTimeoutMs, 30_000),
    logger: check.logger(given.logger),
    createWorker: check.fn('createWorker', given.createWorker) as ResolvedOptions['createWorker'],
  }
  check.done('wrong options')
  return resolved
}

function resolveTables(check: OptionsCheck, value: unknown): ReadonlyMap<string, ResolvedTableOptions> {
  const tables = new Map<string, ResolvedTableOptions>()
  if (value === undefined) return tables
  const names = new Map<string, string>()
  for (const [name, options] of Object.entries(check.object('tables', value))) {
    const problem = identifierProblem(name)
    if (problem !== undefined) check.problem(`tables: a table's name ${problem}`)
    const other = names.get(foldIdentifier(name))
    if (other !== undefined) check.problem(`tables: "${other}" and "${name}" are the same table`)
    names.set(foldIdentifier(name), name)
    if (LEDGER_TABLES.includes(foldIdentifier(name)))
      check.problem(`tables: "${name}" belongs to the engine's ledger`)
    const table = resolveTable(check, `tables["${name}"]`, options)
    const letterProblem = identifierProblem(deadLetterTable({ name }).name)
    if (table.badRecords === 'dead-letter' && problem === undefined && letterProblem !== undefined)
      check.problem(`tables: the name of the dead letter table of "${name}" ${letterProblem}`)
    tables.set(name, table)
  }
  return tables
}

function resolveTable(check: OptionsCheck, path: string, value: unknown): ResolvedTableOptions {
  const given = check.object(path, value, [
    'createTableSql',
    'columns',
    'schemaContract',
    'badRecords',
    'schema',
  ])
  const createTableSql =
    given.createTableSql === undefined
      ? undefined
      : check.text(`${path}.createTableSql`, given.createTableSql)
  if (createTableSql !== undefined && given.columns !== undefined) {
    check.problem(`${path}: createTableSql and columns exclude each other`)
  }
  const columns = resolveColumns(check, `${path}.columns`, given.columns)
  const contract = resolveContract(check, `${path}.schemaContract`, given.schemaContract)
  const badRecords = check.oneOf(`${path}.badRecords`, given.badRecords, BAD_RECORDS_MODES, 'fail-batch')
  const schema = given.schema as StandardSchema | undefined
  if (schema !== undefined && !isStandardSchema(schema)) {
    check.problem(`${path}.schema must be a validator with the property "~standard", of version 1`)
  }
  return { createTableSql, columns, contract, badRecords, schema }
}

function resolveContract(check: OptionsCheck, path: string, value: unknown): Required<SchemaContract> {
  const defaults = DEFAULT_TABLE_OPTIONS.contract
  if (value === undefined) return defaults
  const given = check.object(path, value, ['tables', 'columns', 'types'])
  const mode = (name: keyof SchemaContract): ContractMode =>
    check.oneOf(`${path}.${name}`, given[name], CONTRACT_MODES, defaults[name])
  return { tables: mode('tables'), columns: mode('columns'), types: mode('types') }
}

function resolveColumns(
  check: OptionsCheck,
  path: string,
  value: unknown,
): readonly TableColumn[] | undefined {
  const types = check.texts(path, value)
  if (types === undefined) return undefined
  const columns = Object.entries(types).map(([name, type]) => ({ name, type }))
  if (columns.length === 0) check.problem(`${path} must name at least one column`)
  for (const { name, type } of columns) {
    const problem = identifierProblem(name)
    if (problem !== undefined) check.problem(`${path}: a column's name ${problem}`)
    if (typeof type === 'string' && type !== '') checkType(check, `${path}["${name}"]`, type)
  }
  return columns
}

// only a type: a constraint would be lost on a table that is there
function checkType(check: OptionsCheck, path: string, type: string): void {
  try {
    parseLogicalType(type)
  } catch (error) {
    check.problem(`${path} must be a type: ${(error as SinkError).message}`)
  }
}

function resolveGroupCommit(check: OptionsCheck, value: unknown): ResolvedOptions['groupCommit'] {
  if (value === undefined) return DEFAULT_GROUP_COMMIT
  if (value === false) return false
  const given = check.object('groupCommit', value, ['maxBatches', 'maxDelayMs'])
  return {
    maxBatches: check.count('groupCommit.maxBatches', given.maxBatches, DEFAULT_GROUP_COMMIT.maxBatches),
    maxDelayMs: check.duration('groupCommit.maxDelayMs', given.maxDelayMs, DEFAULT_GROUP_COMMIT.maxDelayMs),
  }
}

function resolveRestart(check: OptionsCheck, value: unknown): ResolvedOptions['restart'] {
  if (value === false) return false
  const given = value === undefined ? {} : check.object('restart', value, ['maxAttempts'])
  return { maxAttempts: check.count('restart.maxAttempts', given.maxAttempts, 5) }
}

function resolveSignals(check: OptionsCheck, value: unknown): ResolvedOptions['handleSignals'] {
  if (value === undefined || value === false) return false
  const given = value === true ? {} : check.object('handleSignals', value, ['timeoutMs'])
  return { timeoutMs: check.duration('handleSignals.timeoutMs', given.timeoutMs, 5_000) }
}

/**
 * How long `close` may take, in milliseconds; `undefined` and `Infinity` mean as long as it takes.
 * @throws {@link InvalidOptionsError} where it is no duration.
 */
export function closeTimeout(timeoutMs: unknown): number | undefined {
  if (timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY) return undefined
  const check = new OptionsCheck()
  const duration = check.duration('timeoutMs', timeoutMs, 0)
  check.done('wrong options of close')
  return duration
}
