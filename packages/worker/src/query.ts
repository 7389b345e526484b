import duckdb from '@duckdb/node-bindings'
import type { Connection } from './connection.ts'
import { StatementError } from './protocol/errors.ts'
import type { QueryRequest } from './protocol/messages.ts'
import { explainedSql, withoutComments } from './sql-text.ts'

const { StatementType } = duckdb

const READS: ReadonlySet<duckdb.StatementType> = new Set([StatementType.SELECT, StatementType.EXPLAIN])

// What is left out would end or escape the engine's own transactions and connections (BEGIN, USE, SET, DETACH,
// PREPARE), or reach past the target (ATTACH, COPY, LOAD).
const WRITES: ReadonlySet<duckdb.StatementType> = new Set([
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

const DATA_CHANGES: ReadonlySet<duckdb.StatementType> = new Set([
  StatementType.INSERT,
  StatementType.UPDATE,
  StatementType.DELETE,
  StatementType.MERGE_INTO,
])

// All but the first are stopped as they are bound, by the read-only transaction.
const EXPLAINABLE: ReadonlySet<duckdb.StatementType> = new Set([StatementType.SELECT, ...DATA_CHANGES])

// One SELECT of these would do for the whole instance: logging to a file that may not be written fails every later
// statement, the writer's too, and profiling prints to the app's output.
const STATE_FUNCTION = /\b(?:(?:enable|disable)_(?:logging|profil\w*)|truncate_duckdb_logs)"?\s*\(/i

// Where external access is off these can read nothing but the target's own file, and to close a second descriptor
// of that drops DuckDB's lock on it (duckdb#17343).
const FILE_FUNCTION =
  /\b(?:read_(?:blob|text|parquet|csv|csv_auto|(?:nd)?json(?:_auto|_objects|_objects_auto)?)|parquet_\w+|sniff_csv)"?\s*\(/i

/** In every SQL that calls one of these; most holds nothing of it, and need not be looked at closely. */
const SUSPECT = /able_logging|able_profil|_duckdb_logs|read_|parquet_|sniff_csv/i

// A target by another name is one that the writer does not find any more: the next statement ends the process (SIGSEGV).
// DuckDB takes for white space what \s does not.
const ALTER_DATABASE = /^\W*alter\W+database\b/i

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
  if (statementType === StatementType.ALTER && ALTER_DATABASE.test(withoutComments(sql)))
    throw refusal('does not give the target another name')
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

async function statementTypeOf(connection: Connection, sql: string): Promise<duckdb.StatementType> {
  const statements = await connection.extract(sql)
  const [prepare] = statements
  if (prepare === undefined || statements.length !== 1) {
    throw refusal(`takes exactly one statement, not ${statements.length}`)
  }
  const prepared = await prepare()
  const statementType = duckdb.prepared_statement_type(prepared)
  duckdb.destroy_prepare_sync(prepared)
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
  // with it comes node-api, in which most of the worker's code is: an engine that is asked nothing goes without
  const { runPrepared } = await import('./prepared-query.ts')
  const prepared = await prepare()
  try {
    const rows = await runPrepared(connection, { prepared, parameters, signal })
    const statementType = duckdb.prepared_statement_type(prepared)
    const changedSchema = !DATA_CHANGES.has(statementType)
    return { rows, changedSchema, isAlter: statementType === StatementType.ALTER }
  } finally {
    duckdb.destroy_prepare_sync(prepared)
  }
}
