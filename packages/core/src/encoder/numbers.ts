import { NOT_A_BOOLEAN, toBoolean } from './boolean-text.ts'
import { ColumnEncoder, type ColumnInfo, type FieldRecord, ownValue, type Span } from './column-encoder.ts'
import { notAnInteger, toInteger, toNumber, toSingle } from './exact-number.ts'
import { plainValue } from './plain-value.ts'

// Each loop reads the field, writes the common kind of value, and leaves everything else to a slow method: NULL,
// the other kinds that are exact, and refusals. With checks this takes 5 to 10 ns a value.

const TWO_32 = 2 ** 32
const TWO_63 = 2 ** 63
const TWO_64 = 2 ** 64

/** TINYINT, SMALLINT and INTEGER, with and without sign. */
export class IntegerColumn extends ColumnEncoder {
  readonly #values: Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array
  readonly #min: number
  readonly #max: number

  constructor(column: ColumnInfo, bytes: 1 | 2 | 4, signed: boolean) {
    super(column)
    const bits = bytes * 8
    this.#min = signed ? -(2 ** (bits - 1)) : 0
    this.#max = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
    this.#values = new (signed ? SIGNED : UNSIGNED)[bytes](this.buffer)
  }

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    const values = this.#values
    const min = this.#min
    const max = this.#max
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = guarded ? ownValue(record, field) : record[field]
      if (typeof value === 'number' && value >= min && value <= max && Math.floor(value) === value) {
        values[row] = value
      } else {
        this.#fillOther(value, row, i)
      }
    }
    return to - from
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    const integer = toInteger(plainValue(this.column.type.id, value))
    if (integer === undefined) this.refuse(index, value, notAnInteger(value))
    if (integer < this.#min || integer > this.#max) this.refuse(index, value, 'it is out of range')
    this.#values[row] = Number(integer)
  }
}

const SIGNED = { 1: Int8Array, 2: Int16Array, 4: Int32Array } as const
const UNSIGNED = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array } as const

/** BIGINT and UBIGINT; numbers are written as two words, without a bigint. */
export class BigintColumn extends ColumnEncoder {
  readonly #words: Uint32Array
  readonly #bigints: BigInt64Array | BigUint64Array
  readonly #signed: boolean

  constructor(column: ColumnInfo, signed: boolean) {
    super(column)
    this.#signed = signed
    this.#words = new Uint32Array(this.buffer)
    this.#bigints = signed ? new BigInt64Array(this.buffer) : new BigUint64Array(this.buffer)
  }

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    const words = this.#words
    const min = this.#signed ? -TWO_63 : 0
    const end = this.#signed ? TWO_63 : TWO_64
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = guarded ? ownValue(record, field) : record[field]
      if (typeof value === 'number' && value >= min && value < end && Math.floor(value) === value) {
        const high = Math.floor(value / TWO_32)
        words[row * 2] = value - high * TWO_32
        words[row * 2 + 1] = high
      } else {
        this.#fillOther(value, row, i)
      }
    }
    return to - from
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    const integer = toInteger(plainValue(this.column.type.id, value))
    if (integer === undefined) this.refuse(index, value, notAnInteger(value))
    const fits = (this.#signed ? BigInt.asIntN(64, integer) : BigInt.asUintN(64, integer)) === integer
    if (!fits) this.refuse(index, value, 'it is out of range')
    this.#bigints[row] = integer
  }
}

/** DOUBLE. */
export class DoubleColumn extends ColumnEncoder {
  readonly #values: Float64Array = new Float64Array(this.buffer)

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    const values = this.#values
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = guarded ? ownValue(record, field) : record[field]
      if (typeof value === 'number') values[row] = value
      else this.#fillOther(value, row, i)
    }
    return to - from
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    const number = toNumber(value)
    if (number === undefined) this.refuse(index, value, 'it is not exactly a double')
    this.#values[row] = number
  }
}

/** FLOAT: only numbers that single precision holds exactly; `Math.fround` makes any number one. */
export class FloatColumn extends ColumnEncoder {
  readonly #values: Float32Array = new Float32Array(this.buffer)

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    const values = this.#values
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = guarded ? ownValue(record, field) : record[field]
      if (typeof value === 'number' && Math.fround(value) === value) values[row] = value
      else this.#fillOther(value, row, i)
    }
    return to - from
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    const single = toSingle(value)
    if (single === undefined) {
      this.refuse(index, value, 'single precision would change it; use Math.fround(), or a DOUBLE column')
    }
    this.#values[row] = single
  }
}

/** BOOLEAN. */
export class BooleanColumn extends ColumnEncoder {
  readonly #values: Uint8Array = new Uint8Array(this.buffer)

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    const values = this.#values
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = guarded ? ownValue(record, field) : record[field]
      if (value === true) values[row] = 1
      else if (value === false) values[row] = 0
      else this.#fillOther(value, row, i)
    }
    return to - from
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    const boolean = toBoolean(value)
    if (boolean === undefined) this.refuse(index, value, NOT_A_BOOLEAN)
    this.#values[row] = boolean ? 1 : 0
  }
}
