import { type WholeColumn, wholeBytes } from './whole-column.ts'
import { INLINE_BYTES, STRING_ENTRY_BYTES } from './wire-type.ts'

// The layout of a part: one ArrayBuffer, little-endian, every block at a multiple of 8 bytes.
//
//   head       8 x u32: magic, rows, vectors, chunks, directory's offset, bytes in use, 0, 0
//   blocks     for each chunk, for each vector (vector-tree.ts) that has a value in it:
//                validity   ceil(rows / 64) x u64, bit 1 = valid; left out where no value is NULL
//                values     numbers and the like: rows x width bytes, as in a DuckDB vector
//                           strings: u32 heap bytes, u32 0, rows x string entry, heap
//                           LIST and MAP: u32 child rows, u32 0, rows x list entry
//                           STRUCT, ARRAY and UNION: nothing, their vectors follow
//   directory  for each chunk: u32 rows, then for each vector u32 offset of its validity, u32 of its values
//
// A values offset of 0 means that every row of the vector is NULL in this chunk; a validity offset of 0, that none
// is. Where a row of a STRUCT, ARRAY or UNION is NULL, so are its rows in the vectors below.
//
// The values of a column may be beside the part (whole-column.ts): then its blocks have a validity alone, and a values
// offset that means nothing but that not every row is NULL.
//
// A chunk's rows are those of its columns. A STRUCT's or UNION's vectors have as many rows as itself, an ARRAY's child
// `length` times as many, a list's child as many as its values say (none where all of its rows are NULL).
//
// A string entry is a `duckdb_string_t` (16 bytes): u32 length, then either up to 12 bytes of text padded with
// zeros, or the first 4 bytes of it, the u32 offset of the whole in the heap, and u32 0; the worker adds the heap's
// address to that offset. A list entry is a `duckdb_list_entry` (16 bytes): u64 first row in the child, u64 number of
// rows. The entry of a NULL has length 0.

/** Rows of a DuckDB data chunk at most (`STANDARD_VECTOR_SIZE`). */
export const MAX_CHUNK_ROWS = 2048

const MAGIC = 0x324b_5344 // 'DSK2'
const HEAD_BYTES = 32
// a part grows twofold up to this; offsets are words, and align() is sure below 2 GiB
const MAX_GROWTH_BYTES = 8 * 2 ** 20
const MAX_PART_BYTES = 2 ** 31 - 2 ** 16
const VALUES_HEAD_BYTES = 8

/** The values of one vector in one chunk, as the encoder gathered them. */
export interface VectorBlock {
  readonly rowCount: number
  /** `rowCount` values of the vector's width; for strings and lists their entries. */
  readonly values: Uint8Array
  /** Bytes of a value; 0 where the vector has none of its own. */
  readonly width: number
  /** A bit a row, 1 = valid; read only where `nullCount` is above 0. */
  readonly validity: Uint8Array
  readonly nullCount: number
  /** What is put before the values: a string vector's bytes in the heap, a list's rows in the child. */
  readonly extent: number | undefined
  /** The bytes that long string entries point into, `extent` of them. */
  readonly heap: Uint8Array | undefined
}

/** What a chunk holds of each vector; `undefined` where all its rows are NULL, or it has none. */
export type ChunkBlocks = readonly (VectorBlock | undefined)[]

/** A finished part; `buffer` may be longer than `byteLength`. */
export interface Part {
  readonly buffer: ArrayBuffer
  readonly byteLength: number
  readonly rowCount: number
  /** Columns that travel beside it. */
  readonly whole?: readonly WholeColumn[] | undefined
  /** Which rows of the buffer's only chunk are meant, where the others are of other parts. */
  readonly rows?: RowRange | undefined
}

/** Rows of a chunk, `to` excluded. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

/** Gives an ArrayBuffer of at least so many bytes. */
export type Allocate = (minBytes: number) => ArrayBuffer

const align = (bytes: number): number => (bytes + 7) & ~7

/** Bytes of a validity mask for so many rows. */
export const validityBytes = (rows: number): number => ((rows + 63) >> 6) << 3

/** Lays chunks out into parts, one part after another. */
export class PartWriter {
  readonly #vectorCount: number
  readonly #allocate: Allocate
  readonly #directory: number[] = []
  #bytes: Uint8Array | undefined
  #position = HEAD_BYTES
  #rowCount = 0
  #chunkCount = 0

  constructor(vectorCount: number, allocate: Allocate) {
    this.#vectorCount = vectorCount
    this.#allocate = allocate
  }

  /** Rows of the part under way. */
  get rowCount(): number {
    return this.#rowCount
  }

  /** Bytes that the part under way takes, its directory included. */
  get byteLength(): number {
    return this.#chunkCount === 0 ? 0 : this.#position + this.#directory.length * 4
  }

  /** Appends one chunk of so many rows. */
  appendChunk(rowCount: number, blocks: ChunkBlocks, expectedBytes = 0): void {
    this.#reserve(chunkBytes(blocks), expectedBytes)
    this.#directory.push(rowCount)
    for (const block of blocks) this.#appendBlock(block)
    this.#rowCount += rowCount
    this.#chunkCount++
  }

