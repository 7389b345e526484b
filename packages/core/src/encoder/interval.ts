import { toInteger } from './exact-number.ts'
import { readBigint64, writeBigint64 } from './integer-words.ts'
import { isPlainRecord } from './plain-record.ts'
import { plainValue } from './plain-value.ts'
import { Refusal } from './refusal.ts'

const INT32 = { min: -(2n ** 31n), max: 2n ** 31n - 1n }
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

interface Unit {
  readonly part: keyof IntervalParts
  readonly weight: bigint
}

/** DuckDB's words for the units, each with what it is of one of the three parts. */
const UNITS: ReadonlyMap<string, Unit> = new Map([
  ...unit('months', 12_000n, 'millennium millenniums millennia millenium mil mils'),
  ...unit('months', 1_200n, 'century centuries cent c'),
  ...unit('months', 120n, 'decade decades dec decs'),
  ...unit('months', 12n, 'year years yr yrs y'),
  ...unit('months', 3n, 'quarter quarters'),
  ...unit('months', 1n, 'month months mon mons'),
  ...unit('days', 7n, 'week weeks w'),
  ...unit('days', 1n, 'day days d'),
  ...unit('micros', 3_600_000_000n, 'hour hours hr hrs h'),
  ...unit('micros', 60_000_000n, 'minute minutes min mins m'),
  ...unit('micros', 1_000_000n, 'second seconds sec secs s'),
  ...unit('micros', 1_000n, 'millisecond milliseconds ms msec msecs msecond mseconds'),
  ...unit('micros', 1n, 'microsecond microseconds us usec usecs usecond useconds'),
])

const AMOUNT = /(-?\d{1,19})(?:\.(\d{1,6})0*(?= *s(?:ec(?:ond)?s?)?\b))? *([a-z]+)(?: +|$)/iy
const CLOCK = /(-?)(\d{1,12}):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6})0*)?)?$/y

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
  const plain = plainValue('INTERVAL', value)
  const parts = typeof plain === 'string' ? partsOfText(plain) : partsOfObject(plain)
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

function unit(part: keyof IntervalParts, weight: bigint, words: string): [string, Unit][] {
  return words.split(' ').map((word) => [word, { part, weight }])
}

function isWithin(value: bigint, { min, max }: { min: bigint; max: bigint }): boolean {
  return value >= min && value <= max
}

function partsOfObject(value: unknown): IntervalParts | undefined {
  if (!isPlainRecord(value)) return undefined
  const keys = Object.keys(value)
  const isParts =
    keys.length > 0 && keys.every((key) => key === 'months' || key === 'days' || key === 'micros')
  if (!isParts) return undefined
  const { months = 0, days = 0, micros = 0 } = value
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

function addAmount(parts: IntervalParts, [, whole = '', fraction = '', word = '']: RegExpExecArray): boolean {
  const known = UNITS.get(word.toLowerCase())
  if (known === undefined) return false
  const amount = BigInt(whole)
  const fractionMicros = BigInt(fraction.padEnd(6, '0')) * (whole.startsWith('-') ? -1n : 1n)
  parts[known.part] += amount * known.weight + fractionMicros
  return true
}

function addClock(parts: IntervalParts, text: string, at: number): boolean {
  CLOCK.lastIndex = at
  const clock = CLOCK.exec(text)
  if (clock === null) return false
  const [, sign, hours = '', minutes = '', seconds = '0', fraction = ''] = clock
  const second = BigInt(hours) * 3_600n + BigInt(minutes) * 60n + BigInt(seconds)
  const micros = second * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  parts.micros += sign === '-' ? -micros : micros
  return true
}
