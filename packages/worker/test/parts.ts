import {
  type ColumnBlock,
  MAX_CHUNK_ROWS,
  type Part,
  PartWriter,
  validityBytes,
} from '../src/protocol/wire.ts'
import {
  INLINE_BYTES,
  NATIVE_WIDTHS,
  type NativeTypeId,
  STRING_ENTRY_BYTES,
} from '../src/protocol/wire-type.ts'

// A second encoder beside core's, as plain as can be: it knows nothing of core, and takes what a vector holds.

/** A value as a vector holds it: dates in days, timestamps in their own unit, everything of 8 bytes as bigint. */
export type PhysicalValue = boolean | number | bigint | string | Uint8Array | null

/** A column of a part. */
export interface PartColumn {
  readonly type: NativeTypeId
  readonly values: readonly PhysicalValue[]
}

/** Lays columns out as one part; `undefined` stands for a column of the table that is not written. */
export function encodePart(
  columns: readonly (PartColumn | undefined)[],
  chunkRows: number = MAX_CHUNK_ROWS,
): Part {
  const writer = new PartWriter(columns.length, (bytes) => new ArrayBuffer(bytes))
  const rowCount = columns.find((column) => column !== undefined)?.values.length ?? 0
  for (let row = 0; row < rowCount; row += chunkRows) {
    const end = Math.min(rowCount, row + chunkRows)
    const blocks = columns.map((column) => column && encodeBlock(column.type, column.values.slice(row, end)))
    writer.appendChunk(end - row, blocks)
  }
  return writer.finish()
}

/** Lays out the values of one column in one chunk; `undefined` where all of them are NULL. */
export function encodeBlock(type: NativeTypeId, values: readonly PhysicalValue[]): ColumnBlock | undefined {
  const nullCount = values.filter((value) => value === null).length
  if (nullCount === values.length) return undefined
  const width = NATIVE_WIDTHS[type]
  const block = { width, nullCount, validity: encodeValidity(values) }
  if (width === STRING_ENTRY_BYTES) return { ...block, ...encodeStrings(values) }
  return { ...block, values: encodeFixed(type, values), heap: undefined, heapBytes: 0 }
}

function encodeValidity(values: readonly PhysicalValue[]): Uint8Array {
  const validity = new Uint8Array(validityBytes(values.length))
  for (const [row, value] of values.entries())
    if (value !== null) validity[row >> 3] = (validity[row >> 3] as number) | (1 << (row & 7))
  return validity
}

function encodeStrings(values: readonly PhysicalValue[]): Pick<ColumnBlock, 'values' | 'heap' | 'heapBytes'> {
  const texts = values.map((value) => Buffer.from((value ?? '') as string))
  const heap = Buffer.concat(texts.filter((text) => text.byteLength > INLINE_BYTES))
  const entries = Buffer.alloc(values.length * STRING_ENTRY_BYTES)
  let offset = 0
  for (const [row, text] of texts.entries()) {
    const entry = row * STRING_ENTRY_BYTES
    entries.writeUInt32LE(text.byteLength, entry)
    text.copy(entries, entry + 4, 0, text.byteLength > INLINE_BYTES ? 4 : text.byteLength)
    if (text.byteLength <= INLINE_BYTES) continue
    entries.writeUInt32LE(offset, entry + 8)
    offset += text.byteLength
  }
  return { values: entries, heap, heapBytes: heap.byteLength }
}

type NumberType = Exclude<NativeTypeId, BigintType | 'VARCHAR' | 'BLOB'>
type BigintType = 'BIGINT' | 'UBIGINT' | 'TIME' | 'TIMESTAMPTZ' | `TIMESTAMP${'' | '_S' | '_MS' | '_NS'}`

const NUMBER_ARRAYS = {
  BOOLEAN: Uint8Array,
  TINYINT: Int8Array,
  SMALLINT: Int16Array,
  INTEGER: Int32Array,
  UTINYINT: Uint8Array,
  USMALLINT: Uint16Array,
  UINTEGER: Uint32Array,
  FLOAT: Float32Array,
  DOUBLE: Float64Array,
  DATE: Int32Array,
} satisfies Record<NumberType, unknown>

function encodeFixed(type: NativeTypeId, values: readonly PhysicalValue[]): Uint8Array {
  const numbers = Object.hasOwn(NUMBER_ARRAYS, type)
    ? NUMBER_ARRAYS[type as NumberType].from(values.map(Number))
    : BigInt64Array.from(values.map((value) => BigInt.asIntN(64, (value as bigint | null) ?? 0n)))
  return new Uint8Array(numbers.buffer)
}
