import { NOT_A_BOOLEAN, toBoolean } from './boolean-text.ts'
import { ColumnEncoder, type ColumnInfo, type FieldRecord, type Span } from './column-encoder.ts'
import { notAnInteger, toInteger, toNumber, toSingle } from './exact-number.ts'
import { FieldLoop } from './field-loop.ts'
import type { GivenValues } from './given-values.ts'
import { plainValue } from './plain-value.ts'

// Each loop reads the field, writes the common kind of value, and leaves everything else to a slow method: NULL,
// the other kinds that are exact, and refusals. With checks this takes 5 to 10 ns a value.

/** What a loop writes the common kind of value to, and calls for any other. */
interface Target<Values> {
  /** Replaced where the buffer has grown. */
  values: Values
  readonly fillOther: (value: unknown, row: number, index: number) => void
}

const TWO_32 = 2 ** 32
const TWO_63 = 2 ** 63
const TWO_64 = 2 ** 64

type Integers = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array

interface IntegerTarget extends Target<Integers> {
  readonly min: number
  readonly max: number
}

/** TINYINT, SMALLINT and INTEGER, with and without sign. */
export class IntegerColumn extends ColumnEncoder {
  readonly #view: (typeof SIGNED | typeof UNSIGNED)[1 | 2 | 4]
  readonly #target: IntegerTarget
  readonly #loop: FieldLoop<IntegerTarget>

  constructor(column: ColumnInfo, bytes: 1 | 2 | 4, signed: boolean) {
    super(column)
    const bits = bytes * 8
    this.#view = (signed ? SIGNED : UNSIGNED)[bytes]
    this.#target = {
      values: new this.#view(this.buffer),
      fillOther: (value, row, index) => this.#fillOther(value, row, index),
      min: signed ? -(2 ** (bits - 1)) : 0,
      max: signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1,
    }
    this.#loop = new FieldLoop(fillIntegers, this.#target)
  }

  override fill(span: Span): number {
    return this.#loop.run(span, this.field, this.guarded)
  }

  override given(): GivenValues | undefined {
    return this.hasConverted ? undefined : { kind: 'numbers', values: this.#target.values }
  }

  protected override mapBuffer(): void {
    this.#target.values = new this.#view(this.buffer)
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    this.hasConverted = true
    const integer = toInteger(plainValue(this.column.type.id, value))
    if (integer === undefined) this.refuse(index, value, notAnInteger(value))
    const { values, min, max } = this.#target
    if (integer < min || integer > max) this.refuse(index, value, 'it is out of range')
    values[row] = Number(integer)
  }
}

function fillIntegers(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  { values, min, max, fillOther }: IntegerTarget,
): number {
  for (let i = from, row = startRow; i < to; i++, row++) {
    const record = records[i] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    if (typeof value === 'number' && value >= min && value <= max && Math.floor(value) === value) {
      values[row] = value
    } else {
      fillOther(value, row, i)
    }
  }
  return to - from
}

const SIGNED = { 1: Int8Array, 2: Int16Array, 4: Int32Array } as const
const UNSIGNED = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array } as const

interface BigintTarget extends Target<Uint32Array> {
  readonly min: number
  readonly end: number
  /** 2 ** 32 */
  readonly word: number
}

/** BIGINT and UBIGINT; numbers are written as two words, without a bigint. */
export class BigintColumn extends ColumnEncoder {
  #bigints: BigInt64Array | BigUint64Array
  readonly #signed: boolean
  readonly #target: BigintTarget
  readonly #loop: FieldLoop<BigintTarget>

