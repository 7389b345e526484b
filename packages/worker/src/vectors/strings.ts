import duckdb from '@duckdb/node-bindings'
import { MAX_CHUNK_ROWS, type PartReader, type StringBlock, stringBlock } from '../protocol/wire.ts'
import { INLINE_BYTES, STRING_ENTRY_BYTES } from '../protocol/wire-type.ts'
import type { Slice } from './slice.ts'

// One native call a value costs ten times as much as this: the bytes of all long strings of a slice go over in
// one piece, as if they were the value of row 0, which DuckDB copies into memory that the vector owns. Its
// address is read back from row 0, and then every row gets an entry that points into it.

const entries = new Uint32Array(new ArrayBuffer(MAX_CHUNK_ROWS * STRING_ENTRY_BYTES))
const entryBytes = new Uint8Array(entries.buffer)
const WORDS = STRING_ENTRY_BYTES / 4
const TWO_32 = 2 ** 32

/** Fills a VARCHAR or BLOB vector. */
export function fillStrings(vector: duckdb.Vector, slices: readonly Slice[], column: number): void {
  let rows = 0
  for (const { part, chunk, rowCount, startRow } of slices) {
    const offset = part.valuesOffset(chunk, column)
    rows += rowCount
    if (offset === 0) {
      entries.fill(0, startRow * WORDS, (startRow + rowCount) * WORDS)
      continue
    }
    const block = stringBlock(part, offset, rowCount)
    const source = part.bytes.subarray(block.entriesOffset, block.heapOffset)
    entryBytes.set(source, startRow * STRING_ENTRY_BYTES)
    if (block.heapBytes > 0) pointIntoHeap(vector, part, block, startRow, rowCount)
  }
  duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, rows * STRING_ENTRY_BYTES)
}

function pointIntoHeap(
  vector: duckdb.Vector,
  part: PartReader,
  { heapOffset, heapBytes }: StringBlock,
  startRow: number,
  rowCount: number,
): void {
  duckdb.vector_assign_string_element_len(vector, 0, part.bytes.subarray(heapOffset, heapOffset + heapBytes))
  const first = duckdb.vector_get_data(vector, STRING_ENTRY_BYTES)
  const address = new DataView(first.buffer, first.byteOffset + 8, 8)
  addAddress(
    entries.subarray(startRow * WORDS, (startRow + rowCount) * WORDS),
    address.getUint32(0, true),
    address.getUint32(4, true),
  )
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
