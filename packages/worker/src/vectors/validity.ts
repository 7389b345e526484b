import duckdb from '@duckdb/node-bindings'
import { isValid, MAX_CHUNK_ROWS, validityBytes } from '../protocol/wire.ts'
import type { Slice } from './slice.ts'

const NONE_VALID = new ArrayBuffer(validityBytes(MAX_CHUNK_ROWS))
const scratch = new Uint8Array(new ArrayBuffer(validityBytes(MAX_CHUNK_ROWS)))

/** Marks the NULLs of one column; DuckDB hands every vector over with all its rows valid. */
export function fillValidity(vector: duckdb.Vector, slices: readonly Slice[], column: number): void {
  const only = slices.length === 1 ? slices[0] : undefined
  if (only === undefined) {
    fillFromSeveral(vector, slices, column)
    return
  }
  const { part, chunk, rowCount } = only
  if (part.valuesOffset(chunk, column) === 0) {
    copyMask(vector, NONE_VALID, 0, rowCount)
    return
  }
  const offset = part.validityOffset(chunk, column)
  if (offset !== 0) copyMask(vector, part.buffer, offset, rowCount)
}

function fillFromSeveral(vector: duckdb.Vector, slices: readonly Slice[], column: number): void {
  if (!slices.some((slice) => hasNulls(slice, column))) return
  scratch.fill(255)
  let rows = 0
  for (const slice of slices) {
    rows += slice.rowCount
    if (hasNulls(slice, column)) clearNulls(slice, column)
  }
  copyMask(vector, scratch.buffer, 0, rows)
}

function hasNulls({ part, chunk }: Slice, column: number): boolean {
  return part.valuesOffset(chunk, column) === 0 || part.validityOffset(chunk, column) !== 0
}

function clearNulls({ part, chunk, rowCount, startRow }: Slice, column: number): void {
  const allNull = part.valuesOffset(chunk, column) === 0
  const offset = part.validityOffset(chunk, column)
  for (let row = 0; row < rowCount; row++) {
    if (!allNull && isValid(part, offset, row)) continue
    const target = startRow + row
    scratch[target >> 3] = (scratch[target >> 3] as number) & ~(1 << (target & 7))
  }
}

function copyMask(vector: duckdb.Vector, mask: ArrayBuffer, offset: number, rowCount: number): void {
  duckdb.vector_ensure_validity_writable(vector)
  duckdb.copy_data_to_vector_validity(vector, 0, mask, offset, validityBytes(rowCount))
}
