/** What the verifying process is asked. */
export interface VerifyRequest {
  readonly kind: 'read'
  readonly path: string
  /** How the file is opened: attached, as the engine does it, or by its path, as other programs do. */
  readonly by: 'attach' | 'path'
}

/** That it begins a checkpoint of a file, and cuts it off when the metadata is written. */
export interface CutRequest {
  readonly kind: 'cut'
  readonly path: string
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
  | UnreadableFile

/** What came of a checkpoint that was cut off: the blocks that had metadata before. */
export type CutFile = { readonly status: 'cut'; readonly metadata: readonly number[] } | UnreadableFile

export interface UnreadableFile {
  readonly status: 'unreadable'
  readonly message: string
}
