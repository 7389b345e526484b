import { MAX_CHUNK_ROWS } from '@ducksink/worker'
import type { IHasher } from 'hash-wasm'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { isPlainRecord } from './encoder/plain-record.ts'
import { PayloadBytes } from './payload-bytes.ts'
import { PayloadColumn, type PayloadRows } from './payload-column.ts'
import type { PayloadFields } from './payload-fields.ts'
import { PayloadValues } from './payload-value.ts'

// Very wide records make shorter chunks: each is hashed in one go, in about a millisecond at most.
const MAX_CHUNK_VALUES = 1 << 16
const MIN_CHUNK_ROWS = 64

/** In front of what is no record; the other tags are in payload-value.ts and payload-column.ts. */
const NO_RECORD = 35

const EMPTY: FieldRecord = Object.freeze(Object.create(null) as FieldRecord)

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

  hash(before: Uint8Array, fields: PayloadFields, rows: PayloadRows): Uint8Array {
    const bytes = this.#bytes
    bytes.begin()
    bytes.writeBytes(before)
    bytes.writeUint32(rows.to - rows.from)
    const unusable = fields.look(rows)
    const usable = unusable.length === 0 ? rows : this.#writeUnusable(unusable, rows)
    const rowsOf = fields.rowsOf(usable)
    for (const field of fields.sorted) this.#column.write(fields.loops, field, usable, rowsOf?.get(field))
    return bytes.end()
  }

  /** Gives the rows with empty records in place of those. */
  #writeUnusable(unusable: readonly number[], { records, from, to }: PayloadRows): PayloadRows {
    const usable = records.slice(from, to)
    for (const index of unusable) {
      this.#bytes.writeByte(NO_RECORD)
      this.#bytes.writeUint32(index - from)
      this.#values.write(records[index])
      usable[index - from] = EMPTY
    }
    return { records: usable, from: 0, to: to - from }
  }
}

/** How many rows the chunk has that begins with a record; what is absent does not count. */
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
