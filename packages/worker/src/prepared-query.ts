import {
  BIGINT,
  BOOLEAN,
  blobValue,
  DOUBLE,
  DuckDBPreparedStatement,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
  INTEGER,
  UHUGEINT,
} from '@duckdb/node-api'
import type duckdb from '@duckdb/node-bindings'
import type { Connection } from './connection.ts'
import { InvalidOptionsError } from './protocol/errors.ts'
import type { QueryRequest } from './protocol/messages.ts'
import { readRows } from './result-rows.ts'

/** What a statement of the app is run with. */
interface PreparedQuery {
  readonly prepared: duckdb.PreparedStatement
  readonly parameters: QueryRequest['parameters']
  readonly signal: AbortSignal | undefined
}

/** Runs a prepared statement of the app with its parameters, and reads its rows. */
export async function runPrepared(
  connection: Connection,
  { prepared, parameters, signal }: PreparedQuery,
): Promise<readonly object[]> {
  const statement = new DuckDBPreparedStatement(prepared)
  bind(statement, parameters)
  const result = await connection.call(() => statement.run(), signal)
  return connection.call(() => readRows(result))
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
