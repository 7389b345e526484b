import { NOT_A_BOOLEAN, toBoolean } from './boolean-text.ts'
import { ColumnEncoder, type FieldRecord, type Span } from './column-encoder.ts'
import { FieldLoop } from './field-loop.ts'
import type { GivenValues } from './given-values.ts'
import type { ValueTarget } from './value-target.ts'

/** BOOLEAN. */
export class BooleanColumn extends ColumnEncoder {
  readonly #target: ValueTarget<Uint8Array> = {
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
  { values, fillOther }: ValueTarget<Uint8Array>,
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
