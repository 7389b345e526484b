import { type TimestampTypeId, UNITS_PER_SECOND } from './temporal.ts'

const INFINITE_DAYS = 2_147_483_647
const INFINITE_UNITS = 2n ** 63n - 1n
const MAX_DATE_DAYS = 100_000_000
const MAX_DATE_MILLIS = 8_640_000_000_000_000n

/** What a DATE holds, as a `Date` at midnight in UTC or, where `Date` does not reach, as text that is read back. */
export function dateValue(days: number): Date | string {
  return Math.abs(days) <= MAX_DATE_DAYS ? new Date(days * 86_400_000) : dateText(days)
}

/** What a timestamp column holds, as a `Date` or, where that is not exact, as text that is read back. */
export function timestampValue(id: TimestampTypeId, units: bigint): Date | string {
  const perSecond = BigInt(UNITS_PER_SECOND[id])
  const millis = (units * 1_000n) / perSecond
  const isExact = (millis * perSecond) / 1_000n === units && (millis * perSecond) % 1_000n === 0n
  const isDate = isExact && millis >= -MAX_DATE_MILLIS && millis <= MAX_DATE_MILLIS
  return isDate ? new Date(Number(millis)) : timestampText(id, units)
}

/** The text of a DATE: `YYYY-MM-DD`, with ` (BC)` after years before 1. */
export function dateText(days: number): string {
  if (Math.abs(days) === INFINITE_DAYS) return days > 0 ? 'infinity' : '-infinity'
  // years counted from March, in eras of 400 of them
  const sinceEra0 = days + 719_468
  const era = Math.floor(sinceEra0 / 146_097)
  const dayOfEra = sinceEra0 - era * 146_097
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const monthAndDay = `-${padded(month, 2)}-${padded(day, 2)}`
  return year > 0 ? `${padded(year, 4)}${monthAndDay}` : `${padded(1 - year, 4)}${monthAndDay} (BC)`
}

/** The text of a TIME: `HH:MM:SS`, with as many digits after it as it needs; of a TIME_NS, in nanoseconds. */
export function timeText(units: bigint, perSecond = 1_000_000n): string {
  return clockText(units, perSecond)
}

/** The text of a timestamp in units of its type; that of a TIMESTAMPTZ in UTC, with its offset. */
export function timestampText(id: TimestampTypeId, units: bigint): string {
  if (units === INFINITE_UNITS || units === -INFINITE_UNITS) return units > 0n ? 'infinity' : '-infinity'
  const perSecond = BigInt(UNITS_PER_SECOND[id])
  const perDay = perSecond * 86_400n
  const unitsOfDay = ((units % perDay) + perDay) % perDay
  const date = dateText(Number((units - unitsOfDay) / perDay))
  return `${date} ${clockText(unitsOfDay, perSecond)}${id === 'TIMESTAMPTZ' ? '+00' : ''}`
}

function clockText(units: bigint, perSecond: bigint): string {
  const second = Number(units / perSecond)
  const hour = Math.floor(second / 3_600)
  const minute = Math.floor(second / 60) % 60
  const clock = `${padded(hour, 2)}:${padded(minute, 2)}:${padded(second % 60, 2)}`
  const rest = units % perSecond
  if (rest === 0n) return clock
  const digits = padded(rest, String(perSecond).length - 1).replace(/0+$/, '')
  return `${clock}.${digits}`
}

function padded(value: number | bigint, length: number): string {
  return String(value).padStart(length, '0')
}
