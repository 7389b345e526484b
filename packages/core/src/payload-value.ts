import type { ValueKind } from '@ducksink/worker'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { hasShape } from './encoder/plain-record.ts'
import { valueKindOf } from './encoder/value-kind.ts'
import { bytesOfView } from './encoder/view-bytes.ts'
import type { PayloadBytes } from './payload-bytes.ts'

/** Levels of arrays and objects; what lies deeper is left out, as in a value that contains itself. */
const MAX_DEPTH = 500
/** Values inside one; what is beyond is left out. An object that holds one object many times over may have no end. */
const MAX_VALUES = 1 << 24

/**
 * What a value is; part of the hash's version. What follows it in the bytes says itself where it ends.
 *
 * `undefined` is as absent as a field that a record does not have.
 */
export const PAYLOAD_TAGS = {
  absent: 0,
  null: 1,
  false: 2,
  true: 3,
  /** A double; one NaN, one zero. */
  number: 4,
  /** A bigint of 64 bits; a longer one as its decimal digits. */
  bigint: 5,
  longBigint: 6,
  string: 7,
  /** Milliseconds since 1970, a double. */
  Date: 8,
  /** Their number, then each. */
  array: 9,
  Set: 10,
  /** Pairs of key and value, in the map's order. */
  Map: 11,
  /** The number of fields that are there, then name and value of each, sorted by name. */
  object: 12,
  /** Of a class, by the name of its kind: its own fields, as of an object. */
  instance: 13,
  /** A Temporal object: the name of its kind, and its text. */
  temporal: 14,
  /** A Uint8Array (a Buffer is one), an ArrayBuffer, or an array of other numbers, by the kind's name: its bytes. */
  bytes: 15,
  /** A function or a symbol, of which there is only the name of the kind. */
  opaque: 16,
  /** What threw when it was read, all of it. */
  unreadable: 17,
  /** What is left out. */
  omitted: 18,
} as const

/** Writes values of any kind in a form that only equal values share. */
export class PayloadValues {
  readonly #bytes: PayloadBytes
  #valueCount = 0
  #shape: readonly string[] = []
  #sorted: readonly string[] = []

  constructor(bytes: PayloadBytes) {
    this.#bytes = bytes
  }

  /** Never throws: a value that does, anywhere inside, is unreadable as a whole. */
  write(value: unknown): void {
    const { mark } = this.#bytes
    this.#valueCount = 0
    try {
      this.#value(value, 0)
    } catch {
      this.#bytes.truncate(mark)
      this.#bytes.writeByte(PAYLOAD_TAGS.unreadable)
    }
    this.#bytes.settle()
  }

