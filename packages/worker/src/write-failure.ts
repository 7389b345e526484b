import { commitCause, insertError, isDiskFull, isOutcomeUnknown, isRowRefusal } from './duckdb-error.ts'
import { OutcomeUnknownError, SchemaError, SinkError, WorkerDiedError } from './protocol/errors.ts'
import type { InsertRequest } from './protocol/insert-messages.ts'

/** What a failure says of the write that it is of. */
export interface WriteDetails {
  readonly table: string | undefined
  readonly key: string | undefined
}

/** Runs of a write whose table was changed each time, by other writes that it follows or by the app. */
const MAX_RUNS = 8

/**
 * A table that was changed by someone else is read once more, and the write encoded for what it is now. Where DuckDB
 * has refused a row, the write comes again with parts to be checked, which finds all such rows.
 */
export function isWorthAnotherRun(error: unknown, { run, action }: InsertRequest): boolean {
  if (error instanceof SchemaError) return error.code === 'TABLE_CHANGED' && run < MAX_RUNS
  return action === undefined && isRowRefusal(error)
}

/** What a write failed with that is not written. */
export function writeFailure(error: unknown, details: WriteDetails): SinkError {
  return error instanceof SinkError ? error : insertError(error, details)
}

/** What a write failed with whose COMMIT answered with an error. */
export function commitFailure(error: unknown, details: WriteDetails): SinkError {
  // a connection that was stopped did not begin with it
  if (error instanceof WorkerDiedError) return error
  const foundNoRoom = isDiskFull(error) && !isOutcomeUnknown(error)
  if (isRowRefusal(error) || foundNoRoom) return insertError(error, details)
  const message = 'COMMIT answered with an error, after which the batch may be written or not: read the table'
  return new OutcomeUnknownError(message, { ...details, cause: commitCause(error) })
}
