import duckdb from '@duckdb/node-bindings'
import { isValid, stringBlock } from '../protocol/part-reader.ts'
import { writeStringEntries } from '../protocol/string-entries.ts'
import type { StringOffsets, WholeColumn } from '../protocol/whole-column.ts'
import { INLINE_BYTES, STRING_ENTRY_BYTES } from '../protocol/wire-type.ts'
import { scratch } from './scratch.ts'
import type { Slice } from './slice.ts'

// One native call a value costs ten times as much as this: the bytes of all long strings of a slice go over in
// one piece, as if they were the value of row 0, which DuckDB copies into memory that the vector owns. Its
// address is read back from row 0, and then every row gets an entry that points into it.

const WORDS = STRING_ENTRY_BYTES / 4
const TWO_32 = 2 ** 32

/** Fills a vector of strings: VARCHAR, BLOB, BIT or BIGNUM. */
export function fillStrings(vector: duckdb.Vector, slices: readonly Slice[], slot: number): void {
  const only = slices.length === 1 ? slices[0] : undefined
  if (only !== undefined && fillInline(vector, only, slot)) return
  const rows = slices.reduce((sum, slice) => sum + slice.rowCount, 0)
  const buffer = scratch(rows * STRING_ENTRY_BYTES)
  for (const slice of slices) {
    const { part, chunk, blockRows, fromRow, rowCount, startRow } = slice
    const offset = part.valuesOffset(chunk, slot)
    const entries = new Uint32Array(buffer, startRow * STRING_ENTRY_BYTES, rowCount * WORDS)
    if (offset === 0) {
      entries.fill(0)
      continue
    }
    const whole = part.wholeColumn(slot)
    if (whole !== undefined) {
      fillWhole(vector, slice, whole, entries)
      continue
    }
    const { entriesOffset, heapOffset, heapBytes } = stringBlock(part, offset, blockRows)
    const first = (entriesOffset >> 2) + fromRow * WORDS
    entries.set(part.words.subarray(first, first + entries.length))
    if (heapBytes > 0) pointInto(part.bytes.subarray(heapOffset, heapOffset + heapBytes), vector, entries)
  }
  duckdb.copy_data_to_vector(vector, 0, buffer, 0, rows * STRING_ENTRY_BYTES)
}

/** Copies the entries of a slice as they are, where no string is longer than an entry; false where one is. */
function fillInline(vector: duckdb.Vector, slice: Slice, slot: number): boolean {
  const { part, chunk, blockRows, fromRow, rowCount } = slice
  const offset = part.valuesOffset(chunk, slot)
  if (offset === 0 || part.wholeColumn(slot) !== undefined) return false
  const { entriesOffset, heapBytes } = stringBlock(part, offset, blockRows)
  if (heapBytes > 0) return false
  const start = entriesOffset + fromRow * STRING_ENTRY_BYTES
  duckdb.copy_data_to_vector(vector, 0, part.buffer, start, rowCount * STRING_ENTRY_BYTES)
  return true
}

/** Makes the entries of strings that lie in an array of the caller. */
function fillWhole(
  vector: duckdb.Vector,
  { part, chunk, rowCount }: Slice,
  { slot, values, offsets }: WholeColumn,
  entries: Uint32Array,
): void {
  const from = part.firstRow(chunk)
  const to = from + rowCount
  const ends = offsets as StringOffsets
  const data = new DataView(values.buffer, values.byteOffset, values.byteLength)
  const hasLong = writeStringEntries(entries, { data, offsets: ends, from, to })
  if (hasLong) pointInto(values.subarray(ends[from], ends[to]), vector, entries)
  const validityOffset = part.validityOffset(chunk, slot)
  if (validityOffset === 0) return
  // DuckDB takes the entry of a NULL to be empty
  for (let row = 0; row < rowCount; row++)
    if (!isValid(part, validityOffset, row)) entries.fill(0, row * WORDS, (row + 1) * WORDS)
}

/** Gives bytes to the vector, and to each long entry the address of those that its offset among them means. */
function pointInto(heap: Uint8Array, vector: duckdb.Vector, entries: Uint32Array): void {
  duckdb.vector_assign_string_element_len(vector, 0, heap)
  const first = duckdb.vector_get_data(vector, STRING_ENTRY_BYTES)
  const address = new DataView(first.buffer, first.byteOffset + 8, 8)
  addAddress(entries, address.getUint32(0, true), address.getUint32(4, true))
}

/** Turns the heap offset of each long entry into the address of its bytes, given the heap's in two words. */
export function addAddress(entries: Uint32Array, low: number, high: number): void {
  for (let word = 0; word < entries.length; word += WORDS) {
    if ((entries[word] as number) <= INLINE_BYTES) continue
    const sum = low + (entries[word + 2] as number)
    entries[word + 2] = sum
    entries[word + 3] = sum < TWO_32 ? high : high + 1
  }
}
