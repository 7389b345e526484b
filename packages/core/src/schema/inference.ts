import {
  foldIdentifier,
  InvalidOptionsError,
  identifierProblem,
  logicalTypeName,
  SchemaError,
  type TableColumn,
} from '@ducksink/worker'
import { fieldValue, kindOf } from '../encoder/column-encoder.ts'
import { isPlainRecord, notPlain, unreadable } from '../encoder/plain-record.ts'
import { inferredType } from './inferred-type.ts'
import { ColumnObservation } from './observation.ts'

/** What inference finds in a batch. */
export interface InferredColumns {
  readonly columns: readonly TableColumn[]
  /** Fields that are NULL in every record: they become columns when a value comes. */
  readonly heldBack: readonly string[]
  /** Columns of type VARCHAR that take numbers, booleans and dates as their text, as some of their values are such. */
  readonly takingScalars: readonly string[]
}

/** Finds columns for the fields of records, which may be shown to it bit by bit. */
export class Inference {
  /** Whose records they are, as errors name it; none in a dry run. */
  readonly #table: string | undefined
  readonly #fields = new Map<string, ColumnObservation>()
  /** True where only the fields that are known from the start are looked at. */
  readonly #isRestricted: boolean

  /** @param fields - the fields to look at; all of them where it is left out */
  constructor(table: string | undefined, fields?: Iterable<string>) {
    this.#table = table
    this.#isRestricted = fields !== undefined
    for (const field of fields ?? []) this.#fields.set(field, new ColumnObservation())
  }

  /**
   * Looks at some of the records.
   * @throws {@link ValueError} for what is not a plain object, or cannot be read.
   * @throws {@link SchemaError} for a value of a kind that no type is inferred from.
   */
  observe(records: readonly unknown[], from: number, to: number): void {
    for (let row = from; row < to; row++) this.#observe(records[row], row)
  }

  /**
   * The columns, in the order in which their fields were first seen.
   * @throws {@link SchemaError} where a field's values have no type in common, or it cannot be a column.
   */
  result(): InferredColumns {
    const columns: TableColumn[] = []
    const heldBack: string[] = []
    const takingScalars: string[] = []
    const names = new Map<string, string>()
    for (const [name, observation] of this.#fields) {
      const inferred = inferredType(observation)
      if (inferred.status === 'null') {
        heldBack.push(name)
        continue
      }
      if (inferred.status === 'conflict') throw this.#conflict(name)
      this.#requireName(name, names)
      columns.push({ name, type: logicalTypeName(inferred.type) })
      if (inferred.takesScalars) takingScalars.push(name)
    }
    return { columns, heldBack, takingScalars }
  }

  #observe(record: unknown, row: number): void {
    const table = this.#table
    let column: string | undefined
    try {
      if (!isPlainRecord(record)) throw notPlain({ table, row }, record)
      const fields = this.#isRestricted ? this.#fields.keys() : Object.keys(record)
      for (const field of fields) {
        column = field
        this.#add(field, this.#isRestricted ? fieldValue(record, field, true) : record[field], row)
      }
    } catch (error) {
      throw unreadable({ table, row, column }, error)
    }
  }

  #add(field: string, value: unknown, row: number): void {
    let observation = this.#fields.get(field)
    if (observation === undefined) {
      observation = new ColumnObservation()
      this.#fields.set(field, observation)
    }
    const refused = observation.add(value)
    if (refused === undefined) return
    const found = kindOf(refused.found)
    const message = `row ${row}, field "${field}": no column type can be inferred from ${found}; ${this.#advice}`
    throw new SchemaError(message, { table: this.#table, column: field, row, found })
  }

  #conflict(name: string): SchemaError {
    const message = `field "${name}" holds values of kinds that no one type can hold; ${this.#advice}`
    return new SchemaError(message, { table: this.#table, column: name })
  }

  /** To DuckDB names that differ in the case of ASCII letters are one. */
  #requireName(name: string, names: Map<string, string>): void {
    const table = this.#table
    const problem = identifierProblem(name)
    if (problem !== undefined)
      throw new SchemaError(`a column's name ${problem}; rename the field`, { table })
    const other = names.get(foldIdentifier(name))
    names.set(foldIdentifier(name), name)
    if (other === undefined) return
    throw new SchemaError(`fields "${other}" and "${name}" would be the same column`, { table, column: name })
  }

  get #advice(): string {
    return this.#table === undefined
      ? 'name its type in `columns`'
      : `name its type in \`columns\` of table "${this.#table}"`
  }
}

/**
 * The columns and DuckDB types that a table would be made with, were these records its first batch: a dry run,
 * without an engine. A field that is NULL in every record is left out. What it gives may stand as a table's `columns`;
 * a VARCHAR that was inferred from strings beside other scalars then takes strings alone, unless `types` evolve.
 * @throws {@link SchemaError} where a field's values have no type in common, or are of a kind that no type is
 * inferred from.
 * @throws {@link ValueError} for what is not a plain object, or cannot be read.
 * @example
 * ```ts
 * inferColumns([{ id: 1, tags: ['new'] }, { id: 2.5 }]) // { id: 'DOUBLE', tags: 'VARCHAR[]' }
 * ```
 */
export function inferColumns(records: readonly object[]): Record<string, string> {
  if (!Array.isArray(records)) {
    throw new InvalidOptionsError('records must be an array', {}, 'INVALID_ARGUMENT')
  }
  const inference = new Inference(undefined)
  inference.observe(records, 0, records.length)
  return Object.fromEntries(inference.result().columns.map(({ name, type }) => [name, type]))
}
