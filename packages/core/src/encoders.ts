import type { Allocate, TableLayout } from '@ducksink/worker'
import { createTableEncoder, type TableEncoder } from './batch-source.ts'
import type { TableState } from './table-state.ts'
import type { TimeSlice } from './time-slice.ts'

/** The encoder of each table's records, which its writes share, one after another. */
export class Encoders {
  /** Gives the buffers of parts. */
  readonly allocate: Allocate
  readonly #encoders = new WeakMap<TableState, TableEncoder>()

  constructor(allocate: Allocate) {
    this.allocate = allocate
  }

  of(table: TableState, layout: TableLayout): TableEncoder {
    const known = this.#encoders.get(table)
    if (known !== undefined && known.layout === layout) return known
    const encoder = createTableEncoder(table, layout, this.allocate)
    this.#encoders.set(table, encoder)
    return encoder
  }

  /** One for a batch that is encoded once more, while another of its table may be under way. */
  another(table: TableState, layout: TableLayout): TableEncoder {
    return createTableEncoder(table, layout, this.allocate)
  }
}

/** What all batches of records share. */
export interface RecordsContext {
  readonly slice: TimeSlice
  readonly encoders: Encoders
}
