import {
  fixedWidth,
  type LogicalType,
  SinkError,
  type SinkErrorDetails,
  type StringOffsets,
  ValueError,
} from '@ducksink/worker'
import type { NumericArray } from './sink-columns.ts'

/** Which rows are NULL: bit `offset + row` is 1 where one is not. */
export interface Validity {
  readonly bits: Uint8Array
  readonly offset: number
}

/** Values of fixed width, in the layout that DuckDB has for their type. */
export interface FixedArray {
  readonly kind: 'fixed'
  readonly type: LogicalType
  readonly values: NumericArray
  readonly validity: Validity | undefined
}

/** Values of which the bytes lie one after another; without a type they are text, or bytes where the column is a BLOB. */
export interface PackedArray {
  readonly kind: 'packed'
  readonly type: (LogicalType & { readonly id: 'VARCHAR' | 'BLOB' }) | undefined
  readonly data: Uint8Array
  readonly offsets: StringOffsets
  readonly validity: Validity | undefined
}

/** Any values; the type is what an absent column becomes, where they do not say it. */
interface ValueArray {
  readonly kind: 'values'
  readonly type: LogicalType | undefined
  readonly values: ArrayLike<unknown>
  readonly validity: Validity | undefined
}

/** The values of one column, whatever the caller gave them as. */
export type ColumnArray = FixedArray | PackedArray | ValueArray

/** Rows of all columns, which are at the same place in each segment. */
export interface Segment {
  readonly rowCount: number
  readonly columns: readonly ColumnArray[]
}

/** What one call is given. */
export interface ColumnBatch {
  readonly names: readonly string[]
  /** The record batches of an Arrow table; otherwise there is one. */
  readonly segments: readonly Segment[]
  readonly rowCount: number
}

/** Where something is wrong, as errors name it. */
export interface ColumnPlace {
  readonly table: string
  readonly column: string
  /** How many rows of the batch come before those that are meant; left out where they are none of the batch's own. */
  readonly base?: number | undefined
}

/** The row of the batch, where it is one of that. */
export const rowOf = ({ base }: ColumnPlace, row: number): number | undefined =>
  base === undefined ? undefined : base + row

/** What is told of a column that cannot be taken. */
export function columnError(
  { table, column }: ColumnPlace,
  because: string,
  details: Pick<SinkErrorDetails, 'row' | 'expected' | 'found' | 'cause'> = {},
): ValueError {
  const row = details.row === undefined ? '' : `row ${details.row}, `
  return new ValueError(`${row}column "${column}" of table "${table}": ${because}`, {
    ...{ table, column },
    ...details,
  })
}

/**
 * Reads what a caller gives as a column: getters, proxies, and what only has the shape of Arrow's data throw whatever they
 * do.
 * @throws {@link ValueError} with that as its cause.
 */
export function readable<T>(place: ColumnPlace, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SinkError) throw error
    throw columnError(place, 'reading it threw', { cause: error })
  }
}

/** @throws {@link ValueError} where the memory of an array is another thread's by now. */
export function requireAttached(place: ColumnPlace, { buffer }: NodeJS.ArrayBufferView): void {
  if ('detached' in buffer && buffer.detached)
    throw columnError(place, 'its buffer was transferred, and its values with it')
}

/** Bytes of a value of fixed width. */
export const widthOf = ({ type }: FixedArray): number => fixedWidth(type)

export function isNull(validity: Validity | undefined, row: number): boolean {
  if (validity === undefined) return false
  const bit = validity.offset + row
  return (((validity.bits[bit >> 3] as number) >> (bit & 7)) & 1) === 0
}

/** How many of some rows are not NULL. */
export function validCount({ kind, ...column }: ColumnArray, rowCount: number): number {
  const { validity } = column
  const values = kind === 'values' ? (column as ValueArray).values : undefined
  if (validity === undefined && values === undefined) return rowCount
  let count = 0
  for (let row = 0; row < rowCount; row++) {
    if (isNull(validity, row)) continue
    if (values === undefined || (values[row] !== null && values[row] !== undefined)) count++
  }
  return count
}
