import { HEAD_BYTES, MAGIC, type Part, VALUES_HEAD_BYTES, validityBytes } from './wire.ts'

// a part grows twofold up to this; offsets are words, and align() is sure below 2 GiB
const MAX_GROWTH_BYTES = 8 * 2 ** 20
const MAX_PART_BYTES = 2 ** 31 - 2 ** 16

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

/** Gives an ArrayBuffer of at least so many bytes. */
export type Allocate = (minBytes: number) => ArrayBuffer

const align = (bytes: number): number => (bytes + 7) & ~7

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
