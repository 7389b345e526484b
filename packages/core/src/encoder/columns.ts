import { type LogicalType, type NativeTypeId, travelsAsText } from '@ducksink/worker'
import { bignumBytes } from './bignum.ts'
import { bitBytes } from './bit.ts'
import { BooleanColumn } from './boolean-column.ts'
import { BlobColumn, BytesFormColumn, TextFormColumn } from './bytes-columns.ts'
import type { ColumnEncoder, ColumnInfo } from './column-encoder.ts'
import { DecimalColumn } from './decimal.ts'
import { EnumColumn } from './enum.ts'
import { DoubleColumn, FloatColumn } from './float-columns.ts'
import { hugeintWriter } from './hugeint.ts'
import { BigintColumn, IntegerColumn } from './integer-columns.ts'
import { intervalIdentity, writeInterval } from './interval.ts'
import { ArrayColumn, ListColumn } from './list-columns.ts'
import { textFormOf } from './literal.ts'
import { MapColumn } from './map-column.ts'
import { StringColumn } from './strings.ts'
import { StructColumn } from './struct-column.ts'
import { DateColumn, TimeColumn, TimestampColumn } from './temporal-columns.ts'
import { writeTimeNanos, writeTimeWithZone } from './time-writers.ts'
import { UnionColumn } from './union-column.ts'
import { writeUuid } from './uuid.ts'
import { WordsColumn } from './words-column.ts'

/** Makes the encoder of a column, and those of what is inside it. */
export function createColumnEncoder(column: ColumnInfo): ColumnEncoder {
  const { type } = column
  const inside = (inner: LogicalType): ColumnEncoder => createColumnEncoder({ ...column, type: inner })
  switch (type.id) {
    case 'LIST':
      return new ListColumn(column, inside(type.element))
    case 'ARRAY':
      return new ArrayColumn(column, type, inside(type.element))
    case 'STRUCT':
      return new StructColumn(
        column,
        type.fields,
        type.fields.map((field) => inside(field.type)),
      )
    case 'MAP':
      return new MapColumn(column, type, inside(type.key), inside(type.value))
    case 'UNION':
      return new UnionColumn(
        column,
        type.members,
        type.members.map((member) => inside(member.type)),
      )
    case 'DECIMAL':
      return new DecimalColumn(column, type.width, type.scale)
    case 'ENUM':
      return new EnumColumn(column, type)
    default:
      if (travelsAsText(type)) return new TextFormColumn(column, textFormOf(type))
      return createPlainEncoder(column, type.id as NativeTypeId)
  }
}

function createPlainEncoder(column: ColumnInfo, id: NativeTypeId): ColumnEncoder {
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
    case 'HUGEINT':
      return new WordsColumn(column, hugeintWriter(true))
    case 'UHUGEINT':
      return new WordsColumn(column, hugeintWriter(false))
    case 'BIGNUM':
      return new BytesFormColumn(column, bignumBytes)
    case 'FLOAT':
      return new FloatColumn(column)
    case 'DOUBLE':
      return new DoubleColumn(column)
    case 'VARCHAR':
      return new StringColumn(column)
    case 'BLOB':
      return new BlobColumn(column)
    case 'BIT':
      return new BytesFormColumn(column, bitBytes)
    case 'UUID':
      return new WordsColumn(column, writeUuid)
    default:
      return createTemporalEncoder(column, id)
  }
}

type TemporalTypeId = Extract<NativeTypeId, 'DATE' | 'INTERVAL' | `TIME${string}`>

function createTemporalEncoder(column: ColumnInfo, id: TemporalTypeId): ColumnEncoder {
  switch (id) {
    case 'DATE':
      return new DateColumn(column)
    case 'TIME':
      return new TimeColumn(column)
    case 'TIME_NS':
      return new WordsColumn(column, writeTimeNanos)
    case 'TIMETZ':
      return new WordsColumn(column, writeTimeWithZone)
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
    case 'TIMESTAMPTZ':
      return new TimestampColumn(column, id)
    case 'INTERVAL':
      return new WordsColumn(column, writeInterval, intervalIdentity)
    default:
      return id satisfies never
  }
}
