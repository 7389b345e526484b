import { isAscii, isUtf8 } from 'node:buffer'
import type { StringOffsets } from '@ducksink/worker'
import {
  type ColumnArray,
  type ColumnPlace,
  columnError,
  type FixedArray,
  isNull,
  type PackedArray,
  rowOf,
  type Segment,
} from './column-array.ts'
import type { NumericArray } from './sink-columns.ts'

// What a caller's arrays hold goes to DuckDB as it is, so it is looked at first: what DuckDB takes for granted of its own
// vectors must hold of these. 122,880 rows take 0.1 ms a column, their UTF-8 about as much.

/** Rows of a column's array, `to` excluded. */
export interface Rows {
  readonly from: number
  readonly to: number
}

/**
 * Arrays that are borrowed may have changed since the call.
 * @throws {@link ValueError} where they have fewer rows now.
 */
export function requireRows(place: ColumnPlace, array: ColumnArray, rowCount: number): void {
  const { validity } = array
  const held = array.kind === 'packed' ? array.offsets.length - 1 : array.values.length
  const isMasked = validity === undefined || validity.bits.byteLength * 8 >= validity.offset + rowCount
  if (held >= rowCount && isMasked) return
  throw columnError(place, 'its buffer was transferred, or the array made shorter, before it was written')
}

/** The same for all columns of a segment, which are to be read after others had the event loop. */
export function requireSegment(
  table: string,
  names: readonly string[],
  { columns, rowCount }: Segment,
): void {
  for (const [index, column] of names.entries())
    requireRows({ table, column }, columns[index] as ColumnArray, rowCount)
}

/** @throws {@link ValueError} where a value is none of the type that the column says it has. */
export function checkFixed(place: ColumnPlace, column: FixedArray, rows: Rows): void {
  const { type, values, validity } = column
  const range = UNIT_RANGES[type.id]
  if (range === undefined) return
  const { to } = rows
  for (let row = rows.from; row < to; row++) {
    row = firstSuspect(values, range, row, to)
    if (row === to) return
    const value = values[row] as number | bigint
    if (isWithin(value, range) || isNull(validity, row)) continue
    throw columnError(place, range.because, {
      row: rowOf(place, row),
      expected: type.id,
      found: typeof value,
    })
  }
}

/** The first row whose value may be out of range, or `to`; a loop for each kind of array. */
function firstSuspect(values: NumericArray, range: UnitRange, from: number, to: number): number {
  if (values instanceof BigInt64Array) return firstSuspectInt64(values, range, from, to)
  return values instanceof Uint8Array ? firstSuspectBit(values, from, to) : from
}

function firstSuspectBit(values: Uint8Array, from: number, to: number): number {
  let row = from
  while (row < to && (values[row] as number) <= 1) row++
  return row
}

/** The upper 32 bits say it of nearly all, and no bigint is made of them. */
function firstSuspectInt64(
  { buffer, byteOffset, length }: BigInt64Array,
  { minHigh, maxHigh }: UnitRange,
  from: number,
  to: number,
): number {
  const words = new Int32Array(buffer, byteOffset, length * 2)
  let row = from
  for (; row < to; row++) {
    const high = words[row * 2 + 1] as number
    if (high < minHigh || high > maxHigh) break
  }
  return row
}

function isWithin(value: number | bigint, { min, max, infinity }: UnitRange): boolean {
  return (
    (value >= min && value <= max) || (infinity !== undefined && (value === infinity || value === -infinity))
  )
}

interface UnitRange {
  readonly min: number | bigint
  readonly max: number | bigint
  /** What stands for infinity, in both directions. */
  readonly infinity?: bigint
  /** Upper words with which a value is between the two for certain. */
  readonly minHigh: number
  readonly maxHigh: number
  readonly because: string
}

/** Of the types that do not take every pattern of bits. */
const UNIT_RANGES: Readonly<Partial<Record<string, UnitRange>>> = {
  BOOLEAN: unitRange({ min: 0, max: 1, because: 'only 0 and 1 are booleans' }),
  DATE: unitRange({ min: -2_147_483_647, max: 2_147_483_647 }),
  TIME: unitRange({ min: 0n, max: 86_400_000_000n }),
  TIME_NS: unitRange({ min: 0n, max: 86_400_000_000_000n }),
  TIMESTAMP: timestamps(-9_223_372_022_400_000_000n, 9_223_372_036_854_775_806n),
  TIMESTAMPTZ: timestamps(-9_223_372_022_400_000_000n, 9_223_372_036_854_775_806n),
  TIMESTAMP_MS: timestamps(-9_223_372_022_400_000n, 9_223_372_036_854_775n),
  TIMESTAMP_S: timestamps(-9_223_372_022_400n, 9_223_372_036_854n),
  TIMESTAMP_NS: timestamps(-9_223_286_400_000_000_000n, 9_223_372_036_854_775_806n),
}

function timestamps(min: bigint, max: bigint): UnitRange {
  return unitRange({ min, max, infinity: 2n ** 63n - 1n })
}

function unitRange(
  range: Omit<UnitRange, 'minHigh' | 'maxHigh' | 'because'> & { because?: string },
): UnitRange {
  const minHigh = Math.ceil(Number(range.min) / 2 ** 32)
  const maxHigh = Math.floor(Number(range.max) / 2 ** 32) - 1
  return { because: 'it is out of range', ...range, minHigh, maxHigh }
}

/** @throws {@link ValueError} where an offset falls, or lies outside of the bytes. */
export function checkOffsets(place: ColumnPlace, { data, offsets }: PackedArray, rows: Rows): void {
  const { from, to } = rows
  const end = data.byteLength
  const row = firstUnsound(offsets, from, to, end)
  if (row === to) return
  const before = offsets[row] as number
  const isFalling = before >= 0 && before <= end && (offsets[row + 1] as number) < before
  const because = isFalling ? 'its offset falls below the one before it' : outside(end)
  throw columnError(place, because, { row: rowOf(place, row) })
}

/** The first row whose offsets fall or lie outside, or `to`. */
function firstUnsound(offsets: StringOffsets, from: number, to: number, end: number): number {
  let before = offsets[from] as number
  if (before < 0 || before > end) return from
  let row = from
  for (; row < to; row++) {
    const offset = offsets[row + 1] as number
    if (offset < before || offset > end) break
    before = offset
  }
  return row
}

const outside = (end: number): string => `its offset is outside of the ${end} bytes of \`data\``

/** @throws {@link ValueError} where a value is not UTF-8; the offsets must be sound. */
export function checkText(place: ColumnPlace, { data, offsets, validity }: PackedArray, rows: Rows): void {
  const { from, to } = rows
  const bytes = data.subarray(offsets[from], offsets[to])
  if (isAscii(bytes) || (isUtf8(bytes) && areApart(data, offsets, from, to))) return
  for (let row = from; row < to; row++) {
    if (isNull(validity, row) || isUtf8(data.subarray(offsets[row], offsets[row + 1]))) continue
    throw columnError(place, 'its bytes are not UTF-8', { row: rowOf(place, row), expected: 'VARCHAR' })
  }
}

/** True where no offset cuts a character. */
function areApart(data: Uint8Array, offsets: StringOffsets, from: number, to: number): boolean {
  for (let row = from; row < to; row++) {
    const offset = offsets[row] as number
    if (offset < data.byteLength && ((data[offset] as number) & 0xc0) === 0x80) return false
  }
  return true
}
