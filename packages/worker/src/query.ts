import {
  BIGINT,
  BOOLEAN,
  blobValue,
  DOUBLE,
  type DuckDBPreparedStatement,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
  INTEGER,
  StatementType,
  UHUGEINT,
} from '@duckdb/node-api'
import type { Connection } from './connection.ts'
import { InvalidOptionsError, StatementError } from './protocol/errors.ts'
import type { QueryRequest } from './protocol/messages.ts'
import { readRows } from './result-rows.ts'
import { explainedSql, withoutComments } from './sql-text.ts'

const READS: ReadonlySet<StatementType> = new Set([StatementType.SELECT, StatementType.EXPLAIN])

// What is left out would end or escape the engine's own transactions and connections (BEGIN, USE, SET, DETACH,
// PREPARE), or reach past the target (ATTACH, COPY, LOAD).
const WRITES: ReadonlySet<StatementType> = new Set([
  StatementType.INSERT,
  StatementType.UPDATE,
  StatementType.DELETE,
  StatementType.MERGE_INTO,
  StatementType.CREATE,
  StatementType.CREATE_FUNC,
  StatementType.ALTER,
  StatementType.DROP,
  StatementType.ANALYZE,
  StatementType.VACUUM,
  StatementType.CALL,
])

const DATA_CHANGES: ReadonlySet<StatementType> = new Set([
  StatementType.INSERT,
  StatementType.UPDATE,
  StatementType.DELETE,
  StatementType.MERGE_INTO,
])

// All but the first are stopped as they are bound, by the read-only transaction.
const EXPLAINABLE: ReadonlySet<StatementType> = new Set([StatementType.SELECT, ...DATA_CHANGES])

// One SELECT of these would do for the whole instance: logging to a file that may not be written fails every later
// statement, the writer's too, and profiling prints to the app's output.
const STATE_FUNCTION = /\b(?:(?:enable|disable)_(?:logging|profil\w*)|truncate_duckdb_logs)"?\s*\(/i

// Where external access is off these can read nothing but the target's own file, and to close a second descriptor
// of that drops DuckDB's lock on it (duckdb#17343).
const FILE_FUNCTION =
  /\b(?:read_(?:blob|text|parquet|csv|csv_auto|(?:nd)?json(?:_auto|_objects|_objects_auto)?)|parquet_\w+|sniff_csv)"?\s*\(/i

/** In every SQL that calls one of these; most holds nothing of it, and need not be looked at closely. */
const SUSPECT = /able_logging|able_profil|_duckdb_logs|read_|parquet_|sniff_csv/i

/** Whether a statement reads, and so runs beside the writer, or takes its turn on the writing connection. */
export type StatementKind = 'read' | 'write'

/**
 * Finds out which connection a statement is for.
 * @throws {@link StatementError} where the SQL is not one statement, or one that the engine does not run.
 */
export async function classifyStatement(connection: Connection, sql: string): Promise<StatementKind> {
  await refuseFunctions(connection, sql)
  const statementType = await statementTypeOf(connection, sql)
  if (statementType === StatementType.EXPLAIN) await requireExplainable(connection, sql)
  if (READS.has(statementType)) return 'read'
  if (WRITES.has(statementType)) return 'write'
  throw refusal(`does not run ${StatementType[statementType]} statements: the engine runs its own`)
}

/** EXPLAIN ANALYZE runs what it explains: a SET of the reader's schema, for one, would outlast the query. */
async function requireExplainable(connection: Connection, sql: string): Promise<void> {
  const explained = explainedSql(sql)
  const statementType = explained === undefined ? undefined : await statementTypeOf(connection, explained)
  if (statementType !== undefined && EXPLAINABLE.has(statementType)) return
  throw refusal('explains nothing but a SELECT, INSERT, UPDATE, DELETE or MERGE')
}

async function statementTypeOf(connection: Connection, sql: string): Promise<StatementType> {
  const statements = await connection.extract(sql)
  const [prepare] = statements
  if (prepare === undefined || statements.length !== 1) {
    throw refusal(`takes exactly one statement, not ${statements.length}`)
  }
  const prepared = await prepare()
  const { statementType } = prepared
  prepared.destroySync()
  return statementType
}

