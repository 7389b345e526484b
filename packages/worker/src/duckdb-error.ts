import {
  ConstraintError,
  OutcomeUnknownError,
  SchemaError,
  SinkError,
  type SinkErrorDetails,
  StatementError,
  TargetUnavailableError,
} from './protocol/errors.ts'

// DuckDB's messages begin with the kind of error: `Constraint Error: ...`. Those of constraints and conversions
// quote row values, so of them only the kind and the names go on; a `cause` would carry the values as well.

/** The error's kind by DuckDB's own name, such as `Constraint` or `Binder`; empty for what is not DuckDB's. */
export function errorKind(error: unknown): string {
  const match = /^([A-Za-z][A-Za-z ]*?) Error: /.exec(messageOf(error))
  return match?.[1] ?? ''
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const INVALIDATED = /has been invalidated because/

/** True where nothing can be written until the target is opened again. */
export function isInvalidated(error: { readonly message: string }): boolean {
  return INVALIDATED.test(error.message)
}

// as Linux, macOS and Windows put it; a path that DuckDB quotes ends before it
const DISK_FULL =
  /": (?:No space left on device|Dis[ck] quota exceeded|There is not enough space on the disk)[^"]*$/
const KINDS_OF_FULL: ReadonlySet<string> = new Set(['IO', 'TransactionContext', 'FATAL'])

/** True where a file of the target could not grow; what quotes row values does not count. */
export function isDiskFull(error: unknown): boolean {
  if (!KINDS_OF_FULL.has(errorKind(error)) || isRowRefusal(error)) return false
  return DISK_FULL.test(firstLine(messageOf(error)))
}

/** What a batch is refused with that a full disk has kept from being written. */
export function fullDiskError(details: SinkErrorDetails, because = ''): TargetUnavailableError {
  const of = details.table === undefined ? '' : ` of table "${details.table}"`
  const message = `the target's disk is full: the batch${of} is not written${because}; make room, and write it again`
  return new TargetUnavailableError(message, details, 'TARGET_FULL')
}

/** The same for a statement, which has changed nothing. */
export function fullDiskStatement(because = ''): TargetUnavailableError {
  const message = `the target's disk is full: the statement has changed nothing${because}; make room, and run it again`
  return new TargetUnavailableError(message, {}, 'TARGET_FULL')
}

const COMMIT_FAILED = 'TransactionContext Error: Failed to commit: '

// an index takes its entries at COMMIT, before anything of the transaction is written
const INDEX_REFUSAL = /^(?:PRIMARY KEY or UNIQUE|Duplicate key|Violates foreign key|Could not convert|Type )/

/** True where the statement is committed, and only the checkpoint that followed failed. */
export function isDurable(error: unknown): boolean {
  return messageOf(error).includes('COMMIT succeeded and is durable')
}

/** Takes a commit that became durable for one: what failed is the checkpoint after it, which the next call tells. */
export async function unlessDurable<T>(committing: Promise<T>): Promise<T | undefined> {
  try {
    return await committing
  } catch (error) {
    if (!isDurable(error)) throw error
    return undefined
  }
}

/** True where the failed statement may be committed nevertheless: a COMMIT that answers with an error can be durable. */
export function isOutcomeUnknown(error: unknown): boolean {
  const message = messageOf(error)
  // a database that was invalidated before takes nothing any more
  if (INVALIDATED.test(message)) return false
  const kind = errorKind(error)
  if (kind === 'FATAL' || kind === 'INTERNAL') return true
  // A record of the log that did not fit is cut off again, and a checkpoint counts from its last write on: of 1,200
  // commits on a disk with less and less room each was there, or not, as it had been told.
  if (isDiskFull(error) && message.includes('Could not write file')) return false
  return message.startsWith(COMMIT_FAILED) && !INDEX_REFUSAL.test(message.slice(COMMIT_FAILED.length))
}

const ROW_REFUSALS: ReadonlySet<string> = new Set([
  'Constraint',
  'Conversion',
  'Out of Range',
  'Invalid Input',
])

