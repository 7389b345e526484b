import {
  BIGINT,
  BOOLEAN,
  blobValue,
  DOUBLE,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
  type DuckDBValueConverter,
  HUGEINT,
  INTEGER,
  type JS,
  JSDuckDBValueConverter,
  StatementType,
} from '@duckdb/node-api'
import type { Connection } from './connection.ts'
import { InvalidOptionsError, StatementError } from './protocol/errors.ts'
import type { QueryRequest } from './protocol/messages.ts'

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

/** Whether a statement reads, and so runs beside the writer, or takes its turn on the writing connection. */
export type StatementKind = 'read' | 'write'

/**
 * Finds out which connection a statement is for.
 * @throws {@link StatementError} where the SQL is not one statement, or one that the engine does not run.
 */
export async function classifyStatement(connection: Connection, sql: string): Promise<StatementKind> {
  const statements = await connection.extract(sql)
  const [prepare] = statements
  if (prepare === undefined || statements.length !== 1) {
    throw new StatementError(
      'STATEMENT_REFUSED',
      `query() takes exactly one statement, not ${statements.length}`,
    )
  }
  const prepared = await prepare()
  const { statementType } = prepared
  prepared.destroySync()
  if (READS.has(statementType)) return 'read'
  if (WRITES.has(statementType)) return 'write'
  const name = StatementType[statementType]
  throw new StatementError(
    'STATEMENT_REFUSED',
    `query() does not run ${name} statements: the engine runs its own`,
  )
}

/** Runs one SELECT; the transaction is read-only, which also stops an EXPLAIN ANALYZE of an INSERT. */
export async function runRead(connection: Connection, request: QueryRequest): Promise<readonly object[]> {
  await connection.run('BEGIN TRANSACTION READ ONLY')
  try {
    return (await runStatement(connection, request)).rows
  } finally {
    await connection.run('ROLLBACK')
  }
}

/** Runs one statement on the connection; `changedSchema` is true unless it can only have changed rows. */
export async function runStatement(
  connection: Connection,
  { sql, parameters }: QueryRequest,
): Promise<{ rows: readonly object[]; changedSchema: boolean }> {
  const [prepare] = await connection.extract(sql)
  if (prepare === undefined)
    throw new StatementError('STATEMENT_REFUSED', 'query() takes exactly one statement')
  const prepared = await prepare()
  try {
    bind(prepared, parameters)
    const result = await connection.call(() => prepared.run())
    const changedSchema = !DATA_CHANGES.has(prepared.statementType)
    return { rows: await connection.call(() => readRows(result)), changedSchema }
  } finally {
    prepared.destroySync()
  }
}

async function readRows(result: DuckDBResult): Promise<readonly object[]> {
  const names = result.deduplicatedColumnNames()
  const rows: object[] = []
  for (const values of await result.convertRows(exactValue)) {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < names.length; index++) setOwn(row, names[index] as string, values[index])
    rows.push(row)
  }
  return rows
}

// a column may be called __proto__, which an assignment would take for the prototype
function setOwn(row: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') row[name] = value
  else Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
}

/** node-api's conversion to plain JS values, except that a DECIMAL becomes its exact text and not a double. */
const exactValue: DuckDBValueConverter<JS> = (value, type, converter) => {
  if (type.typeId === DuckDBTypeId.DECIMAL && value !== null) return String(value)
  return JSDuckDBValueConverter(value, type, converter)
}

function bind(prepared: DuckDBPreparedStatement, parameters: QueryRequest['parameters']): void {
  if (parameters === undefined) return
  if (Array.isArray(parameters)) {
    for (let index = 0; index < parameters.length; index++) bindOne(prepared, index + 1, parameters[index])
    return
  }
  for (const [name, value] of Object.entries(parameters))
    bindOne(prepared, prepared.parameterIndex(name), value)
}

function bindOne(prepared: DuckDBPreparedStatement, index: number, value: unknown): void {
  if (value === undefined)
    throw new InvalidOptionsError(`parameter ${index} is undefined`, {}, 'INVALID_ARGUMENT')
  const [bound, type] = parameterOf(value, index)
  prepared.bindValue(index, bound, type)
}

const INT32 = 2 ** 31
const INT64 = 2n ** 63n

function parameterOf(value: unknown, index: number): [DuckDBValue, DuckDBType?] {
  if (value === null) return [null]
  if (typeof value === 'string') return [value]
  if (typeof value === 'boolean') return [value, BOOLEAN]
  if (typeof value === 'number') return [value, numberType(value)]
  if (typeof value === 'bigint') return [value, value >= -INT64 && value < INT64 ? BIGINT : HUGEINT]
  if (value instanceof Date) return [new DuckDBTimestampValue(BigInt(value.getTime()) * 1000n)]
  if (value instanceof Uint8Array) return [blobValue(value)]
  throw new InvalidOptionsError(
    `parameter ${index} is of a kind that cannot be bound`,
    {},
    'INVALID_ARGUMENT',
  )
}

function numberType(value: number): DuckDBType {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return DOUBLE
  return value >= -INT32 && value < INT32 ? INTEGER : BIGINT
}
