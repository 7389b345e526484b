import { toInteger } from './exact-number.ts'
import { isPlainRecord } from './plain-record.ts'
import { Refusal } from './refusal.ts'
import { readBigint64, writeBigint64 } from './words-column.ts'

const INT32 = { min: -(2n ** 31n), max: 2n ** 31n - 1n }
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

const MONTHS: Readonly<Record<string, bigint>> = { year: 12n, month: 1n, mon: 1n }
const DAYS: Readonly<Record<string, bigint>> = { week: 7n, day: 1n }
const MICROS: Readonly<Record<string, bigint>> = {
  hour: 3_600_000_000n,
  minute: 60_000_000n,
  second: 1_000_000n,
  millisecond: 1_000n,
  microsecond: 1n,
}

const AMOUNT = /(-?\d{1,19})(?:\.(\d{1,6})0*(?= *second))? +([a-z]+?)s?(?: +|$)/y
const CLOCK = /(-?)(\d{1,12}):([0-5]\d):([0-5]\d)(?:\.(\d{1,6})0*)?$/y

interface IntervalParts {
  months: bigint
  days: bigint
  micros: bigint
}

/**
 * Writes an INTERVAL, from `{ months, days, micros }` or text as DuckDB prints it.
 *
 * DuckDB's own grammar takes more, and cuts what is finer than a microsecond.
 */
export function writeInterval(value: unknown, words: Int32Array, at: number): Refusal | undefined {
  const parts = typeof value === 'string' ? partsOfText(value) : partsOfObject(value)
  if (parts === undefined) {
    return new Refusal("it is neither { months, days, micros } nor text such as '1 year 2 days 03:04:05.678'")
  }
  const { months, days, micros } = parts
  const fits = isWithin(months, INT32) && isWithin(days, INT32) && isWithin(micros, INT64)
  if (!fits) return new Refusal('it is out of range')
  words[at] = Number(months)
  words[at + 1] = Number(days)
  writeBigint64(micros, words, at + 2)
  return undefined
}

/** A text that INTERVALs have in common where DuckDB takes them for equal: a month is 30 days, a day 24 hours. */
export function intervalIdentity(words: Int32Array, at: number): string {
  const micros = readBigint64(words, at + 2)
  const days = (words[at + 1] as number) + Number(micros / MICROS_PER_DAY)
  const months = (words[at] as number) + Math.trunc(days / DAYS_PER_MONTH)
  return `${months} ${days % DAYS_PER_MONTH} ${micros % MICROS_PER_DAY}`
}

const MICROS_PER_DAY = 86_400_000_000n
const DAYS_PER_MONTH = 30

function isWithin(value: bigint, { min, max }: { min: bigint; max: bigint }): boolean {
  return value >= min && value <= max
}

function partsOfObject(value: unknown): IntervalParts | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // node-api's DuckDBIntervalValue is a class with just these properties
  const keys = Object.keys(value)
  const isParts =
    keys.length > 0 && keys.every((key) => key === 'months' || key === 'days' || key === 'micros')
  if (!isParts || Array.isArray(value) || !(isPlainRecord(value) || keys.length === 3)) return undefined
  const { months = 0, days = 0, micros = 0 } = value as Record<string, unknown>
  const parts = { months: toInteger(months), days: toInteger(days), micros: toInteger(micros) }
  if (parts.months === undefined || parts.days === undefined || parts.micros === undefined) return undefined
  return parts as IntervalParts
}

function partsOfText(text: string): IntervalParts | undefined {
  const parts: IntervalParts = { months: 0n, days: 0n, micros: 0n }
  if (text === '') return undefined
  let at = 0
  while (at < text.length) {
    AMOUNT.lastIndex = at
    const amount = AMOUNT.exec(text)
    // in '12 hours -04:05:06' DuckDB takes the minus for both
    if (amount === null) return parts.micros === 0n && addClock(parts, text, at) ? parts : undefined
    if (!addAmount(parts, amount)) return undefined
    at = AMOUNT.lastIndex
  }
  return parts
}

function addAmount(parts: IntervalParts, [, whole = '', fraction = '', unit = '']: RegExpExecArray): boolean {
  const amount = BigInt(whole)
  const fractionMicros = BigInt(fraction.padEnd(6, '0')) * (whole.startsWith('-') ? -1n : 1n)
  if (Object.hasOwn(MONTHS, unit)) parts.months += amount * (MONTHS[unit] as bigint)
  else if (Object.hasOwn(DAYS, unit)) parts.days += amount * (DAYS[unit] as bigint)
  else if (Object.hasOwn(MICROS, unit)) parts.micros += amount * (MICROS[unit] as bigint) + fractionMicros
  else return false
  return true
}

function addClock(parts: IntervalParts, text: string, at: number): boolean {
  CLOCK.lastIndex = at
  const clock = CLOCK.exec(text)
  if (clock === null) return false
  const [, sign, hours = '', minutes = '', seconds = '', fraction = ''] = clock
  const second = BigInt(hours) * 3_600n + BigInt(minutes) * 60n + BigInt(seconds)
  const micros = second * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  parts.micros += sign === '-' ? -micros : micros
  return true
}
