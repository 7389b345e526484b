import { decimalBytes } from '@ducksink/worker'
import { ColumnEncoder, type ColumnInfo, type FieldRecord, fieldValue, type Span } from './column-encoder.ts'
import { decimalText } from './exact-number.ts'
import { writeBigint64, writeInt128 } from './integer-words.ts'
import { plainValue } from './plain-value.ts'
import { Refusal, type TextForm } from './refusal.ts'

// Decimals of so many digits are told apart by the doubles nearest to them, so that what one of them is divided by
// its power of ten gives back is the shortest decimal that reads as the number.
const SAFE_UNITS = 1e15
/** Powers of ten that a double holds exactly. */
const MAX_SAFE_SCALE = 22

const TWO_32 = 2 ** 32
const NARROW = { 2: Int16Array, 4: Int32Array, 8: Int32Array, 16: Int32Array } as const

/** DECIMAL of every width, from a bigint, decimal text, a number or what stands for one. */
export class DecimalColumn extends ColumnEncoder {
  readonly #bytes: 2 | 4 | 8 | 16
  /** The units of a narrow decimal, one element each; those of a wide one as words. */
  #units: Int16Array | Int32Array
  readonly #scale: number
  readonly #factor: number
  /** Numbers whose units are at or above this take the slow way. */
  readonly #limit: number
  readonly #textForm: TextForm

  constructor(column: ColumnInfo, width: number, scale: number) {
    super(column)
    this.#bytes = decimalBytes(width)
    this.#units = new NARROW[this.#bytes](this.buffer)
    this.#scale = scale
    this.#factor = 10 ** scale
    this.#limit = scale > MAX_SAFE_SCALE ? 0 : Math.min(10 ** width, SAFE_UNITS)
    this.#textForm = decimalText(width, scale)
  }

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    const factor = this.#factor
    const limit = this.#limit
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (typeof value === 'number') {
        const units = Math.round(value * factor)
        if (Math.abs(units) < limit && units / factor === value) {
          this.#write(units, row)
          continue
        }
      }
      this.#fillOther(value, row, i)
    }
    return to - from
  }

  protected override mapBuffer(): void {
    this.#units = new NARROW[this.#bytes](this.buffer)
  }

  #write(units: number, row: number): void {
    const target = this.#units
    if (this.#bytes <= 4) {
      target[row] = units
      return
    }
    const at = row * (this.#bytes >> 2)
    const high = Math.floor(units / TWO_32)
    target[at] = units - high * TWO_32
    target[at + 1] = high
    if (this.#bytes === 16) target[at + 2] = target[at + 3] = units < 0 ? -1 : 0
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    const text = this.#textForm(plainValue('DECIMAL', value))
    if (text instanceof Refusal) this.refuse(index, value, text.expected, text.cause)
    const units = unitsOf(text, this.#scale)
    if (this.#bytes <= 4) this.#units[row] = Number(units)
    else if (this.#bytes === 8) writeBigint64(units, this.#units as Int32Array, row * 2)
    else writeInt128(units, this.#units as Int32Array, row * 4)
  }
}

/** The units of a plain decimal's text: 1.5 at a scale of 2 is 150. */
function unitsOf(text: string, scale: number): bigint {
  const point = text.indexOf('.')
  if (point === -1) return BigInt(text) * 10n ** BigInt(scale)
  return BigInt(text.slice(0, point) + text.slice(point + 1).padEnd(scale, '0'))
}

/** What a DECIMAL holds: a number where its digits are so few that it means just them, else text. */
export function decimalValue(units: bigint, scale: number): number | string {
  const text = textOfUnits(units, scale)
  const isShort = units < BigInt(SAFE_UNITS) && units > -BigInt(SAFE_UNITS)
  return isShort ? Number(text) : text
}

function textOfUnits(units: bigint, scale: number): string {
  if (scale === 0) return String(units)
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${units < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}
