import { type Allocate, type Part, type TableLayout, ValueError } from '@ducksink/worker'
import {
  type BatchHead,
  type BatchSource,
  beginBatch,
  createTableEncoder,
  type Discarded,
  MAX_PART_BYTES,
  MAX_PART_ROWS,
  type TableEncoder,
} from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { requireColumns } from './encoder/field-set.ts'
import { encodeRecord } from './record-encoding.ts'
import { addColumns, type EvolvingBatch, inferredColumns, widenColumns } from './schema/evolution.ts'
import type { TableState } from './table-state.ts'
import type { TimeSlice } from './time-slice.ts'

/** The encoder of each table's records, which its writes share, one after another. */
export class Encoders {
  readonly #allocate: Allocate
  readonly #encoders = new WeakMap<TableState, TableEncoder>()

  constructor(allocate: Allocate) {
    this.#allocate = allocate
  }

  of(table: TableState, layout: TableLayout): TableEncoder {
    const known = this.#encoders.get(table)
    if (known !== undefined && known.layout === layout) return known
    const encoder = createTableEncoder(table, layout, this.#allocate)
    this.#encoders.set(table, encoder)
    return encoder
  }

  /** One for a batch that is encoded once more, while another of its table may be under way. */
  another(table: TableState, layout: TableLayout): TableEncoder {
    return createTableEncoder(table, layout, this.#allocate)
  }
}

/** What all batches of records share. */
export interface RecordsContext {
  readonly slice: TimeSlice
  readonly encoders: Encoders
}

/** Rows that are encoded one by one after a value that did not fit: to the end of the chunk, about. */
const SINGLE_ROWS = 2_048

/** A batch of records that the caller lends until it is settled. */
export class RecordsSource implements BatchSource {
  readonly table: TableState
  /** As many as there were at the call, whatever becomes of the array. */
  readonly rowCount: number
  readonly #records: readonly FieldRecord[]
  readonly #context: RecordsContext
  #rows: TableEncoder | undefined
  #hasBegun = false
  #index = 0
  /** Rows that are still to be encoded one by one. */
  #singleRows = 0
  #discarded: Discarded = { rowCount: 0, valueCount: 0 }

  constructor(table: TableState, records: readonly FieldRecord[], context: RecordsContext) {
    this.table = table
    this.rowCount = records.length
    this.#records = records
    this.#context = context
  }

  get discarded(): Discarded {
    return this.#discarded
  }

  async begin(): Promise<BatchHead | undefined> {
    const isAgain = this.#hasBegun
    this.#hasBegun = true
    this.#index = 0
    this.#singleRows = 0
    for (;;) {
      const layout = this.table.layout ?? (await this.table.prepare(() => inferredColumns(this.#batch)))
      if (layout === undefined) {
        this.#discarded = { rowCount: this.rowCount, valueCount: 0 }
        return undefined
      }
      const { encoders } = this.#context
      const rows = isAgain ? encoders.another(this.table, layout) : encoders.of(this.table, layout)
      await this.#observe(rows)
      const { fields } = rows
      if (fields.unplaced.size > 0) {
        await addColumns(this.#batch, fields.unplaced)
        continue
      }
      // what comes after it waits in the worker: nothing may be found out only when parts have been sent
      if (isAgain && this.#evolvesTypes && (await widenColumns(this.#batch, layout, fields.bound))) continue
      const { columns } = fields
      requireColumns(this.table.name, columns)
      this.#rows = rows
      return { layout, columns }
    }
  }

  async next(): Promise<{ part: Part; last: boolean }> {
    const rows = this.#rows as TableEncoder
    const { encoder, fields } = rows
    const length = this.rowCount
    const { slice } = this.#context
    const end = Math.min(length, this.#index + MAX_PART_ROWS)
    while (this.#index < end && encoder.partBytes < MAX_PART_BYTES) {
      this.#encode(end)
      if (this.#index < length && slice.isSpent) await slice.yield()
    }
    const part = encoder.finishPart()
    this.table.measured(part.rowCount, part.byteLength)
    // taken down here, as the next batch of the table counts anew
    this.#discarded = { rowCount: 0, valueCount: fields.discardedCount + rows.discardedCount }
    return { part, last: this.#index === length }
  }

  end(): void {
    this.#rows?.encoder.abort()
  }

  async adapt(error: unknown): Promise<boolean> {
    const rows = this.#rows
    if (rows === undefined || !this.#evolvesTypes || !(error instanceof ValueError)) return false
    return widenColumns(this.#batch, rows.layout, rows.fields.bound, error.column)
  }

  /** The records as they were given. */
  records(): Record<string, unknown>[] {
    return [...this.#records]
  }

  /** Nothing is kept beside the records themselves. */
  release(): void {
    this.#rows = undefined
  }

  get #evolvesTypes(): boolean {
    return this.table.options.contract.types === 'evolve'
  }

  get #batch(): EvolvingBatch {
    // the array may have grown since the call
    const records =
      this.#records.length === this.rowCount ? this.#records : this.#records.slice(0, this.rowCount)
    return { table: this.table, records, slice: this.#context.slice }
  }

  /** Finds out which columns are written, the same for all parts: a field that no record has gets its DEFAULT. */
  async #observe(rows: TableEncoder): Promise<void> {
    const { encoder, fields } = rows
    const { slice } = this.#context
    beginBatch(rows)
    for (let from = 0; from < this.rowCount; from += 1_024) {
      const to = Math.min(this.rowCount, from + 1_024)
      for (const { column, field } of fields.observe(this.#records, from, to)) encoder.activate(column, field)
      if (slice.isSpent) await slice.yield()
    }
  }

  /** Encodes a chunk, or a few rows one by one where a value did not fit. */
  #encode(end: number): void {
    const rows = this.#rows as TableEncoder
    const discards = this.table.options.contract.types === 'discard-value'
    if (this.#singleRows === 0) {
      try {
        this.#index = rows.encoder.encode(this.#records, this.#index, end)
        return
      } catch (error) {
        if (!discards || !(error instanceof ValueError)) throw error
        this.#singleRows = SINGLE_ROWS
      }
    }
    const to = Math.min(end, this.#index + Math.min(64, this.#singleRows))
    this.#singleRows -= to - this.#index
    for (; this.#index < to; this.#index++) {
      rows.discardedCount += encodeRecord(rows, this.#records, this.#index, 'discard-value')
    }
  }
}
