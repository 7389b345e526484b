import {
  isValid,
  type LogicalType,
  listBlock,
  type Part,
  PartReader,
  parseLogicalType,
  type TableLayout,
  type TypeField,
  type VectorNode,
  vectorTreesOf,
} from '@ducksink/worker'
import { type ReadValue, scalarReader, type VectorPlace } from './scalar-reader.ts'

/** Makes the reader of a vector of a type. */
type Reader = (type: LogicalType, node: VectorNode, place: ChunkRows) => ReadValue

/** The rows of one vector of a chunk. */
type ChunkRows = Omit<VectorPlace, 'offset'>

/**
 * Turns parts back into records that would be encoded to the same parts again: numbers where they are exact,
 * bigints or text beyond, a `Date` where it is exact and text where it is not, arrays, plain objects, Maps, and
 * `{ tag, value }` of a UNION; the types that travel as text stay text.
 */
export function decodeRecords(
  layout: TableLayout,
  columns: readonly number[],
  parts: readonly Part[],
): Record<string, unknown>[] {
  const types = layout.columns.map((column) => parseLogicalType(column.type))
  const { trees } = vectorTreesOf(types)
  const fields = columns.map((column) => ({
    name: layout.columns[column]?.name as string,
    type: types[column] as LogicalType,
  }))
  const records: Record<string, unknown>[] = []
  for (const { buffer } of parts) {
    const part = new PartReader(buffer)
    for (let chunk = 0; chunk < part.chunkCount; chunk++) {
      const rows = { part, chunk, rowCount: part.chunkRows(chunk) }
      const nodes = columns.map((column) => trees[column] as VectorNode)
      const read = objectReader(fields, nodes, rows)
      for (let row = 0; row < rows.rowCount; row++) records.push(read(row))
    }
  }
  return records
}

/** NULLs told apart, so that what reads the values need not. */
const vectorReader: Reader = (type, node, rows) => {
  const { part, chunk } = rows
  const offset = part.valuesOffset(chunk, node.slot)
  if (offset === 0) return () => null
  const validityOffset = part.validityOffset(chunk, node.slot)
  const read = valueReader(type, node, { ...rows, offset })
  return (row) => (isValid(part, validityOffset, row) ? read(row) : null)
}

function valueReader(type: LogicalType, node: VectorNode, place: VectorPlace): ReadValue {
  switch (node.kind) {
    case 'list':
      return type.id === 'LIST'
        ? listReader(type.element, node.child, place)
        : mapReader(type as LogicalType & { id: 'MAP' }, node.child, place)
    case 'array': {
      const { element, length } = type as LogicalType & { id: 'ARRAY' }
      const read = vectorReader(element, node.child, { ...place, rowCount: place.rowCount * length })
      return (row) => Array.from({ length }, (_, i) => read(row * length + i))
    }
    case 'struct':
      return type.id === 'UNION'
        ? unionReader(type.members, node.children, place)
        : objectReader((type as LogicalType & { id: 'STRUCT' }).fields, node.children, place)
    default:
      return scalarReader(type, place)
  }
}

function listReader(element: LogicalType, child: VectorNode, place: VectorPlace): ReadValue {
  const { childRows, entryOf } = entriesReader(place)
  const read = vectorReader(element, child, { ...place, rowCount: childRows })
  return (row) => {
    const { first, length } = entryOf(row)
    return Array.from({ length }, (_, i) => read(first + i))
  }
}

function mapReader(type: LogicalType & { id: 'MAP' }, entry: VectorNode, place: VectorPlace): ReadValue {
  const { childRows, entryOf } = entriesReader(place)
  const [key, value] = (entry as VectorNode & { kind: 'struct' }).children as [VectorNode, VectorNode]
  const rows = { ...place, rowCount: childRows }
  const readKey = vectorReader(type.key, key, rows)
  const readValue = vectorReader(type.value, value, rows)
  return (row) => {
    const { first, length } = entryOf(row)
    return new Map(Array.from({ length }, (_, i) => [readKey(first + i), readValue(first + i)]))
  }
}

function entriesReader({ part, offset }: VectorPlace): {
  childRows: number
  entryOf(row: number): { first: number; length: number }
} {
  const { childRows, entriesOffset } = listBlock(part, offset)
  return {
    childRows,
    entryOf(row) {
      const word = (entriesOffset >> 2) + row * 4
      return { first: part.words[word] as number, length: part.words[word + 2] as number }
    },
  }
}

function objectReader(
  fields: readonly TypeField[],
  nodes: readonly VectorNode[],
  rows: ChunkRows,
): (row: number) => Record<string, unknown> {
  const readers = fields.map(({ name, type }, i) => ({
    name,
    read: vectorReader(type, nodes[i] as VectorNode, rows),
  }))
  return (row) => {
    const object: Record<string, unknown> = {}
    for (const { name, read } of readers) {
      // an assignment would take __proto__ for the prototype
      Object.defineProperty(object, name, {
        value: read(row),
        enumerable: true,
        configurable: true,
        writable: true,
      })
    }
    return object
  }
}

function unionReader(
  members: readonly TypeField[],
  nodes: readonly VectorNode[],
  place: VectorPlace,
): ReadValue {
  const [tags, ...values] = nodes as [VectorNode, ...VectorNode[]]
  const readTag = vectorReader({ id: 'UTINYINT' }, tags, place)
  const readers = members.map(({ type }, i) => vectorReader(type, values[i] as VectorNode, place))
  return (row) => {
    const tag = readTag(row) as number
    return { tag: (members[tag] as TypeField).name, value: (readers[tag] as ReadValue)(row) }
  }
}
