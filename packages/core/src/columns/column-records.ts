import type { FieldRecord } from '../encoder/column-encoder.ts'
import type { TimeSlice } from '../time-slice.ts'
import type { ColumnBatch, Segment } from './column-array.ts'
import { requireSegment } from './column-content.ts'
import { type ReadRow, rowReader } from './column-values.ts'

const ROWS_AT_ONCE = 256

/**
 * Makes the records that the columns stand for.
 * @throws {@link ValueError} where borrowed arrays were transferred meanwhile.
 */
export async function readRecords(
  table: string,
  batch: ColumnBatch,
  slice: TimeSlice,
): Promise<readonly FieldRecord[]> {
  const records: FieldRecord[] = []
  for (const segment of batch.segments) {
    const read = recordReader(table, batch, segment, records.length)
    for (let row = 0; row < segment.rowCount; row++) {
      if (row % ROWS_AT_ONCE === 0) {
        if (slice.isSpent) await slice.yield()
        requireSegment(table, batch.names, segment)
      }
      records.push(read(row))
    }
  }
  return records
}

/** Makes one of them. */
export function readRecord(table: string, batch: ColumnBatch, row: number): FieldRecord {
  let first = 0
  for (const segment of batch.segments) {
    if (row < first + segment.rowCount) return recordReader(table, batch, segment, first)(row - first)
    first += segment.rowCount
  }
  throw new RangeError(`there is no row ${row}`)
}

/** Compiles what makes records of a segment's rows; packed values without a type are read as text. */
export function recordReader(
  table: string,
  { names }: ColumnBatch,
  { columns }: Segment,
  base: number,
): (row: number) => FieldRecord {
  const readers = columns.map((array, index) =>
    rowReader({ table, column: names[index] as string, base }, array),
  )
  const isPlain = !names.includes('__proto__')
  return (row) => {
    // an assignment would take __proto__ for the prototype, where there is one
    const record: Record<string, unknown> = isPlain ? {} : Object.create(null)
    for (let index = 0; index < names.length; index++)
      record[names[index] as string] = (readers[index] as ReadRow)(row)
    return record
  }
}
