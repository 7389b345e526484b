import type { PartReader } from '../protocol/part-reader.ts'

/** One chunk of a part on its way into a DuckDB vector; a vector takes one or several. */
export interface Slice {
  readonly part: PartReader
  readonly chunk: number
  /** Rows of the vector that the chunk has. */
  readonly blockRows: number
  /** The first of them that is taken, and how many are. */
  readonly fromRow: number
  readonly rowCount: number
  /** The row of the vector where this slice begins. */
  readonly startRow: number
}