/** True where DuckDB failed a statement for a row of it, which is then not written. */
export function isRowRefusal(error: unknown): boolean {
  const message = messageOf(error)
  if (message.startsWith(COMMIT_FAILED)) return INDEX_REFUSAL.test(message.slice(COMMIT_FAILED.length))
  return ROW_REFUSALS.has(errorKind(error))
}

// of what an index may say at COMMIT nothing is known, so only what is about files and memory goes on
const COMMIT_CAUSE =
  /^(?:FATAL|INTERNAL) Error: |Failed to commit: (?:(?:could not|cannot|failed to) (?:write|read|open|truncate|sync|fsync|flush|move|remove|allocate|pin|offload|create)|Out of Memory)/i

/** What DuckDB said of a COMMIT whose outcome is unknown, where it cannot hold a row value. */
export function commitCause(error: unknown): Error | undefined {
  const message = messageOf(error)
  return COMMIT_CAUSE.test(message) ? new Error(firstLine(message)) : undefined
}

/** What an INSERT failed with, in ducksink's terms. */
export function insertError(error: unknown, details: SinkErrorDetails): SinkError {
  if (isDiskFull(error)) return fullDiskError(details)
  const message = messageOf(error)
  const of = details.table === undefined ? '' : ` of table "${details.table}"`
  switch (errorKind(error)) {
    case 'Constraint':
      return constraintError(message, details, of)
    case 'Conversion':
    case 'Out of Range':
    case 'Invalid Input':
      return new StatementError(
        'INSERT_FAILED',
        `DuckDB could not convert a value to its column's type${of}`,
        details,
      )
    case 'Binder':
    case 'Catalog':
      return new SchemaError(`DuckDB refused the columns of a batch${of}: ${firstLine(message)}`, details)
    default:
      if (message.startsWith(COMMIT_FAILED))
        return indexError(message.slice(COMMIT_FAILED.length), details, of)
      return new StatementError('INSERT_FAILED', `the insert${of} failed: ${firstLine(message)}`, {
        ...details,
        cause: new Error(firstLine(message)),
      })
  }
}

function indexError(refusal: string, details: SinkErrorDetails, of: string): SinkError {
  if (/^(?:PRIMARY|Duplicate|Violates)/.test(refusal))
    return constraintError(`Constraint Error: ${refusal}`, details, of)
  return new StatementError('INSERT_FAILED', `an index${of} cannot take a value of the batch`, details)
}

