import { nodeApiValue } from './node-api-value.ts'
import { Refusal } from './refusal.ts'
import { parseTimeNanos, parseTimeWithZone, writeInt64 } from './temporal.ts'
import { timeText } from './temporal-text.ts'
import { writeBigint64 } from './words-column.ts'

const NANOS_PER_DAY = 86_400_000_000_000n
const MICROS_PER_DAY = 86_400_000_000n
/** Seconds that a zone is ahead of UTC at most; a TIMETZ holds how far it is behind that. */
const MAX_OFFSET = 57_599
const OFFSET_BITS = 24n

const NOT_A_TIME = new Refusal('it is not a time such as 12:34:56.789012345')
const NOT_A_ZONED_TIME = new Refusal('it is not a time with an offset, such as 12:34:56.789+02:00')

/** Writes a TIME_NS, from its text or node-api's value. */
export function writeTimeNanos(value: unknown, words: Int32Array, at: number): Refusal | undefined {
  if (typeof value === 'string') {
    const nanos = parseTimeNanos(value)
    if (nanos === undefined) return NOT_A_TIME
    writeInt64(nanos, words, at)
    return undefined
  }
  const nanos = nodeApiValue(value, 'DuckDBTimeNSValue')?.nanos
  if (!isWithin(nanos, NANOS_PER_DAY)) return NOT_A_TIME
  writeBigint64(nanos, words, at)
  return undefined
}

/** Writes a TIMETZ, from its text or node-api's value: microseconds of the day above, and the offset below. */
export function writeTimeWithZone(value: unknown, words: Int32Array, at: number): Refusal | undefined {
  if (typeof value === 'string') {
    const parsed = parseTimeWithZone(value)
    if (parsed === undefined) return NOT_A_ZONED_TIME
    writeZoned(BigInt(parsed.micros), parsed.offset, words, at)
    return undefined
  }
  const { micros, offset } = nodeApiValue(value, 'DuckDBTimeTZValue') ?? {}
  const isOffset = Number.isInteger(offset) && Math.abs(offset as number) <= MAX_OFFSET
  if (!isWithin(micros, MICROS_PER_DAY) || !isOffset) return NOT_A_ZONED_TIME
  writeZoned(micros, offset as number, words, at)
  return undefined
}

function writeZoned(micros: bigint, offset: number, words: Int32Array, at: number): void {
  writeBigint64((micros << OFFSET_BITS) | BigInt(MAX_OFFSET - offset), words, at)
}

function isWithin(units: unknown, day: bigint): units is bigint {
  return typeof units === 'bigint' && units >= 0n && units <= day
}

/** The text of a TIMETZ from its bits. */
export function timeWithZoneText(bits: bigint): string {
  const offset = MAX_OFFSET - Number(BigInt.asUintN(Number(OFFSET_BITS), bits))
  const seconds = Math.abs(offset)
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop()
  const zone = parts.map((part) => String(part).padStart(2, '0')).join(':')
  return `${timeText(bits >> OFFSET_BITS)}${offset < 0 ? '-' : '+'}${zone}`
}
