import { writeBigint64, writeInt64 } from './integer-words.ts'
import { plainValue } from './plain-value.ts'
import { Refusal } from './refusal.ts'
import { parseTimeNanos, parseTimeWithZone } from './temporal.ts'
import { timeText } from './temporal-text.ts'

/** Seconds that a zone is ahead of UTC at most; a TIMETZ holds how far it is behind that. */
const MAX_OFFSET = 57_599
const OFFSET_BITS = 24n

const NOT_A_TIME = new Refusal('it is not a time such as 12:34:56.789012345')
const NOT_A_ZONED_TIME = new Refusal('it is not a time with an offset, such as 12:34:56.789+02:00')

/** Writes a TIME_NS, from its text or what stands for it. */
export function writeTimeNanos(value: unknown, words: Int32Array, at: number): Refusal | undefined {
  const text = plainValue('TIME_NS', value)
  const nanos = typeof text === 'string' ? parseTimeNanos(text) : undefined
  if (nanos === undefined) return NOT_A_TIME
  writeInt64(nanos, words, at)
  return undefined
}

/** Writes a TIMETZ, from its text or what stands for it: microseconds of the day above, and the offset below. */
export function writeTimeWithZone(value: unknown, words: Int32Array, at: number): Refusal | undefined {
  const text = plainValue('TIMETZ', value)
  const parsed = typeof text === 'string' ? parseTimeWithZone(text) : undefined
  if (parsed === undefined) return NOT_A_ZONED_TIME
  const behind = BigInt(MAX_OFFSET - parsed.offset)
  writeBigint64((BigInt(parsed.micros) << OFFSET_BITS) | behind, words, at)
  return undefined
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
