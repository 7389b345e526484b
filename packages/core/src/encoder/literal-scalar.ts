import type { LogicalType } from '@ducksink/worker'
import { NOT_A_BOOLEAN, toBoolean } from './boolean-text.ts'
import { bytesOf } from './bytes.ts'
import { decimalText, doubleText, floatText, integerText } from './exact-number.ts'
import { isGeometryText } from './geometry-text.ts'
import { intervalText } from './interval.ts'
import { jsonText } from './json-text.ts'
import { isDate } from './native-date.ts'
import { plainValue } from './plain-value.ts'
import { Refusal, type TextForm } from './refusal.ts'
import {
  daysOfDate,
  isTimestampText,
  isTimeWithZone,
  parseDate,
  parseTime,
  parseTimeNanos,
  type TimestampTypeId,
  timestampDateWriter,
} from './temporal.ts'
import { dateText, timestampTextOfDate } from './temporal-text.ts'

/** A type whose values hold no others. */
export type ScalarType = Exclude<LogicalType, { readonly id: 'LIST' | 'ARRAY' | 'STRUCT' | 'MAP' | 'UNION' }>

const BITS = /^[01]+$/
const UUID = /^(\{?)[\da-f]{8}(?:-?[\da-f]{4}){4}[\da-f]{8}(\}?)$/i

/** Bits of the whole-number types; the sign says whether there is one. */
const INTEGER_BITS = {
  TINYINT: -8n,
  SMALLINT: -16n,
  INTEGER: -32n,
  BIGINT: -64n,
  HUGEINT: -128n,
  UTINYINT: 8n,
  USMALLINT: 16n,
  UINTEGER: 32n,
  UBIGINT: 64n,
  UHUGEINT: 128n,
} as const

/** Compiles the text of a scalar type's values. */
export function scalarTextForm(type: ScalarType): TextForm {
  const form = plainTextForm(type)
  return (value) => form(plainValue(type.id, value))
}

function plainTextForm(type: ScalarType): TextForm {
  switch (type.id) {
    case 'BOOLEAN':
      return booleanText
    case 'TINYINT':
    case 'SMALLINT':
    case 'INTEGER':
    case 'BIGINT':
    case 'HUGEINT':
    case 'UTINYINT':
    case 'USMALLINT':
    case 'UINTEGER':
    case 'UBIGINT':
    case 'UHUGEINT':
      return boundedIntegerText(INTEGER_BITS[type.id])
    case 'BIGNUM':
      return integerText()
    case 'FLOAT':
      return floatText
    case 'DOUBLE':
      return doubleText
    case 'DECIMAL':
      return decimalText(type.width, type.scale)
    case 'JSON':
      return jsonText
    case 'BLOB':
      return blobText
    case 'ENUM':
      return enumText(type.values)
    case 'INTERVAL':
      return intervalText
    case 'DATE':
      return dateForm
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
    case 'TIMESTAMPTZ':
      return timestampForm(type.id)
    default:
      return textOfString(type)
  }
}

/** The types whose only form is a string. */
function textOfString(type: ScalarType): TextForm {
  switch (type.id) {
    case 'BIT':
      return stringText((text) => BITS.test(text), "it is not a text of bits such as '0101'")
    case 'UUID':
      return stringText(isUuid, 'it is not a UUID of 32 hexadecimal digits')
    case 'TIME':
      return stringText((text) => parseTime(text) !== undefined, 'it is not a time such as 12:34:56.789012')
    case 'TIME_NS':
      return stringText(
        (text) => parseTimeNanos(text) !== undefined,
        'it is not a time such as 12:34:56.789012345',
      )
    case 'TIMETZ':
      return timeWithZoneText
    case 'GEOMETRY':
      return stringText(isGeometryText, 'it is not well-known text such as POINT (1 2)')
    case 'NULL':
      return () => new Refusal('only null can')
    default:
      // VARCHAR, which is its own text, and what only DuckDB itself can read
      return stringText(() => true, 'only a string can; convert it first')
  }
}

function stringText(isExact: (text: string) => boolean, reason: string): TextForm {
  const refusal = new Refusal(reason)
  const loneSurrogate = new Refusal('it has a lone surrogate, which UTF-8 cannot hold')
  return (value) => {
    if (typeof value !== 'string' || !isExact(value)) return refusal
    return value.isWellFormed() ? value : loneSurrogate
  }
}

function booleanText(value: unknown): string | Refusal {
  const boolean = toBoolean(value)
  return boolean === undefined ? new Refusal(NOT_A_BOOLEAN) : String(boolean)
}

function boundedIntegerText(signedBits: bigint): TextForm {
  return signedBits > 0n
    ? integerText(0n, 2n ** signedBits - 1n)
    : integerText(-(2n ** (-signedBits - 1n)), 2n ** (-signedBits - 1n) - 1n)
}

function blobText(value: unknown): string | Refusal {
  const bytes = bytesOf(value)
  if (bytes instanceof Refusal) return bytes
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return hex.replace(/../g, '\\x$&')
}

function isUuid(text: string): boolean {
  const [, opening, closing] = UUID.exec(text) ?? []
  return opening !== undefined && (opening === '') === (closing === '')
}

function enumText(values: readonly string[]): TextForm {
  const known = new Set(values)
  return stringText((text) => known.has(text), 'it is none of the values of the ENUM')
}

function timeWithZoneText(value: unknown): string | Refusal {
  if (typeof value !== 'string' || !isTimeWithZone(value)) {
    return new Refusal('it is not a time with an offset, such as 12:34:56.789+02:00')
  }
  // DuckDB reads no Z here
  return value.replace('Z', '+00')
}

function dateForm(value: unknown): string | Refusal {
  if (typeof value === 'string' && parseDate(value) !== undefined) return value
  const days = isDate(value) ? daysOfDate(value) : undefined
  return days === undefined
    ? new Refusal('it is neither a date such as 2026-11-22 nor midnight in UTC')
    : dateText(days)
}

function timestampForm(id: TimestampTypeId): TextForm {
  const write = timestampDateWriter(id)
  const words = new Int32Array(2)
  return (value) => {
    if (typeof value === 'string' && isTimestampText(value, id)) return value
    if (isDate(value) && write(value, words, 0)) return timestampTextOfDate(id, value)
    const offset = id === 'TIMESTAMPTZ' ? 'with' : 'without'
    return new Refusal(`it is neither a Date nor text, ${offset} an offset, that the type holds exactly`)
  }
}
