import { isMap, isUint8Array } from 'node:util/types'
import type { FieldRecord } from '../encoder/column-encoder.ts'
import { isDate } from '../encoder/native-date.ts'
import { isPlainRecord } from '../encoder/plain-record.ts'

/**
 * The kinds of values that inference tells apart, one bit each. A type follows from the set of kinds alone, so it is
 * the same whatever the order of the records.
 */
export const KIND = {
  BOOLEAN: 1,
  /** A whole number that is safe, and not -0. */
  INTEGER: 2,
  /** Any other number. */
  DOUBLE: 4,
  /** A bigint by the smallest type that holds it. */
  BIGINT: 8,
  HUGEINT: 16,
  UHUGEINT: 32,
  BIGNUM: 64,
  STRING: 128,
  TIMESTAMP: 256,
  BLOB: 512,
  LIST: 1_024,
  STRUCT: 2_048,
  MAP: 4_096,
} as const

/** What else is to be known of values, beside their kinds. */
export const TRAIT = {
  /** A whole number, as number or bigint, below 0. */
  NEGATIVE: 1,
  /** A bigint that no double is equal to. */
  INEXACT: 2,
  /** NaN, or an infinity. */
  NON_FINITE: 4,
} as const

/** What was seen at one place of a column's values: of the values themselves, or of what is inside them. */
export class Observation {
  kinds = 0
  traits = 0
  /** The elements of arrays. */
  element: Observation | undefined
  /** The fields of plain objects, in the order in which they were first seen. */
  fields: Map<string, Observation> | undefined
  /** The keys and the values of Maps. */
  key: Observation | undefined
  value: Observation | undefined
}

/** A value that no type is inferred from. */
interface Refused {
  readonly found: unknown
}

// A type of this depth is well inside DuckDB's max_expression_depth, and nobody reads a deeper one.
const MAX_DEPTH = 100
// An object with ids for keys is no STRUCT.
const MAX_PLACES = 1_000

const INT64 = 2n ** 63n
const INT128 = 2n ** 127n

/** What was seen of one column's values. */
export class ColumnObservation {
  readonly root: Observation = new Observation()
  #placeCount = 0
  /** True once a value nested too deep, or had too many fields, to be worth a type of its own. */
  isUnbounded = false

  /** Takes a value; gives what was found that no type can be inferred from, itself or inside the value. */
  add(value: unknown): Refused | undefined {
    return this.#observe(this.root, value, 0)
  }

  #observe(place: Observation, value: unknown, depth: number): Refused | undefined {
    switch (typeof value) {
      case 'undefined':
        return undefined
      case 'boolean':
        place.kinds |= KIND.BOOLEAN
        return undefined
      case 'number':
        observeNumber(place, value)
        return undefined
      case 'string':
        place.kinds |= KIND.STRING
        return undefined
      case 'bigint':
        observeBigint(place, value)
        return undefined
      case 'object':
        return value === null ? undefined : this.#observeObject(place, value, depth)
      default:
        return { found: value }
    }
  }

  #observeObject(place: Observation, value: object, depth: number): Refused | undefined {
    if (isDate(value)) {
      place.kinds |= KIND.TIMESTAMP
      return undefined
    }
    if (isUint8Array(value)) {
      place.kinds |= KIND.BLOB
      return undefined
    }
    // once unbounded, nothing that is inside matters any more: a value that contains itself ends there too
    if (depth >= MAX_DEPTH) this.isUnbounded = true
    if (Array.isArray(value)) return this.#observeArray(place, value, depth + 1)
    if (isPlainRecord(value)) return this.#observeRecord(place, value, depth + 1)
    return isMap(value) ? this.#observeMap(place, value, depth + 1) : { found: value }
  }

  #observeArray(place: Observation, values: readonly unknown[], depth: number): Refused | undefined {
    place.kinds |= KIND.LIST
    if (this.isUnbounded) return undefined
    place.element ??= this.#place()
    for (let i = 0; i < values.length && !this.isUnbounded; i++) {
      const refused = this.#observe(place.element, values[i], depth)
      if (refused !== undefined) return refused
    }
    return undefined
  }

  #observeRecord(place: Observation, record: FieldRecord, depth: number): Refused | undefined {
    place.kinds |= KIND.STRUCT
    if (this.isUnbounded) return undefined
    place.fields ??= new Map()
    for (const name of Object.keys(record)) {
      if (this.isUnbounded) return undefined
      let field = place.fields.get(name)
      if (field === undefined) {
        field = this.#place()
        place.fields.set(name, field)
      }
      const refused = this.#observe(field, record[name], depth)
      if (refused !== undefined) return refused
    }
    return undefined
  }

  #observeMap(place: Observation, map: ReadonlyMap<unknown, unknown>, depth: number): Refused | undefined {
    place.kinds |= KIND.MAP
    if (this.isUnbounded) return undefined
    place.key ??= this.#place()
    place.value ??= this.#place()
    for (const [key, value] of map) {
      if (this.isUnbounded) return undefined
      const refused = this.#observe(place.key, key, depth) ?? this.#observe(place.value, value, depth)
      if (refused !== undefined) return refused
    }
    return undefined
  }

  #place(): Observation {
    if (++this.#placeCount > MAX_PLACES) this.isUnbounded = true
    return new Observation()
  }
}

function observeNumber(place: Observation, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    place.kinds |= KIND.INTEGER
    if (value < 0) place.traits |= TRAIT.NEGATIVE
    return
  }
  place.kinds |= KIND.DOUBLE
  if (!Number.isFinite(value)) place.traits |= TRAIT.NON_FINITE
}

function observeBigint(place: Observation, value: bigint): void {
  place.kinds |= bigintKind(value)
  if (value < 0n) place.traits |= TRAIT.NEGATIVE
  const number = Number(value)
  if (!Number.isFinite(number) || BigInt(number) !== value) place.traits |= TRAIT.INEXACT
}

function bigintKind(value: bigint): number {
  if (value >= -INT64 && value < INT64) return KIND.BIGINT
  if (value >= -INT128 && value < INT128) return KIND.HUGEINT
  return value >= 0n && value < 2n * INT128 ? KIND.UHUGEINT : KIND.BIGNUM
}
