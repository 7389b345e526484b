import { type WholeColumn, wholeBytes } from './whole-column.ts'
import { MAGIC, type RowRange, VALUES_HEAD_BYTES } from './wire.ts'
import { INLINE_BYTES, STRING_ENTRY_BYTES } from './wire-type.ts'

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
