import type { NumericArray } from './sink-columns.ts'

export type ArrayKind =
  | 'Int8Array'
  | 'Uint8Array'
  | 'Uint8ClampedArray'
  | 'Int16Array'
  | 'Uint16Array'
  | 'Int32Array'
  | 'Uint32Array'
  | 'Float32Array'
  | 'Float64Array'
  | 'BigInt64Array'
  | 'BigUint64Array'

interface ViewConstructor {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray
  readonly BYTES_PER_ELEMENT: number
}

/** What makes the arrays that DuckDB has numbers for. */
const ARRAYS: Readonly<Record<ArrayKind, ViewConstructor>> = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
}

const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined

/** The kind of a typed array, whatever its class says: a Buffer is a Uint8Array. `undefined` for all that is none. */
export function arrayKind(array: unknown): ArrayKind | undefined {
  const name = tagOf.call(array)
  return name !== undefined && Object.hasOwn(ARRAYS, name) ? (name as ArrayKind) : undefined
}

/**
 * The same memory as an array of its kind's own class and of a fixed length: DuckDB reads as much of it as was looked at
 * here, so that no subclass may have its own idea of a length or of `subarray`.
 */
export function plainArray<T extends NumericArray>(array: T): T {
  const Kind = ARRAYS[arrayKind(array) as ArrayKind]
  const { buffer, byteOffset, length } = array
  return new Kind(buffer, byteOffset, length) as T
}

/** Words of 32 bits as an array of 64-bit integers; a copy where they do not lie as those must. */
export function joinWords(words: NumericArray, kind: ArrayKind): NumericArray {
  const Kind = ARRAYS[kind]
  const width = Kind.BYTES_PER_ELEMENT
  const { buffer, byteOffset, byteLength } = words.byteOffset % width === 0 ? words : words.slice()
  return new Kind(buffer, byteOffset, Math.floor(byteLength / width))
}
