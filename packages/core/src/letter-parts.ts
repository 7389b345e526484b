import type { Part, TableLayout } from '@ducksink/worker'
import { MAX_PART_BYTES, MAX_PART_ROWS } from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { RecordsContext } from './encoders.ts'
import type { TableState } from './table-state.ts'

// each is made only when it is encoded, as their records may be large
const RECORDS_AT_ONCE = 64

/** Rows for a dead letter table; each has all of `fields`. */
export interface LetterRows {
  readonly table: TableState
  readonly layout: TableLayout
  readonly fields: readonly string[]
  readonly count: number
  at(index: number): FieldRecord
}

/** Encodes such rows, part after part. */
export async function* encodeLetters(
  { table, layout, fields, count, at }: LetterRows,
  { encoders, slice }: RecordsContext,
): AsyncGenerator<{ readonly part: Part; readonly columns: readonly number[]; readonly last: boolean }> {
  const { encoder } = encoders.another(table, layout)
  const columns = fields.map((field) => layout.columns.findIndex(({ name }) => name === field))
  encoder.begin()
  for (const [index, column] of columns.entries()) encoder.activate(column, fields[index] as string)
  for (let index = 0; index < count; ) {
    const length = Math.min(RECORDS_AT_ONCE, count - index)
    const records = Array.from({ length }, (_, offset) => at(index + offset))
    for (let from = 0; from < length; ) from = encoder.encode(records, from, length)
    index += length
    const isFull = encoder.partRows >= MAX_PART_ROWS || encoder.partBytes >= MAX_PART_BYTES
    if (isFull || index === count)
      yield { part: encoder.finishPart(), columns: [...columns].sort((a, b) => a - b), last: index === count }
    if (slice.isSpent) await slice.yield()
  }
}
