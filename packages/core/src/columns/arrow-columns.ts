import type { LogicalType } from '@ducksink/worker'
import { timestampText } from '../encoder/temporal-text.ts'
import { arrowBytes, arrowNumbers, arrowOffsets, arrowValidity, numericKind } from './arrow-arrays.ts'
import { ARROW, type ArrowData, UNIT } from './arrow-data.ts'
import { nestedReader } from './arrow-nested.ts'
import {
  type ColumnArray,
  type ColumnPlace,
  columnError,
  type FixedArray,
  isNull,
  rowOf,
  type Validity,
} from './column-array.ts'
import { rowReader } from './column-values.ts'
import { packedArray } from './packed-array.ts'
import type { NumericArray, UnitType } from './sink-columns.ts'

/**
 * Reads a chunk of an Arrow column: its arrays themselves where DuckDB has the same, or else its values.
 * @throws {@link ValueError} where there is no type for it.
 */
export function arrowColumn(place: ColumnPlace, data: ArrowData): ColumnArray {
  const { type, length } = data
  requireRowCount(place, data)
  const validity = arrowValidity(place, data)
  switch (type.typeId) {
    case ARROW.Null:
      return {
        kind: 'values',
        type: undefined,
        values: new Array<null>(length).fill(null),
        validity: undefined,
      }
    case ARROW.Int:
    case ARROW.Float:
      return numericColumn(place, data, validity)
    case ARROW.Bool:
      return fixed({ id: 'BOOLEAN' }, expandedBits(place, data), validity)
    case ARROW.Utf8:
    case ARROW.LargeUtf8:
      return packed(place, data, { id: 'VARCHAR' }, validity)
    case ARROW.Binary:
    case ARROW.LargeBinary:
      return packed(place, data, { id: 'BLOB' }, validity)
    case ARROW.FixedSizeBinary:
      return fixedBytes(place, data, validity)
    case ARROW.Date:
    case ARROW.Time:
    case ARROW.Timestamp:
      return temporalColumn(place, data, validity)
    case ARROW.Decimal:
      return decimalColumn(place, data, validity)
    case ARROW.Dictionary:
      return dictionaryColumn(place, data, validity)
    case ARROW.List:
    case ARROW.LargeList:
    case ARROW.FixedSizeList:
    case ARROW.Struct:
    case ARROW.Map: {
      const read = nestedReader(place, data, (child) => arrowReader(place, child))
      return {
        kind: 'values',
        type: undefined,
        values: valuesOf(length, read, validity),
        validity: undefined,
      }
    }
    default:
      throw noType(place, data)
  }
}

/** Reads the values of data inside a column. */
function arrowReader(place: ColumnPlace, data: ArrowData): (row: number) => unknown {
  // rows inside a value are none of the batch's
  const inside = { ...place, base: undefined }
  return rowReader(inside, arrowColumn(inside, data))
}

function noType(place: ColumnPlace, { type }: ArrowData): Error {
  const found = String(type)
  return columnError(place, `there is no column type for Arrow's ${found}; cast it before`, { found })
}

function fixed(type: LogicalType, values: NumericArray, validity: Validity | undefined): FixedArray {
  return { kind: 'fixed', type, values, validity }
}

