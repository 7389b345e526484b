import { INLINE_BYTES, MAX_CHUNK_ROWS, STRING_ENTRY_BYTES } from '@ducksink/worker'
import type { PayloadBytes } from './payload-bytes.ts'
import { PAYLOAD_TAGS, type PayloadValues } from './payload-value.ts'

/** Tags beside PAYLOAD_TAGS: in front of a piece of the heap, and of the rows, which come after all pieces. */
const HEAP = 32
const ROWS = 33
/** The tag of a row whose value is one of those in front. */
const OTHER = 34

/** Words of a string's entry. */
const ENTRY_WORDS = STRING_ENTRY_BYTES / 4

const FIRST_HEAP_BYTES = 2 ** 14

/** A piece of the heap ends with the string that makes it so large: one of them is hashed at a time. */
const MAX_HEAP_BYTES = 2 ** 20

/** The values of one field in the rows of a chunk, on their way into the hash. */
export class PayloadRows {
  readonly #bytes: PayloadBytes
  readonly #values: PayloadValues
  readonly #slots = new ArrayBuffer(MAX_CHUNK_ROWS * 8)
  /** A number, or the milliseconds of a Date. */
  readonly numbers: Float64Array = new Float64Array(this.#slots)
  readonly bigints: BigInt64Array = new BigInt64Array(this.#slots)
  readonly tags: Uint8Array = new Uint8Array(MAX_CHUNK_ROWS)
  /** Of strings: how many bytes they have in UTF-8, and those of short ones. */
  readonly entries: Uint32Array = new Uint32Array(MAX_CHUNK_ROWS * ENTRY_WORDS)
  readonly #entryBytes = new Uint8Array(this.entries.buffer)
  #heap: Buffer = Buffer.allocUnsafeSlow(FIRST_HEAP_BYTES)
  #heapBytes = 0

  constructor(bytes: PayloadBytes, values: PayloadValues) {
    this.#bytes = bytes
    this.#values = values
  }

  /** Makes rows absent, so that only those need be set that are there. */
  clear(rowCount: number): void {
    this.numbers.fill(0, 0, rowCount)
    this.tags.fill(PAYLOAD_TAGS.absent, 0, rowCount)
  }

  /** Takes a value that has no form of its own in a row; those of a field come in the order of their rows. */
  setOther(row: number, value: unknown): void {
    this.numbers[row] = 0
    this.tags[row] = OTHER
    this.#values.write(value)
  }

  /** Takes a string, of which the bytes in UTF-8 stand somewhere. */
  setString(row: number, bytes: Uint8Array, start: number, length: number): void {
    const { entries } = this
    const word = row * ENTRY_WORDS
    this.numbers[row] = 0
    this.tags[row] = PAYLOAD_TAGS.string
    entries[word] = length
    entries[word + 1] = 0
    entries[word + 2] = 0
    entries[word + 3] = 0
    if (length > INLINE_BYTES) {
      this.appendHeap(bytes, start, length)
      return
    }
    const target = (word << 2) + 4
    for (let i = 0; i < length; i++) this.#entryBytes[target + i] = bytes[start + i] as number
  }

  /** Bytes with which the piece of the heap ends that is under way. */
  get heapRoom(): number {
    return MAX_HEAP_BYTES - this.#heapBytes
  }

  /** Takes the bytes of a long string, or of several that are of one piece together. */
  appendHeap(bytes: Uint8Array, start: number, length: number): void {
    const end = this.#heapBytes + length
    if (end > this.#heap.byteLength) this.#grow(end)
    this.#heap.set(bytes.subarray(start, start + length), this.#heapBytes)
    this.#heapBytes = end
    if (end >= MAX_HEAP_BYTES) this.#writeHeap()
  }

  /** Writes the rows that were set, each of which has a tag; nothing where the field is absent from them all. */
  write(field: string, rowCount: number): void {
    const { tags } = this
    const first = tags[0] as number
    let kinds = 0
    let isUniform = true
    for (let row = 0; row < rowCount; row++) {
      const tag = tags[row] as number
      kinds |= KINDS[tag] as number
      isUniform &&= tag === first
    }
    if (isUniform) {
      this.writeUniform(field, rowCount, first)
      return
    }
    if ((kinds & STRINGS) !== 0) this.#clearEntries(rowCount)
    this.#writeHead(field)
    this.#bytes.writeByte(0)
    this.#bytes.writeBlock(tags.subarray(0, rowCount))
    this.#writeSlots(kinds, rowCount)
  }

  /** Writes rows that have all the same tag, which need not be set. */
  writeUniform(field: string, rowCount: number, tag: number): void {
    if (tag === PAYLOAD_TAGS.absent) return
    this.#writeHead(field)
    this.#bytes.writeByte(1)
    this.#bytes.writeByte(tag)
    this.#writeSlots(KINDS[tag] as number, rowCount)
  }

  #writeHead(field: string): void {
    if (this.#heapBytes > 0) this.#writeHeap()
    this.#bytes.writeByte(ROWS)
    this.#bytes.writeText(field)
  }

  #writeSlots(kinds: number, rowCount: number): void {
    const bytes = this.#bytes
    if ((kinds & NUMBERS) !== 0) bytes.writeBlock(new Uint8Array(this.#slots, 0, rowCount * 8))
    if ((kinds & STRINGS) !== 0) bytes.writeBlock(this.#entryBytes.subarray(0, rowCount * STRING_ENTRY_BYTES))
  }

  /** What is no string has an entry too, beside those that are. */
  #clearEntries(rowCount: number): void {
    for (let row = 0; row < rowCount; row++)
      if (this.tags[row] !== PAYLOAD_TAGS.string)
        this.entries.fill(0, row * ENTRY_WORDS, (row + 1) * ENTRY_WORDS)
  }

  #writeHeap(): void {
    const heap = this.#heap.subarray(0, this.#heapBytes)
    this.#bytes.writeByte(HEAP)
    this.#bytes.writeUint32(heap.byteLength)
    this.#bytes.writeBlock(heap)
    this.#heapBytes = 0
    // one huge string must not keep its room for ever
    if (this.#heap.byteLength > 2 * MAX_HEAP_BYTES) this.#heap = Buffer.allocUnsafeSlow(FIRST_HEAP_BYTES)
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#heap.byteLength))
    grown.set(this.#heap.subarray(0, this.#heapBytes))
    this.#heap = grown
  }
}

const NUMBERS = 1
const STRINGS = 2

/** What rows of a tag have beside it. */
const KINDS = new Uint8Array(OTHER + 1)
KINDS[PAYLOAD_TAGS.number] = NUMBERS
KINDS[PAYLOAD_TAGS.bigint] = NUMBERS
KINDS[PAYLOAD_TAGS.Date] = NUMBERS
KINDS[PAYLOAD_TAGS.string] = STRINGS
