import { ColumnEncoder, type ColumnInfo, type FieldRecord, fieldValue, type Span } from './column-encoder.ts'
import { FieldLoop } from './field-loop.ts'
import type { GivenValues } from './given-values.ts'
import { writeInt64 } from './integer-words.ts'
import { isDate } from './native-date.ts'
import { plainValue } from './plain-value.ts'
import {
  daysOfDate,
  type Int64Writer,
  millisecondsOf,
  parseDate,
  parseTime,
  type TimestampTypeId,
  timestampDateWriter,
  timestampTextWriter,
} from './temporal.ts'

const NOT_HELD = 'its precision or range does not hold it'
const NOT_A_TIME = 'it is not a time such as 12:34:56.789012'

/** DATE, from a `Date` at midnight in UTC or the date's text. */
export class DateColumn extends ColumnEncoder {
  #days: Int32Array = new Int32Array(this.buffer)

  protected override mapBuffer(): void {
    this.#days = new Int32Array(this.buffer)
  }

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value === null || value === undefined) {
        this.setNull(row)
        continue
      }
      const days = typeof value === 'string' ? parseDate(value) : daysOf(value)
      if (days === undefined) this.refuse(i, value, notADate(value))
      this.#days[row] = days
    }
    return to - from
  }
}

/** TIME, from its text. */
export class TimeColumn extends ColumnEncoder {
  #words: Int32Array = new Int32Array(this.buffer)

  protected override mapBuffer(): void {
    this.#words = new Int32Array(this.buffer)
  }

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value === null || value === undefined) {
        this.setNull(row)
        continue
      }
      const text = typeof value === 'string' ? value : plainValue('TIME', value)
      const micros = typeof text === 'string' ? parseTime(text) : undefined
      if (micros === undefined) this.refuse(i, value, text === value ? NOT_A_TIME : NOT_HELD)
      writeInt64(micros, this.#words, row * 2)
    }
    return to - from
  }
}

interface TimestampTarget {
  /** Replaced where the buffer has grown. */
  words: Int32Array
  readonly perMilli: number
  /** A `Date` of more milliseconds is not common. */
  readonly maxMillis: number
  /** 2 ** 32 */
  readonly word: number
  readonly fillOther: (value: unknown, row: number, index: number) => void
}

/** TIMESTAMP in each of its precisions, with and without time zone, from a `Date` or text. */
export class TimestampColumn extends ColumnEncoder {
  readonly #writeText: Int64Writer<string>
  readonly #writeDate: Int64Writer<Date>
  readonly #hasZone: boolean
  readonly #target: TimestampTarget
  readonly #loop: FieldLoop<TimestampTarget>

  constructor(column: ColumnInfo, id: TimestampTypeId) {
    super(column)
    this.#writeText = timestampTextWriter(id)
    this.#writeDate = timestampDateWriter(id)
    this.#hasZone = id === 'TIMESTAMPTZ'
    this.#target = {
      words: new Int32Array(this.buffer),
      ...millisecondsOf(id),
      word: 2 ** 32,
      fillOther: (value, row, index) => this.#fillOther(value, row, index),
    }
    this.#loop = new FieldLoop(fillTimestamps, this.#target)
  }

  override fill(span: Span): number {
    return this.#loop.run(span, this.field, this.guarded)
  }

  override given(): GivenValues | undefined {
    const { words, perMilli } = this.#target
    return this.hasConverted ? undefined : { kind: 'Dates', words, units: perMilli, isSigned: true }
  }

  protected override mapBuffer(): void {
    this.#target.words = new Int32Array(this.buffer)
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value === null || value === undefined) {
      this.setNull(row)
      return
    }
    this.hasConverted = true
    const { words } = this.#target
    const plain = typeof value === 'string' ? value : plainValue(this.column.type.id, value)
    const isWritten =
      typeof plain === 'string'
        ? this.#writeText(plain, words, row * 2)
        : isDate(plain) && this.#writeDate(plain, words, row * 2)
    if (isWritten) return
    this.refuse(index, value, plain === value ? notATimestamp(value, this.#hasZone) : NOT_HELD)
  }
}

function fillTimestamps(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  { words, perMilli, maxMillis, word, fillOther }: TimestampTarget,
): number {
  for (let i = from, row = startRow; i < to; i++, row++) {
    const record = records[i] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    const millis = value instanceof Date ? value.getTime() : Number.NaN
    if (millis <= maxMillis && millis >= -maxMillis) {
      const units = millis * perMilli
      const high = Math.floor(units / word)
      words[row * 2] = units - high * word
      words[row * 2 + 1] = high
    } else {
      fillOther(value, row, i)
    }
  }
  return to - from
}

function daysOf(value: unknown): number | undefined {
  if (isDate(value)) return daysOfDate(value)
  const text = plainValue('DATE', value)
  return typeof text === 'string' ? parseDate(text) : undefined
}

function notADate(value: unknown): string {
  if (!isDate(value)) return 'it is not a date such as 2026-11-22'
  return Number.isNaN(value.getTime()) ? 'it is an invalid Date' : 'it is not midnight in UTC'
}

function notATimestamp(value: unknown, hasZone: boolean): string {
  if (isDate(value)) {
    return Number.isNaN(value.getTime()) ? 'it is an invalid Date' : NOT_HELD
  }
  if (typeof value !== 'string') return 'only a Date or text can be a timestamp'
  return hasZone
    ? 'it is not a timestamp with an offset, such as 2026-11-22T12:34:56Z'
    : 'it is not a timestamp such as 2026-11-22 12:34:56.789 without an offset'
}
