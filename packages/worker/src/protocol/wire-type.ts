import type { LogicalType, PlainTypeId, TypeField } from './logical-type.ts'

/** The types without parameters whose values travel in the layout of their own vector. */
export type NativeTypeId = Exclude<PlainTypeId, TextTypeId>

/** The types whose values travel as text, which DuckDB casts to them. */
type TextTypeId = 'JSON' | 'GEOMETRY' | 'VARIANT' | 'NULL' | 'OTHER'

/** Bytes of one `duckdb_string_t`: the entry of a VARCHAR, BLOB, BIT or BIGNUM vector. */
export const STRING_ENTRY_BYTES = 16

/** The longest string, in bytes, that a `duckdb_string_t` holds inline. */
export const INLINE_BYTES = 12

/** Bytes of one `duckdb_list_entry`: the u64 offset of a list's first element, and their u64 number. */
export const LIST_ENTRY_BYTES = 16

/** Bytes of one value in a vector of each native type. */
export const NATIVE_WIDTHS: Readonly<Record<NativeTypeId, number>> = {
  BOOLEAN: 1,
  TINYINT: 1,
  SMALLINT: 2,
  INTEGER: 4,
  BIGINT: 8,
  HUGEINT: 16,
  UTINYINT: 1,
  USMALLINT: 2,
  UINTEGER: 4,
  UBIGINT: 8,
  UHUGEINT: 16,
  BIGNUM: STRING_ENTRY_BYTES,
  FLOAT: 4,
  DOUBLE: 8,
  VARCHAR: STRING_ENTRY_BYTES,
  BLOB: STRING_ENTRY_BYTES,
  BIT: STRING_ENTRY_BYTES,
  UUID: 16,
  DATE: 4,
  TIME: 8,
  TIME_NS: 8,
  TIMETZ: 8,
  TIMESTAMP: 8,
  TIMESTAMP_S: 8,
  TIMESTAMP_MS: 8,
  TIMESTAMP_NS: 8,
  TIMESTAMPTZ: 8,
  INTERVAL: 16,
}

/** True for the types that are a `duckdb_string_t` a value. */
export function isStringLike(type: LogicalType): boolean {
  return type.id === 'VARCHAR' || type.id === 'BLOB' || type.id === 'BIT' || type.id === 'BIGNUM'
}

/** Bytes of a DECIMAL of so many digits: those of the smallest integer that holds them. */
export function decimalBytes(width: number): 2 | 4 | 8 | 16 {
  if (width <= 9) return width <= 4 ? 2 : 4
  return width <= 18 ? 8 : 16
}

/** Bytes of the index into an ENUM of so many values. */
export function enumBytes(valueCount: number): 1 | 2 | 4 {
  if (valueCount <= 0xff) return 1
  return valueCount <= 0xffff ? 2 : 4
}

/** True for a type that travels as text by itself; what holds others travels as what they travel as. */
export function travelsAsText(type: LogicalType): boolean {
  switch (type.id) {
    case 'JSON':
    case 'GEOMETRY':
    case 'VARIANT':
    case 'NULL':
    case 'OTHER':
      return true
    default:
      return false
  }
}

/** True where the worker must cast what travelled to the column's type. */
export function needsCast(type: LogicalType): boolean {
  switch (type.id) {
    case 'LIST':
    case 'ARRAY':
      return needsCast(type.element)
    case 'STRUCT':
      return type.fields.some((field) => needsCast(field.type))
    case 'UNION':
      return type.members.some((member) => needsCast(member.type))
    case 'MAP':
      return needsCast(type.key) || needsCast(type.value)
    default:
      return travelsAsText(type)
  }
}

/** The type in which a column's values travel: its own, with VARCHAR in place of what travels as text. */
export function wireTypeOf(type: LogicalType): LogicalType {
  const wireField = (field: TypeField): TypeField => ({ name: field.name, type: wireTypeOf(field.type) })
  switch (type.id) {
    case 'LIST':
      return { id: 'LIST', element: wireTypeOf(type.element) }
    case 'ARRAY':
      return { id: 'ARRAY', element: wireTypeOf(type.element), length: type.length }
    case 'STRUCT':
      return { id: 'STRUCT', fields: type.fields.map(wireField) }
    case 'UNION':
      return { id: 'UNION', members: type.members.map(wireField) }
    case 'MAP':
      return { id: 'MAP', key: wireTypeOf(type.key), value: wireTypeOf(type.value) }
    default:
      return travelsAsText(type) ? { id: 'VARCHAR' } : type
  }
}
