import type { Allocate, Part, PayloadDigest, TableLayout, WholeColumn } from '@ducksink/worker'
import type { BadRecords } from './bad-records.ts'
import { BatchEncoder } from './encoder/batch-encoder.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { FieldSet } from './encoder/field-set.ts'
import type { RecordOrigins } from './record-origins.ts'
import type { TableState } from './table-state.ts'

/** Rows of a part at most: about a millisecond of the worker's time, and a few of main's. */
export const MAX_PART_ROWS = 8_192

/** Bytes at which a part ends, at the next border of a chunk. */
export const MAX_PART_BYTES: number = 4 * 2 ** 20

/** The rows of one batch, part after part, and the records of it that cannot be rows. */
export interface BatchSource {
  readonly table: TableState
  /** Records, those that are set aside included. */
  readonly rowCount: number
  readonly badRecords: BadRecords
  /** The dead letters that these records were, and that go when they are written. */
  readonly letterIds: readonly string[]
  /**
   * Settles what concerns the whole batch: its table, and which columns it writes; again, after {@link end}.
   * `undefined` where the rows have no table and are left out.
   */
  begin(): Promise<BatchHead | undefined>
  /**
   * The next part; `undefined` where there are no more rows.
   * @throws what {@link adapt} may know a remedy for.
   */
  next(): Promise<SourcePart | undefined>
  /**
   * True while the parts are what they would be without the records that were set aside since the batch was begun;
   * otherwise it must be begun again.
   */
  holds(): boolean
  /** The JSON of a record, for its dead letter. */
  json(row: number): string
  /** Where each record is from, where they are not all from where the batch is. */
  readonly origins: RecordOrigins | undefined
  /** The key that each record came with, where that is not the batch's. */
  readonly keys?: readonly (string | undefined)[] | undefined
  /** What the records were hashed to, where that is asked for; to be called when all parts are made. */
  digest(): PayloadDigest | undefined
  /** Called where the batch fails: it is asked for no more, unless it is begun again. */
  end(): void
  /**
   * Makes the table fit a batch that failed with this error; false where it cannot, or may not.
   * @throws {@link SchemaError} where DuckDB refuses to alter the table.
   */
  adapt(error: unknown): Promise<boolean>
  /** What was left out since {@link begin}, because the schema has no place for it. */
  readonly discarded: Discarded
  /** Its records, where there are few of them and nothing is to be done with them but to encode them. */
  readonly smallRecords?: readonly FieldRecord[] | undefined
  /** Takes what these were encoded to, beside those of other batches perhaps. */
  takeEncoded?(ahead: EncodedAhead): void
  /** The same, while the table is what it was. */
  readonly ahead?: EncodedAhead | undefined
  /** Begins the batch with that, and no {@link begin}, as long as it need not be begun again. */
  beginAhead?(): void
  /** The part that was made last is sent, and with it whatever travels beside it. */
  lend?(): void
  /**
   * Called with the columns that travelled beside a part, once it is answered, in the order of the parts; without them
   * where they are lost.
   */
  takeBack?(whole: readonly WholeColumn[] | undefined): void
}

/** True where a batch has nothing to do in its tables. */
export const isEmpty = ({ rowCount, letterIds }: BatchSource): boolean =>
  rowCount === 0 && letterIds.length === 0

/** What was left out of a batch because the schema has no place for it. */
export interface Discarded {
  readonly rowCount: number
  readonly valueCount: number
}

/** What every part of a batch has in common. */
export interface BatchHead {
  /** Absent where no record can be written and there is no table either. */
  readonly layout: TableLayout | undefined
  readonly columns: readonly number[]
  /** The columns of the dead letter table, where there is one. */
  readonly letterLayout: TableLayout | undefined
}

/** What a whole batch was encoded to before it had its turn, beside others. */
export interface EncodedAhead {
  readonly layout: TableLayout
  readonly columns: readonly number[]
  readonly part: Part
}

/** A part of a batch's rows. */
export interface SourcePart {
  readonly part: Part
  /** True where no other part can follow. */
  readonly last: boolean
  /** The record of the batch that a row of the part is. */
  readonly rowOf: (index: number) => number
}

/** What batches have in common that are encoded together. */
export interface JointShape {
  /** The very list of fields that the field set has of them. */
  readonly fields: readonly string[]
  readonly columns: readonly number[]
}

/** What encodes the batches of one table, one batch at a time; kept, because its buffers are warm. */
export interface TableEncoder {
  readonly layout: TableLayout
  readonly encoder: BatchEncoder
  readonly fields: FieldSet
  /** Values of the batch at hand that became NULL, because their column cannot hold them. */
  discardedCount: number
  /** That of the small batches that were encoded together last: others with the same fields need begin nothing. */
  begun: JointShape | undefined
  /** True where a batch had a field that its first records did not have: the next ones are looked at as a whole first. */
  hasLateFields: boolean
}

/** Begins a batch: no row is encoded, no column known to be written. */
export function beginBatch(rows: TableEncoder): void {
  rows.encoder.begin()
  rows.fields.begin()
  rows.discardedCount = 0
  rows.begun = undefined
}

/** Makes the encoder of a table's rows. */
export function createTableEncoder(table: TableState, layout: TableLayout, allocate: Allocate): TableEncoder {
  const { options, heldBack } = table
  return {
    layout,
    encoder: new BatchEncoder(table.name, layout, allocate, (column) => table.takesScalars(column)),
    fields: new FieldSet(table.name, layout, { mode: options.contract.columns, heldBack }),
    discardedCount: 0,
    begun: undefined,
    hasLateFields: false,
  }
}
