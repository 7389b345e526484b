import { arrowOffsets } from './arrow-arrays.ts'
import { ARROW, type ArrowData } from './arrow-data.ts'
import { type ColumnPlace, columnError } from './column-array.ts'

type ReadRow = (row: number) => unknown

/**
 * Reads lists as arrays, structs as plain objects, and maps as Maps.
 * @throws {@link ValueError} where a child has fewer rows than its parent says.
 */
export function nestedReader(
  place: ColumnPlace,
  data: ArrowData,
  readerOf: (child: ArrowData) => ReadRow,
): ReadRow {
  const { type, length: rowCount } = data
  switch (type.typeId) {
    case ARROW.Struct: {
      const fields = (type.children ?? []).map(({ name }, index) => ({
        name,
        read: readerOf(childOf(place, data, { index, rowCount })),
      }))
      return structReader(fields)
    }
    case ARROW.FixedSizeList: {
      const length = type.listSize as number
      const read = readerOf(childOf(place, data, { index: 0, rowCount: rowCount * length }))
      return (row) => Array.from({ length }, (_, index) => read(row * length + index))
    }
    case ARROW.Map: {
      const entries = childOf(place, data)
      const readKey = readerOf(childOf(place, entries, { index: 0, rowCount: entries.length }))
      const readValue = readerOf(childOf(place, entries, { index: 1, rowCount: entries.length }))
      const rows = rowsReader(place, data)
      return (row) => new Map(rows(row).map((index) => [readKey(index), readValue(index)]))
    }
    default: {
      const read = readerOf(childOf(place, data))
      const rows = rowsReader(place, data)
      return (row) => rows(row).map(read)
    }
  }
}

interface Child {
  readonly index: number
  /** Rows that it has at least. */
  readonly rowCount: number
}

function childOf(
  place: ColumnPlace,
  { children }: ArrowData,
  { index, rowCount }: Child = { index: 0, rowCount: 0 },
): ArrowData {
  const data = children?.[index]
  if (data !== undefined && data.length >= rowCount) return data
  throw columnError(place, `what is inside of it has ${data?.length ?? 0} rows, where it needs ${rowCount}`)
}

/** Gives the rows of the child that are a row's. */
function rowsReader(place: ColumnPlace, data: ArrowData): (row: number) => number[] {
  const offsets = arrowOffsets(place, data.valueOffsets, data.length)
  const { length: rowCount } = childOf(place, data)
  return (row) => {
    const first = Number(offsets[row])
    const end = Number(offsets[row + 1])
    if (first < 0 || end < first || end > rowCount)
      throw columnError(place, `its offset is outside of the ${rowCount} rows inside of it, or falls`)
    return Array.from({ length: end - first }, (_, index) => first + index)
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
