import { foldIdentifier, SchemaError, type TableLayout } from '@ducksink/worker'
import type { ExtraFields } from '../options.ts'
import { type FieldRecord, kindOf } from './column-encoder.ts'
import { hasShape, isPlainRecord, notPlain, unreadable } from './plain-record.ts'

/** A column that some record has a field for. */
export interface BoundColumn {
  /** Its place in the layout. */
  readonly column: number
  /** The field as the records spell it. */
  readonly field: string
}

/**
 * Finds out which fields the records of a batch have, and which columns they go to.
 *
 * Most records have the fields of the one before in the same order, which costs one comparison a field.
 */
export class FieldSet {
  readonly #table: string
  readonly #byName = new Map<string, number>()
  readonly #byFoldedName = new Map<string, number>()
  readonly #extraFields: ExtraFields
  readonly #bound = new Map<number, string>()
  readonly #known = new Map<string, number | undefined>()
  #shape: readonly string[] = []

  constructor(table: string, layout: TableLayout, extraFields: ExtraFields) {
    this.#table = table
    this.#extraFields = extraFields
    layout.columns.forEach(({ name }, index) => {
      this.#byName.set(name, index)
      this.#byFoldedName.set(foldIdentifier(name), index)
    })
  }

  /** Begins a batch: no field has been seen. */
  begin(): void {
    this.#bound.clear()
    this.#known.clear()
    this.#shape = []
  }

  /**
   * Looks at records; gives the columns that were seen for the first time.
   * @throws {@link ValueError} for what is not a plain object; {@link SchemaError} for a field without a column.
   * Nothing of that record is kept.
   */
  observe(records: readonly unknown[], from: number, to: number): readonly BoundColumn[] {
    let added: BoundColumn[] | undefined
    let row = from
    try {
      for (; row < to; row++) {
        const record = records[row]
        if (!isPlainRecord(record)) throw notPlain({ table: this.#table, row }, record)
        if (hasShape(record, this.#shape)) continue
        const fresh = this.#learn(record, row)
        if (fresh.length > 0) added = added === undefined ? fresh : [...added, ...fresh]
      }
    } catch (error) {
      throw unreadable({ table: this.#table, row }, error)
    }
    return added ?? NOTHING
  }

  /** Takes columns out again, as if no record had had a field for them. */
  forget(columns: readonly BoundColumn[]): void {
    for (const { column } of columns) this.#bound.delete(column)
    this.#shape = []
  }

  /** The columns seen since {@link begin}, in the table's order. */
  get columns(): readonly number[] {
    return [...this.#bound.keys()].sort((a, b) => a - b)
  }

  #learn(record: FieldRecord, row: number): BoundColumn[] {
    const fields = Object.keys(record)
    const added: BoundColumn[] = []
    let isComplete = true
    try {
      for (const field of fields) {
        const column = this.#columnOf(field)
        if (column === undefined) {
          if (this.#extraFields === 'discard-value') continue
          this.#requireNothing(record, field, row)
          // another record of this shape may have a value there
          isComplete = false
        } else if (!this.#bound.has(column)) {
          this.#bound.set(column, field)
          added.push({ column, field })
        } else if (this.#bound.get(column) !== field) {
          throw this.#sameColumn(field, this.#bound.get(column) as string, row)
        }
      }
    } catch (error) {
      this.forget(added)
      throw error
    }
    this.#shape = isComplete ? fields : []
    return added
  }

  #columnOf(field: string): number | undefined {
    if (this.#known.has(field)) return this.#known.get(field)
    const column = this.#byName.get(field) ?? this.#byFoldedName.get(foldIdentifier(field))
    this.#known.set(field, column)
    return column
  }

  /** A field without a column may be there as long as it says nothing. */
  #requireNothing(record: FieldRecord, field: string, row: number): void {
    const value = this.#read(record, field, row)
    if (value === undefined || value === null) return
    const message = `row ${row}: field "${field}" has no column in table "${this.#table}"`
    throw new SchemaError(message, { table: this.#table, column: field, row, found: kindOf(value) })
  }

  #read(record: FieldRecord, field: string, row: number): unknown {
    try {
      return record[field]
    } catch (error) {
      throw unreadable({ table: this.#table, row, column: field }, error)
    }
  }

  #sameColumn(field: string, other: string, row: number): SchemaError {
    const message = `row ${row}: fields "${other}" and "${field}" are the same column of table "${this.#table}"`
    return new SchemaError(message, { table: this.#table, column: field, row })
  }
}

/**
 * Checks that a batch writes at least one column.
 * @throws {@link SchemaError} where it does not.
 */
export function requireColumns(table: string, columns: readonly number[]): void {
  if (columns.length > 0) return
  const message = `no record of the batch has a field that is a column of table "${table}"`
  throw new SchemaError(message, { table })
}

const NOTHING: readonly BoundColumn[] = []
