import { types } from 'node:util'
import { foldIdentifier, InvalidOptionsError, type LogicalType, SchemaError } from '@ducksink/worker'
import { kindOf } from '../encoder/column-encoder.ts'
import { isPlainRecord } from '../encoder/plain-record.ts'
import { isArrow, readArrow } from './arrow-batches.ts'
import {
  type ColumnArray,
  type ColumnBatch,
  type ColumnPlace,
  columnError,
  readable,
  requireAttached,
  type Validity,
} from './column-array.ts'
import { packedArray } from './packed-array.ts'
import type { NumericArray, UnitType } from './sink-columns.ts'
import { type ArrayKind, arrayKind, plainArray } from './typed-array.ts'

/**
 * Finds out what columns a call is given; what is in them is looked at later, chunk by chunk.
 * @throws {@link ValueError} where a column is none, or is longer or shorter than the others.
 * @throws {@link SchemaError} where there are none, or two of one name.
 * @throws {@link InvalidOptionsError} for what is no object of columns, nor a table or record batch of Arrow.
 */
export function readColumns(table: string, columns: unknown): ColumnBatch {
  const batch = isArrow(columns) ? readArrow(table, columns) : readNamed(table, columns)
  requireNames(table, batch.names)
  return batch
}

function readNamed(table: string, columns: unknown): ColumnBatch {
  if (!isPlainRecord(columns)) {
    const message = 'columns must be an object of named columns, or a table or record batch of Apache Arrow'
    throw new InvalidOptionsError(message, { table, found: kindOf(columns) }, 'INVALID_ARGUMENT')
  }
  const names = Object.keys(columns)
  const arrays: ColumnArray[] = []
  let rowCount = -1
  for (const column of names) {
    const place = { table, column, base: 0 }
    const { array, length } = readable(place, () => readColumn(place, columns[column]))
    if (rowCount !== -1 && length !== rowCount) {
      const because = `it has ${length} rows, where column "${names[0]}" has ${rowCount}`
      throw columnError(place, because)
    }
    rowCount = length
    arrays.push(array)
  }
  return { names, segments: [{ rowCount, columns: arrays }], rowCount: Math.max(0, rowCount) }
}

/** To DuckDB names that differ in the case of ASCII letters are one. */
function requireNames(table: string, names: readonly string[]): void {
  if (names.length === 0) throw new SchemaError(`there are no columns for table "${table}"`, { table })
  const known = new Map<string, string>()
  for (const column of names) {
    const other = known.get(foldIdentifier(column))
    known.set(foldIdentifier(column), column)
    if (other === undefined) continue
    const message = `columns "${other}" and "${column}" are the same column of table "${table}"`
    throw new SchemaError(message, { table, column })
  }
}

/** The types whose values a typed array holds as they are. */
const NUMERIC_TYPES: Readonly<Record<ArrayKind, LogicalType>> = {
  Int8Array: { id: 'TINYINT' },
  Uint8Array: { id: 'UTINYINT' },
  Uint8ClampedArray: { id: 'UTINYINT' },
  Int16Array: { id: 'SMALLINT' },
  Uint16Array: { id: 'USMALLINT' },
  Int32Array: { id: 'INTEGER' },
  Uint32Array: { id: 'UINTEGER' },
  Float32Array: { id: 'FLOAT' },
  Float64Array: { id: 'DOUBLE' },
  BigInt64Array: { id: 'BIGINT' },
  BigUint64Array: { id: 'UBIGINT' },
}

const UNIT_ARRAYS: Readonly<Record<UnitType, ArrayKind>> = {
  BOOLEAN: 'Uint8Array',
  DATE: 'Int32Array',
  TIME: 'BigInt64Array',
  TIME_NS: 'BigInt64Array',
  TIMESTAMP: 'BigInt64Array',
  TIMESTAMP_S: 'BigInt64Array',
  TIMESTAMP_MS: 'BigInt64Array',
  TIMESTAMP_NS: 'BigInt64Array',
  TIMESTAMPTZ: 'BigInt64Array',
}

interface Read {
  readonly array: ColumnArray
  readonly length: number
}

