/** A type without parameters, by DuckDB's name (`TIMETZ` and `TIMESTAMPTZ` by their short ones). */
export type PlainTypeId =
  | 'BOOLEAN'
  | 'TINYINT'
  | 'SMALLINT'
  | 'INTEGER'
  | 'BIGINT'
  | 'HUGEINT'
  | 'UTINYINT'
  | 'USMALLINT'
  | 'UINTEGER'
  | 'UBIGINT'
  | 'UHUGEINT'
  | 'BIGNUM'
  | 'FLOAT'
  | 'DOUBLE'
  | 'VARCHAR'
  | 'JSON'
  | 'BLOB'
  | 'BIT'
  | 'UUID'
  | 'DATE'
  | 'TIME'
  | 'TIME_NS'
  | 'TIMETZ'
  | 'TIMESTAMP'
  | 'TIMESTAMP_S'
  | 'TIMESTAMP_MS'
  | 'TIMESTAMP_NS'
  | 'TIMESTAMPTZ'
  | 'INTERVAL'
  | 'GEOMETRY'
  | 'VARIANT'
  | 'NULL'

/** A type that its name says all about. */
export interface PlainType {
  readonly id: PlainTypeId
}

/** `DECIMAL(width, scale)`: `width` digits in all, `scale` of them after the point. */
export interface DecimalType {
  readonly id: 'DECIMAL'
  readonly width: number
  readonly scale: number
}

/** `ENUM('a', 'b')`, with its values in order. */
export interface EnumType {
  readonly id: 'ENUM'
  readonly values: readonly string[]
}

/** `T[]`, of any length. */
export interface ListType {
  readonly id: 'LIST'
  readonly element: LogicalType
}

/** `T[n]`, of exactly `length` elements. */
export interface ArrayType {
  readonly id: 'ARRAY'
  readonly element: LogicalType
  readonly length: number
}

/** A field of a STRUCT or a member of a UNION. */
export interface TypeField {
  readonly name: string
  readonly type: LogicalType
}

/** `STRUCT(name T, ...)`. */
export interface StructType {
  readonly id: 'STRUCT'
  readonly fields: readonly TypeField[]
}

/** `MAP(K, V)`. */
export interface MapType {
  readonly id: 'MAP'
  readonly key: LogicalType
  readonly value: LogicalType
}

/** `UNION(tag T, ...)`. */
export interface UnionType {
  readonly id: 'UNION'
  readonly members: readonly TypeField[]
}

/** A type that is not known here (user-defined, or of an extension); `name` is SQL text, as it was given. */
export interface OtherType {
  readonly id: 'OTHER'
  readonly name: string
}

/** A DuckDB type as a tree; `id` tells them apart. */
export type LogicalType =
  | PlainType
  | DecimalType
  | EnumType
  | ListType
  | ArrayType
  | StructType
  | MapType
  | UnionType
  | OtherType
