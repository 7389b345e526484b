import duckdb from '@duckdb/node-bindings'
import { listBlock } from '../protocol/part-reader.ts'
import { LIST_ENTRY_BYTES } from '../protocol/wire-type.ts'
import { scratch } from './scratch.ts'
import type { Slice } from './slice.ts'

const WORDS = LIST_ENTRY_BYTES / 4

/**
 * Fills the entries of a LIST or MAP vector and makes room in its child; gives the slices that the child takes.
 *
 * The child is not kept within 2,048 rows: it grows before anything is written to it.
 */
export function fillListEntries(vector: duckdb.Vector, slices: readonly Slice[], slot: number): Slice[] {
  const only = slices.length === 1 ? slices[0] : undefined
  const offset = only?.part.valuesOffset(only.chunk, slot) ?? 0
  if (only !== undefined && offset !== 0) {
    const { childRows, entriesOffset } = listBlock(only.part, offset)
    const byteCount = only.rowCount * LIST_ENTRY_BYTES
    const start = entriesOffset + only.fromRow * LIST_ENTRY_BYTES
    duckdb.copy_data_to_vector(vector, 0, only.part.buffer, start, byteCount)
    setSize(vector, childRows)
    return [childSlice(only, childRows, 0)]
  }
  return fillFromSeveral(vector, slices, slot)
}

/** The children of several slices follow one another, so that entries move by the rows before them. */
function fillFromSeveral(vector: duckdb.Vector, slices: readonly Slice[], slot: number): Slice[] {
  const rowCount = slices.reduce((rows, slice) => rows + slice.rowCount, 0)
  const buffer = scratch(rowCount * LIST_ENTRY_BYTES)
  const entries = new Uint32Array(buffer, 0, rowCount * WORDS)
  const children: Slice[] = []
  let startRow = 0
  for (const slice of slices) {
    const { part, chunk, fromRow, rowCount: rows, startRow: first } = slice
    const offset = part.valuesOffset(chunk, slot)
    const own = entries.subarray(first * WORDS, (first + rows) * WORDS)
    if (offset === 0) {
      own.fill(0)
      children.push(childSlice(slice, 0, startRow))
      continue
    }
    const { childRows, entriesOffset } = listBlock(part, offset)
    const word = (entriesOffset >> 2) + fromRow * WORDS
    own.set(part.words.subarray(word, word + own.length))
    moveEntries(own, startRow)
    children.push(childSlice(slice, childRows, startRow))
    startRow += childRows
  }
  duckdb.copy_data_to_vector(vector, 0, buffer, 0, rowCount * LIST_ENTRY_BYTES)
  setSize(vector, startRow)
  return children
}

/** The child has all of a chunk's elements, whichever rows of the list are taken: their entries say where they begin. */
function childSlice({ part, chunk }: Slice, childRows: number, startRow: number): Slice {
  return { part, chunk, blockRows: childRows, fromRow: 0, rowCount: childRows, startRow }
}

/** Adds to the offset of each entry; its upper word stays 0, as a vector has less than 4 Gi rows. */
function moveEntries(entries: Uint32Array, rows: number): void {
  if (rows === 0) return
  for (let word = 0; word < entries.length; word += WORDS) entries[word] = (entries[word] as number) + rows
}

function setSize(vector: duckdb.Vector, childRows: number): void {
  duckdb.list_vector_reserve(vector, childRows)
  duckdb.list_vector_set_size(vector, childRows)
}
