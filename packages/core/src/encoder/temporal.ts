/**
 * Dates and times as DuckDB stores them: from text and from `Date`, exactly or not at all.
 *
 * The grammar is a strict part of DuckDB's own, with the same meaning. What DuckDB would change is refused: more
 * digits than the column holds (it rounds or cuts), an offset where the column has no zone (TIMESTAMP drops it,
 * TIMESTAMP_NS applies it), no offset where it has one (it takes the session's zone).
 * @see https://duckdb.org/docs/stable/sql/data_types/timestamp
 */

import { writeInt64, writeProduct } from './integer-words.ts'

/** The types of a point in time, each an int64 count of its own unit since 1970. */
export type TimestampTypeId = 'TIMESTAMP' | 'TIMESTAMP_S' | 'TIMESTAMP_MS' | 'TIMESTAMP_NS' | 'TIMESTAMPTZ'

/**
 * Writes a value as the two words of an int64, low word at `words[at]`; false, and nothing written, when refused.
 *
 * Words and not a bigint: no allocation a value.
 */
export type Int64Writer<T> = (value: T, words: Int32Array, at: number) => boolean

/** The number of a timestamp type's units in a second. */
export const UNITS_PER_SECOND: Readonly<Record<TimestampTypeId, number>> = {
  TIMESTAMP_S: 1,
  TIMESTAMP_MS: 1_000,
  TIMESTAMP: 1_000_000,
  TIMESTAMPTZ: 1_000_000,
  TIMESTAMP_NS: 1_000_000_000,
}

const SECONDS_PER_DAY = 86_400
const NANOS_PER_SECOND = 1_000_000_000

// DuckDB keeps the outermost values for infinity.
const INFINITE_DAYS = 2_147_483_647
const MAX_OFFSET_HOURS = 15

// The first second, and the last with its last nanosecond, that DuckDB reads: int64 microseconds or nanoseconds.
const MICRO_RANGE = { first: -9_223_372_022_400, last: 9_223_372_036_854, lastNanos: 775_806_000 }
const NANO_RANGE = { first: -9_223_286_400, last: 9_223_372_036, lastNanos: 854_775_806 }

const [ZERO, COLON, POINT, MINUS, PLUS, SPACE, UPPER_T, UPPER_Z] = [48, 58, 46, 45, 43, 32, 84, 90] as const
const BC = ' (BC)'

// What the scanners found, and where they stand: kept here, as a result object a value would cost more than the
// scan. Nothing awaits in between.
let position = 0
let days = 0
let seconds = 0
let nanos = 0

/** Days from 1970-01-01 to a DATE's text (`YYYY-MM-DD`, ` (BC)` after it, `infinity`, `epoch`), or undefined. */
export function parseDate(text: string): number | undefined {
  if (scanDate(text)) return position === text.length && isDateDays(days) ? days : undefined
  if (text === 'infinity') return INFINITE_DAYS
  if (text === '-infinity') return -INFINITE_DAYS
  return text === 'epoch' ? 0 : undefined
}

/** Microseconds since midnight of a TIME's text (`HH:MM[:SS[.ffffff]]`, up to `24:00:00`), or undefined. */
export function parseTime(text: string): number | undefined {
  const nanosOfDay = parseTimeNanos(text)
  return nanosOfDay === undefined || nanosOfDay % 1_000 !== 0 ? undefined : nanosOfDay / 1_000
}

/** Nanoseconds since midnight of a TIME_NS's text (`HH:MM[:SS[.fffffffff]]`, up to `24:00:00`), or undefined. */
export function parseTimeNanos(text: string): number | undefined {
  position = 0
  if (!scanClock(text) || position !== text.length) return undefined
  return seconds * NANOS_PER_SECOND + nanos
}

