import type { BadRecords } from './bad-records.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { BoundColumn } from './encoder/field-set.ts'

/**
 * For each column that a batch writes one record with a field for it: where all such records are set aside, the column is
 * not the batch's any more, and its rows are to have the DEFAULT.
 */
export class ColumnWitnesses {
  readonly #records: readonly FieldRecord[]
  readonly #badRecords: BadRecords
  #witnesses: readonly BoundColumn[]

  /** @param bound - the columns, each with the first record that has it */
  constructor(records: readonly FieldRecord[], badRecords: BadRecords, bound: readonly BoundColumn[]) {
    this.#records = records
    this.#badRecords = badRecords
    this.#witnesses = bound
  }

  /**
   * True while each column has a witness that is not set aside. Where one has none left, the table takes back what it has
   * against records without a field for it: it has seen NULL in rows that will have their DEFAULT.
   */
  hold(): boolean {
    this.#witnesses = this.#witnesses.map((witness) =>
      this.#badRecords.has(witness.row) ? this.#another(witness) : witness,
    )
    const lost = this.#witnesses.filter(({ row }) => row < 0)
    if (lost.length === 0) return true
    this.#badRecords.takeBack((row) => {
      const record = this.#records[row] as FieldRecord
      return lost.every(({ field }) => hasField(record, field))
    })
    return false
  }

  /** Another record with a field for the column, or none: `row` is then -1. */
  #another({ column, field }: BoundColumn): BoundColumn {
    const row = this.#records.findIndex(
      (record, index) => !this.#badRecords.has(index) && hasField(record, field),
    )
    return { column, field, row }
  }
}

function hasField(record: FieldRecord, field: string): boolean {
  try {
    return Object.hasOwn(record, field)
  } catch {
    return false
  }
}
