import { isUint8Array } from 'node:util/types'
import { SchemaError, type TableColumn } from '@ducksink/worker'
import { type FieldRecord, kindOf } from './encoder/column-encoder.ts'
import { isDate } from './encoder/native-date.ts'
import { isPlainRecord, notPlain, unreadable } from './encoder/plain-record.ts'
import type { TimeSlice } from './time-slice.ts'

// One bit for each kind of value that is told apart; a column's type follows from the set of kinds it has alone, so
// it is the same whatever the order of the records.
const BOOLEAN = 1
const INTEGER = 2
const DOUBLE = 4
const BIGINT = 8
const HUGEINT = 16
const STRING = 32
const TIMESTAMP = 64
const BLOB = 128
const NESTED = 256

const NUMBERS = INTEGER | DOUBLE
/** Kinds that JSON holds without changing them; a string is none, as a JSON column takes it for JSON text. */
const JSON_KINDS = BOOLEAN | INTEGER | DOUBLE | NESTED

const TYPES: readonly (readonly [kinds: number, type: string])[] = [
  [BOOLEAN, 'BOOLEAN'],
  [INTEGER | BIGINT, 'BIGINT'],
  [NUMBERS, 'DOUBLE'],
  [INTEGER | BIGINT | HUGEINT, 'HUGEINT'],
  [STRING, 'VARCHAR'],
  [TIMESTAMP, 'TIMESTAMP'],
  [BLOB, 'BLOB'],
  [JSON_KINDS, 'JSON'],
]

/**
 * Finds the columns of an absent table from the first batch: integers become BIGINT, other numbers DOUBLE, bigints
 * BIGINT or HUGEINT, a Date TIMESTAMP, bytes BLOB, arrays and objects JSON, also beside numbers and booleans. A field
 * that is NULL in every record gives no column.
 * @throws {@link SchemaError} where a field's values have no type in common, or no field has a value.
 * @throws {@link ValueError} for what is not a plain object, or cannot be read.
 */
export async function inferColumns(
  table: string,
  records: readonly FieldRecord[],
  slice: TimeSlice,
): Promise<readonly TableColumn[]> {
  const kinds = new Map<string, number>()
  for (let row = 0; row < records.length; row++) {
    observe(kinds, table, row, records[row])
    if ((row & 1023) === 1023 && slice.isSpent) await slice.yield()
  }
  const columns = [...kinds].filter(([, seen]) => seen !== 0).map(([name, seen]) => column(table, name, seen))
  if (columns.length > 0) return columns
  const message = `table "${table}" is absent, and no field of the first batch has a value to infer a column from`
  throw new SchemaError(message, { table })
}

function observe(kinds: Map<string, number>, table: string, row: number, record: unknown): void {
  let column: string | undefined
  try {
    if (!isPlainRecord(record)) throw notPlain({ table, row }, record)
    for (const field of Object.keys(record)) {
      column = field
      kinds.set(field, (kinds.get(field) ?? 0) | kindBit(table, field, row, record[field]))
    }
  } catch (error) {
    throw unreadable({ table, row, column }, error)
  }
}

function column(table: string, name: string, seen: number): TableColumn {
  const type = TYPES.find(([kinds]) => (seen & ~kinds) === 0)?.[1]
  if (type !== undefined) return { name, type }
  const message = `field "${name}" holds values of kinds that no one type of table "${table}" can hold; name its type in \`columns\``
  throw new SchemaError(message, { table, column: name })
}

const INT64 = 2n ** 63n
const INT128 = 2n ** 127n

function kindBit(table: string, field: string, row: number, value: unknown): number {
  switch (typeof value) {
    case 'undefined':
      return 0
    case 'boolean':
      return BOOLEAN
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? INTEGER : DOUBLE
    case 'string':
      return STRING
    case 'bigint':
      if (value >= -INT64 && value < INT64) return BIGINT
      if (value >= -INT128 && value < INT128) return HUGEINT
      break
    case 'object':
      if (value === null) return 0
      if (isDate(value)) return TIMESTAMP
      if (isUint8Array(value)) return BLOB
      if (Array.isArray(value) || isPlainRecord(value)) return NESTED
      break
  }
  const found = kindOf(value)
  const message = `row ${row}, field "${field}": no column type can be inferred from ${found}; name it in \`columns\` of table "${table}"`
  throw new SchemaError(message, { table, column: field, row, found })
}