/** What a TIMETZ's text says: a time of at most six digits of a second, and an offset (`Z`, `+hh[:mm[:ss]]`). */
export function parseTimeWithZone(text: string): { micros: number; offset: number } | undefined {
  position = 0
  // DuckDB reads an offset after the seconds only
  if (!scanClock(text) || nanos % 1_000 !== 0 || position === 'HH:MM'.length) return undefined
  const micros = seconds * 1_000_000 + nanos / 1_000
  const offset = scanOffset(text)
  return offset === undefined || position !== text.length ? undefined : { micros, offset }
}

/** Days since 1970 of a `Date` that is midnight in UTC, or undefined. */
export function daysOfDate(date: Date): number | undefined {
  const value = date.getTime() / 86_400_000
  return Number.isInteger(value) ? value : undefined
}

/** Compiles the reader of a timestamp type's text; TIMESTAMPTZ needs an offset, the others take none but zero. */
export function timestampTextWriter(id: TimestampTypeId): Int64Writer<string> {
  const perSecond = UNITS_PER_SECOND[id]
  const nanosPerUnit = NANOS_PER_SECOND / perSecond
  const hasZone = id === 'TIMESTAMPTZ'
  return (text, words, at) => {
    if (!scanTimestamp(text, hasZone)) return writeNamed(text, words, at)
    if (nanos % nanosPerUnit !== 0 || !isInRange(id, seconds, nanos)) return false
    writeProduct(seconds, perSecond, nanos / nanosPerUnit, words, at)
    return true
  }
}

/** The units of a timestamp type in a millisecond, and the milliseconds up to which those are a safe whole number. */
export function millisecondsOf(id: TimestampTypeId): {
  readonly perMilli: number
  readonly maxMillis: number
} {
  const perMilli = UNITS_PER_SECOND[id] / 1_000
  // every unit's range holds the safe numbers
  return { perMilli, maxMillis: perMilli < 1 ? -1 : Number.MAX_SAFE_INTEGER / perMilli }
}

/** Compiles the writer of `Date`s into a timestamp type: invalid dates are refused, and what its unit cannot hold. */
export function timestampDateWriter(id: TimestampTypeId): Int64Writer<Date> {
  const perSecond = UNITS_PER_SECOND[id]
  const { perMilli, maxMillis } = millisecondsOf(id)
  return (date, words, at) => {
    const millis = date.getTime()
    if (millis <= maxMillis && millis >= -maxMillis) {
      writeInt64(millis * perMilli, words, at)
      return true
    }
    const second = Math.floor(millis / 1_000)
    const units = ((millis - second * 1_000) * perSecond) / 1_000
    const nanosOfSecond = (millis - second * 1_000) * 1_000_000
    if (!Number.isInteger(units) || !isInRange(id, second, nanosOfSecond)) return false
    writeProduct(second, perSecond, units, words, at)
    return true
  }
}

function isInRange(id: TimestampTypeId, second: number, nano: number): boolean {
  const { first, last, lastNanos } = id === 'TIMESTAMP_NS' ? NANO_RANGE : MICRO_RANGE
  return second >= first && (second < last || (second === last && nano <= lastNanos))
}

function isDateDays(value: number): boolean {
  return value > -INFINITE_DAYS && value < INFINITE_DAYS
}

function isNamed(text: string): boolean {
  return text === 'infinity' || text === '-infinity' || text === 'epoch'
}

function writeNamed(text: string, words: Int32Array, at: number): boolean {
  if (!isNamed(text)) return false
  const [low, high] = text === 'epoch' ? [0, 0] : text === 'infinity' ? [-1, 0x7fffffff] : [1, -0x80000000]
  words[at] = low
  words[at + 1] = high
  return true
}

