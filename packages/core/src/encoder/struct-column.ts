import type { TypeField } from '@ducksink/worker'
import {
  type ColumnEncoder,
  type ColumnInfo,
  type FieldRecord,
  fieldValue,
  type Span,
} from './column-encoder.ts'
import { FieldsColumn, placesOf } from './fields-column.ts'
import { hasShape, isPlainRecord } from './plain-record.ts'
import { plainValue } from './plain-value.ts'
import { RefusedValue } from './refused-value.ts'

const NO_FIELDS: FieldRecord = Object.freeze(Object.create(null) as FieldRecord)

/** STRUCT, from a plain object or what stands for one: the values are the records of its fields. */
export class StructColumn extends FieldsColumn {
  readonly #fields: readonly TypeField[]
  readonly #placeOf: (key: string) => number | undefined
  readonly #structs: FieldRecord[] = []
  /** The keys of the value seen last, where each is the exact name of a field. */
  #shape: readonly string[] = []

  constructor(column: ColumnInfo, fields: readonly TypeField[], encoders: readonly ColumnEncoder[]) {
    super(column, encoders)
    this.#fields = fields
    this.#placeOf = placesOf(fields)
    for (const [place, { name }] of fields.entries()) (encoders[place] as ColumnEncoder).field = name
  }

  override fill(span: Span): number {
    try {
      return this.#fill(span)
    } finally {
      // what belongs to the app is not kept
      this.#structs.fill(NO_FIELDS, 0, span.to - span.from)
    }
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
    return this.fillVectors({ records: structs, from: 0, to: count, startRow, whole }, from)
  }

  protected override choose(): void {
    // the same records for all: each reads its own field
  }

  protected override nameOf(place: number): string {
    return (this.#fields[place] as TypeField).name
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
