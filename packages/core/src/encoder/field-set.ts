import { foldIdentifier, SchemaError, type TableLayout } from '@ducksink/worker'
import type { ContractMode } from '../options.ts'
import { type FieldRecord, kindOf } from './column-encoder.ts'
import { isPlainRecord, MAY_READ_PROTO, notPlain, unreadable } from './plain-record.ts'

/** A column that some record has a field for. */
export interface BoundColumn {
  /** Its place in the layout. */
  readonly column: number
  /** The field as the records spell it. */
  readonly field: string
  /** The first record that has it. */
  readonly row: number
}

/** What becomes of fields that have no column. */
export interface FieldContract {
  readonly mode: ContractMode
  /** Fields that were NULL throughout the batch that made the table, folded: they become columns in any mode. */
  readonly heldBack: ReadonlySet<string>
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
  readonly #contract: FieldContract
  readonly #bound = new Map<number, BoundColumn>()
  readonly #known = new Map<string, number | undefined>()
  readonly #unplaced = new Set<string>()
  #shape: readonly string[] = []
  /** The first record since which all have that shape. */
  #shapeRow = 0
  /** The fields of that shape whose values are left out. */
  #discarded: readonly string[] = []
  #discardedCount = 0

  constructor(table: string, layout: TableLayout, contract: FieldContract) {
    this.#table = table
    this.#contract = contract
    layout.columns.forEach(({ name }, index) => {
      this.#byName.set(name, index)
      this.#byFoldedName.set(foldIdentifier(name), index)
    })
  }

  /** Begins a batch: no field has been seen. */
  begin(): void {
    this.#bound.clear()
    this.#known.clear()
    this.#unplaced.clear()
    this.#discardedCount = 0
    this.#shape = []
  }

  /** Fields with a value that are to become columns; what is in them is not written before they have. */
  get unplaced(): ReadonlySet<string> {
    return this.#unplaced
  }

  /** How many columns were seen since {@link begin}. */
  get boundCount(): number {
    return this.#bound.size
  }

  /** How many values were left out since {@link begin}, for want of a column. */
  get discardedCount(): number {
    return this.#discardedCount
  }

