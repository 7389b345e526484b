import type { LogicalType } from '@ducksink/worker'
import { ARROW, type ArrowData, type ArrowType } from './arrow-data.ts'
import { type ColumnPlace, columnError, requireAttached, type Validity } from './column-array.ts'
import type { NumericArray } from './sink-columns.ts'
import { type ArrayKind, arrayKind, joinWords, plainArray } from './typed-array.ts'

// Arrow's objects are known by their shape alone, and what a type says of its arrays is looked at here: DuckDB would read
// an array of another kind as what it is not, and beyond its end.

/**
 * Numbers of a chunk, `perRow` for each of its rows.
 * @throws {@link ValueError} where they are of another kind, or too few.
 */
export function arrowNumbers(
  place: ColumnPlace,
  { values, length }: ArrowData,
  kind: ArrayKind,
  perRow = 1,
): NumericArray {
  const array = ofKind(place, values, kind)
  if (array.length >= length * perRow) return array.subarray(0, length * perRow)
  throw columnError(place, `it has ${array.length} values, too few for its ${length} rows`)
}

/** Older versions of Arrow JS have integers of 64 bits as two words. */
function ofKind(place: ColumnPlace, values: unknown, kind: ArrayKind): NumericArray {
  const found = arrayKind(values)
  if (found !== undefined) requireAttached(place, values as NumericArray)
  if (found === kind) return plainArray(values as NumericArray)
  if ((found === 'Int32Array' || found === 'Uint32Array') && kind.startsWith('Big'))
    return joinWords(plainArray(values as NumericArray), kind)
  const because = `its values must be of ${kind} and are of ${found ?? 'no typed array'}`
  throw columnError(place, because, { expected: kind, found })
}

/** Bytes and bitmaps of a chunk. */
export function arrowBytes(place: ColumnPlace, bytes: unknown): Uint8Array {
  return ofKind(place, bytes, 'Uint8Array') as Uint8Array
}

/** @throws {@link ValueError} where they are no offsets of so many rows. */
export function arrowOffsets(
  place: ColumnPlace,
  offsets: unknown,
  rowCount: number,
): Int32Array | BigInt64Array {
  const kind = arrayKind(offsets) === 'BigInt64Array' ? 'BigInt64Array' : 'Int32Array'
  const array = ofKind(place, offsets, kind) as Int32Array | BigInt64Array
  if (array.length > rowCount) return array.subarray(0, rowCount + 1)
  throw columnError(place, `it has ${array.length} offsets, too few for its ${rowCount} rows`)
}

/** Which rows of a chunk are NULL; the type Null has no bitmap. */
export function arrowValidity(
  place: ColumnPlace,
  { type, nullBitmap, nullCount, offset, length }: ArrowData,
): Validity | undefined {
  if (nullBitmap === undefined || nullBitmap === null) return undefined
  // Arrow JS counts no NULLs in a bitmap whose buffer was transferred
  if (arrayKind(nullBitmap) !== undefined) requireAttached(place, nullBitmap as Uint8Array)
  if (nullCount === 0) return undefined
  // one with NULLs has bits
  const isLeftOut = type.typeId === ARROW.Null || nullCount === undefined || nullCount < 0
  if (isLeftOut && nullBitmap.byteLength === 0) return undefined
  const bits = arrowBytes(place, nullBitmap)
  if (bits.byteLength * 8 >= offset + length) return { bits, offset }
  throw columnError(place, `its null bitmap has ${bits.byteLength} bytes, too few for its ${length} rows`)
}

const INTEGERS = {
  8: ['TINYINT', 'Int8Array', 'Uint8Array'],
  16: ['SMALLINT', 'Int16Array', 'Uint16Array'],
  32: ['INTEGER', 'Int32Array', 'Uint32Array'],
  64: ['BIGINT', 'BigInt64Array', 'BigUint64Array'],
} as const

interface NumericKind {
  readonly type: LogicalType
  readonly kind: ArrayKind
}

/** What an integer or floating-point type is; `undefined` where DuckDB has none, as of floats of 16 bits. */
export function numericKind({ typeId, bitWidth, isSigned, precision }: ArrowType): NumericKind | undefined {
  if (typeId === ARROW.Float) {
    if (precision === 1) return { type: { id: 'FLOAT' }, kind: 'Float32Array' }
    return precision === 2 ? { type: { id: 'DOUBLE' }, kind: 'Float64Array' } : undefined
  }
  const integer = INTEGERS[bitWidth as keyof typeof INTEGERS]
  if (integer === undefined) return undefined
  const [id, signed, unsigned] = integer
  return isSigned === true ? { type: { id }, kind: signed } : { type: { id: `U${id}` }, kind: unsigned }
}
