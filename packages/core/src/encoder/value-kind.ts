import {
  isAnyArrayBuffer,
  isDataView,
  isDate,
  isMap,
  isSet,
  isTypedArray,
  isUint8Array,
} from 'node:util/types'
import { TEMPORAL_KINDS, type TemporalKind, type ValueClassKind, type ValueKind } from '@ducksink/worker'
import { isPlainRecord } from './plain-record.ts'

/** The fields of node-api's value classes, by the `typeof` of each: a class of the same name may be another's. */
const VALUE_CLASSES: Readonly<Record<ValueClassKind, Readonly<Record<string, string>>>> = {
  DuckDBDecimalValue: { value: 'bigint', scale: 'number' },
  DuckDBUUIDValue: { hugeint: 'bigint' },
  DuckDBBlobValue: { bytes: 'object' },
  DuckDBBitValue: { data: 'object' },
  DuckDBDateValue: { days: 'number' },
  DuckDBTimeValue: { micros: 'bigint' },
  DuckDBTimeNSValue: { nanos: 'bigint' },
  DuckDBTimeTZValue: { micros: 'bigint', offset: 'number' },
  DuckDBTimestampValue: { micros: 'bigint' },
  DuckDBTimestampSecondsValue: { seconds: 'bigint' },
  DuckDBTimestampMillisecondsValue: { millis: 'bigint' },
  DuckDBTimestampNanosecondsValue: { nanos: 'bigint' },
  DuckDBTimestampTZValue: { micros: 'bigint' },
  DuckDBIntervalValue: { months: 'number', days: 'number', micros: 'bigint' },
  DuckDBListValue: { items: 'object' },
  DuckDBArrayValue: { items: 'object' },
  DuckDBStructValue: { entries: 'object' },
  DuckDBMapValue: { entries: 'object' },
  DuckDBUnionValue: { tag: 'string' },
  DuckDBGeometryValue: { bytes: 'object' },
  DuckDBVariantValue: {},
}

/** The kind of a value, as the coercion matrix tells them apart; what is of another realm is no different. */
export function valueKindOf(value: unknown): ValueKind {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return 'array'
  if (isPlainRecord(value)) return 'object'
  return builtInKind(value) ?? classKind(value)
}

function builtInKind(value: object): ValueKind | undefined {
  if (isDate(value)) return 'Date'
  if (isUint8Array(value)) return 'Uint8Array'
  if (isTypedArray(value)) return 'typed array'
  if (isAnyArrayBuffer(value) || isDataView(value)) return 'ArrayBuffer'
  if (isMap(value)) return 'Map'
  return isSet(value) ? 'Set' : undefined
}

/** Recognised by name and shape: an app may have its own copy of a class, and core loads no native code. */
function classKind(value: object): ValueKind {
  const tag = (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  if (TEMPORAL_KINDS.includes(tag as TemporalKind)) return tag as TemporalKind
  const name = value.constructor?.name
  if (typeof name !== 'string' || !Object.hasOwn(VALUE_CLASSES, name)) return 'instance'
  const fields = Object.entries(VALUE_CLASSES[name as ValueClassKind])
  const hasShape = fields.every(
    ([field, type]) => typeof (value as Readonly<Record<string, unknown>>)[field] === type,
  )
  return hasShape ? (name as ValueClassKind) : 'instance'
}
