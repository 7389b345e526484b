import type { CommittedWrite, ReceiptFigures } from '@ducksink/worker'
import type { BatchSource } from './batch-source.ts'

/** What a committed batch returns. */
export interface Receipt {
  /** The key that the caller gave the batch. */
  readonly key?: string
  /** The channel that the caller gave the batch; a collector's batch may have several, and has none here. */
  readonly channel?: string
  /** The batch's offset in its channel. */
  readonly offset?: bigint
  /** Rows that were written. */
  readonly rowCount: number
  /** Records that were set aside in the dead letter table. */
  readonly deadLetterCount: number
  /** Records that could not be written and were left out. */
  readonly skippedCount: number
  /** Rows left out because their table is absent and may not be made; they are not in `rowCount`. */
  readonly discardedRowCount: number
  /** Values left out because their field has no column, or its column cannot hold them. */
  readonly discardedValueCount: number
  /**
   * True where the batch had been committed before, and nothing was written now. The figures and `sequence` of a batch
   * with a key are then those of its first receipt; a batch with an offset has none, as its channel may have been cut
   * into other batches before.
   */
  readonly duplicate: boolean
  /** Counts the commits; a batch with a greater number was committed later. */
  readonly sequence: number
  /** Milliseconds from the call to the receipt. */
  readonly durationMs: number
}

/** How one write ended, for the log and the counts. */
export type WriteOutcome =
  | {
      readonly status: 'committed'
      readonly table: string
      readonly receipt: Receipt
      readonly byteLength: number
    }
  | {
      readonly status: 'failed'
      readonly table: string
      readonly key: string | undefined
      readonly at: { readonly channel: string; readonly offset: bigint } | undefined
      readonly error: unknown
    }

/** What became of a batch's records; final when its last part is made. */
export function figuresOf({ rowCount, discarded, badRecords }: BatchSource): ReceiptFigures {
  const { deadLetterCount, skippedCount } = badRecords
  return {
    rowCount: rowCount - discarded.rowCount - deadLetterCount - skippedCount,
    deadLetterCount,
    skippedCount,
    discardedRowCount: discarded.rowCount,
    discardedValueCount: discarded.valueCount,
  }
}

/** Figures of a batch that nothing was written of. */
export const NO_FIGURES: ReceiptFigures = {
  rowCount: 0,
  deadLetterCount: 0,
  skippedCount: 0,
  discardedRowCount: 0,
  discardedValueCount: 0,
}

/** The figures of a batch that was committed before. */
export function firstFigures(write: CommittedWrite): ReceiptFigures {
  const { rowCount, deadLetterCount, skippedCount, discardedRowCount, discardedValueCount } = write
  return { rowCount, deadLetterCount, skippedCount, discardedRowCount, discardedValueCount }
}
