/** What the verifying process is asked. */
export interface VerifyRequest {
  readonly path: string
  /** How the file is opened: attached, as the engine does it, or by its path, as other programs do. */
  readonly by: 'attach' | 'path'
}

/** A batch as it is in a file. */
export interface FoundBatch {
  readonly number: number
  readonly table: string
  /** Different rows, and sums by which it is told which ones. */
  readonly rows: number
  readonly rowSum: number
  readonly rowSquares: number
  /** Records set aside. */
  readonly letters: number
  /** How often the row or letter is there that is there most rarely, and most often. */
  readonly minCopies: number
  readonly maxCopies: number
  /** Rows whose values are not those of the batch. */
  readonly wrongRows: number
}

/** What the verifying process found. */
export type FileContent =
  | {
      readonly status: 'read'
      readonly batches: readonly FoundBatch[]
      /** The ledger's. */
      readonly keys: readonly string[]
      readonly offsets: readonly { readonly channel: string; readonly highest: number }[]
    }
  | { readonly status: 'unreadable'; readonly message: string }
