import { ARROW, type ArrowData } from './arrow-data.ts'

type ReadRow = (row: number) => unknown

/** Reads lists as arrays, structs as plain objects, and maps as Maps. */
export function nestedReader(data: ArrowData, readerOf: (child: ArrowData) => ReadRow): ReadRow {
  const { type, children = [] } = data
  switch (type.typeId) {
    case ARROW.Struct: {
      const fields = (type.children ?? []).map(({ name }, index) => ({
        name,
        read: readerOf(children[index] as ArrowData),
      }))
      return structReader(fields)
    }
    case ARROW.FixedSizeList: {
      const length = type.listSize as number
      const read = readerOf(children[0] as ArrowData)
      return (row) => Array.from({ length }, (_, index) => read(row * length + index))
    }
    case ARROW.Map: {
      const [key, value] = (children[0] as ArrowData).children as readonly [ArrowData, ArrowData]
      const readKey = readerOf(key)
      const readValue = readerOf(value)
      const rows = rowsReader(data)
      return (row) => new Map(rows(row).map((index) => [readKey(index), readValue(index)]))
    }
    default: {
      const read = readerOf(children[0] as ArrowData)
      const rows = rowsReader(data)
      return (row) => rows(row).map(read)
    }
  }
}

/** Gives the rows of the child that are a row's. */
function rowsReader({ valueOffsets }: ArrowData): (row: number) => number[] {
  const offsets = valueOffsets as Int32Array | BigInt64Array
  return (row) => {
    const first = Number(offsets[row])
    return Array.from({ length: Number(offsets[row + 1]) - first }, (_, index) => first + index)
  }
}

function structReader(fields: readonly { readonly name: string; readonly read: ReadRow }[]): ReadRow {
  return (row) => {
    // an assignment to an object with a prototype would take __proto__ for that
    const object = Object.create(null) as Record<string, unknown>
    for (const { name, read } of fields) object[name] = read(row)
    return object
  }
}
