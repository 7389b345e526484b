import type { ValueClassKind } from '@ducksink/worker'
import { dateText, timestampText, timeText } from './temporal-text.ts'

/** The fields of node-api's value classes, of which `valueKindOf` has seen those that the kind has. */
interface ValueFields {
  readonly value: bigint
  readonly scale: number
  readonly hugeint: bigint
  readonly bytes: Uint8Array
  readonly data: Uint8Array
  readonly days: number
  readonly months: number
  readonly micros: bigint
  readonly nanos: bigint
  readonly millis: bigint
  readonly seconds: bigint
  readonly offset: number
  readonly items: readonly unknown[]
  readonly entries: unknown
  readonly tag: string
}

/**
 * What a value of one of node-api's classes stands for in plain JS: text, which the column's type reads as any other,
 * bytes, or the array or object of its parts. What no type could have written, its type does not read either.
 */
export function plainValueClass(kind: ValueClassKind, value: object): unknown {
  const fields = value as ValueFields
  switch (kind) {
    case 'DuckDBDecimalValue':
      return decimalDigits(fields.value, fields.scale)
    case 'DuckDBUUIDValue':
      return uuidText(fields.hugeint)
    case 'DuckDBBlobValue':
      return fields.bytes
    case 'DuckDBBitValue':
      return bitText(fields.data)
    case 'DuckDBDateValue':
      return dateText(fields.days)
    case 'DuckDBTimeValue':
      return timeText(fields.micros)
    case 'DuckDBTimeNSValue':
      return timeText(fields.nanos, 1_000_000_000n)
    case 'DuckDBTimeTZValue':
      return timeText(fields.micros) + offsetText(fields.offset)
    case 'DuckDBTimestampValue':
      return timestampText('TIMESTAMP', fields.micros)
    case 'DuckDBTimestampSecondsValue':
      return timestampText('TIMESTAMP_S', fields.seconds)
    case 'DuckDBTimestampMillisecondsValue':
      return timestampText('TIMESTAMP_MS', fields.millis)
    case 'DuckDBTimestampNanosecondsValue':
      return timestampText('TIMESTAMP_NS', fields.nanos)
    case 'DuckDBTimestampTZValue':
      return timestampText('TIMESTAMPTZ', fields.micros)
    case 'DuckDBIntervalValue':
      return { months: fields.months, days: fields.days, micros: fields.micros }
    case 'DuckDBListValue':
    case 'DuckDBArrayValue':
      return fields.items
    case 'DuckDBStructValue':
      return fields.entries
    case 'DuckDBMapValue':
      return (fields.entries as readonly { key: unknown; value: unknown }[]).map((entry) => [
        entry.key,
        entry.value,
      ])
    case 'DuckDBUnionValue':
      return { tag: fields.tag, value: fields.value }
    default:
      return value
  }
}

function decimalDigits(value: bigint, scale: number): string {
  return `${value}e${-scale}`
}

/** DuckDB keeps a UUID with its first bit flipped, so that UUIDs are ordered as their texts are. */
function uuidText(hugeint: bigint): string {
  const hex = (hugeint + 2n ** 127n).toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The first byte is the number of bits in front that do not count. */
function bitText([padding = 0, ...bytes]: Uint8Array): string {
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return padding < 8 ? bits.slice(padding) : ''
}

function offsetText(offset: number): string {
  const seconds = Math.abs(offset)
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  return (offset < 0 ? '-' : '+') + parts.map((part) => String(part).padStart(2, '0')).join(':')
}
