import { SchemaError, SinkError, type TableLayout } from '@ducksink/worker'
import type { BadRecords } from './bad-records.ts'
import type { BatchRecords } from './batch-records.ts'
import type { TableEncoder } from './batch-source.ts'
import type { MisfitPolicy } from './record-spans.ts'
import { addColumns, fittingRecords, inferredColumns, widenColumns } from './schema/evolution.ts'
import type { TableState } from './table-state.ts'

// One time for the first records and one for all of them; more, where others drop the columns again meanwhile.
const MAX_ADDITIONS = 8

/** Lets a table follow one batch, as far as it may: makes it, adds columns, widens types. */
export class BatchEvolution {
  readonly #table: TableState
  readonly #records: BatchRecords
  readonly #badRecords: BadRecords
  /** How often columns were added. */
  #additions = 0
  /** True where the types can follow the batch no further. */
  #isWidened = false

  constructor(table: TableState, records: BatchRecords, badRecords: BadRecords) {
    this.#table = table
    this.#records = records
    this.#badRecords = badRecords
  }

  /** Makes the absent table, as the records are that can be written. */
  makeTable(): Promise<TableLayout | undefined> {
    return this.#records.infer((batch) => this.#table.prepare(() => inferredColumns(batch)))
  }

  /** Lets the table follow what was seen of the batch; true where its columns are to be looked at again. */
  async follow(rows: TableEncoder, isAgain: boolean): Promise<boolean> {
    const { unplaced } = rows.fields
    if (unplaced.size > 0 && !this.#badRecords.failsBatch) {
      const { count } = this.#badRecords
      await this.#records.infer((batch) => addColumns(batch, unplaced), unplaced)
      // nothing has come of it where the fields had values only when they were read first
      const isSame = this.#table.layout === rows.layout && this.#badRecords.count === count
      if (isSame || ++this.#additions > MAX_ADDITIONS) throw changingFields(this.#table.name, unplaced)
      return true
    }
    // what comes after it waits in the worker: nothing may be found out only when parts have been sent
    return isAgain && this.#evolvesTypes && this.widen(rows)
  }

  /**
   * Widens columns for the records that there are types for. Where records may be bad, those that no type takes, or
   * that DuckDB does not alter a column for, are.
   */
  async widen({ layout, fields }: TableEncoder, atFault?: string): Promise<boolean> {
    const { good } = this.#records
    const isTolerant = this.#badRecords.mode !== 'fail-batch'
    try {
      if (await widenColumns(good, layout, fields.bound, atFault)) return true
      const fitting = isTolerant ? await fittingRecords(good, layout, fields.bound) : good
      if (fitting.records.length < good.records.length)
        if (await widenColumns(fitting, layout, fields.bound, atFault)) return true
    } catch (error) {
      if (!isTolerant || !(error instanceof SinkError)) throw error
    }
    this.#isWidened = true
    return false
  }

  /** What becomes of a value that does not fit. */
  get misfitPolicy(): MisfitPolicy {
    if (this.#table.options.contract.types === 'discard-value') return 'discard'
    return this.#evolvesTypes ? 'widen' : 'refuse'
  }

  get #evolvesTypes(): boolean {
    return this.#table.options.contract.types === 'evolve' && !this.#isWidened
  }
}

function changingFields(table: string, fields: ReadonlySet<string>): SchemaError {
  const [column] = fields
  const message = `field "${column}" for table "${table}" was not the same when it was read again`
  return new SchemaError(message, { table, column })
}