/** Date, separator, time and offset: sets `seconds` (since 1970, UTC) and `nanos`. */
function scanTimestamp(text: string, hasZone: boolean): boolean {
  if (!scanDate(text)) return false
  seconds = 0
  nanos = 0
  if (position === text.length) {
    seconds = days * SECONDS_PER_DAY
    return !hasZone
  }
  const separator = text.charCodeAt(position)
  if (separator !== SPACE && separator !== UPPER_T) return false
  const start = ++position
  if (!scanClock(text) || seconds === SECONDS_PER_DAY) return false
  const local = days * SECONDS_PER_DAY + seconds
  seconds = local
  if (position === text.length) return !hasZone
  // DuckDB reads an offset after the seconds only, and checks the local time's range too
  if (position === start + 'HH:MM'.length || !isInRange('TIMESTAMP', local, 0)) return false
  const offset = scanOffset(text)
  if (offset === undefined || (offset !== 0 && !hasZone)) return false
  seconds = local - offset
  return position === text.length
}

/** `YYYY-MM-DD` with four to seven digits of the year, before it a minus or after it ` (BC)`: sets `days`. */
function scanDate(text: string): boolean {
  const isNegative = text.charCodeAt(0) === MINUS
  position = isNegative ? 1 : 0
  const start = position
  let year = 0
  for (let digit = digitAt(text, position); digit >= 0; digit = digitAt(text, position)) {
    year = year * 10 + digit
    position++
  }
  const length = position - start
  if (length < 4 || length > 7 || text.charCodeAt(position) !== MINUS) return false
  const month = twoDigits(text, position + 1)
  if (text.charCodeAt(position + 3) !== MINUS) return false
  const day = twoDigits(text, position + 4)
  position += 6
  if (isNegative) year = -year
  else if (text.charCodeAt(position) === SPACE && text.startsWith(BC, position)) {
    if (year === 0) return false
    year = 1 - year
    position += BC.length
  }
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return false
  days = daysSinceEpoch(year, month, day)
  return true
}

/** `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f...` up to `24:00:00`, at `position`: sets `seconds` (of the day) and `nanos`. */
function scanClock(text: string): boolean {
  const hour = twoDigits(text, position)
  const minute = twoDigits(text, position + 3)
  if (hour < 0 || minute < 0 || minute > 59 || text.charCodeAt(position + 2) !== COLON) return false
  position += 5
  let second = 0
  nanos = 0
  if (text.charCodeAt(position) === COLON) {
    second = twoDigits(text, position + 1)
    if (second < 0 || second > 59) return false
    position += 3
    if (text.charCodeAt(position) === POINT && !scanFraction(text)) return false
  }
  seconds = hour * 3_600 + minute * 60 + second
  return seconds < SECONDS_PER_DAY || (seconds === SECONDS_PER_DAY && nanos === 0)
}

/** A point and digits, those after the ninth all zero: sets `nanos`. */
function scanFraction(text: string): boolean {
  const start = ++position
  let weight = NANOS_PER_SECOND / 10
  for (let digit = digitAt(text, position); digit >= 0; digit = digitAt(text, position)) {
    if (weight < 1 && digit !== 0) return false
    nanos += weight < 1 ? 0 : digit * weight
    weight /= 10
    position++
  }
  return position > start
}

/** `Z` or a sign and `hh[:mm[:ss]]`, at `position`: the seconds that the zone is ahead of UTC, or undefined. */
function scanOffset(text: string): number | undefined {
  const sign = text.charCodeAt(position++)
  if (sign === UPPER_Z) return 0
  if (sign !== PLUS && sign !== MINUS) return undefined
  const hour = twoDigits(text, position)
  if (hour < 0 || hour > MAX_OFFSET_HOURS) return undefined
  position += 2
  let offset = hour * 3_600
  for (let weight = 60; weight >= 1 && text.charCodeAt(position) === COLON; weight /= 60) {
    const part = twoDigits(text, position + 1)
    if (part < 0 || part > 59) return undefined
    offset += part * weight
    position += 3
  }
  return sign === MINUS ? -offset : offset
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO
  return digit >= 0 && digit <= 9 ? digit : -1
}

function twoDigits(text: string, at: number): number {
  const tens = digitAt(text, at)
  const ones = digitAt(text, at + 1)
  return tens < 0 || ones < 0 ? -1 : tens * 10 + ones
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar, years counted from March. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468
}
