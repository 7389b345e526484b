import { ColumnEncoder, type ColumnInfo, type FieldRecord, type Span } from './column-encoder.ts'
import { notAnInteger, toInteger } from './exact-number.ts'
import { FieldLoop } from './field-loop.ts'
import type { GivenValues } from './given-values.ts'
import { plainValue } from './plain-value.ts'
import type { ValueTarget } from './value-target.ts'

const TWO_32 = 2 ** 32
const TWO_63 = 2 ** 63
const TWO_64 = 2 ** 64

type Integers = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array

interface IntegerTarget extends ValueTarget<Integers> {
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
    // `|` tells nearly all integers, and V8 needs no floating point for it
    const isInteger = typeof value === 'number' && ((value | 0) === value || Math.floor(value) === value)
    if (isInteger && value >= min && value <= max) {
      values[row] = value
    } else {
      fillOther(value, row, i)
    }
  }
  return to - from
}

const SIGNED = { 1: Int8Array, 2: Int16Array, 4: Int32Array } as const
const UNSIGNED = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array } as const

interface BigintTarget extends ValueTarget<Uint32Array> {
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
