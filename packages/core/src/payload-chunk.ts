import { MAX_CHUNK_ROWS } from '@ducksink/worker'
import type { IHasher } from 'hash-wasm'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { hasShape, isPlainRecord } from './encoder/plain-record.ts'
import { PayloadBytes } from './payload-bytes.ts'
import { PayloadColumn, PayloadLoops } from './payload-column.ts'
import { PayloadValues } from './payload-value.ts'

// Very wide records make shorter chunks, so that a chunk takes about a millisecond at most.
const MAX_CHUNK_VALUES = 1 << 16
const MIN_CHUNK_ROWS = 64

/** In front of what should be a record and is none; the tags of a field are in payload-column.ts. */
const NO_RECORD = 35

const EMPTY: FieldRecord = Object.freeze(Object.create(null) as FieldRecord)

/** The fields of a table's records, as the last chunk had them, and the loops that read them. */
export class PayloadFields {
  readonly loops: PayloadLoops = new PayloadLoops()
  readonly #names = new Set<string>()
  #shape: readonly string[] = []
  #shapeCount = 0
  #sorted: readonly string[] = []

  /** All that a chunk has, by name; some may be absent from all of its records. */
  get sorted(): readonly string[] {
    return this.#sorted
  }

  /** Finds out which fields records have; gives the index of those that are no records, or cannot be read. */
  look(records: readonly unknown[], from: number, to: number): readonly number[] {
    const odd: number[] = []
    if (this.#shapeCount > 1) this.#forget()
    const known = this.#names.size
    for (let i = from; i < to; i++) {
      try {
        const record = records[i]
        if (!isPlainRecord(record)) odd.push(i)
        else if (!hasShape(record, this.#shape)) this.#learn(record)
      } catch {
        odd.push(i)
      }
    }
    if (this.#names.size !== known) this.#sorted = [...this.#names].sort()
    return odd
  }

  #learn(record: FieldRecord): void {
    this.#shape = Object.keys(record)
    for (const name of this.#shape) this.#names.add(name)
    this.#shapeCount++
  }

  #forget(): void {
    this.#names.clear()
    this.#shape = []
    this.#shapeCount = 0
    this.#sorted = []
  }
}

/** Hashes a chunk of records together with the hash of all before it. */
export class PayloadChunk {
  readonly #bytes: PayloadBytes
  readonly #values: PayloadValues
  readonly #column: PayloadColumn

  constructor(hash: IHasher) {
    this.#bytes = new PayloadBytes(hash)
    this.#values = new PayloadValues(this.#bytes)
    this.#column = new PayloadColumn(this.#bytes, this.#values)
  }

  hash(before: Uint8Array, fields: PayloadFields, records: readonly unknown[], from: number, to: number): Uint8Array {
    const bytes = this.#bytes
    bytes.begin()
    bytes.writeBytes(before)
    bytes.writeUint32(to - from)
    const odd = fields.look(records, from, to)
    const chunk = odd.length === 0 ? records : this.#writeOdd(odd, records, to)
    for (const field of fields.sorted) this.#column.write(fields.loops, field, chunk, from, to)
    return bytes.end()
  }

  /** Gives the records with empty ones in place of those. */
  #writeOdd(odd: readonly number[], records: readonly unknown[], to: number): readonly unknown[] {
    const chunk = records.slice(0, to)
    for (const index of odd) {
      this.#bytes.writeByte(NO_RECORD)
      this.#bytes.writeUint32(index)
      this.#values.write(records[index])
      chunk[index] = EMPTY
    }
    return chunk
  }
}

/** How many rows the chunk has that begins with a record; the same for all records of the same values. */
export function chunkRows(record: unknown): number {
  try {
    if (!isPlainRecord(record)) return MAX_CHUNK_ROWS
    const fields = Object.keys(record)
    if (fields.length * MAX_CHUNK_ROWS <= MAX_CHUNK_VALUES) return MAX_CHUNK_ROWS
    const present = fields.filter((field) => isPresent(record, field)).length
    return Math.max(MIN_CHUNK_ROWS, Math.min(MAX_CHUNK_ROWS, Math.floor(MAX_CHUNK_VALUES / present)))
  } catch {
    return MAX_CHUNK_ROWS
  }
}

function isPresent(record: FieldRecord, field: string): boolean {
  try {
    return record[field] !== undefined
  } catch {
    return true
  }
}
