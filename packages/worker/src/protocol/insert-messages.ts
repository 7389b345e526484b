import type { ErrorData, SinkErrorCode } from './errors.ts'
import type { CommittedWrite, LedgerEntry, WriteIdentity } from './ledger-messages.ts'
import type { WholeColumn } from './whole-column.ts'
import type { RowRange } from './wire.ts'

// A write on its way to the worker, part by part, and what becomes of each of them.

/**
 * What is done with a part whose rows are not simply inserted: those of them are that the table takes (`check`), rows
 * with the same values are deleted, or there are none, and the write is over (`commit`).
 */
export type PartAction = 'check' | 'delete' | 'commit'

/** One part of a write; a write of one part is both `first` and `last`. */
export interface InsertRequest {
  readonly writeId: number
  /** Absent where its rows are inserted: one more text would cost a small write 5 % of its time. */
  readonly action?: PartAction
  /** How often the write was begun before: 0, and one more each time that the worker answered `run-again`. */
  readonly run: number
  readonly layoutId: number
  /** The columns written, as indices into the layout; the others get their DEFAULT. */
  readonly columns: readonly number[]
  readonly buffer: ArrayBuffer
  /** The columns that travel beside the part; none of one to be checked. */
  readonly whole?: readonly WholeColumn[] | undefined
  /** What of the part is meant, where the worker has cut it (whole-parts.ts). */
  readonly chunks?: { readonly from: number; readonly to: number; readonly byteLength: number } | undefined
  /** The rows that are meant where the part was encoded for other writes as well: its buffer does not come back. */
  readonly rows?: (RowRange & { readonly byteLength: number }) | undefined
  readonly first: boolean
  readonly last: boolean
  readonly key: string | undefined
  /** On every part of a write that is to be there exactly once. */
  readonly identity?: WriteIdentity
  /** On the last part of such a write. */
  readonly entry?: LedgerEntry
}

/**
 * The buffer comes back to be used again, and with it the columns that were beside it.
 *
 * After `run-again` nothing of the write is there, and the worker takes no other until its first part comes once more
 * or it is abandoned, so that writes commit in their order.
 */
export type InsertReply = PartOutcome & { readonly whole?: readonly WholeColumn[] | undefined }

/** What has become of a part. */
export type PartOutcome =
  | {
      readonly status: 'inserted'
      readonly buffer: ArrayBuffer
      /** The rows of a part to `check` that were left out. */
      readonly refused: readonly RefusedRow[]
    }
  | {
      readonly status: 'committed'
      readonly buffer: ArrayBuffer
      readonly sequence: number
      /** Present where the write was committed before, and nothing was written now. */
      readonly duplicateOf?: CommittedWrite
    }
  | { readonly status: 'rolled-back'; readonly buffer: ArrayBuffer; readonly error: ErrorData }
  /** Nothing of the write is there, as main has asked for. */
  | { readonly status: 'cancelled'; readonly buffer: ArrayBuffer }
  | { readonly status: 'run-again'; readonly buffer: ArrayBuffer; readonly error: ErrorData }

/** A row that its table does not take; `row` counts from 0 in its part. */
export interface RefusedRow {
  readonly row: number
  readonly fault: RowFault
}

/** What is wrong with a row, in words that go after its place; no value is in them. */
export interface RowFault {
  readonly code: Extract<SinkErrorCode, 'CONSTRAINT_VIOLATED' | 'INVALID_VALUE'>
  readonly column: string | undefined
  /** The DuckDB type that a value could not become. */
  readonly expected: string | undefined
  readonly message: string
}

/** A reply, or word that it will be given to `insertReply`. */
export type InsertAnswer = InsertReply | { readonly status: 'deferred' }
