import type { Allocate, Part, TableLayout } from '@ducksink/worker'
import {
  type BatchHead,
  type BatchSource,
  createTableEncoder,
  MAX_PART_BYTES,
  MAX_PART_ROWS,
  type TableEncoder,
} from './batch-source.ts'
import type { BatchEncoder } from './encoder/batch-encoder.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { requireColumns } from './encoder/field-set.ts'
import { inferColumns } from './inference.ts'
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

/** A batch of records that the caller lends until it is settled. */
export class RecordsSource implements BatchSource {
  readonly table: TableState
  /** As many as there were at the call, whatever becomes of the array. */
  readonly rowCount: number
  readonly #records: readonly FieldRecord[]
  readonly #context: RecordsContext
  #encoder: BatchEncoder | undefined
  #hasBegun = false
  #index = 0

  constructor(table: TableState, records: readonly FieldRecord[], context: RecordsContext) {
    this.table = table
    this.rowCount = records.length
    this.#records = records
    this.#context = context
  }

  async begin(): Promise<BatchHead> {
    const records = this.#records
    const { slice, encoders } = this.#context
    const layout =
      this.table.layout ?? (await this.table.prepare(() => inferColumns(this.table.name, records, slice)))
    const { encoder, fields } = this.#hasBegun
      ? encoders.another(this.table, layout)
      : encoders.of(this.table, layout)
    this.#hasBegun = true
    this.#index = 0
    fields.begin()
    encoder.begin()
    // which columns are written is the same for all parts: a field that no record has gets its DEFAULT
    for (let from = 0; from < this.rowCount; from += 1_024) {
      const to = Math.min(this.rowCount, from + 1_024)
      for (const { column, field } of fields.observe(records, from, to)) encoder.activate(column, field)
      if (slice.isSpent) await slice.yield()
    }
    this.#encoder = encoder
    const { columns } = fields
    requireColumns(this.table.name, columns)
    return { layout, columns }
  }

  async next(): Promise<{ part: Part; last: boolean }> {
    const encoder = this.#encoder as BatchEncoder
    const length = this.rowCount
    const { slice } = this.#context
    const end = Math.min(length, this.#index + MAX_PART_ROWS)
    while (this.#index < end && encoder.partBytes < MAX_PART_BYTES) {
      this.#index = encoder.encode(this.#records, this.#index, end)
      if (this.#index < length && slice.isSpent) await slice.yield()
    }
    const part = encoder.finishPart()
    this.table.measured(part.rowCount, part.byteLength)
    return { part, last: this.#index === length }
  }

  end(): void {
    this.#encoder?.abort()
  }

  /** The records as they were given. */
  records(): Record<string, unknown>[] {
    return [...this.#records]
  }

  /** Nothing is kept beside the records themselves. */
  release(): void {
    this.#encoder = undefined
  }
}