// The patterns are anchored, and what they catch comes before any value: a key may hold the text of a whole message.
const CHECK =
  /^Constraint Error: CHECK constraint failed on table .*? with expression (CHECK.*?)(?: \((?:Error: |Unknown Error).*)?$/s
const DUPLICATE = /^Constraint Error: Duplicate key ".*" violates (primary key|unique) constraint\.$/s
const NOT_NULL = 'Constraint Error: NOT NULL constraint failed: '

function constraintError(message: string, details: SinkErrorDetails, of: string): ConstraintError {
  if (message.startsWith(NOT_NULL)) {
    // `table.column`, where both may hold dots; the table is known, if perhaps in another case
    const column = message.slice(NOT_NULL.length + (details.table ?? '').length + 1)
    return new ConstraintError(`column "${column}"${of} is NOT NULL and a record has no value for it`, {
      ...details,
      column,
    })
  }
  const check = CHECK.exec(message)
  if (check !== null) return new ConstraintError(`a record violates ${check[1]}${of}`, details)
  return new ConstraintError(`${keyViolation(message)}${of}`, details)
}

function keyViolation(message: string): string {
  const duplicate = DUPLICATE.exec(message)
  if (duplicate !== null) {
    const kind = duplicate[1] === 'unique' ? 'UNIQUE' : 'PRIMARY KEY'
    return `a record's key is already there: it violates the ${kind}`
  }
  if (message.startsWith('Constraint Error: PRIMARY KEY or UNIQUE'))
    return 'two records of the batch have the same PRIMARY KEY or UNIQUE key'
  if (message.startsWith('Constraint Error: Violates foreign key')) return 'a record violates a FOREIGN KEY'
  if (message.startsWith('Constraint Error: Incorrect value for generated column'))
    return 'a record has no value for a generated column'
  return 'a record violates a constraint'
}

/** What reading or making a table failed with. */
export function tableError(error: unknown, table: string): SinkError {
  if (error instanceof SinkError) return error
  if (isDiskFull(error)) return fullDiskDdl(table)
  return new SchemaError(
    `reading table "${table}" failed: ${messageOf(error)}`,
    { table, cause: error },
    'DDL_FAILED',
  )
}

// What DuckDB 1.5.5 does not alter, and how it says so; the names in these messages are the table's own.
const ALTER_REFUSALS: readonly (readonly [said: RegExp, because: string])[] = [
  [/has a UNIQUE or PRIMARY KEY constraint/, 'it belongs to a PRIMARY KEY or is UNIQUE'],
  [/has a CHECK constraint/, 'a CHECK names it'],
  [/has a FOREIGN KEY constraint/, 'a FOREIGN KEY names it'],
  [/referenced by the generated column/, 'a generated column is computed from it'],
  [/[Gg]enerated columns? in alter/, 'it is a generated column'],
  [/an index depends on it/, 'an index is on it'],
  [/there are entries that depend on it/, 'the table has an index, or a FOREIGN KEY refers to it'],
]

/** What an ALTER failed with; what DuckDB could not convert is a row's value, and stays out of it. */
export function alterError(
  error: unknown,
  { table, column }: { readonly table: string; readonly column: string | undefined },
): SinkError {
  if (error instanceof SinkError) return error
  if (isDiskFull(error)) return fullDiskDdl(table)
  const message = messageOf(error)
  const what = column === undefined ? `table "${table}"` : `column "${column}" of table "${table}"`
  const refusal = ALTER_REFUSALS.find(([said]) => said.test(message))?.[1]
  const isOfValue = ['Conversion', 'Out of Range', 'Invalid Input'].includes(errorKind(error))
  const because =
    refusal ?? (isOfValue ? 'a value that is there does not fit the wider type' : firstLine(message))
  const cause = isOfValue ? undefined : error
  const advice =
    refusal === undefined && !isOfValue
      ? ''
      : "; make the table anew with the type that is needed, or choose 'freeze' or 'discard-value' for its types"
  return new SchemaError(
    `DuckDB does not alter ${what}: ${because}${advice}`,
    { table, column, cause },
    'DDL_FAILED',
  )
}

function fullDiskDdl(table: string): TargetUnavailableError {
  const message = `the target's disk is full: table "${table}" is as it was; make room, and write again`
  return new TargetUnavailableError(message, { table }, 'TARGET_FULL')
}

const BUSY = /^TransactionContext Error: Cannot CHECKPOINT: there are other/

/** True where a checkpoint only has to wait until nobody reads. */
export function isCheckpointBusy(error: unknown): boolean {
  return BUSY.test(messageOf(error))
}

/** What a statement of the app on the writing connection failed with. */
export function statementError(error: unknown): SinkError {
  // only the thread's end interrupts the writer, and a statement may be committing just then
  if (errorKind(error) === 'INTERRUPT')
    return new OutcomeUnknownError('the worker ended while the statement ran: it may have been run or not')
  if (isDurable(error) || isOutcomeUnknown(error))
    return new OutcomeUnknownError(`the statement may have been run or not: ${messageOf(error)}`)
  if (isDiskFull(error)) return fullDiskStatement()
  // the values in a constraint's message are rows', of the statement's parameters or of the table
  if (errorKind(error) === 'Constraint') return insertError(error, {})
  return queryError(error)
}

/** What a statement of the app that only reads failed with. */
export function queryError(error: unknown): SinkError {
  if (error instanceof SinkError) return error
  return new StatementError('STATEMENT_FAILED', messageOf(error), { cause: error })
}

/** What a message says before its details. */
export const firstLine = (message: string): string => message.split('\n', 1)[0] as string
