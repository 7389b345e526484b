import type { ErrorData } from './errors.ts'

// What main and worker say to each other of writes that are to be there exactly once: by what they are known again, and
// what the ledger keeps of them.

/** A position in an ordered source. */
export interface ChannelOffset {
  readonly channel: string
  readonly offset: bigint
}

/** By what a write is known again, where it is to be there exactly once. */
export type WriteIdentity =
  | { readonly kind: 'key'; readonly key: string }
  /** The highest offset of each channel that the write has records of. */
  | { readonly kind: 'offsets'; readonly offsets: readonly WrittenOffset[] }

/** An offset that a write commits. */
export interface WrittenOffset extends ChannelOffset {
  /**
   * Counts how often the channel was taken up again after a failure. Where a write fails, those of its channels that
   * are under way behind it have the same number and are refused; what main sends afterwards has a greater one.
   */
  readonly generation: number
}

/** What the payload of a keyed write was hashed to, and by which version of the rules. */
export interface PayloadDigest {
  readonly version: number
  /** Hexadecimal digits. */
  readonly hash: string
}

/** What a receipt says of a batch, as the ledger keeps it. */
export interface ReceiptFigures {
  readonly rowCount: number
  readonly deadLetterCount: number
  readonly skippedCount: number
  readonly discardedRowCount: number
  readonly discardedValueCount: number
}

/** What the ledger keeps of a write. */
export interface LedgerEntry {
  /** The table that it is for, as SQL names it. */
  readonly table: string
  /** The table's name alone, as errors have it. */
  readonly tableName: string
  /** Present where the write has a key. */
  readonly digest: PayloadDigest | undefined
  readonly figures: ReceiptFigures
}

/** A write as the ledger has it. */
export interface CommittedWrite extends ReceiptFigures {
  readonly sequence: number
  /** The table that it was for, as SQL names it. */
  readonly table: string
  readonly digest: PayloadDigest | undefined
}

/** What the ledger has for each of the keys asked for. */
export type LedgerReply =
  | { readonly status: 'read'; readonly writes: readonly (CommittedWrite | undefined)[] }
  | { readonly status: 'failed'; readonly error: ErrorData }

/** How much of the ledger was forgotten. */
export type PruneReply =
  | { readonly status: 'pruned'; readonly keyCount: number; readonly offsetCount: number }
  | { readonly status: 'failed'; readonly error: ErrorData }
