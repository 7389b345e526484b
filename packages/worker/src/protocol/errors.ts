/** What a caller may branch on; each code is thrown by one subclass of {@link SinkError}. */
export type SinkErrorCode =
  | 'INVALID_OPTIONS'
  | 'INVALID_ARGUMENT'
  | 'INVALID_VALUE'
  | 'SCHEMA_MISMATCH'
  | 'TABLE_ABSENT'
  | 'TABLE_CHANGED'
  | 'DDL_FAILED'
  | 'CONSTRAINT_VIOLATED'
  | 'INSERT_FAILED'
  | 'STATEMENT_FAILED'
  | 'STATEMENT_REFUSED'
  | 'KEY_CONFLICT'
  | 'PRECEDING_BATCH_FAILED'
  | 'BACKPRESSURE'
  | 'OUTCOME_UNKNOWN'
  | 'WORKER_DIED'
  | 'TARGET_UNAVAILABLE'
  | 'TARGET_LOCKED'
  | 'TARGET_FULL'
  | 'TARGET_TORN'
  | 'CLOSED'
  | 'CLOSE_TIMEOUT'

/** Where an error happened and what it came from; every field is optional. */
export interface SinkErrorDetails {
  /** The table the batch was meant for, as the caller named it. */
  readonly table?: string | undefined
  /** The column or field at fault. */
  readonly column?: string | undefined
  /** Index of the record in its batch, from 0. */
  readonly row?: number | undefined
  /** The DuckDB type that was expected. */
  readonly expected?: string | undefined
  /** The kind of the JS value found, such as `number` or `Date`; never the value itself. */
  readonly found?: string | undefined
  /** The batch's key, if it has one. */
  readonly key?: string | undefined
  /** The ordered source that the error is about. */
  readonly channel?: string | undefined
  /** Every problem, where there are several (wrong options, or the issues that a schema has with a record). */
  readonly problems?: readonly string[] | undefined
  /** The records that a batch failed for, in their order, at most a hundred of them. */
  readonly failures?: readonly RecordFailure[] | undefined
  readonly cause?: unknown
}

/** Why one record of a batch cannot be written; no value is in it. */
export interface RecordFailure {
  /** Index of the record in its batch, from 0. */
  readonly row: number
  readonly code: SinkErrorCode
  readonly message: string
  readonly column: string | undefined
}

/** An error as it crosses the channel: plain data, rebuilt by {@link errorFromData}. */
export interface ErrorData extends Omit<SinkErrorDetails, 'cause' | 'failures'> {
  readonly code: SinkErrorCode
  readonly message: string
  readonly retryable: boolean
  readonly causeMessage?: string | undefined
}

const DETAIL_NAMES: ReadonlySet<string> = new Set([
  'table',
  'column',
  'row',
  'expected',
  'found',
  'key',
  'channel',
  'problems',
  'failures',
])

/**
 * The root of every error that ducksink raises itself.
 *
 * Messages name the table, column and row, and never hold a row value or a secret.
 */
export class SinkError extends Error {
  readonly code: SinkErrorCode
  /** True when the same call may succeed later, unchanged. */
  readonly retryable: boolean
  declare readonly table?: string
  declare readonly column?: string
  declare readonly row?: number
  declare readonly expected?: string
  declare readonly found?: string
  declare readonly key?: string
  declare readonly channel?: string
  declare readonly problems?: readonly string[]
  declare readonly failures?: readonly RecordFailure[]

  constructor(code: SinkErrorCode, message: string, details: SinkErrorDetails = {}, retryable = false) {
    const { cause, ...where } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryable = retryable
    for (const [name, value] of Object.entries(where)) {
      // only what is known becomes a property: an error is read by people
      if (value !== undefined && DETAIL_NAMES.has(name)) Object.assign(this, { [name]: value })
    }
  }

  override get name(): string {
    return this.constructor.name
  }
}

/** Wrong options or arguments; `problems` lists all of them at once. */
export class InvalidOptionsError extends SinkError {
  constructor(
    message: string,
    details?: SinkErrorDetails,
    code: 'INVALID_OPTIONS' | 'INVALID_ARGUMENT' = 'INVALID_OPTIONS',
  ) {
    super(code, message, details)
  }
}

/** A value that cannot become its column's type exactly; names row, column, expected type and kind found. */
export class ValueError extends SinkError {
  constructor(message: string, details: SinkErrorDetails) {
    super('INVALID_VALUE', message, details)
  }
}

/** The batch and the table do not fit each other, or the table cannot be made. */
export class SchemaError extends SinkError {
  constructor(
    message: string,
    details?: SinkErrorDetails,
    code: 'SCHEMA_MISMATCH' | 'TABLE_ABSENT' | 'TABLE_CHANGED' | 'DDL_FAILED' = 'SCHEMA_MISMATCH',
  ) {
    // a table that was altered while the batch was under way fits the next time, when its columns are read again
    super(code, message, details, code === 'TABLE_CHANGED')
  }
}

/** DuckDB refused the batch for a constraint (NOT NULL, CHECK, PRIMARY KEY, UNIQUE, FOREIGN KEY). */
export class ConstraintError extends SinkError {
  constructor(message: string, details?: SinkErrorDetails) {
    super('CONSTRAINT_VIOLATED', message, details)
  }
}

