import { type EnumType, enumBytes } from '@ducksink/worker'
import { ColumnEncoder, type ColumnInfo, type FieldRecord, fieldValue, type Span } from './column-encoder.ts'

const INDEXES = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array } as const

/** ENUM: the place of each value among those of the type. */
export class EnumColumn extends ColumnEncoder {
  readonly #bytes: 1 | 2 | 4
  #indexes: Uint8Array | Uint16Array | Uint32Array
  readonly #places: ReadonlyMap<unknown, number>

  constructor(column: ColumnInfo, { values }: EnumType) {
    super(column)
    this.#bytes = enumBytes(values.length)
    this.#indexes = new INDEXES[this.#bytes](this.buffer)
    this.#places = new Map(values.map((value, index) => [value, index]))
  }

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    const indexes = this.#indexes
    const places = this.#places
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      const place = places.get(value)
      if (place !== undefined) indexes[row] = place
      else if (value === null || value === undefined) this.setNull(row)
      else this.refuse(i, value, 'it is none of the values of the ENUM')
    }
    return to - from
  }

  protected override mapBuffer(): void {
    this.#indexes = new INDEXES[this.#bytes](this.buffer)
  }
}