function readColumn(place: ColumnPlace, column: unknown): Read {
  if (types.isTypedArray(column) || Array.isArray(column)) return readValues(place, column, {})
  if (isPlainRecord(column)) {
    if ('values' in column) return readValues(place, column.values, column)
    if ('data' in column) return readPacked(place, column)
  }
  throw wrongKind(place, 'a typed array, an array, { values } or { data, offsets }', column)
}

function readValues(place: ColumnPlace, values: unknown, rest: Readonly<Record<string, unknown>>): Read {
  requireOptions(place, rest, ['values', 'validity', 'type'])
  if (Array.isArray(values)) {
    if (rest.type !== undefined) throw columnError(place, '`type` is for typed arrays alone')
    const validity = readValidity(place, rest.validity, values.length)
    return { array: { kind: 'values', type: undefined, values, validity }, length: values.length }
  }
  if (!types.isTypedArray(values)) throw wrongKind(place, 'an array or a typed array', values)
  requireAttached(place, values)
  const { length } = values
  const type = typeOf(place, values as NumericArray, rest.type)
  const validity = readValidity(place, rest.validity, length)
  return { array: { kind: 'fixed', type, values: plainArray(values as NumericArray), validity }, length }
}

function typeOf(place: ColumnPlace, values: NumericArray, type: unknown): LogicalType {
  const kind = arrayKind(values)
  if (kind === undefined)
    throw wrongKind(place, 'a typed array of a kind that DuckDB has numbers for', values)
  if (type === undefined) return NUMERIC_TYPES[kind]
  const needed =
    typeof type === 'string' && Object.hasOwn(UNIT_ARRAYS, type) ? UNIT_ARRAYS[type as UnitType] : undefined
  if (needed === undefined)
    throw columnError(place, `\`type\` must be one of ${Object.keys(UNIT_ARRAYS).join(', ')}`)
  if (needed !== kind) throw wrongKind(place, `a ${needed}, as ${type} is stored,`, values)
  return { id: type as UnitType }
}

function readPacked(place: ColumnPlace, column: Readonly<Record<string, unknown>>): Read {
  requireOptions(place, column, ['data', 'offsets', 'validity'])
  const { data, offsets } = column
  if (!types.isUint8Array(data)) throw wrongKind(place, 'a Uint8Array of `data`', data)
  requireAttached(place, data)
  const length = offsetCount(place, offsets) - 1
  const validity = readValidity(place, column.validity, length)
  return { array: packedArray(place, { data: plainArray(data), offsets, type: undefined, validity }), length }
}

function offsetCount(place: ColumnPlace, offsets: unknown): number {
  const isOffsets =
    types.isInt32Array(offsets) || types.isUint32Array(offsets) || types.isBigInt64Array(offsets)
  if (!isOffsets) throw wrongKind(place, 'an Int32Array, Uint32Array or BigInt64Array of `offsets`', offsets)
  requireAttached(place, offsets)
  if (offsets.length === 0)
    throw columnError(place, '`offsets` must hold one number more than there are rows, and holds none')
  return offsets.length
}

function readValidity(place: ColumnPlace, validity: unknown, rowCount: number): Validity | undefined {
  if (validity === undefined || validity === null) return undefined
  if (!types.isUint8Array(validity)) throw wrongKind(place, 'a Uint8Array of `validity`', validity)
  requireAttached(place, validity)
  const needed = (rowCount + 7) >> 3
  if (validity.byteLength >= needed) return { bits: plainArray(validity), offset: 0 }
  throw columnError(
    place,
    `\`validity\` has ${validity.byteLength} bytes, and ${rowCount} rows need ${needed}`,
  )
}

function requireOptions(
  place: ColumnPlace,
  column: Readonly<Record<string, unknown>>,
  known: readonly string[],
): void {
  const unknown = Object.keys(column).find((name) => !known.includes(name))
  if (unknown !== undefined) throw columnError(place, `it has no part "${unknown}", but ${known.join(', ')}`)
}

function wrongKind(place: ColumnPlace, expected: string, value: unknown): Error {
  const found = kindOf(value)
  return columnError(place, `it must be ${expected} and is ${found}`, { found })
}