  /**
   * Looks at records; gives the columns that were seen for the first time.
   * @throws {@link ValueError} for what is not a plain object; {@link SchemaError} for a field without a column.
   * Nothing of that record is kept.
   */
  observe(records: readonly unknown[], from: number, to: number): readonly BoundColumn[] {
    let added = NOTHING
    let row = from
    try {
      while (row < to) {
        row = this.#skipKnown(records, row, to)
        if (row === to) break
        const record = records[row]
        if (!isPlainRecord(record)) throw notPlain({ table: this.#table, row }, record)
        const fresh = this.#learn(record, row)
        if (this.#discarded.length > 0) this.#discard(record)
        if (fresh.length > 0) added = [...added, ...fresh]
        row++
      }
    } catch (error) {
      throw unreadable({ table: this.#table, row }, error)
    }
    return added
  }

  /** The first record from `row` on that has not the fields of the one before, or cannot be looked at. */
  #skipKnown(records: readonly unknown[], row: number, to: number): number {
    const shape = this.#shape
    const end = rowsOfShape(records, row, to, shape)
    if (this.#discarded.length > 0) for (let i = row; i < end; i++) this.#discard(records[i] as FieldRecord)
    return end
  }

  /** The fields of all records from `from` up to the last one seen, where they are the same in the same order. */
  shapeSince(from: number): readonly string[] | undefined {
    return this.#shapeRow <= from && this.#shape.length > 0 ? this.#shape : undefined
  }

  /** Takes columns out again, as if no record had had a field for them. */
  forget(columns: readonly BoundColumn[]): void {
    for (const { column } of columns) this.#bound.delete(column)
    this.#shape = []
  }

  /** Takes back what {@link observe} found of a record that is not written after all. */
  takeBack(columns: readonly BoundColumn[], discardedCount: number): void {
    this.forget(columns)
    this.#unplaced.clear()
    this.#discardedCount = discardedCount
  }

  /** The columns seen since {@link begin}, in the table's order. */
  get columns(): readonly number[] {
    return [...this.#bound.keys()].sort((a, b) => a - b)
  }

  /** The same, with the fields that they are read from. */
  get bound(): readonly BoundColumn[] {
    return this.columns.map((column) => this.#bound.get(column) as BoundColumn)
  }

  /** The field that a column is read from, by the column's name. */
  fieldOf(name: string | undefined): string | undefined {
    const column = name === undefined ? undefined : this.#columnOf(name)
    return column === undefined ? undefined : this.#bound.get(column)?.field
  }

  #learn(record: FieldRecord, row: number): BoundColumn[] {
    const fields = Object.keys(record)
    const added: BoundColumn[] = []
    const discarded: string[] = []
    const unplaced: string[] = []
    let isComplete = true
    try {
      for (const field of fields) {
        const column = this.#columnOf(field)
        if (column === undefined) {
          if (this.#modeOf(field) === 'discard-value') discarded.push(field)
          // another record of this shape may have a value where this one has none
          else if (!this.#unplaced.has(field)) {
            if (this.#place(record, field, row)) unplaced.push(field)
            else isComplete = false
          }
        } else if (!this.#bound.has(column)) {
          const bound = { column, field, row }
          this.#bound.set(column, bound)
          added.push(bound)
        } else if (this.#bound.get(column)?.field !== field) {
          throw this.#sameColumn(field, (this.#bound.get(column) as BoundColumn).field, row)
        }
      }
    } catch (error) {
      this.forget(added)
      for (const field of unplaced) this.#unplaced.delete(field)
      throw error
    }
    this.#shape = isComplete ? fields : []
    this.#shapeRow = row
    this.#discarded = discarded
    return added
  }

  #modeOf(field: string): ContractMode {
    const { mode, heldBack } = this.#contract
    return heldBack.size > 0 && heldBack.has(foldIdentifier(field)) ? 'evolve' : mode
  }

  /** Takes a field for one that is to become a column, unless it says nothing. */
  #place(record: FieldRecord, field: string, row: number): boolean {
    const value = this.#read(record, field, row)
    if (value === undefined || value === null) return false
    if (this.#modeOf(field) === 'freeze') throw this.#noColumn(field, row, value)
    this.#unplaced.add(field)
    return true
  }

  #discard(record: FieldRecord): void {
    for (const field of this.#discarded) if (saysSomething(record, field)) this.#discardedCount++
  }

  #columnOf(field: string): number | undefined {
    if (this.#known.has(field)) return this.#known.get(field)
    const column = this.#byName.get(field) ?? this.#byFoldedName.get(foldIdentifier(field))
    this.#known.set(field, column)
    return column
  }

  #noColumn(field: string, row: number, value: unknown): SchemaError {
    const message = `row ${row}: field "${field}" has no column in table "${this.#table}"`
    return new SchemaError(message, { table: this.#table, column: field, row, found: kindOf(value) })
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

/** What cannot be read is left out as well. */
function saysSomething(record: FieldRecord, field: string): boolean {
  try {
    return record[field] !== null && record[field] !== undefined
  } catch {
    return true
  }
}

/**
 * A loop by itself, which V8 compiles well: `hasShape` in one piece with it takes half the time of a call of that. It
 * ends at what cannot be looked at, which is told when it is learnt.
 */
function rowsOfShape(
  records: readonly unknown[],
  from: number,
  to: number,
  shape: readonly string[],
): number {
  const { length } = shape
  if (length === 0) return from
  const usual = Object.prototype
  let row = from
  try {
    for (; row < to; row++) {
      const record = records[row] as { readonly __proto__?: unknown } | null
      if (typeof record !== 'object' || record === null) return row
      // biome-ignore lint/suspicious/noProto: as isPlainRecord does
      if (!(MAY_READ_PROTO && record.__proto__ === usual) && !isPlainRecord(record)) return row
      let index = 0
      for (const field in record) {
        if (index === length || field !== shape[index]) return row
        index++
      }
      if (index !== length) return row
    }
  } catch {
    return row
  }
  return row
}
