import { coercionOf, type LogicalType, type TemporalKind, type ValueClassKind } from '@ducksink/worker'
import { entriesOfText, fieldsOfText, listOfText } from './nested-text.ts'
import { plainTemporal } from './temporal-objects.ts'
import { plainValueClass } from './value-classes.ts'
import { valueKindOf } from './value-kind.ts'

/**
 * What a value stands for in a column of a type, in plain JS that the type's own rules then judge: of a Set its
 * elements, of a `DuckDBDateValue` the date's text, of the literal of a LIST the texts of its elements.
 *
 * A value is returned as it is where its kind is plain, or the coercion matrix does not have the type take it.
 */
export function plainValue(type: LogicalType['id'], value: unknown): unknown {
  if (typeof value === 'string') return valueOfText(type, value) ?? value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const kind = valueKindOf(value)
  if (kind === 'object' || kind === 'Date' || coercionOf(type, kind) === 'refused') return value
  switch (kind) {
    case 'Set':
      return [...(value as ReadonlySet<unknown>)]
    case 'Uint8Array':
    case 'typed array':
      return type === 'BLOB' ? value : Array.from(value as Uint8Array)
    case 'ArrayBuffer':
      return value
    case 'Map':
      return type === 'STRUCT' ? fieldsOfMap(value as ReadonlyMap<unknown, unknown>) : value
    default:
      return kind.startsWith('Temporal')
        ? plainTemporal(kind as TemporalKind, value)
        : plainValueClass(kind as ValueClassKind, value)
  }
}

/** What the literal of a nested type holds, each part still text; undefined for what is no such literal. */
function valueOfText(type: LogicalType['id'], text: string): unknown {
  switch (type) {
    case 'LIST':
    case 'ARRAY':
      return listOfText(text)
    case 'STRUCT':
      return fieldsOfText(text)
    case 'MAP':
      return entriesOfText(text)
    default:
      return undefined
  }
}

/** An object of the entries, or the map itself where a key is no string. */
function fieldsOfMap(map: ReadonlyMap<unknown, unknown>): unknown {
  const fields: Record<string, unknown> = Object.create(null)
  for (const [key, value] of map) {
    if (typeof key !== 'string') return map
    fields[key] = value
  }
  return fields
}
