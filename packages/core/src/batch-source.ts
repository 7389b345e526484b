import type { Allocate, Part, TableLayout } from '@ducksink/worker'
import { BatchEncoder } from './encoder/batch-encoder.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { FieldSet, requireColumns } from './encoder/field-set.ts'
import { inferColumns } from './inference.ts'
import type { TableState } from './table-state.ts'
import type { TimeSlice } from './time-slice.ts'

/** Rows of a part at most: about a millisecond of the worker's time, and a few of main's. */
export const MAX_PART_ROWS = 8_192

/** Bytes at which a part ends, at the next border of a chunk. */
export const MAX_PART_BYTES: number = 4 * 2 ** 20

/** The parts of one batch, one after another. */
export interface BatchSource {
  readonly table: TableState
  readonly rowCount: number
  /** Settles what concerns the whole batch: its table, and which columns it writes. */
  begin(): Promise<BatchHead>
  /** The next part, and whether it is the last. */
  next(): Promise<{ readonly part: Part; readonly last: boolean }>
  /** Called where the batch fails and will not be asked for more. */
  end(): void
}

/** What every part of a batch has in common. */
export interface BatchHead {
  readonly layout: TableLayout
  readonly columns: readonly number[]
}

/** What encodes the batches of one table, one batch at a time; kept, because its buffers are warm. */
export interface TableEncoder {
  readonly layout: TableLayout
  readonly encoder: BatchEncoder
  readonly fields: FieldSet
}

/** Makes the encoder of a table's rows. */
export function createTableEncoder(table: TableState, layout: TableLayout, allocate: Allocate): TableEncoder {
  return {
    layout,
    encoder: new BatchEncoder(table.name, layout, allocate),
    fields: new FieldSet(table.name, layout, table.options.extraFields),
  }
}

/** A batch of records that the caller lends until it is settled. */
export class RecordsSource implements BatchSource {
  readonly table: TableState
  /** As many as there were at the call, whatever becomes of the array. */
  readonly rowCount: number
  readonly #records: readonly FieldRecord[]
  readonly #slice: TimeSlice
  readonly #encoderOf: (table: TableState, layout: TableLayout) => TableEncoder
  #encoder: BatchEncoder | undefined
  #index = 0

  constructor(parameters: {
    table: TableState
    records: readonly FieldRecord[]
    slice: TimeSlice
    encoderOf: (table: TableState, layout: TableLayout) => TableEncoder
  }) {
    this.table = parameters.table
    this.rowCount = parameters.records.length
    this.#records = parameters.records
    this.#slice = parameters.slice
    this.#encoderOf = parameters.encoderOf
  }

  async begin(): Promise<BatchHead> {
    const records = this.#records
    const layout =
      this.table.layout ??
      (await this.table.prepare(() => inferColumns(this.table.name, records, this.#slice)))
    const { encoder, fields } = this.#encoderOf(this.table, layout)
    fields.begin()
    encoder.begin()
    // which columns are written is the same for all parts: a field that no record has gets its DEFAULT
    for (let from = 0; from < this.rowCount; from += 1_024) {
      const to = Math.min(this.rowCount, from + 1_024)
      for (const { column, field } of fields.observe(records, from, to)) encoder.activate(column, field)
      if (this.#slice.isSpent) await this.#slice.yield()
    }
    this.#encoder = encoder
    const { columns } = fields
    requireColumns(this.table.name, columns)
    return { layout, columns }
  }

  async next(): Promise<{ part: Part; last: boolean }> {
    const encoder = this.#encoder as BatchEncoder
    const length = this.rowCount
    const end = Math.min(length, this.#index + MAX_PART_ROWS)
    while (this.#index < end && encoder.partBytes < MAX_PART_BYTES) {
      this.#index = encoder.encode(this.#records, this.#index, end)
      if (this.#index < length && this.#slice.isSpent) await this.#slice.yield()
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