  #value(value: unknown, depth: number): void {
    const bytes = this.#bytes
    if (++this.#valueCount > MAX_VALUES) {
      bytes.writeByte(PAYLOAD_TAGS.omitted)
      return
    }
    switch (typeof value) {
      case 'undefined':
        bytes.writeByte(PAYLOAD_TAGS.absent)
        break
      case 'boolean':
        bytes.writeByte(value ? PAYLOAD_TAGS.true : PAYLOAD_TAGS.false)
        break
      case 'number':
        bytes.writeByte(PAYLOAD_TAGS.number)
        bytes.writeFloat64(value)
        break
      case 'bigint':
        this.#bigint(value)
        break
      case 'string':
        bytes.writeByte(PAYLOAD_TAGS.string)
        bytes.writeText(value)
        break
      case 'object':
        if (value === null) bytes.writeByte(PAYLOAD_TAGS.null)
        else if (depth < MAX_DEPTH) this.#object(value, depth + 1)
        else bytes.writeByte(PAYLOAD_TAGS.omitted)
        break
      default:
        bytes.writeByte(PAYLOAD_TAGS.opaque)
        bytes.writeText(typeof value)
    }
  }

  #bigint(value: bigint): void {
    const isShort = BigInt.asIntN(64, value) === value
    this.#bytes.writeByte(isShort ? PAYLOAD_TAGS.bigint : PAYLOAD_TAGS.longBigint)
    if (isShort) this.#bytes.writeInt64(value)
    else this.#bytes.writeText(String(value))
  }

  #object(value: object, depth: number): void {
    const bytes = this.#bytes
    const kind = valueKindOf(value)
    switch (kind) {
      case 'array':
        this.#array(value as readonly unknown[], depth)
        break
      case 'object':
        bytes.writeByte(PAYLOAD_TAGS.object)
        this.#fields(value as FieldRecord, this.#sortedFields(value as FieldRecord), depth)
        break
      case 'Date':
        bytes.writeByte(PAYLOAD_TAGS.Date)
        bytes.writeFloat64((value as Date).getTime())
        break
      case 'Set':
        this.#set(value as ReadonlySet<unknown>, depth)
        break
      case 'Map':
        this.#map(value as ReadonlyMap<unknown, unknown>, depth)
        break
      case 'Uint8Array':
      case 'ArrayBuffer':
        this.#memory(kind, value as Uint8Array | ArrayBufferLike)
        break
      case 'typed array':
        this.#memory((value as Int8Array)[Symbol.toStringTag], value as Int8Array)
        break
      default:
        this.#instance(kind, value, depth)
    }
  }

  #array(values: readonly unknown[], depth: number): void {
    this.#bytes.writeByte(PAYLOAD_TAGS.array)
    this.#bytes.writeUint32(values.length)
    for (let i = 0; i < values.length && this.#valueCount <= MAX_VALUES; i++) this.#value(values[i], depth)
  }

  #set(values: Iterable<unknown>, depth: number): void {
    this.#bytes.writeByte(PAYLOAD_TAGS.Set)
    const { mark } = this.#bytes
    let count = 0
    this.#bytes.writeUint32(0)
    for (const value of values) {
      if (this.#valueCount > MAX_VALUES) break
      this.#value(value, depth)
      count++
    }
    this.#bytes.replaceUint32(mark, count)
  }

  #map(entries: Iterable<readonly [unknown, unknown]>, depth: number): void {
    this.#bytes.writeByte(PAYLOAD_TAGS.Map)
    const { mark } = this.#bytes
    let count = 0
    this.#bytes.writeUint32(0)
    for (const [key, value] of entries) {
      if (this.#valueCount > MAX_VALUES) break
      this.#value(key, depth)
      this.#value(value, depth)
      count++
    }
    this.#bytes.replaceUint32(mark, count)
  }

  #fields(record: FieldRecord, fields: readonly string[], depth: number): void {
    const { mark } = this.#bytes
    let count = 0
    this.#bytes.writeUint32(0)
    for (const field of fields) {
      const value = record[field]
      if (value === undefined) continue
      this.#bytes.writeText(field)
      this.#value(value, depth)
      count++
    }
    this.#bytes.replaceUint32(mark, count)
  }

  /** The structs of a list have most often the fields of the one before. */
  #sortedFields(record: FieldRecord): readonly string[] {
    if (!hasShape(record, this.#shape)) {
      this.#shape = Object.keys(record)
      this.#sorted = this.#shape.toSorted()
    }
    return this.#sorted
  }

  #memory(kind: string, value: ArrayBufferView | ArrayBufferLike): void {
    const bytes = ArrayBuffer.isView(value) ? bytesOfView(value) : new Uint8Array(value)
    this.#bytes.writeByte(PAYLOAD_TAGS.bytes)
    this.#bytes.writeText(kind)
    this.#bytes.writeFloat64(bytes.byteLength)
    this.#bytes.writeBytes(bytes)
  }

  #instance(kind: ValueKind, value: object, depth: number): void {
    const isTemporal = kind.startsWith('Temporal')
    this.#bytes.writeByte(isTemporal ? PAYLOAD_TAGS.temporal : PAYLOAD_TAGS.instance)
    this.#bytes.writeText(kind)
    if (isTemporal) this.#bytes.writeText(String(value))
    else this.#fields(value as FieldRecord, Object.keys(value).sort(), depth)
  }
}
