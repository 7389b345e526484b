import { arrowColumn } from './arrow-columns.ts'
import type { ArrowData } from './arrow-data.ts'
import { type ColumnBatch, columnError, readable, type Segment } from './column-array.ts'
import type { ArrowBatch, ArrowTable } from './sink-columns.ts'

/** True for a table or record batch of Apache Arrow JS, of any version or copy: it is known by its shape. */
export function isArrow(columns: unknown): columns is ArrowTable | ArrowBatch {
  if (typeof columns !== 'object' || columns === null || !('schema' in columns)) return false
  const { schema } = columns
  if (typeof schema !== 'object' || schema === null || !('fields' in schema) || !Array.isArray(schema.fields))
    return false
  if ('batches' in columns) return Array.isArray(columns.batches)
  return (
    'data' in columns &&
    typeof columns.data === 'object' &&
    columns.data !== null &&
    'children' in columns.data
  )
}

/**
 * Reads the columns of a table, a segment for each of its record batches.
 * @throws {@link ValueError} where a column is of a type that DuckDB has none for.
 */
export function readArrow(table: string, columns: ArrowTable | ArrowBatch): ColumnBatch {
  const names = columns.schema.fields.map(({ name }) => String(name))
  const batches = 'batches' in columns ? columns.batches : [columns]
  const segments: Segment[] = []
  let base = 0
  for (const { data } of batches) {
    const { length: rowCount, children } = data
    if (rowCount <= 0) continue
    const arrays = names.map((column, index) => {
      const place = { table, column, base }
      const child = children[index] as ArrowData | undefined
      if (child?.length === rowCount) return readable(place, () => arrowColumn(place, child))
      const because = `it has ${child?.length ?? 0} rows, where its record batch has ${rowCount}`
      throw columnError(place, because)
    })
    segments.push({ rowCount, columns: arrays })
    base += rowCount
  }
  return { names, segments, rowCount: base }
}
