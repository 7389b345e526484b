import { ColumnEncoder, type FieldRecord, type Span } from './column-encoder.ts'
import { toNumber, toSingle } from './exact-number.ts'
import { FieldLoop } from './field-loop.ts'
import type { GivenValues } from './given-values.ts'
import type { ValueTarget } from './value-target.ts'

/** DOUBLE. */
export class DoubleColumn extends ColumnEncoder {
  readonly #target: ValueTarget<Float64Array> = {
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
  { values, fillOther }: ValueTarget<Float64Array>,
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
  readonly #target: ValueTarget<Float32Array> = {
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
  { values, fillOther }: ValueTarget<Float32Array>,
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

/** DuckDB takes -0 and 0 for equal, and every NaN. */
const numberIdentity = (value: number): string => String(value === 0 ? 0 : value)
