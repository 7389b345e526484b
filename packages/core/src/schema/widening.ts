import { isMap } from 'node:util/types'
import { foldIdentifier, identifierProblem, type LogicalType, type TypeField } from '@ducksink/worker'
import { type FieldRecord, fieldValue } from '../encoder/column-encoder.ts'
import { createColumnEncoder } from '../encoder/columns.ts'
import { isPlainRecord } from '../encoder/plain-record.ts'
import type { TimeSlice } from '../time-slice.ts'
import { inferredType } from './inferred-type.ts'
import { ColumnObservation } from './observation.ts'
import { widerTypes } from './wider-types.ts'

/** A search that can be left between two steps, so that it need not hold up the event loop. */
type Steps<T> = Generator<undefined, T>

// an object with ids for keys is no STRUCT
const MAX_FIELDS = 1_000

/** Values looked at in one step. */
const STEP_VALUES = 1_024

/**
 * The nearest type that every value of `type` and all of these values can become without a change; `type` itself
 * where it takes them already, `undefined` where there is none.
 *
 * Which values a type takes is not written down again here: they are encoded, to see whether they can be.
 * @param takesScalars - whether a VARCHAR takes numbers and the like as their text
 */
export function* widerType(
  type: LogicalType,
  values: readonly unknown[],
  takesScalars: boolean,
): Steps<LogicalType | undefined> {
  const records = values.map((value) => ({ value }))
  if (yield* takesAll(type, records, takesScalars)) return type
  const nested = yield* widerNested(type, values, takesScalars)
  const candidates = nested === undefined ? widerTypes(type, values) : [nested]
  for (const candidate of candidates) if (yield* takesAll(candidate, records, takesScalars)) return candidate
  return undefined
}

/** Runs a search to its end in one go; for few values. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Runs a search to its end, and lets the event loop have its turns. */
export async function inSlices<T>(steps: Steps<T>, slice: TimeSlice): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (slice.isSpent) await slice.yield()
  }
}

function* takesAll(
  type: LogicalType,
  records: readonly FieldRecord[],
  takesScalars: boolean,
): Steps<boolean> {
  const encoder = createColumnEncoder({ table: '', name: 'value', type, takesScalars })
  for (let from = 0; from < records.length; ) {
    const to = Math.min(records.length, from + STEP_VALUES)
    try {
      from += encoder.fill({ records, from, to, startRow: 0, whole: false })
    } catch {
      // a value that the type does not take, or that cannot be read, which then no type takes
      return false
    }
    encoder.truncate(0)
    yield
  }
  return true
}

/** The same type with wider ones inside; `undefined` where there is nothing inside, or no wider type for it. */
function* widerNested(
  type: LogicalType,
  values: readonly unknown[],
  takesScalars: boolean,
): Steps<LogicalType | undefined> {
  switch (type.id) {
    case 'LIST':
    case 'ARRAY': {
      const arrays = values.filter((value) => Array.isArray(value))
      const element = yield* widerType(type.element, arrays.flat(), takesScalars)
      if (element === undefined) return undefined
      const keepsLength = type.id === 'ARRAY' && arrays.every(({ length }) => length === type.length)
      return keepsLength ? { ...type, element } : { id: 'LIST', element }
    }
    case 'STRUCT':
      return yield* widerStruct(type.fields, values.filter(isPlainRecord), takesScalars)
    case 'MAP': {
      const maps = values.filter(isMap)
      const key = yield* widerType(
        type.key,
        maps.flatMap((map) => [...map.keys()]),
        takesScalars,
      )
      const value = yield* widerType(
        type.value,
        maps.flatMap((map) => [...map.values()]),
        takesScalars,
      )
      return key === undefined || value === undefined ? undefined : { id: 'MAP', key, value }
    }
    default:
      return undefined
  }
}

function* widerStruct(
  fields: readonly TypeField[],
  records: readonly FieldRecord[],
  takesScalars: boolean,
): Steps<LogicalType | undefined> {
  const places = new Map(fields.map(({ name }, place) => [foldIdentifier(name), place]))
  const spellings = new Map<string, string[]>()
  for (const record of records) {
    for (const name of Object.keys(record)) {
      const folded = foldIdentifier(name)
      const known = spellings.get(folded)
      if (known === undefined) spellings.set(folded, [name])
      else if (!known.includes(name)) known.push(name)
    }
    yield
  }
  const wider = [...fields]
  for (const [folded, names] of spellings) {
    const values = records.flatMap((record) => names.map((name) => fieldValue(record, name, true)))
    const place = places.get(folded)
    const type =
      place === undefined
        ? newType(values, takesScalars)
        : yield* widerType((wider[place] as TypeField).type, values, takesScalars)
    if (type === undefined) return undefined
    if (type === null) continue
    const name = wider[place ?? -1]?.name ?? (names[0] as string)
    if (identifierProblem(name) !== undefined || wider.length >= MAX_FIELDS) return undefined
    wider[place ?? wider.length] = { name, type }
  }
  return { id: 'STRUCT', fields: wider }
}

/** The type of a field that is new; `null` where it says nothing yet, `undefined` where it has none. */
function newType(values: readonly unknown[], takesScalars: boolean): LogicalType | null | undefined {
  const observation = new ColumnObservation()
  for (const value of values) if (observation.add(value) !== undefined) return undefined
  const inferred = inferredType(observation)
  if (inferred.status === 'null') return null
  return inferred.status === 'type' && (takesScalars || !inferred.takesScalars) ? inferred.type : undefined
}
