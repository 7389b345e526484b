import { isDate, isMap, isSet, isTypedArray, isUint8Array } from 'node:util/types'
import { isPlainRecord } from './encoder/plain-record.ts'
import { timestampText } from './encoder/temporal-text.ts'

/** Levels of arrays and objects; what lies deeper is left out. */
const MAX_DEPTH = 500
/** Values of one record; a record that holds one object many times over may have more than memory has room for. */
const MAX_VALUES = 500_000

/**
 * The text of a record as JSON, for people and for `parseRecord`: a bigint as a number of all its digits, a `Date` in
 * ISO 8601, bytes as DuckDB's text of a BLOB, a Map of string keys as an object, what JSON has no form for as a text
 * that says so.
 *
 * It never throws: what cannot be read, contains itself or nests too deep is replaced by a text in square brackets.
 */
export function recordJson(record: unknown): string {
  return new RecordWriter().value(record, 0) ?? 'null'
}

/**
 * Reads what {@link recordJson} wrote: whole numbers that a double does not keep become bigints.
 */
export function parseRecord(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source
    if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value)) return value
    return /^-?\d+$/.test(source) ? BigInt(source) : value
  })
}

class RecordWriter {
  readonly #path = new Set<object>()
  #valueCount = 0

  /** The JSON of a value; `undefined` where there is none to write. */
  value(value: unknown, depth: number): string | undefined {
    if (++this.#valueCount > MAX_VALUES) return quoted('[too large]')
    switch (typeof value) {
      case 'string':
        return quoted(value)
      case 'number':
        return numberText(value)
      case 'bigint':
      case 'boolean':
        return String(value)
      case 'undefined':
        return undefined
      case 'object':
        return value === null ? 'null' : this.#object(value, depth)
      default:
        return quoted(`[${typeof value}]`)
    }
  }

  #object(value: object, depth: number): string {
    if (this.#path.has(value)) return quoted('[contains itself]')
    if (depth >= MAX_DEPTH) return quoted('[nests too deep]')
    this.#path.add(value)
    try {
      return this.#written(value, depth + 1)
    } catch {
      return quoted('[cannot be read]')
    } finally {
      this.#path.delete(value)
    }
  }

  #written(value: object, depth: number): string {
    if (Array.isArray(value)) return this.#array(value, depth)
    if (isDate(value)) return quoted(dateText(value))
    if (isUint8Array(value)) return quoted(blobText(value))
    if (isTypedArray(value)) return this.#array(value as unknown as ArrayLike<unknown>, depth)
    if (isSet(value)) return this.#array([...value], depth)
    if (isMap(value)) return this.#map(value, depth)
    // classes of values, as Temporal's and DuckDB's, have a text of their own
    if (!isPlainRecord(value) && value.toString !== Object.prototype.toString) return quoted(String(value))
    return this.#fields(Object.keys(value), (field) => (value as Record<string, unknown>)[field], depth)
  }

  #array(values: ArrayLike<unknown>, depth: number): string {
    const elements: string[] = []
    for (let i = 0; i < values.length && this.#valueCount <= MAX_VALUES; i++)
      elements.push(this.#read(() => values[i], depth) ?? 'null')
    return `[${elements.join(',')}]`
  }

  /** An object where the keys are texts; pairs of key and value otherwise, as a MAP column takes both. */
  #map(map: ReadonlyMap<unknown, unknown>, depth: number): string {
    const keys = [...map.keys()]
    return keys.every((key) => typeof key === 'string')
      ? this.#fields(keys, (key) => map.get(key), depth)
      : this.#array([...map], depth)
  }

  #fields(fields: readonly string[], read: (field: string) => unknown, depth: number): string {
    const written: string[] = []
    for (const field of fields) {
      const value = this.#read(() => read(field), depth)
      if (value !== undefined) written.push(`${quoted(field)}:${value}`)
    }
    return `{${written.join(',')}}`
  }

  #read(read: () => unknown, depth: number): string | undefined {
    let value: unknown
    try {
      value = read()
    } catch {
      return quoted('[cannot be read]')
    }
    return this.value(value, depth)
  }
}

/** A whole number that a double does not keep is a bigint's: one of a double has a fraction, or an exponent. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return quoted(String(value))
  if (Object.is(value, -0)) return '-0.0'
  const text = String(value)
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(text) ? text : `${text}.0`
}

// DuckDB has no lone surrogates, in JSON either
const quoted = (text: string): string => JSON.stringify(text.toWellFormed())

function dateText(date: Date): string {
  const year = date.getUTCFullYear()
  if (Number.isNaN(year)) return String(date)
  return year > 0 && year <= 9999
    ? date.toISOString()
    : timestampText('TIMESTAMPTZ', BigInt(date.getTime()) * 1_000n)
}

/** DuckDB's text of a BLOB: printable ASCII as it is, every other byte as `\xHH`. */
function blobText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const isPlain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 39 && byte !== 92
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}