/** Refuses by their names functions that are no reads, before a statement is bound: some act as they are bound. */
async function refuseFunctions(connection: Connection, sql: string): Promise<void> {
  if (!SUSPECT.test(sql)) return
  const code = withoutComments(sql)
  if (STATE_FUNCTION.test(code)) throw refusal('does not change how DuckDB logs and profiles')
  if (!FILE_FUNCTION.test(code)) return
  const [row] = await connection.rows("SELECT current_setting('enable_external_access') AS allowed")
  if (row?.allowed === false) throw refusal('does not read files, as external access is off')
}

const refusal = (because: string): StatementError =>
  new StatementError('STATEMENT_REFUSED', `query() ${because}`)

/** Runs one SELECT; the transaction is read-only, which also stops an EXPLAIN ANALYZE of an INSERT. */
export async function runRead(
  connection: Connection,
  request: QueryRequest,
  signal: AbortSignal,
): Promise<readonly object[]> {
  await connection.run('BEGIN TRANSACTION READ ONLY')
  try {
    return (await runStatement(connection, request, signal)).rows
  } finally {
    await connection.rollBack()
  }
}

/** What a statement gave; `changedSchema` is true unless it can only have changed rows. */
export interface StatementOutcome {
  readonly rows: readonly object[]
  readonly changedSchema: boolean
  readonly isAlter: boolean
}

/** Runs one statement on the connection. */
export async function runStatement(
  connection: Connection,
  { sql, parameters }: QueryRequest,
  signal?: AbortSignal,
): Promise<StatementOutcome> {
  const [prepare] = await connection.extract(sql)
  if (prepare === undefined)
    throw new StatementError('STATEMENT_REFUSED', 'query() takes exactly one statement')
  const prepared = await prepare()
  try {
    bind(prepared, parameters)
    const result = await connection.call(() => prepared.run(), signal)
    const { statementType } = prepared
    const changedSchema = !DATA_CHANGES.has(statementType)
    const isAlter = statementType === StatementType.ALTER
    return { rows: await connection.call(() => readRows(result)), changedSchema, isAlter }
  } finally {
    prepared.destroySync()
  }
}

function bind(prepared: DuckDBPreparedStatement, parameters: QueryRequest['parameters']): void {
  if (parameters === undefined) return
  if (!Array.isArray(parameters)) {
    for (const [name, value] of Object.entries(parameters)) bindNamed(prepared, name, value)
    return
  }
  const { parameterCount } = prepared
  if (parameters.length > parameterCount) {
    throw invalid(
      `the statement has ${parameterCount} parameters, but ${parameters.length} values were given`,
    )
  }
  for (let index = 0; index < parameters.length; index++)
    bindOne(prepared, index + 1, String(index + 1), parameters[index])
}

function bindNamed(prepared: DuckDBPreparedStatement, name: string, value: unknown): void {
  let index: number
  try {
    index = prepared.parameterIndex(name)
  } catch {
    throw invalid(`the statement has no parameter $${name}`)
  }
  bindOne(prepared, index, name, value)
}

function bindOne(prepared: DuckDBPreparedStatement, index: number, name: string, value: unknown): void {
  const [bound, type] = parameterOf(value, name)
  prepared.bindValue(index, bound, type)
}

const INT32 = 2 ** 31

function parameterOf(value: unknown, name: string): [DuckDBValue, DuckDBType?] {
  const refuse = (because: string): never => {
    throw invalid(`parameter ${name} ${because}`)
  }
  if (value === null) return [null]
  if (value === undefined) return refuse('is undefined')
  if (typeof value === 'string') return value.isWellFormed() ? [value] : refuse('has a lone surrogate')
  if (typeof value === 'boolean') return [value, BOOLEAN]
  if (typeof value === 'number') return [value, numberType(value)]
  if (typeof value === 'bigint') return [value, bigintType(value) ?? refuse('is a bigint beyond 128 bits')]
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) return refuse('is an invalid Date')
    return [new DuckDBTimestampValue(BigInt(value.getTime()) * 1000n)]
  }
  if (value instanceof Uint8Array) return [blobValue(value)]
  return refuse('is of a kind that cannot be bound')
}

function numberType(value: number): DuckDBType {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return DOUBLE
  return value >= -INT32 && value < INT32 ? INTEGER : BIGINT
}

// the binding itself takes what does not fit for another number
function bigintType(value: bigint): DuckDBType | undefined {
  if (BigInt.asIntN(64, value) === value) return BIGINT
  if (BigInt.asIntN(128, value) === value) return HUGEINT
  return BigInt.asUintN(128, value) === value ? UHUGEINT : undefined
}

const invalid = (message: string): InvalidOptionsError =>
  new InvalidOptionsError(message, {}, 'INVALID_ARGUMENT')
