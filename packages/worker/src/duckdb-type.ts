import duckdb from '@duckdb/node-bindings'
import type { LogicalType, TypeField } from './protocol/logical-type.ts'
import type { NativeTypeId } from './protocol/wire-type.ts'

const { Type } = duckdb

const TYPES: Readonly<Record<NativeTypeId, duckdb.Type>> = {
  BOOLEAN: Type.BOOLEAN,
  TINYINT: Type.TINYINT,
  SMALLINT: Type.SMALLINT,
  INTEGER: Type.INTEGER,
  BIGINT: Type.BIGINT,
  HUGEINT: Type.HUGEINT,
  UTINYINT: Type.UTINYINT,
  USMALLINT: Type.USMALLINT,
  UINTEGER: Type.UINTEGER,
  UBIGINT: Type.UBIGINT,
  UHUGEINT: Type.UHUGEINT,
  BIGNUM: Type.BIGNUM,
  FLOAT: Type.FLOAT,
  DOUBLE: Type.DOUBLE,
  VARCHAR: Type.VARCHAR,
  BLOB: Type.BLOB,
  BIT: Type.BIT,
  UUID: Type.UUID,
  DATE: Type.DATE,
  TIME: Type.TIME,
  TIME_NS: Type.TIME_NS,
  TIMETZ: Type.TIME_TZ,
  TIMESTAMP: Type.TIMESTAMP,
  TIMESTAMP_S: Type.TIMESTAMP_S,
  TIMESTAMP_MS: Type.TIMESTAMP_MS,
  TIMESTAMP_NS: Type.TIMESTAMP_NS,
  TIMESTAMPTZ: Type.TIMESTAMP_TZ,
  INTERVAL: Type.INTERVAL,
}

/** DuckDB's own object for a type in which values travel. */
export function createDuckDBType(type: LogicalType): duckdb.LogicalType {
  switch (type.id) {
    case 'DECIMAL':
      return duckdb.create_decimal_type(type.width, type.scale)
    case 'ENUM':
      return duckdb.create_enum_type(type.values)
    case 'LIST':
      return duckdb.create_list_type(createDuckDBType(type.element))
    case 'ARRAY':
      return duckdb.create_array_type(createDuckDBType(type.element), type.length)
    case 'STRUCT':
      return duckdb.create_struct_type(typesOf(type.fields), namesOf(type.fields))
    case 'UNION':
      return duckdb.create_union_type(typesOf(type.members), namesOf(type.members))
    case 'MAP':
      return duckdb.create_map_type(createDuckDBType(type.key), createDuckDBType(type.value))
    case 'JSON':
    case 'GEOMETRY':
    case 'VARIANT':
    case 'NULL':
    case 'OTHER':
      throw new TypeError(`values of ${type.id} travel as text`)
    default:
      return duckdb.create_logical_type(TYPES[type.id])
  }
}

// the C API refuses one more, though SQL does not
const MAX_ARRAY_LENGTH = 99_999

/** Why DuckDB's C API can make no object of a type that a table may have, or one inside it; undefined where it can. */
export function whyNotCreatable(type: LogicalType): string | undefined {
  switch (type.id) {
    case 'ENUM':
      // it would be cut there
      return type.values.some((value) => value.includes('\0')) ? 'an ENUM value holds U+0000' : undefined
    case 'ARRAY':
      if (type.length > MAX_ARRAY_LENGTH) return `an ARRAY has more than ${MAX_ARRAY_LENGTH} elements`
      return whyNotCreatable(type.element)
    case 'LIST':
      return whyNotCreatable(type.element)
    case 'MAP':
      return whyNotCreatable(type.key) ?? whyNotCreatable(type.value)
    case 'STRUCT':
      return whyNotAllCreatable(type.fields)
    case 'UNION':
      return whyNotAllCreatable(type.members)
    default:
      return undefined
  }
}

function whyNotAllCreatable(fields: readonly TypeField[]): string | undefined {
  for (const { type } of fields) {
    const reason = whyNotCreatable(type)
    if (reason !== undefined) return reason
  }
  return undefined
}

const typesOf = (fields: readonly TypeField[]): duckdb.LogicalType[] =>
  fields.map((field) => createDuckDBType(field.type))

const namesOf = (fields: readonly TypeField[]): string[] => fields.map((field) => field.name)