  constructor(column: ColumnInfo, signed: boolean) {
    super(column)
    this.#signed = signed
    this.#bigints = signed ? new BigInt64Array(this.buffer) : new BigUint64Array(this.buffer)
    this.#target = {
      values: new Uint32Array(this.buffer),
      fillOther: (value, row, index) => this.#fillOther(value, row, index),
      min: signed ? -TWO_63 : 0,
      end: signed ? TWO_63 : TWO_64,
      word: TWO_32,
    }
    this.#loop = new FieldLoop(fillBigints, this.#target)
  }

  override fill(span: Span): number {
    return this.#loop.run(span, this.field, this.guarded)
  }

  override given(): GivenValues | undefined {
    if (this.hasConverted) return undefined
    return { kind: 'numbers of words', words: new Int32Array(this.buffer), units: 1, isSigned: this.#signed }
  }

  protected override mapBuffer(): void {
    this.#bigints = this.#signed ? new BigInt64Array(this.buffer) : new BigUint64Array(this.buffer)
    this.#target.values = new Uint32Array(this.buffer)
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    this.hasConverted = true
    const integer = toInteger(plainValue(this.column.type.id, value))
    if (integer === undefined) this.refuse(index, value, notAnInteger(value))
    const fits = (this.#signed ? BigInt.asIntN(64, integer) : BigInt.asUintN(64, integer)) === integer
    if (!fits) this.refuse(index, value, 'it is out of range')
    this.#bigints[row] = integer
  }
}

function fillBigints(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  { values, min, end, word, fillOther }: BigintTarget,
): number {
  for (let i = from, row = startRow; i < to; i++, row++) {
    const record = records[i] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    if (typeof value === 'number' && value >= min && value < end && Math.floor(value) === value) {
      const high = Math.floor(value / word)
      values[row * 2] = value - high * word
      values[row * 2 + 1] = high
    } else {
      fillOther(value, row, i)
    }
  }
  return to - from
}

/** DOUBLE. */
export class DoubleColumn extends ColumnEncoder {
  readonly #target: Target<Float64Array> = {
    values: new Float64Array(this.buffer),
    fillOther: (value, row, index) => this.#fillOther(value, row, index),
  }

  readonly #loop = new FieldLoop(fillDoubles, this.#target)

  override fill(span: Span): number {
    return this.#loop.run(span, this.field, this.guarded)
  }

  override identity(row: number): string {
    return numberIdentity(this.#target.values[row] as number)
  }

  override given(): GivenValues | undefined {
    return this.hasConverted ? undefined : { kind: 'numbers', values: this.#target.values }
  }

  protected override mapBuffer(): void {
    this.#target.values = new Float64Array(this.buffer)
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    this.hasConverted = true
    const number = toNumber(value)
    if (number === undefined) this.refuse(index, value, 'it is not exactly a double')
    this.#target.values[row] = number
  }
}

function fillDoubles(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  { values, fillOther }: Target<Float64Array>,
): number {
  for (let i = from, row = startRow; i < to; i++, row++) {
    const record = records[i] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    if (typeof value === 'number') values[row] = value
    else fillOther(value, row, i)
  }
  return to - from
}

/** FLOAT: only numbers that single precision holds exactly; `Math.fround` makes any number one. */
export class FloatColumn extends ColumnEncoder {
  readonly #target: Target<Float32Array> = {
    values: new Float32Array(this.buffer),
    fillOther: (value, row, index) => this.#fillOther(value, row, index),
  }

  readonly #loop = new FieldLoop(fillFloats, this.#target)

  override fill(span: Span): number {
    return this.#loop.run(span, this.field, this.guarded)
  }

  override identity(row: number): string {
    return numberIdentity(this.#target.values[row] as number)
  }

  override given(): GivenValues | undefined {
    return this.hasConverted ? undefined : { kind: 'numbers', values: this.#target.values }
  }

  protected override mapBuffer(): void {
    this.#target.values = new Float32Array(this.buffer)
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    this.hasConverted = true
    const single = toSingle(value)
    if (single === undefined) {
      this.refuse(index, value, 'single precision would change it; use Math.fround(), or a DOUBLE column')
    }
    this.#target.values[row] = single
  }
}

function fillFloats(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  { values, fillOther }: Target<Float32Array>,
): number {
  for (let i = from, row = startRow; i < to; i++, row++) {
    const record = records[i] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    if (typeof value === 'number' && Math.fround(value) === value) values[row] = value
    else fillOther(value, row, i)
  }
  return to - from
}

/** BOOLEAN. */
export class BooleanColumn extends ColumnEncoder {
  readonly #target: Target<Uint8Array> = {
    values: new Uint8Array(this.buffer),
    fillOther: (value, row, index) => this.#fillOther(value, row, index),
  }

  readonly #loop = new FieldLoop(fillBooleans, this.#target)

  override fill(span: Span): number {
    return this.#loop.run(span, this.field, this.guarded)
  }

  override given(): GivenValues | undefined {
    return this.hasConverted ? undefined : { kind: 'booleans', values: this.#target.values }
  }

  protected override mapBuffer(): void {
    this.#target.values = new Uint8Array(this.buffer)
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    this.hasConverted = true
    const boolean = toBoolean(value)
    if (boolean === undefined) this.refuse(index, value, NOT_A_BOOLEAN)
    this.#target.values[row] = boolean ? 1 : 0
  }
}

function fillBooleans(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  { values, fillOther }: Target<Uint8Array>,
): number {
  for (let i = from, row = startRow; i < to; i++, row++) {
    const record = records[i] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    if (value === true) values[row] = 1
    else if (value === false) values[row] = 0
    else fillOther(value, row, i)
  }
  return to - from
}

/** DuckDB takes -0 and 0 for equal, and every NaN. */
const numberIdentity = (value: number): string => String(value === 0 ? 0 : value)
