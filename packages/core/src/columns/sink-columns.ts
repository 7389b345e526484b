/** An array of numbers or bigints, of any kind but `DataView`. */
export type NumericArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array

/**
 * A type in whose own unit, as DuckDB stores it, the elements of a typed array can be: 0 and 1 (`Uint8Array`) for
 * BOOLEAN; days since 1970 (`Int32Array`) for DATE; all others (`BigInt64Array`) microseconds since 1970 or midnight,
 * or the unit that the name ends in.
 */
export type UnitType =
  | 'BOOLEAN'
  | 'DATE'
  | 'TIME'
  | 'TIME_NS'
  | 'TIMESTAMP'
  | 'TIMESTAMP_S'
  | 'TIMESTAMP_MS'
  | 'TIMESTAMP_NS'
  | 'TIMESTAMPTZ'

/** Values with what says which of them are NULL. */
export interface ValuesColumn {
  readonly values: NumericArray | readonly unknown[]
  /** Bit `row & 7` of byte `row >> 3` is 1 where the row is not NULL, as in Arrow and DuckDB. */
  readonly validity?: Uint8Array
  /** What the elements of a typed array are; without it they are numbers or bigints. */
  readonly type?: UnitType
}

/** The bytes of all values one after another: UTF-8 text or, for a BLOB column, bytes. */
export interface PackedColumn {
  readonly data: Uint8Array
  /** Where in `data` each value begins, and where the last one ends: one more than there are rows. */
  readonly offsets: Int32Array | Uint32Array | BigInt64Array
  /** As in {@link ValuesColumn}. */
  readonly validity?: Uint8Array
}

/** The values of a column: of a typed array, of any array (`null` and `undefined` are NULL), or packed. */
export type SinkColumn = NumericArray | readonly unknown[] | ValuesColumn | PackedColumn

/** A record batch of Apache Arrow JS, as far as it is looked at. */
export interface ArrowBatch {
  readonly schema: ArrowSchema
  readonly data: { readonly children: readonly unknown[]; readonly length: number }
}

/** A table of Apache Arrow JS, as far as it is looked at. */
export interface ArrowTable {
  readonly schema: ArrowSchema
  readonly batches: readonly ArrowBatch[]
}

interface ArrowSchema {
  readonly fields: readonly { readonly name: string | number | symbol }[]
}

/** Columns of one length by their names, or a table or record batch of Apache Arrow JS. */
export type SinkColumns = { readonly [name: string]: SinkColumn } | ArrowTable | ArrowBatch
