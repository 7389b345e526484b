import { dateValue, timestampValue, timeText } from '../encoder/temporal-text.ts'
import {
  type ColumnArray,
  type ColumnPlace,
  type FixedArray,
  isNull,
  type PackedArray,
} from './column-array.ts'
import { checkOffsets, checkText, type Rows } from './column-content.ts'

/** Gives the value of a row as a record would have it. */
export type ReadRow = (row: number) => unknown

/**
 * Reads a column value by value; packed values without a type are texts. Its values in a record are exactly these:
 * numbers and bigints of typed arrays, strings, Dates, and the text of what no Date holds.
 * What it gives throws a {@link ValueError} where packed values are not sound.
 */
export function rowReader(place: ColumnPlace, column: ColumnArray): ReadRow {
  const { validity } = column
  const read = valueReader(place, column)
  return validity === undefined ? read : (row) => (isNull(validity, row) ? null : read(row))
}

function valueReader(place: ColumnPlace, column: ColumnArray): ReadRow {
  switch (column.kind) {
    case 'fixed':
      return fixedReader(column)
    case 'packed':
      return packedReader(place, column)
    case 'values': {
      const { values } = column
      return (row) => values[row]
    }
    default:
      return column satisfies never
  }
}

function packedReader(place: ColumnPlace, column: PackedArray): ReadRow {
  const { data, offsets, type } = column
  const rows = (row: number): Rows => ({ from: row, to: row + 1 })
  if (type?.id === 'BLOB')
    return (row) => {
      checkOffsets(place, column, rows(row))
      return new Uint8Array(data.subarray(offsets[row], offsets[row + 1]))
    }
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return (row) => {
    checkOffsets(place, column, rows(row))
    const text = bytes.toString('utf8', offsets[row], offsets[row + 1])
    // what is not UTF-8 has become this
    if (text.includes('\ufffd')) checkText(place, column, rows(row))
    return text
  }
}

function fixedReader({ type, values }: FixedArray): ReadRow {
  const bigints = values as BigInt64Array
  switch (type.id) {
    case 'BOOLEAN':
      return (row) => values[row] !== 0
    case 'DATE':
      return (row) => dateValue(values[row] as number)
    case 'TIME':
      return (row) => timeText(bigints[row] as bigint)
    case 'TIME_NS':
      return (row) => timeText(bigints[row] as bigint, 1_000_000_000n)
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
    case 'TIMESTAMPTZ': {
      const { id } = type
      return (row) => timestampValue(id, bigints[row] as bigint)
    }
    default:
      return (row) => values[row]
  }
}

/** The values of a column where its array has them as an encoder without a field takes them. */
export function plainValues(column: ColumnArray): ArrayLike<unknown> | undefined {
  if (column.validity !== undefined || column.kind === 'packed') return undefined
  return column.kind === 'values' || isNumeric(column) ? column.values : undefined
}

function isNumeric({ type: { id } }: FixedArray): boolean {
  return id !== 'BOOLEAN' && id !== 'DATE' && !id.startsWith('TIME')
}