/** DuckDB failed an insert or a statement, or the statement is one that the engine does not run. */
export class StatementError extends SinkError {
  constructor(
    code: 'INSERT_FAILED' | 'STATEMENT_FAILED' | 'STATEMENT_REFUSED',
    message: string,
    details?: SinkErrorDetails,
  ) {
    super(code, message, details)
  }
}

/** The key names a batch that is committed already, with another payload or for another table: nothing is written. */
export class KeyConflictError extends SinkError {
  constructor(message: string, details?: SinkErrorDetails) {
    super('KEY_CONFLICT', message, details)
  }
}

/**
 * An earlier batch of the same channel was not written, so this one is not either: a restart would resume past it.
 * See {@link SinkEngine.resolveFailure}.
 */
export class PrecedingBatchFailedError extends SinkError {
  constructor(message: string, details?: SinkErrorDetails) {
    super('PRECEDING_BATCH_FAILED', message, details, true)
  }
}

/** There is no room: wait for `engine.ready` and call again. */
export class BackpressureError extends SinkError {
  constructor(message: string, details?: SinkErrorDetails) {
    super('BACKPRESSURE', message, details, true)
  }
}

/** Whether the batch was committed cannot be known; read the table before writing it again. */
export class OutcomeUnknownError extends SinkError {
  constructor(message: string, details?: SinkErrorDetails) {
    super('OUTCOME_UNKNOWN', message, details)
  }
}

/** The worker thread ended before it came to the batch: nothing of it was written. */
export class WorkerDiedError extends SinkError {
  /** @param canRecover - false where the engine has failed, and no call of it can succeed any more */
  constructor(message: string, details?: SinkErrorDetails, canRecover = true) {
    super('WORKER_DIED', message, details, canRecover)
  }
}

/**
 * The target cannot be opened (absent, unreadable, no database, held by another writer, torn by a crash), or its disk is
 * full.
 */
export class TargetUnavailableError extends SinkError {
  constructor(
    message: string,
    details?: SinkErrorDetails,
    code: 'TARGET_UNAVAILABLE' | 'TARGET_LOCKED' | 'TARGET_FULL' | 'TARGET_TORN' = 'TARGET_UNAVAILABLE',
  ) {
    super(code, message, details, code === 'TARGET_LOCKED' || code === 'TARGET_FULL')
  }
}

/** The engine, or the collector, is closed or closing. */
export class ClosedError extends SinkError {
  constructor(message: string, details?: SinkErrorDetails, code: 'CLOSED' | 'CLOSE_TIMEOUT' = 'CLOSED') {
    super(code, message, details)
  }
}

/** Turns any error into data that survives structured cloning (Comlink keeps only name, message and stack). */
export function errorToData(error: unknown): ErrorData {
  if (!(error instanceof SinkError)) {
    const message = error instanceof Error ? error.message : String(error)
    return { code: 'STATEMENT_FAILED', message, retryable: false }
  }
  const { code, message, retryable, table, column, row, expected, found, key, channel, problems, cause } =
    error
  const causeMessage = cause instanceof Error ? cause.message : undefined
  return {
    code,
    message,
    retryable,
    table,
    column,
    row,
    expected,
    found,
    key,
    channel,
    problems,
    causeMessage,
  }
}

/** Rebuilds the error of its class from {@link ErrorData}. */
export function errorFromData(data: ErrorData): SinkError {
  const { code, message } = data
  const details = data.causeMessage === undefined ? data : { ...data, cause: new Error(data.causeMessage) }
  switch (code) {
    case 'INVALID_OPTIONS':
    case 'INVALID_ARGUMENT':
      return new InvalidOptionsError(message, details, code)
    case 'INVALID_VALUE':
      return new ValueError(message, details)
    case 'SCHEMA_MISMATCH':
    case 'TABLE_ABSENT':
    case 'TABLE_CHANGED':
    case 'DDL_FAILED':
      return new SchemaError(message, details, code)
    case 'CONSTRAINT_VIOLATED':
      return new ConstraintError(message, details)
    case 'INSERT_FAILED':
    case 'STATEMENT_FAILED':
    case 'STATEMENT_REFUSED':
      return new StatementError(code, message, details)
    case 'KEY_CONFLICT':
      return new KeyConflictError(message, details)
    case 'PRECEDING_BATCH_FAILED':
      return new PrecedingBatchFailedError(message, details)
    case 'BACKPRESSURE':
      return new BackpressureError(message, details)
    case 'OUTCOME_UNKNOWN':
      return new OutcomeUnknownError(message, details)
    case 'WORKER_DIED':
      return new WorkerDiedError(message, details, data.retryable)
    case 'TARGET_UNAVAILABLE':
    case 'TARGET_LOCKED':
    case 'TARGET_FULL':
    case 'TARGET_TORN':
      return new TargetUnavailableError(message, details, code)
    case 'CLOSED':
    case 'CLOSE_TIMEOUT':
      return new ClosedError(message, details, code)
    default:
      return unknownCode(code)
  }
}

function unknownCode(code: never): never {
  throw new TypeError(`unknown error code ${String(code)}`)
}
