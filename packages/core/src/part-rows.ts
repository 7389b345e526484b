/** Which records of a batch the rows of a part are. */
export interface PartRows {
  readonly firstRow: number
  /** Records between its own that were set aside before it was encoded, in their order. */
  readonly gaps: readonly number[]
}

/** The record that a row of a part is. */
export const rowAt = ({ firstRow, gaps }: PartRows, index: number): number =>
  gaps.reduce((row, gap) => (gap <= row ? row + 1 : row), firstRow + index)
