import { foldIdentifier, type TypeField, type VectorBlock } from '@ducksink/worker'
import {
  ColumnEncoder,
  type ColumnInfo,
  type FieldRecord,
  fieldValue,
  type RowSize,
  type Span,
} from './column-encoder.ts'
import { elementIdentity } from './elements.ts'
import { hasShape, isPlainRecord } from './plain-record.ts'
import { plainValue } from './plain-value.ts'
import { RefusedValue } from './refused-value.ts'

const NO_FIELDS: FieldRecord = Object.freeze(Object.create(null) as FieldRecord)

/** STRUCT, from a plain object or what stands for one: the values are the records of its fields. */
export class StructColumn extends ColumnEncoder {
  readonly #fields: readonly TypeField[]
  readonly #encoders: readonly ColumnEncoder[]
  readonly #placeOf: (key: string) => number | undefined
  readonly #structs: FieldRecord[] = []
  /** The keys of the value seen last, where each is the exact name of a field. */
  #shape: readonly string[] = []

  constructor(column: ColumnInfo, fields: readonly TypeField[], encoders: readonly ColumnEncoder[]) {
    super(column, 0, sumOfSizes(encoders))
    this.#fields = fields
    this.#encoders = encoders
    this.#placeOf = placesOf(fields)
    for (const [place, { name }] of fields.entries()) (encoders[place] as ColumnEncoder).field = name
  }

  override get variableBytes(): number {
    let bytes = 0
    for (const encoder of this.#encoders) bytes += encoder.variableBytes
    return bytes
  }

  override fill(span: Span): number {
    try {
      return this.#fill(span)
    } finally {
      // what belongs to the app is not kept
      this.#structs.fill(NO_FIELDS, 0, span.to - span.from)
    }
  }

  override fillNulls(from: number, to: number): void {
    super.fillNulls(from, to)
    for (const encoder of this.#encoders) encoder.fillNulls(from, to)
  }

  override truncate(rowCount: number): void {
    super.truncate(rowCount)
    for (const encoder of this.#encoders) encoder.truncate(rowCount)
  }

  override reserve(rowCount: number): void {
    super.reserve(rowCount)
    for (const encoder of this.#encoders) encoder.reserve(rowCount)
  }

  override appendBlocks(rowCount: number, blocks: (VectorBlock | undefined)[]): void {
    super.appendBlocks(rowCount, blocks)
    for (const encoder of this.#encoders) encoder.appendBlocks(rowCount, blocks)
  }

  override identity(row: number): string {
    return this.#encoders.map((encoder) => elementIdentity(encoder, row)).join('')
  }

  protected override mapBuffer(): void {
    // it has no values of its own
  }

  #fill({ records, from, to, startRow, whole }: Span): number {
    const { field, guarded } = this
    const structs = this.#structs
    const count = to - from
    for (let i = 0; i < count; i++) {
      const record = records[from + i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value === null || value === undefined) {
        this.setNull(startRow + i)
        structs[i] = NO_FIELDS
      } else if (isPlainRecord(value) && hasShape(value, this.#shape)) {
        structs[i] = value
      } else {
        structs[i] = this.#exactFields(value, from + i)
      }
    }
    const taken = this.#fillFields({ records: structs, from: 0, to: count, startRow, whole }, from)
    if (taken < count) super.truncate(startRow + taken)
    return taken
  }

  /** Fills the fields one after another; where one takes fewer rows, those before give theirs back. */
  #fillFields(whole: Span, from: number): number {
    let span = whole
    for (const [place, encoder] of this.#encoders.entries()) {
      const taken = this.#fillField(encoder, place, span, from)
      if (taken === span.to) continue
      span = { ...span, to: taken }
      for (let i = 0; i <= place; i++) (this.#encoders[i] as ColumnEncoder).truncate(span.startRow + taken)
    }
    return span.to
  }

  #fillField(encoder: ColumnEncoder, place: number, span: Span, from: number): number {
    try {
      return encoder.fill(span)
    } catch (error) {
      if (!(error instanceof RefusedValue)) throw error
      throw error.within(from + error.index, `.${(this.#fields[place] as TypeField).name}`)
    }
  }

  /** The value with its fields by their exact names: itself, or a copy where it spells them otherwise. */
  #exactFields(value: unknown, index: number): FieldRecord {
    const fields = plainValue('STRUCT', value)
    if (!isPlainRecord(fields)) this.refuse(index, value, 'only a plain object can')
    const keys = Object.keys(fields)
    const exact = Object.create(null) as Record<string, unknown>
    let isExact = true
    for (const key of keys) {
      const place = this.#placeOf(key)
      const part = fields[key]
      if (place === undefined) {
        // a field that says nothing may be there, as in a record
        if (part !== undefined && part !== null)
          this.refuse(index, value, 'it has a field that the STRUCT has not')
        isExact = false
        continue
      }
      const { name } = this.#fields[place] as TypeField
      if (name in exact) this.#refuseTwice(index, value, name)
      exact[name] = part
      isExact &&= key === name
    }
    if (!isExact) return exact
    this.#shape = keys
    return fields
  }

  #refuseTwice(index: number, value: unknown, name: string): never {
    const because = 'it is there twice, in different case'
    throw new RefusedValue(index, { value, type: this.column.type, because, cause: undefined }, `.${name}`)
  }
}

/** What a row takes in all of some vectors, and in one above them. */
export function sumOfSizes(encoders: readonly ColumnEncoder[]): RowSize {
  let [bytes, values, isVariable] = [0, 1, false]
  for (const { rowSize } of encoders) {
    bytes += rowSize.bytes
    values += rowSize.values
    isVariable ||= rowSize.isVariable
  }
  return { bytes, values, isVariable }
}

/** Where each field is: by its exact name or, as DuckDB does, without regard to the case of ASCII letters. */
export function placesOf(fields: readonly TypeField[]): (key: string) => number | undefined {
  const exact = new Map(fields.map(({ name }, place) => [name, place]))
  const folded = new Map(fields.map(({ name }, place) => [foldIdentifier(name), place]))
  return (key) => exact.get(key) ?? folded.get(foldIdentifier(key))
}
