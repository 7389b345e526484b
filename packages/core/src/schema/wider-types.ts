import { type DecimalType, type LogicalType, type PlainTypeId, parseLogicalType } from '@ducksink/worker'
import { decimalDigits } from './decimal-digits.ts'

/**
 * What each type may become, nearest first: DuckDB casts every value of the type to one of the wider type that casts
 * back to it, or refuses the ALTER as a whole (a DATE far beyond what a TIMESTAMP holds).
 *
 * BIGINT has 64 bits and a DOUBLE 53, so it goes on as a DECIMAL, of all the digits there are. VARCHAR is the last
 * resort of scalars. What is not named here stays as it is: BLOB is no text, JSON holds other values already, and
 * the text of the rest is not theirs alone.
 */
export const WIDER_TYPES: Readonly<Partial<Record<PlainTypeId, readonly string[]>>> = {
  BOOLEAN: ['VARCHAR'],
  UTINYINT: [
    ...['USMALLINT', 'SMALLINT', 'UINTEGER', 'INTEGER', 'UBIGINT', 'BIGINT', 'UHUGEINT', 'HUGEINT'],
    ...['DOUBLE', 'BIGNUM', 'VARCHAR'],
  ],
  USMALLINT: [
    ...['UINTEGER', 'INTEGER', 'UBIGINT', 'BIGINT', 'UHUGEINT', 'HUGEINT', 'DOUBLE', 'BIGNUM', 'VARCHAR'],
  ],
  UINTEGER: ['UBIGINT', 'BIGINT', 'UHUGEINT', 'HUGEINT', 'DOUBLE', 'BIGNUM', 'VARCHAR'],
  UBIGINT: ['UHUGEINT', 'HUGEINT', 'DECIMAL(38,18)', 'BIGNUM', 'VARCHAR'],
  UHUGEINT: ['BIGNUM', 'VARCHAR'],
  TINYINT: ['SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'DOUBLE', 'BIGNUM', 'VARCHAR'],
  SMALLINT: ['INTEGER', 'BIGINT', 'HUGEINT', 'DOUBLE', 'BIGNUM', 'VARCHAR'],
  INTEGER: ['BIGINT', 'HUGEINT', 'DOUBLE', 'BIGNUM', 'VARCHAR'],
  BIGINT: ['HUGEINT', 'DECIMAL(38,19)', 'BIGNUM', 'VARCHAR'],
  HUGEINT: ['BIGNUM', 'VARCHAR'],
  BIGNUM: ['VARCHAR'],
  FLOAT: ['DOUBLE', 'VARCHAR'],
  DOUBLE: ['VARCHAR'],
  DATE: ['TIMESTAMP', 'VARCHAR'],
  TIMESTAMP_S: ['TIMESTAMP_MS', 'TIMESTAMP', 'VARCHAR'],
  TIMESTAMP_MS: ['TIMESTAMP', 'VARCHAR'],
  TIMESTAMP: ['VARCHAR'],
  TIMESTAMP_NS: ['VARCHAR'],
  TIMESTAMPTZ: ['VARCHAR'],
  TIME: ['VARCHAR'],
  TIME_NS: ['VARCHAR'],
  TIMETZ: ['VARCHAR'],
  INTERVAL: ['VARCHAR'],
  UUID: ['VARCHAR'],
  BIT: ['VARCHAR'],
}

const VARCHAR: LogicalType = { id: 'VARCHAR' }

const MAX_DECIMAL_WIDTH = 38

/** The types that a scalar type may become for the sake of these values, nearest first. */
export function widerTypes(type: LogicalType, values: readonly unknown[]): readonly LogicalType[] {
  switch (type.id) {
    case 'DECIMAL':
      return [...widerDecimal(type, values), VARCHAR]
    case 'ENUM':
      return [VARCHAR]
    case 'LIST':
    case 'ARRAY':
    case 'STRUCT':
    case 'MAP':
    case 'UNION':
    case 'OTHER':
      return []
    default:
      return (WIDER_TYPES[type.id] ?? []).map(parseLogicalType)
  }
}

/** As many digits on either side of the point as the type has, or the values need. */
function widerDecimal({ width, scale }: DecimalType, values: readonly unknown[]): readonly DecimalType[] {
  let whole = width - scale
  let fraction = scale
  for (const value of values) {
    const digits = decimalDigits(value)
    if (digits === undefined) continue
    whole = Math.max(whole, digits.whole)
    fraction = Math.max(fraction, digits.fraction)
  }
  if (whole + fraction > MAX_DECIMAL_WIDTH) return []
  return [{ id: 'DECIMAL', width: whole + fraction, scale: fraction }]
}
