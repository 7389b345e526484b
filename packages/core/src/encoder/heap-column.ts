import { INLINE_BYTES, STRING_ENTRY_BYTES, type VectorBlock, writeStringEntries } from '@ducksink/worker'
import { ColumnEncoder, type ColumnInfo, MAX_CHUNK_BYTES } from './column-encoder.ts'
import { dataViewOf } from './data-view.ts'
import { byteLengthOf } from './view-bytes.ts'

/** Words of an entry. */
const ENTRY_WORDS = STRING_ENTRY_BYTES / 4

const FIRST_HEAP_BYTES = 2 ** 14

/** What VARCHAR, BLOB and all that is stored or travels as they do have in common: entries, and a heap they point into. */
export abstract class HeapColumn extends ColumnEncoder {
  protected entries: Uint32Array = new Uint32Array(this.buffer)
  protected entryBytes: Uint8Array = new Uint8Array(this.buffer)
  protected bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_HEAP_BYTES)
  #heap: DataView = dataViewOf(this.bytes)
  protected used = 0
  #hasLong = false

  constructor(column: ColumnInfo) {
    super(column, STRING_ENTRY_BYTES, { bytes: STRING_ENTRY_BYTES, values: 1, isVariable: true })
  }

  override get variableBytes(): number {
    // where every string is inline, nothing points into the heap
    return this.#hasLong ? this.used : 0
  }

  override appendBlocks(rowCount: number, blocks: (VectorBlock | undefined)[]): void {
    blocks.push(this.ownBlock(rowCount, this.variableBytes, this.bytes))
  }

  override truncate(rowCount: number): void {
    super.truncate(rowCount)
    if (rowCount === 0) {
      this.used = 0
      this.#hasLong = false
      // one huge string must not keep its room for ever
      if (this.bytes.byteLength > 2 * MAX_CHUNK_BYTES) this.#setHeap(Buffer.allocUnsafeSlow(FIRST_HEAP_BYTES))
    } else {
      this.used = this.#heapEnd(rowCount)
    }
  }

  override identity(row: number): string {
    const word = row * ENTRY_WORDS
    const length = this.entries[word] as number
    const isLong = length > INLINE_BYTES
    const start = isLong ? (this.entries[word + 2] as number) : (word << 2) + 4
    return Buffer.from((isLong ? this.bytes : this.entryBytes).subarray(start, start + length)).toString(
      'latin1',
    )
  }

  override fillNulls(from: number, to: number): void {
    super.fillNulls(from, to)
    this.entries.fill(0, from * ENTRY_WORDS, to * ENTRY_WORDS)
  }

  protected override mapBuffer(): void {
    this.entries = new Uint32Array(this.buffer)
    this.entryBytes = new Uint8Array(this.buffer)
  }

  protected setNullEntry(row: number): void {
    this.setNull(row)
    this.entries.fill(0, row * ENTRY_WORDS, (row + 1) * ENTRY_WORDS)
  }

  /** Makes the entry of the `length` bytes that stand at `start` in the heap. */
  protected setEntry(row: number, start: number, length: number): void {
    const { entries, entryBytes, bytes } = this
    const word = row * ENTRY_WORDS
    entries[word] = length
    entries[word + 1] = 0
    entries[word + 2] = 0
    entries[word + 3] = 0
    const target = (word << 2) + 4
    if (length > INLINE_BYTES) {
      entries[word + 1] = this.#heap.getUint32(start, true)
      entries[word + 2] = start
      this.#hasLong = true
      return
    }
    for (let i = 0; i < length; i++) entryBytes[target + i] = bytes[start + i] as number
  }

  /** Makes the entries of strings that follow one another from `start` in the heap on, given where each ends from there. */
  protected setEntries(row: number, rowCount: number, start: number, ends: Uint32Array<ArrayBuffer>): void {
    const { buffer, byteOffset, byteLength } = this.bytes
    const data = new DataView(buffer, byteOffset + start, byteLength - start)
    const entries = this.entries.subarray(row * ENTRY_WORDS)
    const rows = { data, offsets: ends, from: 0, to: rowCount, heapStart: start }
    if (writeStringEntries(entries, rows)) this.#hasLong = true
  }

  protected reserveBytes(byteCount: number): void {
    const needed = this.used + byteCount
    if (needed <= this.bytes.byteLength) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.byteLength * 2))
    grown.set(this.bytes.subarray(0, this.used))
    this.#setHeap(grown)
  }

  #setHeap(bytes: Buffer): void {
    this.bytes = bytes
    this.#heap = dataViewOf(bytes)
  }

  /** Where the last long string before a row ends: what stands behind it nobody points at. */
  #heapEnd(rowCount: number): number {
    for (let word = (rowCount - 1) * ENTRY_WORDS; word >= 0; word -= ENTRY_WORDS) {
      const length = this.entries[word] as number
      if (length > INLINE_BYTES) return (this.entries[word + 2] as number) + length
    }
    return 0
  }

  /** Appends bytes and makes their entry. */
  protected appendBytes(bytes: Uint8Array, row: number): void {
    const length = byteLengthOf(bytes)
    this.reserveBytes(length)
    this.bytes.set(bytes, this.used)
    this.setEntry(row, this.used, length)
    this.used += length
  }

  /** Appends one string and makes its entry; the slow way, right for all of Unicode. */
  protected appendString(text: string, row: number): void {
    this.reserveBytes(text.length > 1 << 16 ? Buffer.byteLength(text) : text.length * 3)
    const start = this.used
    const length = this.bytes.write(text, start)
    this.used += length
    this.setEntry(row, start, length)
  }
}
