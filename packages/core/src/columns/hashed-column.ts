import { MAX_CHUNK_ROWS, STRING_ENTRY_BYTES, writeStringEntries } from '@ducksink/worker'
import { settleNumbers, takeStrings } from '../payload-encoded.ts'
import type { PayloadRows } from '../payload-rows.ts'
import { PAYLOAD_TAGS } from '../payload-value.ts'
import {
  type ColumnArray,
  type ColumnPlace,
  type FixedArray,
  isNull,
  type PackedArray,
} from './column-array.ts'
import { checkOffsets, type Rows } from './column-content.ts'

const { number, bigint, string, Date: date, null: NULL } = PAYLOAD_TAGS
const [FALSE, TRUE] = [PAYLOAD_TAGS.false, PAYLOAD_TAGS.true]

const ENTRY_WORDS = STRING_ENTRY_BYTES / 4
const MILLIS_PER_DAY = 86_400_000
/** The days, and the upper words of microseconds, with which a Date and a double are exact for certain. */
const MAX_DAYS = 100_000_000
const MAX_HIGH = 2 ** 20
const WORD = 2 ** 32

/** Rows, and the column that they are of, as errors name it. */
interface PlacedRows extends Rows {
  readonly place: ColumnPlace
}

interface HashedRows extends PlacedRows {
  readonly array: ColumnArray
}

/** Takes arrays into the hash as they are, to the same as their values in records. */
export class HashedColumn {
  readonly #entries = new Uint32Array(MAX_CHUNK_ROWS * ENTRY_WORDS)

  /** False where the values must be read one by one; nothing is written then. */
  take(rows: PayloadRows, { place, array, from, to }: HashedRows): boolean {
    const tag = this.#fill(rows, array, { place, from, to })
    if (tag === undefined) return false
    const { validity } = array
    const rowCount = to - from
    if (validity === undefined && tag !== TRUE) {
      rows.writeUniform(place.column, rowCount, tag)
      return true
    }
    const { tags, numbers } = rows
    for (let row = 0; row < rowCount; row++) {
      const isAbsent = isNull(validity, from + row)
      if (isAbsent) numbers[row] = 0
      if (isAbsent) tags[row] = NULL
      else if (tag !== TRUE) tags[row] = tag
      else tags[row] = (array as FixedArray).values[from + row] === 0 ? FALSE : TRUE
    }
    rows.write(place.column, rowCount)
    return true
  }

  /** Fills in what rows have beside their tag, and gives that, TRUE where it is a boolean's. */
  #fill(rows: PayloadRows, array: ColumnArray, range: PlacedRows): number | undefined {
    switch (array.kind) {
      case 'fixed':
        return fillFixed(rows, array, range)
      case 'packed':
        return array.type?.id === 'BLOB' ? undefined : this.#fillStrings(rows, array, range)
      case 'values':
        return undefined
      default:
        return array satisfies never
    }
  }

  #fillStrings(rows: PayloadRows, array: PackedArray, range: PlacedRows): number {
    const { place, from, to } = range
    checkOffsets(place, array, range)
    const { data, offsets, validity } = array
    const entries = this.#entries
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    writeStringEntries(entries, { data: view, offsets, from, to })
    if (validity !== undefined)
      for (let row = from; row < to; row++)
        if (isNull(validity, row)) entries.fill(0, (row - from) * ENTRY_WORDS, (row - from + 1) * ENTRY_WORDS)
    takeStrings(rows, entries, data.subarray(offsets[from], offsets[to]), to - from)
    return string
  }
}

function fillFixed(
  { numbers, bigints }: PayloadRows,
  { type, values }: FixedArray,
  { from, to }: Rows,
): number | undefined {
  const rowCount = to - from
  switch (type.id) {
    case 'BOOLEAN':
      return TRUE
    case 'DATE':
      return fillDays(numbers, values as Int32Array, from, rowCount) ? date : undefined
    case 'TIMESTAMP':
    case 'TIMESTAMPTZ':
      return fillMicros(numbers, values as BigInt64Array, from, rowCount) ? date : undefined
    case 'BIGINT':
      bigints.set((values as BigInt64Array).subarray(from, to))
      return bigint
    case 'UBIGINT':
      return undefined
    default:
      if (values instanceof BigInt64Array || values instanceof BigUint64Array) return undefined
      numbers.set(values.subarray(from, to))
      if (type.id === 'FLOAT' || type.id === 'DOUBLE') settleNumbers(numbers, rowCount)
      return number
  }
}

function fillDays(numbers: Float64Array, days: Int32Array, from: number, rowCount: number): boolean {
  for (let row = 0; row < rowCount; row++) {
    const day = days[from + row] as number
    if (day > MAX_DAYS || day < -MAX_DAYS) return false
    numbers[row] = day * MILLIS_PER_DAY
  }
  return true
}

/** What is under a NULL may be anything, and makes the values be read one by one. */
function fillMicros(numbers: Float64Array, micros: BigInt64Array, from: number, rowCount: number): boolean {
  const words = new Int32Array(micros.buffer, micros.byteOffset + from * 8, rowCount * 2)
  for (let row = 0; row < rowCount; row++) {
    const high = words[row * 2 + 1] as number
    if (high > MAX_HIGH || high < -MAX_HIGH) return false
    const value = high * WORD + ((words[row * 2] as number) >>> 0)
    if (value % 1_000 !== 0) return false
    numbers[row] = value / 1_000
  }
  return true
}
