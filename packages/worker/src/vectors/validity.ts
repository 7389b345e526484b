import duckdb from '@duckdb/node-bindings'
import { isValid } from '../protocol/part-reader.ts'
import { validityBytes } from '../protocol/wire.ts'
import { scratch } from './scratch.ts'
import type { Slice } from './slice.ts'

/** Marks the NULLs of one vector; DuckDB hands every vector over with all its rows valid. */
export function fillValidity(vector: duckdb.Vector, slices: readonly Slice[], slot: number): void {
  const only = slices.length === 1 ? slices[0] : undefined
  if (only === undefined || only.fromRow > 0) {
    fillFromSeveral(vector, slices, slot)
    return
  }
  const { part, chunk, rowCount } = only
  if (part.valuesOffset(chunk, slot) === 0) {
    copyMask(vector, mask(rowCount, 0).buffer, 0, rowCount)
    return
  }
  const offset = part.validityOffset(chunk, slot)
  if (offset !== 0) copyMask(vector, part.buffer, offset, rowCount)
}

function fillFromSeveral(vector: duckdb.Vector, slices: readonly Slice[], slot: number): void {
  if (!slices.some((slice) => hasNulls(slice, slot))) return
  const rows = slices.reduce((sum, slice) => sum + slice.rowCount, 0)
  const bits = mask(rows, 255)
  for (const slice of slices) if (hasNulls(slice, slot)) clearNulls(bits, slice, slot)
  copyMask(vector, bits.buffer, 0, rows)
}

function mask(rows: number, byte: number): Uint8Array<ArrayBuffer> {
  const byteCount = validityBytes(rows)
  return new Uint8Array(scratch(byteCount), 0, byteCount).fill(byte)
}

function hasNulls({ part, chunk }: Slice, slot: number): boolean {
  return part.valuesOffset(chunk, slot) === 0 || part.validityOffset(chunk, slot) !== 0
}

function clearNulls(
  bits: Uint8Array,
  { part, chunk, fromRow, rowCount, startRow }: Slice,
  slot: number,
): void {
  const allNull = part.valuesOffset(chunk, slot) === 0
  const offset = part.validityOffset(chunk, slot)
  for (let row = 0; row < rowCount; row++) {
    if (!allNull && isValid(part, offset, fromRow + row)) continue
    const target = startRow + row
    bits[target >> 3] = (bits[target >> 3] as number) & ~(1 << (target & 7))
  }
}

function copyMask(vector: duckdb.Vector, bits: ArrayBuffer, offset: number, rowCount: number): void {
  duckdb.vector_ensure_validity_writable(vector)
  duckdb.copy_data_to_vector_validity(vector, 0, bits, offset, validityBytes(rowCount))
}
