import type { LogicalType } from '@ducksink/worker'
import type { FieldRecord } from './column-encoder.ts'
import { parseNested } from './nested-text.ts'
import { nodeApiValue } from './node-api-value.ts'
import { isPlainRecord } from './plain-record.ts'
import { Refusal } from './refusal.ts'

// Which values are lists, structs and unions; map-entries.ts says which are maps. Those of node-api's classes hold the same as an array or an object
// in one of their fields; text is read as DuckDB prints it.

const NO_LIST = new Refusal('only an array can')
const NO_STRUCT = new Refusal('only a plain object can')

/** The elements of a LIST or ARRAY that is no array itself. */
export function elementsOf(value: unknown, type: LogicalType): readonly unknown[] | Refusal {
  const given = typeof value === 'string' ? parseNested(value, type) : value
  if (given instanceof Refusal) return given
  if (Array.isArray(given)) return given
  const { items } = nodeApiValue(given, 'DuckDBListValue') ?? nodeApiValue(given, 'DuckDBArrayValue') ?? {}
  return Array.isArray(items) ? items : NO_LIST
}

/** The fields of a STRUCT. */
export function fieldsOf(value: unknown, type: LogicalType): FieldRecord | Refusal {
  const given = typeof value === 'string' ? parseNested(value, type) : value
  if (given instanceof Refusal) return given
  const fields = nodeApiValue(given, 'DuckDBStructValue')?.entries ?? given
  return isPlainRecord(fields) ? fields : NO_STRUCT
}

/** What a UNION's value says: `{ tag, value }`, as node-api has it, or `{ [tag]: value }`. */
export function taggedValue(value: unknown): { tag: string; value: unknown } | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const keys = Object.keys(value)
  const fields = value as Readonly<Record<string, unknown>>
  const [first = ''] = keys
  if (keys.length === 1 && isPlainRecord(value)) return { tag: first, value: fields[first] }
  const isTagged = keys.length === 2 && keys.includes('tag') && keys.includes('value')
  const { tag } = fields
  return isTagged && typeof tag === 'string' ? { tag, value: fields.value } : undefined
}
