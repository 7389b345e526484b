import duckdb from '@duckdb/node-bindings'
import type { Slice } from './slice.ts'

/** Copies the values of a vector of fixed width: one native call a slice. */
export function fillFixed(
  vector: duckdb.Vector,
  slices: readonly Slice[],
  slot: number,
  width: number,
): void {
  for (const { part, chunk, fromRow, rowCount, startRow } of slices) {
    const offset = part.valuesOffset(chunk, slot)
    const whole = part.wholeColumn(slot)
    if (whole !== undefined && offset !== 0) {
      const { buffer, byteOffset, byteLength } = whole.values
      const start = part.firstRow(chunk) * width
      // the native call looks at no bounds
      if (start + rowCount * width > byteLength)
        throw new RangeError(
          `a column of ${byteLength} bytes has no row ${part.firstRow(chunk) + rowCount - 1}`,
        )
      duckdb.copy_data_to_vector(vector, startRow * width, buffer, byteOffset + start, rowCount * width)
    } else if (offset !== 0)
      duckdb.copy_data_to_vector(
        vector,
        startRow * width,
        part.buffer,
        offset + fromRow * width,
        rowCount * width,
      )
  }
}
