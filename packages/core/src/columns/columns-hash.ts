import type { PayloadDigest } from '@ducksink/worker'
import { chunkRows, type PayloadChunk } from '../payload-chunk.ts'
import type { PayloadFields } from '../payload-fields.ts'
import type { TimeSlice } from '../time-slice.ts'
import { type ColumnArray, type ColumnBatch, isNull, type Segment } from './column-array.ts'
import { requireSegment } from './column-content.ts'
import { recordReader } from './column-records.ts'
import { rowReader } from './column-values.ts'
import { HashedColumn } from './hashed-column.ts'

const HASH_BYTES = 16

/**
 * The hash of one write of columns: that of the records that they stand for, so that either is known by the other.
 * Packed values without a type are texts in it, whatever their column.
 */
export class ColumnsHash {
  readonly #table: string
  readonly #chunk: PayloadChunk
  readonly #fields: PayloadFields
  readonly #digest: (hash: Uint8Array) => PayloadDigest
  readonly #column = new HashedColumn()
  #hash: Uint8Array = new Uint8Array(HASH_BYTES)
  /** How many rows are hashed, and where the next is. */
  #done = 0
  #segment = 0
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
    while (this.#done < batch.rowCount) {
      this.#step(batch)
      if (!slice.isSpent) continue
      await slice.yield()
      // borrowed arrays may have been transferred meanwhile
      requireSegment(this.#table, batch.names, batch.segments[this.#segment] as Segment)
    }
  }

  /** The digest of all rows; it hashes those first that were not yet. */
  digest(batch: ColumnBatch): PayloadDigest {
    while (this.#done < batch.rowCount) this.#step(batch)
    return this.#digest(this.#hash)
  }

  #step(batch: ColumnBatch): void {
    const segment = batch.segments[this.#segment] as Segment
    const from = this.#row
    const rowCount = Math.min(batch.rowCount - this.#done, chunkRows(presentFields(batch, segment, from)))
    if (from + rowCount > segment.rowCount) this.#stepOver(batch, rowCount)
    else this.#hash = this.#hashFields(batch, segment, { from, to: from + rowCount })
    this.#done += rowCount
    this.#row += rowCount
    for (let rows = segment.rowCount; this.#row >= rows && this.#done < batch.rowCount; ) {
      this.#row -= rows
      rows = (batch.segments[++this.#segment] as Segment).rowCount
    }
  }

  #hashFields(
    { names }: ColumnBatch,
    { columns }: Segment,
    { from, to }: { readonly from: number; readonly to: number },
  ): Uint8Array {
    const { loops } = this.#fields
    const base = this.#done - from
    return this.#chunk.hashFields(this.#hash, to - from, (rows, column) => {
      for (const field of names.toSorted()) {
        const array = columns[names.indexOf(field)] as ColumnArray
        const place = { table: this.#table, column: field, base }
        if (this.#column.take(rows, { place, array, from, to })) continue
        const read = rowReader(place, array)
        const records: unknown[] = []
        for (let row = from; row < to; row++) records.push(ownField(field, read(row)))
        column.write(loops, field, { records, from: 0, to: to - from })
      }
    })
  }

  /** Hashes rows of several segments, of which the records are made. */
  #stepOver(batch: ColumnBatch, rowCount: number): void {
    const records: unknown[] = []
    let row = this.#row
    for (let index = this.#segment; records.length < rowCount; index++, row = 0) {
      const segment = batch.segments[index] as Segment
      const read = recordReader(this.#table, batch, segment, this.#done + records.length - row)
      while (row < segment.rowCount && records.length < rowCount) records.push(read(row++))
    }
    this.#hash = this.#chunk.hash(this.#hash, this.#fields, { records, from: 0, to: rowCount })
  }
}

/** A record of which the same fields are undefined as of a row's: those of no others are looked at. */
function presentFields({ names }: ColumnBatch, { columns }: Segment, row: number): object {
  const record = Object.create(null) as Record<string, unknown>
  for (const [index, name] of names.entries()) {
    const array = columns[index] as ColumnArray
    const isGiven = array.kind === 'values' && !isNull(array.validity, row)
    record[name] = isGiven ? array.values[row] : null
  }
  return record
}

/** A record with one field, whatever its name. */
function ownField(field: string, value: unknown): object {
  if (field !== '__proto__') return { [field]: value }
  const record = Object.create(null) as Record<string, unknown>
  record[field] = value
  return record
}
