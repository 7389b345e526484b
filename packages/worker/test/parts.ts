import type { BatchColumn } from '../src/batch-function.ts'
import { type LogicalType, parseLogicalType } from '../src/protocol/logical-type.ts'
import { PartWriter, type VectorBlock } from '../src/protocol/part-writer.ts'
import { fixedWidth, type VectorNode, vectorTreesOf } from '../src/protocol/vector-tree.ts'
import { MAX_CHUNK_ROWS, type Part, validityBytes } from '../src/protocol/wire.ts'
import {
  INLINE_BYTES,
  isStringLike,
  LIST_ENTRY_BYTES,
  STRING_ENTRY_BYTES,
  wireTypeOf,
} from '../src/protocol/wire-type.ts'

// A second encoder beside core's, as plain as can be: it knows nothing of core, and takes what a vector holds.

/**
 * A value as a vector holds it: dates in days, timestamps in their own unit, everything of 8 and 16 bytes as bigint; an
 * array for what is in a LIST, ARRAY or STRUCT, pairs for a MAP, and for a UNION its member's index with the value.
 */
export type PhysicalValue = boolean | number | bigint | string | Uint8Array | null | readonly PhysicalValue[]

/** A column of a part; its type as SQL has it. */
export interface PartColumn {
  readonly type: string
  /** Left out for a column of the table that is not written. */
  readonly values?: readonly PhysicalValue[] | undefined
}

type Blocks = readonly (VectorBlock | undefined)[]

/** The columns `c0`, `c1`, ... of a batch function, one of each type. */
export function batchColumns(types: readonly string[]): BatchColumn[] {
  const parsed = types.map(parseLogicalType)
  const { trees } = vectorTreesOf(parsed)
  return parsed.map((type, index) => ({
    name: `c${index}`,
    type: wireTypeOf(type),
    tree: trees[index] as VectorNode,
  }))
}

/** Lays columns out as one part. */
export function encodePart(columns: readonly PartColumn[], chunkRows: number = MAX_CHUNK_ROWS): Part {
  const types = columns.map((column) => wireTypeOf(parseLogicalType(column.type)))
  const writer = new PartWriter(vectorTreesOf(types).vectorCount, (bytes) => new ArrayBuffer(bytes))
  const rowCount = columns.find((column) => column.values !== undefined)?.values?.length ?? 0
  for (let row = 0; row < rowCount; row += chunkRows) {
    const end = Math.min(rowCount, row + chunkRows)
    const blocks = columns.flatMap(({ values }, index) => {
      const type = types[index] as LogicalType
      return values === undefined ? absentBlocks(type) : encodeBlocks(type, values.slice(row, end))
    })
    writer.appendChunk(end - row, blocks)
  }
  return writer.finish()
}

/** Lays out the values of one vector of a type that holds no others; `undefined` where all of them are NULL. */
export function encodeBlock(type: string, values: readonly PhysicalValue[]): VectorBlock | undefined {
  return encodeBlocks(parseLogicalType(type), values)[0]
}

const absentBlocks = (type: LogicalType): Blocks =>
  Array.from({ length: vectorTreesOf([type]).vectorCount }, () => undefined)

/** Lays out the values of a vector, and of those below it. */
export function encodeBlocks(type: LogicalType, values: readonly PhysicalValue[]): Blocks {
  const nullCount = values.filter((value) => value === null).length
  if (nullCount === values.length) return absentBlocks(type)
  const own = { rowCount: values.length, nullCount, validity: encodeValidity(values) }
  const empty = { ...own, width: 0, values: new Uint8Array(0), extent: undefined, heap: undefined }
  const lists = values as readonly (readonly PhysicalValue[] | null)[]
  switch (type.id) {
    case 'LIST':
      return [{ ...own, ...encodeEntries(lists) }, ...encodeBlocks(type.element, elementsOf(lists))]
    case 'MAP': {
      const fields = [
        { name: 'key', type: type.key },
        { name: 'value', type: type.value },
      ]
      return [
        { ...own, ...encodeEntries(lists) },
        ...encodeBlocks({ id: 'STRUCT', fields }, elementsOf(lists)),
      ]
    }
    case 'ARRAY': {
      const nulls = Array.from({ length: type.length }, () => null)
      return [
        empty,
        ...encodeBlocks(
          type.element,
          lists.flatMap((list) => list ?? nulls),
        ),
      ]
    }
    case 'STRUCT':
      return [
        empty,
        ...type.fields.flatMap((field, i) =>
          encodeBlocks(
            field.type,
            lists.map((list) => list?.[i] ?? null),
          ),
        ),
      ]
    case 'UNION':
      return [
        empty,
        ...encodeBlocks(
          { id: 'UTINYINT' },
          lists.map((list) => list?.[0] ?? null),
        ),
        ...type.members.flatMap((member, tag) =>
          encodeBlocks(
            member.type,
            lists.map((list) => (list?.[0] === tag ? (list[1] ?? null) : null)),
          ),
        ),
      ]
    default: {
      if (isStringLike(type)) return [{ ...own, width: STRING_ENTRY_BYTES, ...encodeStrings(values) }]
      const width = fixedWidth(type)
      return [{ ...own, width, values: encodeFixed(type, values), extent: undefined, heap: undefined }]
    }
  }
}

const elementsOf = (lists: readonly (readonly PhysicalValue[] | null)[]): PhysicalValue[] =>
  lists.flatMap((list) => list ?? [])

function encodeEntries(
  lists: readonly (readonly PhysicalValue[] | null)[],
): Pick<VectorBlock, 'width' | 'values' | 'extent' | 'heap'> {
  const values = new BigUint64Array(lists.length * 2)
  let offset = 0
  for (const [row, list] of lists.entries()) {
    values.set([BigInt(offset), BigInt(list?.length ?? 0)], row * 2)
    offset += list?.length ?? 0
  }
  return { width: LIST_ENTRY_BYTES, values: new Uint8Array(values.buffer), extent: offset, heap: undefined }
}

function encodeValidity(values: readonly PhysicalValue[]): Uint8Array {
  const validity = new Uint8Array(validityBytes(values.length))
  for (const [row, value] of values.entries())
    if (value !== null) validity[row >> 3] = (validity[row >> 3] as number) | (1 << (row & 7))
  return validity
}

function encodeStrings(values: readonly PhysicalValue[]): Pick<VectorBlock, 'values' | 'heap' | 'extent'> {
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
  return { values: entries, heap, extent: heap.byteLength }
}

function encodeFixed(type: LogicalType, values: readonly PhysicalValue[]): Uint8Array {
  const width = fixedWidth(type)
  if (type.id === 'FLOAT') return new Uint8Array(Float32Array.from(values.map(Number)).buffer)
  if (type.id === 'DOUBLE') return new Uint8Array(Float64Array.from(values.map(Number)).buffer)
  const bytes = Buffer.alloc(values.length * width)
  for (const [row, value] of values.entries()) {
    const unsigned = BigInt.asUintN(width * 8, BigInt((value ?? 0) as number))
    for (let i = 0; i < width; i++) bytes[row * width + i] = Number((unsigned >> BigInt(i * 8)) & 255n)
  }
  return bytes
}
