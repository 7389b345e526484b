import type { Allocate, Part, TableLayout } from '@ducksink/worker'
import { BatchEncoder } from './encoder/batch-encoder.ts'
import { FieldSet } from './encoder/field-set.ts'
import type { TableState } from './table-state.ts'

/** Rows of a part at most: about a millisecond of the worker's time, and a few of main's. */
export const MAX_PART_ROWS = 8_192

/** Bytes at which a part ends, at the next border of a chunk. */
export const MAX_PART_BYTES: number = 4 * 2 ** 20

/** The parts of one batch, one after another. */
export interface BatchSource {
  readonly table: TableState
  readonly rowCount: number
  /**
   * Settles what concerns the whole batch: its table, and which columns it writes; again, after {@link end}.
   * `undefined` where the rows have no table and are left out.
   */
  begin(): Promise<BatchHead | undefined>
  /** The next part, and whether it is the last. */
  next(): Promise<{ readonly part: Part; readonly last: boolean }>
  /** Called where the batch fails: it is asked for no more, unless it is begun again. */
  end(): void
  /**
   * Makes the table fit a batch that failed with this error; false where it cannot, or may not.
   * @throws {@link SchemaError} where DuckDB refuses to alter the table.
   */
  adapt(error: unknown): Promise<boolean>
  /** What was left out since {@link begin}, because the schema has no place for it. */
  readonly discarded: Discarded
}

/** What was left out of a batch because the schema has no place for it. */
export interface Discarded {
  readonly rowCount: number
  readonly valueCount: number
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
  /** Values of the batch at hand that became NULL, because their column cannot hold them. */
  discardedCount: number
}

/** Begins a batch: no row is encoded, no column known to be written. */
export function beginBatch(rows: TableEncoder): void {
  rows.encoder.begin()
  rows.fields.begin()
  rows.discardedCount = 0
}

/** Makes the encoder of a table's rows. */
export function createTableEncoder(table: TableState, layout: TableLayout, allocate: Allocate): TableEncoder {
  const { options, heldBack } = table
  return {
    layout,
    encoder: new BatchEncoder(table.name, layout, allocate, (column) => table.takesScalars(column)),
    fields: new FieldSet(table.name, layout, { mode: options.contract.columns, heldBack }),
    discardedCount: 0,
  }
}
