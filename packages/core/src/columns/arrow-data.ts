import type { NumericArray } from './sink-columns.ts'

// What is read of the objects of Apache Arrow JS; the numbers are those of Arrow's own format, so that they are the same
// in every version.

/** A chunk of a column. */
export interface ArrowData {
  readonly type: ArrowType
  readonly length: number
  /** Where its first row is in the bitmaps; all other arrays begin with it. */
  readonly offset: number
  readonly nullCount?: number
  readonly nullBitmap?: Uint8Array | null
  readonly values?: NumericArray
  readonly valueOffsets?: Int32Array | BigInt64Array
  readonly children?: readonly ArrowData[]
  readonly dictionary?: { readonly data: readonly ArrowData[] }
}

/** A type; what it has beside its id depends on that. */
export interface ArrowType {
  readonly typeId: number
  readonly bitWidth?: number
  readonly isSigned?: boolean
  readonly precision?: number
  readonly scale?: number
  readonly unit?: number
  readonly timezone?: string | null
  readonly byteWidth?: number
  /** Of a dictionary's indexes. */
  readonly indices?: ArrowType
  readonly listSize?: number
  readonly children?: readonly { readonly name: string }[] | null
  toString(): string
}

/** The ids of types that have a column type in DuckDB. */
export const ARROW = {
  Dictionary: -1,
  Null: 1,
  Int: 2,
  Float: 3,
  Binary: 4,
  Utf8: 5,
  Bool: 6,
  Decimal: 7,
  Date: 8,
  Time: 9,
  Timestamp: 10,
  List: 12,
  Struct: 13,
  FixedSizeBinary: 15,
  FixedSizeList: 16,
  Map: 17,
  LargeBinary: 19,
  LargeUtf8: 20,
  LargeList: 21,
} as const

/** The units of times and timestamps. */
export const UNIT = { SECOND: 0, MILLISECOND: 1, MICROSECOND: 2, NANOSECOND: 3 } as const
