import type { PayloadDigest } from '@ducksink/worker'
import { chunkRows, type PayloadChunk } from '../payload-chunk.ts'
import type { PayloadFields } from '../payload-fields.ts'
import type { TimeSlice } from '../time-slice.ts'
import type { ColumnBatch, Segment } from './column-array.ts'
import { recordReader } from './column-records.ts'

const HASH_BYTES = 16

/** The hash of one write of columns: that of the records that they stand for, so that either is known by the other. */
export class ColumnsHash {
  readonly #table: string
  readonly #chunk: PayloadChunk
  readonly #fields: PayloadFields
  readonly #digest: (hash: Uint8Array) => PayloadDigest
  #hash: Uint8Array = new Uint8Array(HASH_BYTES)
  #row = 0

  constructor(
    table: string,
    chunk: PayloadChunk,
    fields: PayloadFields,
    digest: (hash: Uint8Array) => PayloadDigest,
  ) {
    this.#table = table
    this.#chunk = chunk
    this.#fields = fields
    this.#digest = digest
  }

  /** Hashes the batch, sharing the event loop. */
  async hash(batch: ColumnBatch, slice: TimeSlice): Promise<void> {
    while (this.#row < batch.rowCount) {
      this.#step(batch)
      if (slice.isSpent) await slice.yield()
    }
  }

  /** The digest of all rows; it hashes those first that were not yet. */
  digest(batch: ColumnBatch): PayloadDigest {
    while (this.#row < batch.rowCount) this.#step(batch)
    return this.#digest(this.#hash)
  }

  /** Hashes a chunk of the records, which are made for that and forgotten. */
  #step(batch: ColumnBatch): void {
    const reader = new RowCursor(this.#table, batch, this.#row)
    const first = reader.next()
    const to = Math.min(batch.rowCount - this.#row, chunkRows(first))
    const records = [first]
    while (records.length < to) records.push(reader.next())
    this.#hash = this.#chunk.hash(this.#hash, this.#fields, { records, from: 0, to })
    this.#row += to
  }
}

/** Reads records one after another. */
class RowCursor {
  readonly #table: string
  readonly #batch: ColumnBatch
  #segment = 0
  #row: number
  #read: ((row: number) => unknown) | undefined

  constructor(table: string, batch: ColumnBatch, row: number) {
    this.#table = table
    this.#batch = batch
    this.#row = row
  }

  next(): unknown {
    for (;;) {
      const segment = this.#batch.segments[this.#segment] as Segment
      if (this.#row < segment.rowCount) {
        this.#read ??= recordReader(this.#table, this.#batch, segment, 0)
        return this.#read(this.#row++)
      }
      this.#row -= segment.rowCount
      this.#segment++
      this.#read = undefined
    }
  }
}
