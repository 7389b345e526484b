import { foldIdentifier, identifierProblem, type LogicalType, type TypeField } from '@ducksink/worker'
import { type ColumnObservation, KIND, type Observation, TRAIT } from './observation.ts'

/** What inference finds for a column. */
export type InferredType =
  | {
      readonly status: 'type'
      readonly type: LogicalType
      /** True where the type is VARCHAR and some of the values are no strings: they are written as their text. */
      readonly takesScalars: boolean
    }
  /** Every value was NULL. */
  | { readonly status: 'null' }
  /** The values have no type in common. */
  | { readonly status: 'conflict' }

const WHOLE = KIND.INTEGER | KIND.BIGINT
const BIGINTS = KIND.BIGINT | KIND.HUGEINT | KIND.UHUGEINT | KIND.BIGNUM
const NUMBERS = KIND.INTEGER | KIND.DOUBLE | BIGINTS
/** Scalars that have a text that tells them from each other; bytes have none. */
const TEXTUAL = KIND.BOOLEAN | NUMBERS | KIND.STRING | KIND.TIMESTAMP
/** Kinds that JSON holds without changing them. */
const JSON_KINDS = KIND.BOOLEAN | NUMBERS | KIND.STRING | KIND.LIST | KIND.STRUCT

const JSON_TYPE: LogicalType = { id: 'JSON' }
const CONFLICT = 'conflict'

/** Finds the type that all values of a column have in common. */
export function inferredType({ root, isUnbounded }: ColumnObservation): InferredType {
  const { kinds } = root
  if (kinds === 0) return { status: 'null' }
  const type = isUnbounded ? jsonOf(root) : typeOf(root)
  if (type !== CONFLICT && type !== undefined) return { status: 'type', type, takesScalars: false }
  if ((kinds & KIND.STRING) !== 0 && (kinds & ~TEXTUAL) === 0) {
    return { status: 'type', type: { id: 'VARCHAR' }, takesScalars: true }
  }
  return { status: 'conflict' }
}

/** The type of one place; `undefined` where nothing but NULL was seen there. */
function typeOf(place: Observation): LogicalType | typeof CONFLICT | undefined {
  const { kinds } = place
  switch (kinds) {
    case 0:
      return undefined
    case KIND.BOOLEAN:
      return { id: 'BOOLEAN' }
    case KIND.STRING:
      return { id: 'VARCHAR' }
    case KIND.TIMESTAMP:
      return { id: 'TIMESTAMP' }
    case KIND.BLOB:
      return { id: 'BLOB' }
    case KIND.LIST:
      return listOf(place)
    case KIND.STRUCT:
      return structOf(place)
    case KIND.MAP:
      return mapOf(place)
    default:
      return (kinds & ~NUMBERS) === 0 ? numberOf(place) : jsonOf(place)
  }
}

function numberOf(place: Observation): LogicalType | typeof CONFLICT {
  const { kinds, traits } = place
  if ((kinds & KIND.DOUBLE) !== 0) return (traits & TRAIT.INEXACT) === 0 ? { id: 'DOUBLE' } : jsonOf(place)
  if ((kinds & ~WHOLE) === 0) return { id: 'BIGINT' }
  if ((kinds & ~(WHOLE | KIND.HUGEINT)) === 0) return { id: 'HUGEINT' }
  const isUnsigned = (kinds & KIND.BIGNUM) === 0 && (traits & TRAIT.NEGATIVE) === 0
  return { id: isUnsigned ? 'UHUGEINT' : 'BIGNUM' }
}

function listOf(place: Observation): LogicalType | typeof CONFLICT {
  const element = typeOf(place.element as Observation)
  return element === undefined || element === CONFLICT ? jsonOf(place) : { id: 'LIST', element }
}

function structOf(place: Observation): LogicalType | typeof CONFLICT {
  const fields: TypeField[] = []
  const names = new Set<string>()
  for (const [name, field] of place.fields as Map<string, Observation>) {
    const type = typeOf(field)
    // to DuckDB names that differ in case are one
    const folded = foldIdentifier(name)
    if (type === CONFLICT || names.has(folded) || identifierProblem(name) !== undefined) return jsonOf(place)
    names.add(folded)
    // a field that is NULL in every record is left out: the STRUCT gets it where types evolve
    if (type !== undefined) fields.push({ name, type })
  }
  return fields.length === 0 ? jsonOf(place) : { id: 'STRUCT', fields }
}

function mapOf(place: Observation): LogicalType | typeof CONFLICT {
  const key = typeOf(place.key as Observation)
  const value = typeOf(place.value as Observation) ?? JSON_TYPE
  return key === undefined || key === CONFLICT || value === CONFLICT ? CONFLICT : { id: 'MAP', key, value }
}

/** JSON, unless it cannot hold what was seen, or would take a string that was seen for JSON text. */
function jsonOf(place: Observation): LogicalType | typeof CONFLICT {
  return (place.kinds & KIND.STRING) === 0 && isJson(place) ? JSON_TYPE : CONFLICT
}

function isJson({ kinds, traits, element, fields }: Observation): boolean {
  if ((kinds & ~JSON_KINDS) !== 0 || (traits & TRAIT.NON_FINITE) !== 0) return false
  if (element !== undefined && !isJson(element)) return false
  for (const field of fields?.values() ?? []) if (!isJson(field)) return false
  return true
}