function requireRowCount(place: ColumnPlace, { length, offset }: ArrowData): void {
  if (isCount(length) && isCount(offset)) return
  throw columnError(place, 'its length and its offset must be whole numbers from 0 on')
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

function numericColumn(place: ColumnPlace, data: ArrowData, validity: Validity | undefined): ColumnArray {
  const numeric = numericKind(data.type)
  if (numeric === undefined) throw noType(place, data)
  return fixed(numeric.type, arrowNumbers(place, data, numeric.kind), validity)
}

/** Arrow has a bit for a boolean, and DuckDB a byte. */
function expandedBits(place: ColumnPlace, { values, offset, length }: ArrowData): Uint8Array {
  const bits = arrowBytes(place, values)
  if (bits.byteLength * 8 < offset + length)
    throw columnError(place, `it has ${bits.byteLength} bytes of values, too few for its ${length} rows`)
  const bytes = new Uint8Array(length)
  for (let row = 0; row < length; row++) {
    const bit = offset + row
    bytes[row] = ((bits[bit >> 3] as number) >> (bit & 7)) & 1
  }
  return bytes
}

function packed(
  place: ColumnPlace,
  { values, valueOffsets, length }: ArrowData,
  type: { readonly id: 'VARCHAR' | 'BLOB' },
  validity: Validity | undefined,
): ColumnArray {
  const offsets = arrowOffsets(place, valueOffsets, length)
  const data = arrowBytes(place, values ?? new Uint8Array(0))
  return packedArray(place, { type, data, offsets, validity })
}

function fixedBytes(place: ColumnPlace, data: ArrowData, validity: Validity | undefined): ColumnArray {
  const width = data.type.byteWidth ?? 0
  if (!(width > 0)) throw noType(place, data)
  const bytes = arrowNumbers(place, data, 'Uint8Array', width) as Uint8Array
  const offsets = Uint32Array.from({ length: data.length + 1 }, (_, row) => row * width)
  return packedArray(place, { type: { id: 'BLOB' }, data: bytes, offsets, validity })
}

const TIMESTAMPS = ['TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP', 'TIMESTAMP_NS'] as const
const MICROS_PER_UNIT = [1_000_000n, 1_000n, 1n] as const

function temporalColumn(place: ColumnPlace, data: ArrowData, validity: Validity | undefined): ColumnArray {
  const { typeId, unit = 0, timezone } = data.type
  if (typeId === ARROW.Date) return dateColumn(place, data, validity)
  if (TIMESTAMPS[unit] === undefined) throw noType(place, data)
  const isShort = typeId === ARROW.Time && unit < UNIT.MICROSECOND
  const values = arrowNumbers(place, data, isShort ? 'Int32Array' : 'BigInt64Array')
  const isZoned = typeId === ARROW.Timestamp && timezone !== undefined && timezone !== null && timezone !== ''
  if (typeId === ARROW.Timestamp && !isZoned)
    return fixed({ id: TIMESTAMPS[unit] as UnitType }, values, validity)
  const id = isZoned ? 'TIMESTAMPTZ' : 'TIME'
  if (unit === UNIT.MICROSECOND) return fixed({ id }, values, validity)
  if (unit !== UNIT.NANOSECOND) return fixed({ id }, inMicros(place, values, unit, validity), validity)
  if (!isZoned) return fixed({ id: 'TIME_NS' }, values, validity)
  // its encoder takes those that are whole microseconds
  const units = values as BigInt64Array
  const read = (row: number): string => `${timestampText('TIMESTAMP_NS', units[row] as bigint)}+00`
  return { kind: 'values', type: { id }, values: valuesOf(data.length, read, validity), validity: undefined }
}

function inMicros(
  place: ColumnPlace,
  values: NumericArray,
  unit: number,
  validity: Validity | undefined,
): BigInt64Array {
  const perUnit = MICROS_PER_UNIT[unit] as bigint
  const micros = new BigInt64Array(values.length)
  for (let row = 0; row < values.length; row++) {
    if (isNull(validity, row)) continue
    const value = BigInt(values[row] as number | bigint) * perUnit
    if (BigInt.asIntN(64, value) !== value)
      throw columnError(place, 'it is out of range', { row: rowOf(place, row) })
    micros[row] = value
  }
  return micros
}

/** Days, or milliseconds since 1970. */
function dateColumn(place: ColumnPlace, data: ArrowData, validity: Validity | undefined): ColumnArray {
  if (data.type.unit === 0) return fixed({ id: 'DATE' }, arrowNumbers(place, data, 'Int32Array'), validity)
  const millis = arrowNumbers(place, data, 'BigInt64Array')
  const read = (row: number): Date => new Date(Number(millis[row]))
  return {
    kind: 'values',
    type: { id: 'DATE' },
    values: valuesOf(data.length, read, validity),
    validity: undefined,
  }
}

function decimalColumn(place: ColumnPlace, data: ArrowData, validity: Validity | undefined): ColumnArray {
  const { precision = 0, scale = 0, bitWidth = 128 } = data.type
  if (precision > 38 || scale < 0 || scale > precision || bitWidth % 32 !== 0) throw noType(place, data)
  const perRow = bitWidth / 32
  const words = arrowNumbers(place, data, 'Uint32Array', perRow) as Uint32Array
  const read = (row: number): string => decimalText(words, row * perRow, perRow, scale)
  const values = valuesOf(data.length, read, validity)
  return { kind: 'values', type: { id: 'DECIMAL', width: precision, scale }, values, validity: undefined }
}

function decimalText(words: Uint32Array, first: number, count: number, scale: number): string {
  let unscaled = 0n
  for (let word = count - 1; word >= 0; word--)
    unscaled = (unscaled << 32n) | BigInt(words[first + word] as number)
  unscaled = BigInt.asIntN(count * 32, unscaled)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
  return unscaled < 0n ? `-${text}` : text
}

function dictionaryColumn(place: ColumnPlace, data: ArrowData, validity: Validity | undefined): ColumnArray {
  const entries: unknown[] = []
  let type: LogicalType | undefined
  for (const chunk of data.dictionary?.data ?? []) {
    const inside = { ...place, base: undefined }
    const column = arrowColumn(inside, chunk)
    const read = rowReader(inside, column)
    type = column.type
    for (let row = 0; row < chunk.length; row++) entries.push(read(row))
  }
  const indexKind = data.type.indices && numericKind(data.type.indices)?.kind
  if (indexKind === undefined) throw noType(place, data)
  const indexes = arrowNumbers(place, data, indexKind)
  const read = (row: number): unknown => {
    const index = Number(indexes[row])
    if (index >= 0 && index < entries.length) return entries[index]
    throw columnError(place, `its index is none of the ${entries.length} of its dictionary`, {
      row: rowOf(place, row),
    })
  }
  return { kind: 'values', type, values: valuesOf(data.length, read, validity), validity: undefined }
}

function valuesOf(length: number, read: (row: number) => unknown, validity: Validity | undefined): unknown[] {
  const values = new Array<unknown>(length)
  for (let row = 0; row < length; row++) values[row] = isNull(validity, row) ? null : read(row)
  return values
}
