import { SinkError } from '@ducksink/worker'
import type { BadRecords } from './bad-records.ts'
import type { TableEncoder } from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { TimeSlice } from './time-slice.ts'

/** Records that are looked at in one go: when they are encoded next, they are still in the processor's cache. */
const ROWS_AT_ONCE = 1_024

/** What a scan goes over. */
export interface ScannedRecords {
  readonly list: readonly FieldRecord[]
  readonly rowCount: number
  /** Those that are known to be bad are passed over, others that are found join them. */
  readonly badRecords: BadRecords
}

/** Looks at the records of one batch, from its first on, for the columns that they have fields for. */
export class FieldScan {
  readonly #rows: TableEncoder
  readonly #records: ScannedRecords
  #row = 0

  constructor(rows: TableEncoder, records: ScannedRecords) {
    this.#rows = rows
    this.#records = records
  }

  get isDone(): boolean {
    const { rowCount, badRecords } = this.#records
    return this.#row >= rowCount || badRecords.isFull
  }

  /** Looks at the next records; false where there are columns or new fields now that there were not before. */
  next(): boolean {
    const { badRecords, rowCount } = this.#records
    const { boundCount, unplaced } = this.#rows.fields
    const unplacedCount = unplaced.size
    const from = this.#row
    const known = badRecords.next(from)
    if (known === from) this.#row++
    else this.#observe(from, Math.min(rowCount, from + ROWS_AT_ONCE, known))
    return this.#rows.fields.boundCount === boundCount && unplaced.size === unplacedCount
  }

  /**
   * Sees to it that the record at `row` has been looked at; gives the first that has not.
   * @throws {@link LateFieldError}
   */
  reach(row: number): number {
    while (this.#row <= row && !this.isDone) {
      if (!this.next()) throw new LateFieldError('a record has a field that those before it did not have')
    }
    return this.#row
  }

  /** Looks at all that are left. */
  async finish(slice: TimeSlice): Promise<void> {
    while (!this.isDone) {
      this.next()
      if (slice.isSpent) await slice.yield()
    }
  }

  #observe(from: number, to: number): void {
    const { encoder, fields } = this.#rows
    const { list, badRecords } = this.#records
    try {
      for (const { column, field } of fields.observe(list, from, to)) encoder.activate(column, field)
      this.#row = to
    } catch (error) {
      if (!(error instanceof SinkError) || error.row === undefined || error.row < from) throw error
      badRecords.refuse(error.row, error)
      this.#row = error.row + 1
    }
  }
}

/** Tells that a record has a field for a column that the records before it, encoded already, were written without. */
export class LateFieldError extends Error {}
