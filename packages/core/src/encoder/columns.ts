import { travelsAsText, wireTypeOf } from '@ducksink/worker'
import type { ColumnEncoder, ColumnInfo } from './column-encoder.ts'
import { textFormOf } from './literal.ts'
import { BigintColumn, BooleanColumn, DoubleColumn, FloatColumn, IntegerColumn } from './numbers.ts'
import { BlobColumn, StringColumn, TextFormColumn } from './strings.ts'
import { DateColumn, TimeColumn, TimestampColumn } from './temporal-columns.ts'

/** The encoder of a column, by its type. */
export function createColumnEncoder(column: ColumnInfo): ColumnEncoder {
  if (travelsAsText(column.type)) return new TextFormColumn(column, textFormOf(column.type))
  const id = wireTypeOf(column.type)
  switch (id) {
    case 'BOOLEAN':
      return new BooleanColumn(column)
    case 'TINYINT':
      return new IntegerColumn(column, 1, true)
    case 'SMALLINT':
      return new IntegerColumn(column, 2, true)
    case 'INTEGER':
      return new IntegerColumn(column, 4, true)
    case 'UTINYINT':
      return new IntegerColumn(column, 1, false)
    case 'USMALLINT':
      return new IntegerColumn(column, 2, false)
    case 'UINTEGER':
      return new IntegerColumn(column, 4, false)
    case 'BIGINT':
      return new BigintColumn(column, true)
    case 'UBIGINT':
      return new BigintColumn(column, false)
    case 'FLOAT':
      return new FloatColumn(column)
    case 'DOUBLE':
      return new DoubleColumn(column)
    case 'VARCHAR':
      return new StringColumn(column)
    case 'BLOB':
      return new BlobColumn(column)
    case 'DATE':
      return new DateColumn(column)
    case 'TIME':
      return new TimeColumn(column)
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
    case 'TIMESTAMPTZ':
      return new TimestampColumn(column, id)
    default:
      return id satisfies never
  }
}
