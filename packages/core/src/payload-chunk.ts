import { MAX_CHUNK_ROWS } from '@ducksink/worker'
import type { IHasher } from 'hash-wasm'
import type { EncodedChunk } from './encoder/batch-encoder.ts'
import type { ColumnEncoder, FieldRecord } from './encoder/column-encoder.ts'
import { isPlainRecord } from './encoder/plain-record.ts'
import { PayloadBytes } from './payload-bytes.ts'
import { PayloadColumn, type RecordRange } from './payload-column.ts'
import { takeEncoded } from './payload-encoded.ts'
import type { PayloadFields } from './payload-fields.ts'
import { PayloadRows } from './payload-rows.ts'
import { PayloadValues } from './payload-value.ts'

// Very wide records make shorter chunks: each is hashed in one go, in about a millisecond at most.
const MAX_CHUNK_VALUES = 1 << 16
const MIN_CHUNK_ROWS = 64

/** In front of what is no record; the other tags are in payload-value.ts and payload-column.ts. */
const NO_RECORD = 35

const NO_ENCODERS: ReadonlyMap<string, ColumnEncoder> = new Map()

const EMPTY: FieldRecord = Object.freeze(Object.create(null) as FieldRecord)

/** Writes the fields of a chunk's rows. */
type WriteFields = (rows: PayloadRows, column: PayloadColumn) => void

/** Hashes a chunk of records together with the hash of all before it. */
export class PayloadChunk {
  readonly #bytes: PayloadBytes
  readonly #values: PayloadValues
  readonly #rows: PayloadRows
  readonly #column: PayloadColumn

  constructor(hash: IHasher) {
    this.#bytes = new PayloadBytes(hash)
    this.#values = new PayloadValues(this.#bytes)
    this.#rows = new PayloadRows(this.#bytes, this.#values)
    this.#column = new PayloadColumn(this.#rows)
  }

  /** Hashes records, by reading them. */
  hash(before: Uint8Array, fields: PayloadFields, range: RecordRange): Uint8Array {
    this.#begin(before, range)
    this.#writeRecords(fields, range, NO_ENCODERS)
    return this.#bytes.end()
  }

  /** Hashes records that were just encoded, to the same as reading them does. */
  hashEncoded(before: Uint8Array, fields: PayloadFields, chunk: EncodedChunk): Uint8Array {
    this.#begin(before, chunk)
    const encoders = new Map<string, ColumnEncoder>()
    for (const encoder of chunk.encoders) if (encoder.field !== null) encoders.set(encoder.field, encoder)
    if (chunk.shape === undefined) this.#writeRecords(fields, chunk, encoders)
    else
      for (const field of fields.sortedOf(chunk.shape))
        this.#writeField(fields, field, chunk, encoders.get(field), undefined)
    return this.#bytes.end()
  }

  /** Hashes rows of which each field, in the order of their names, is written as `write` does. */
  hashFields(before: Uint8Array, rowCount: number, write: WriteFields): Uint8Array {
    this.#begin(before, { records: [], from: 0, to: rowCount })
    write(this.#rows, this.#column)
    return this.#bytes.end()
  }

  #begin(before: Uint8Array, { from, to }: RecordRange): void {
    this.#bytes.begin()
    this.#bytes.writeBytes(before)
    this.#bytes.writeUint32(to - from)
  }

  #writeRecords(
    fields: PayloadFields,
    range: RecordRange,
    encoders: ReadonlyMap<string, ColumnEncoder>,
  ): void {
    const unusable = fields.look(range)
    const usable = unusable.length === 0 ? range : this.#writeUnusable(unusable, range)
    const rowsOf = fields.rowsOf(usable)
    for (const field of fields.sorted)
      this.#writeField(fields, field, usable, encoders.get(field), rowsOf?.get(field))
  }

  #writeField(
    { loops }: PayloadFields,
    field: string,
    range: RecordRange,
    encoder: ColumnEncoder | undefined,
    only: readonly number[] | undefined,
  ): void {
    if (encoder !== undefined && takeEncoded(this.#rows, field, encoder, range)) return
    this.#column.write(loops, field, range, only)
  }

  /** Gives the rows with empty records in place of those. */
  #writeUnusable(unusable: readonly number[], { records, from, to }: RecordRange): RecordRange {
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
