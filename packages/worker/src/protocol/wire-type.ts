import type { LogicalType } from './logical-type.ts'

/** The DuckDB types whose values travel in the layout of their own vector; all others travel as text. */
export type NativeTypeId =
  | 'BOOLEAN'
  | 'TINYINT'
  | 'SMALLINT'
  | 'INTEGER'
  | 'BIGINT'
  | 'UTINYINT'
  | 'USMALLINT'
  | 'UINTEGER'
  | 'UBIGINT'
  | 'FLOAT'
  | 'DOUBLE'
  | 'VARCHAR'
  | 'BLOB'
  | 'DATE'
  | 'TIME'
  | 'TIMESTAMP'
  | 'TIMESTAMP_S'
  | 'TIMESTAMP_MS'
  | 'TIMESTAMP_NS'
  | 'TIMESTAMPTZ'

/** Bytes of one `duckdb_string_t`: the entry of a VARCHAR or BLOB vector. */
export const STRING_ENTRY_BYTES = 16

/** The longest string, in bytes, that a `duckdb_string_t` holds inline. */
export const INLINE_BYTES = 12

/** Bytes of one value in a vector of each native type. */
export const NATIVE_WIDTHS: Readonly<Record<NativeTypeId, number>> = {
  BOOLEAN: 1,
  TINYINT: 1,
  SMALLINT: 2,
  INTEGER: 4,
  BIGINT: 8,
  UTINYINT: 1,
  USMALLINT: 2,
  UINTEGER: 4,
  UBIGINT: 8,
  FLOAT: 4,
  DOUBLE: 8,
  VARCHAR: STRING_ENTRY_BYTES,
  BLOB: STRING_ENTRY_BYTES,
  DATE: 4,
  TIME: 8,
  TIMESTAMP: 8,
  TIMESTAMP_S: 8,
  TIMESTAMP_MS: 8,
  TIMESTAMP_NS: 8,
  TIMESTAMPTZ: 8,
}

/** The type in which a column's values travel: its own where that is native, VARCHAR for every other. */
export function wireTypeOf(type: LogicalType): NativeTypeId {
  return Object.hasOwn(NATIVE_WIDTHS, type.id) ? (type.id as NativeTypeId) : 'VARCHAR'
}

/** True where the worker must cast the text that travelled to the column's type. */
export function travelsAsText(type: LogicalType): boolean {
  return !Object.hasOwn(NATIVE_WIDTHS, type.id)
}
