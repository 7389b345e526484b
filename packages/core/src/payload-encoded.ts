import { INLINE_BYTES } from '@ducksink/worker'
import { type ColumnEncoder, type FieldRecord, fieldValue } from './encoder/column-encoder.ts'
import type { GivenValues } from './encoder/given-values.ts'
import type { RecordRange } from './payload-column.ts'
import type { PayloadRows } from './payload-rows.ts'
import { PAYLOAD_TAGS } from './payload-value.ts'

const { absent, number, string, Date: date } = PAYLOAD_TAGS
const [FALSE, TRUE, NULL] = [PAYLOAD_TAGS.false, PAYLOAD_TAGS.true, PAYLOAD_TAGS.null]

/**
 * Takes the values of a field from the column that was made of them, which costs a fraction of reading them again; false
 * where the column does not tell what they were.
 */
export function takeEncoded(
  rows: PayloadRows,
  field: string,
  encoder: ColumnEncoder,
  range: RecordRange,
): boolean {
  const rowCount = range.to - range.from
  const given = encoder.given()
  if (given === undefined) return false
  const hasNulls = encoder.nullCount > 0
  // what follows writes beside the tags only
  if (hasNulls && !tagRows(rows, field, encoder, range, TAGS[given.kind])) return false
  takeValues(rows, given, rowCount, encoder)
  if (hasNulls || given.kind === 'booleans') rows.write(field, rowCount)
  else rows.writeUniform(field, rowCount, TAGS[given.kind])
  return true
}

const TAGS: Readonly<Record<GivenValues['kind'], number>> = {
  numbers: number,
  'numbers of words': number,
  Dates: date,
  booleans: FALSE,
  strings: string,
}

/** A column knows no difference between null and undefined. */
function tagRows(
  { tags }: PayloadRows,
  field: string,
  encoder: ColumnEncoder,
  { records, from, to }: RecordRange,
  tag: number,
): boolean {
  const isGuarded = field in Object.prototype
  try {
    for (let row = 0; row < to - from; row++) {
      if (!encoder.isNull(row)) {
        tags[row] = tag
        continue
      }
      const value = fieldValue(records[from + row] as FieldRecord, field, isGuarded)
      if (value !== null && value !== undefined) return false
      tags[row] = value === null ? NULL : absent
    }
    return true
  } catch {
    return false
  }
}

function takeValues(rows: PayloadRows, given: GivenValues, rowCount: number, encoder: ColumnEncoder): void {
  switch (given.kind) {
    case 'numbers':
      rows.numbers.set(given.values.subarray(0, rowCount))
      if (given.values instanceof Float64Array || given.values instanceof Float32Array)
        settleNumbers(rows.numbers, rowCount)
      break
    case 'numbers of words':
    case 'Dates':
      takeWords(rows.numbers, given.words, rowCount, given)
      break
    case 'booleans':
      for (let row = 0; row < rowCount; row++)
        if (!encoder.isNull(row)) rows.tags[row] = given.values[row] === 1 ? TRUE : FALSE
      return
    case 'strings':
      takeStrings(rows, given.entries, given.heap, rowCount)
      return
    default:
      given satisfies never
  }
  if (encoder.nullCount === 0) return
  for (let row = 0; row < rowCount; row++) if (encoder.isNull(row)) rows.numbers[row] = 0
}

/** NaN has many forms in memory, and 0 two. */
export function settleNumbers(numbers: Float64Array, rowCount: number): void {
  for (let row = 0; row < rowCount; row++) {
    const value = numbers[row] as number
    numbers[row] = Number.isNaN(value) ? Number.NaN : value + 0
  }
}

const WORD = 2 ** 32

function takeWords(
  numbers: Float64Array,
  words: Int32Array,
  rowCount: number,
  { units, isSigned }: { readonly units: number; readonly isSigned: boolean },
): void {
  for (let row = 0; row < rowCount; row++) {
    const high = words[row * 2 + 1] as number
    const low = (words[row * 2] as number) >>> 0
    numbers[row] = ((isSigned ? high : high >>> 0) * WORD + low) / units
  }
}

/** Takes strings by their entries, of which long ones are somewhere in a heap. */
export function takeStrings(
  rows: PayloadRows,
  entries: Uint32Array,
  heap: Uint8Array,
  rowCount: number,
): void {
  const target = rows.entries
  target.set(entries.subarray(0, rowCount * 4))
  // strings that stand side by side go over together, as long as they are of one piece
  let start = 0
  let end = 0
  for (let word = 0; word < rowCount * 4; word += 4) {
    const length = target[word] as number
    if (length <= INLINE_BYTES) continue
    const place = target[word + 2] as number
    target[word + 1] = 0
    target[word + 2] = 0
    if (place !== end) {
      if (end > start) rows.appendHeap(heap, start, end - start)
      start = place
    }
    end = place + length
    if (end - start < rows.heapRoom) continue
    rows.appendHeap(heap, start, end - start)
    start = end
  }
  if (end > start) rows.appendHeap(heap, start, end - start)
}