  /** Ends the part under way and gives it up; the next chunk begins another. */
  finish(): Part {
    const directoryOffset = this.#position
    const byteLength = directoryOffset + this.#directory.length * 4
    this.#reserve(this.#directory.length * 4, 0)
    const { buffer } = this.#bytes as Uint8Array<ArrayBuffer>
    new Uint32Array(buffer, directoryOffset, this.#directory.length).set(this.#directory)
    const rowCount = this.#rowCount
    const head = [MAGIC, rowCount, this.#vectorCount, this.#chunkCount, directoryOffset, byteLength, 0, 0]
    new Uint32Array(buffer, 0, head.length).set(head)
    this.discard()
    return { buffer, byteLength, rowCount }
  }

  /** Forgets the part under way. */
  discard(): void {
    this.#bytes = undefined
    this.#directory.length = 0
    this.#position = HEAD_BYTES
    this.#rowCount = 0
    this.#chunkCount = 0
  }

  #appendBlock(block: VectorBlock | undefined): void {
    if (block === undefined) {
      this.#directory.push(0, 0)
      return
    }
    const { rowCount, extent, heap } = block
    let validityOffset = 0
    if (block.nullCount > 0) {
      validityOffset = this.#position
      this.#copy(block.validity, validityBytes(rowCount))
    }
    const valuesOffset = this.#position
    if (extent !== undefined) {
      const head = new Uint32Array((this.#bytes as Uint8Array).buffer, valuesOffset, 2)
      head[0] = extent
      head[1] = 0
      this.#position += VALUES_HEAD_BYTES
    }
    this.#copy(block.values, rowCount * block.width)
    if (heap !== undefined) this.#copy(heap, extent as number)
    this.#directory.push(validityOffset, valuesOffset)
  }

  #copy(source: Uint8Array, byteCount: number): void {
    const bytes = this.#bytes as Uint8Array
    bytes.set(source.byteLength === byteCount ? source : source.subarray(0, byteCount), this.#position)
    this.#position = align(this.#position + byteCount)
  }

  #reserve(byteCount: number, expectedBytes: number): void {
    const needed = this.#position + byteCount
    const held = this.#bytes
    if (held !== undefined && held.byteLength >= needed) return
    const wanted =
      held === undefined ? expectedBytes : held.byteLength + Math.min(held.byteLength, MAX_GROWTH_BYTES)
    if (needed > MAX_PART_BYTES)
      throw new RangeError(`a part of ${needed} bytes is larger than a part may be`)
    const grown = new Uint8Array(this.#allocate(Math.max(needed, wanted)))
    if (held !== undefined) grown.set(held.subarray(0, this.#position))
    this.#bytes = grown
  }
}

function chunkBytes(blocks: ChunkBlocks): number {
  let bytes = 0
  for (const block of blocks) {
    if (block === undefined) continue
    if (block.nullCount > 0) bytes += validityBytes(block.rowCount)
    bytes += align(block.rowCount * block.width)
    if (block.extent !== undefined) bytes += VALUES_HEAD_BYTES
    if (block.heap !== undefined) bytes += align(block.extent as number)
  }
  // the directory comes after the last chunk: room for it now spares a copy of the whole part then
  return bytes + 4 + blocks.length * 8
}

/** What of a part is read, where that is not all of its buffer or not all that there is. */
export interface PartExtent {
  /** The columns beside it. */
  readonly whole?: readonly WholeColumn[] | undefined
  /** Some of its chunks, `to` excluded; all where it is left out. */
  readonly chunks?: { readonly from: number; readonly to: number } | undefined
  /** Some rows of its only chunk. */
  readonly rows?: RowRange | undefined
}

/** Reads the layout of a part, or of some chunks of it; it copies nothing. */
export class PartReader {
  readonly buffer: ArrayBuffer
  readonly bytes: Uint8Array
  readonly words: Uint32Array
  readonly rowCount: number
  readonly vectorCount: number
  readonly chunkCount: number
  /** Bytes of a chunk, taking them all for alike. */
  readonly chunkBytes: number
  /** The first row that is read of a chunk, where that is not its first. */
  readonly fromRow: number = 0
  readonly #isCut: boolean
  readonly #directoryWord: number
  readonly #whole: readonly (WholeColumn | undefined)[] | undefined
  /** The first row of each chunk in the columns beside the part. */
  readonly #firstRows: readonly number[]

  /** @throws RangeError where the buffer is no part of this version, or has not the rows. */
  constructor(buffer: ArrayBuffer, { whole, chunks, rows: some }: PartExtent = {}) {
    this.buffer = buffer
    this.bytes = new Uint8Array(buffer)
    this.words = new Uint32Array(buffer, 0, Math.floor(buffer.byteLength / 4))
    const [magic, rowCount = 0, vectorCount = 0, chunkCount = 0, directoryOffset = 0] = this.words
    const directoryBytes = chunkCount * (1 + vectorCount * 2) * 4
    if (magic !== MAGIC || directoryOffset + directoryBytes > buffer.byteLength) {
      throw new RangeError('the buffer is not a part of wire version 2')
    }
    this.vectorCount = vectorCount
    this.#directoryWord = directoryOffset >> 2
    this.chunkBytes = (buffer.byteLength + (whole === undefined ? 0 : wholeBytes(whole))) / chunkCount
    this.#whole = whole && bySlot(whole)
    this.#firstRows = whole === undefined ? NO_ROWS : this.#placeChunks(chunkCount, chunks?.from ?? 0)
    this.#isCut = some !== undefined
    if (some !== undefined) {
      // what fills the vectors looks at no bounds
      if (some.from < 0 || some.to > rowCount || chunkCount !== 1)
        throw new RangeError(`a part of ${rowCount} rows in ${chunkCount} chunks has no row ${some.to - 1}`)
      this.chunkCount = 1
      this.fromRow = some.from
      this.rowCount = some.to - some.from
      this.chunkBytes *= this.rowCount / rowCount
      return
    }
    if (chunks === undefined) {
      this.rowCount = rowCount
      this.chunkCount = chunkCount
      return
    }
    this.chunkCount = chunks.to - chunks.from
    this.#directoryWord = this.#entry(chunks.from)
    let rows = 0
    for (let chunk = 0; chunk < this.chunkCount; chunk++) rows += this.chunkRows(chunk)
    this.rowCount = rows
  }

  /** Rows of a chunk. */
  chunkRows(chunk: number): number {
    return this.words[this.#entry(chunk)] as number
  }

  /** Those of them that are read. */
  rowsOf(chunk: number): number {
    return this.#isCut ? this.rowCount : this.chunkRows(chunk)
  }

  /** Byte offset of a vector's validity mask in a chunk, 0 where no row is NULL. */
  validityOffset(chunk: number, slot: number): number {
    return this.words[this.#entry(chunk) + 1 + slot * 2] as number
  }

  /** Byte offset of a vector's values in a chunk, 0 where every row is NULL. */
  valuesOffset(chunk: number, slot: number): number {
    return this.words[this.#entry(chunk) + 2 + slot * 2] as number
  }

  /** The column beside the part that has a vector's values; `undefined` where the part has them itself. */
  wholeColumn(slot: number): WholeColumn | undefined {
    return this.#whole?.[slot]
  }

  /** The row of the columns beside the part that is the first of a chunk. */
  firstRow(chunk: number): number {
    return this.#firstRows[chunk] as number
  }

  /** Gives the first row of each chunk from `from` on. */
  #placeChunks(chunkCount: number, from: number): readonly number[] {
    const firstRows: number[] = []
    let row = 0
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      if (chunk >= from) firstRows.push(row)
      row += this.chunkRows(chunk)
    }
    return firstRows
  }

  #entry(chunk: number): number {
    return this.#directoryWord + chunk * (1 + this.vectorCount * 2)
  }
}

const NO_ROWS: readonly number[] = []

function bySlot(whole: readonly WholeColumn[]): readonly (WholeColumn | undefined)[] {
  const columns: (WholeColumn | undefined)[] = []
  for (const column of whole) columns[column.slot] = column
  return columns
}

/** Finds the entries and the heap of a string vector's values. */
export function stringBlock(part: PartReader, valuesOffset: number, rowCount: number): StringBlock {
  const entriesOffset = valuesOffset + VALUES_HEAD_BYTES
  return {
    heapBytes: part.words[valuesOffset >> 2] as number,
    entriesOffset,
    heapOffset: entriesOffset + rowCount * STRING_ENTRY_BYTES,
  }
}

/** Byte offsets of a string vector's entries and heap. */
export interface StringBlock {
  readonly heapBytes: number
  readonly entriesOffset: number
  readonly heapOffset: number
}

/** Finds the entries of a list's or map's values, and how many rows its child has. */
export function listBlock(part: PartReader, valuesOffset: number): ListBlock {
  return {
    childRows: part.words[valuesOffset >> 2] as number,
    entriesOffset: valuesOffset + VALUES_HEAD_BYTES,
  }
}

/** Byte offset of a list vector's entries, and the rows of the vectors below it. */
export interface ListBlock {
  readonly childRows: number
  readonly entriesOffset: number
}

/** The bytes of one string, a view into the part. */
export function stringBytes(part: PartReader, block: StringBlock, row: number): Uint8Array {
  const entry = block.entriesOffset + row * STRING_ENTRY_BYTES
  const length = part.words[entry >> 2] as number
  const start =
    length <= INLINE_BYTES ? entry + 4 : block.heapOffset + (part.words[(entry >> 2) + 2] as number)
  return part.bytes.subarray(start, start + length)
}

/** True where the validity mask at `validityOffset` (0: none) says that the row is not NULL. */
export function isValid(part: PartReader, validityOffset: number, row: number): boolean {
  return (
    validityOffset === 0 || (((part.bytes[validityOffset + (row >> 3)] as number) >> (row & 7)) & 1) === 1
  )
}
