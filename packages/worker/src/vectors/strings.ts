import duckdb from '@duckdb/node-bindings'
import { type PartReader, type StringBlock, stringBlock } from '../protocol/wire.ts'
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
  const rows = slices.reduce((sum, slice) => sum + slice.rowCount, 0)
  const buffer = scratch(rows * STRING_ENTRY_BYTES)
  for (const { part, chunk, rowCount, startRow } of slices) {
    const offset = part.valuesOffset(chunk, slot)
    const entries = new Uint32Array(buffer, startRow * STRING_ENTRY_BYTES, rowCount * WORDS)
    if (offset === 0) {
      entries.fill(0)
      continue
    }
    const block = stringBlock(part, offset, rowCount)
    const first = block.entriesOffset >> 2
    entries.set(part.words.subarray(first, first + entries.length))
    if (block.heapBytes > 0) pointIntoHeap(vector, part, block, entries)
  }
  duckdb.copy_data_to_vector(vector, 0, buffer, 0, rows * STRING_ENTRY_BYTES)
}

function pointIntoHeap(
  vector: duckdb.Vector,
  part: PartReader,
  { heapOffset, heapBytes }: StringBlock,
  entries: Uint32Array,
): void {
  duckdb.vector_assign_string_element_len(vector, 0, part.bytes.subarray(heapOffset, heapOffset + heapBytes))
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
