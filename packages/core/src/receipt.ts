/** What a committed batch returns. */
export interface Receipt {
  /** The key that the caller gave the batch. */
  readonly key?: string
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
  /** True where the batch had been committed before, and nothing was written now. */
  readonly duplicate: boolean
  /** Counts the engine's commits; a batch with a greater number was committed later. */
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
      readonly error: unknown
    }
