import { ValueError } from '@ducksink/worker'
import { MAX_PART_ROWS, type TableEncoder } from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { ContractMode } from './options.ts'
import { isWidenable } from './schema/evolution.ts'

/** What becomes of a value that its column cannot hold: the record is refused, or the value becomes NULL. */
export type MisfitMode = Exclude<ContractMode, 'evolve'>

/**
 * Encodes one record, or nothing of it; gives the number of values that became NULL.
 * @throws {@link ValueError} where a value does not fit and is not to be left out; `row` is its index in `records`.
 */
export function encodeRecord(
  { encoder, fields }: TableEncoder,
  records: readonly FieldRecord[],
  index: number,
  mode: MisfitMode,
): number {
  let discarded = 0
  let from = records
  for (;;) {
    try {
      // none is taken where the strings of the chunk have no room left; the next chunk has
      while (encoder.encode(from, index, index + 1, MAX_PART_ROWS) === index);
      return discarded
    } catch (error) {
      const field = error instanceof ValueError ? fields.fieldOf(error.column) : undefined
      if (mode === 'freeze' || field === undefined) throw error
      const rest = withoutField(from[index] as FieldRecord, field)
      // at its own place, as errors name the row
      from = []
      ;(from as FieldRecord[])[index] = rest
      discarded++
    }
  }
}

/**
 * Encodes a record that is pushed by itself, or nothing of it; false where its table must follow it first.
 * @throws {@link ValueError} or {@link SchemaError} where it does not fit, and the table may not follow.
 */
export function encodePushed(rows: TableEncoder, one: readonly FieldRecord[], types: ContractMode): boolean {
  const { encoder, fields } = rows
  const { discardedCount } = fields
  let added: ReturnType<typeof fields.observe> = []
  let isEncoded = false
  try {
    added = fields.observe(one, 0, 1)
    if (fields.unplaced.size > 0) return false
    for (const { column, field } of added) encoder.activate(column, field)
    rows.discardedCount += encodeRecord(rows, one, 0, types === 'discard-value' ? types : 'freeze')
    isEncoded = true
    return true
  } catch (error) {
    if (types === 'evolve' && canWiden(rows, one[0] as FieldRecord, error)) return false
    throw error
  } finally {
    if (!isEncoded) {
      // a column that only this record had a field for is left to its DEFAULT again
      for (const { column } of added) encoder.deactivate(column)
      fields.takeBack(added, discardedCount)
    }
  }
}

/** True where the column at fault may become one that takes the record's value. */
export function canWiden({ layout, fields }: TableEncoder, record: FieldRecord, error: unknown): boolean {
  const name = error instanceof ValueError ? error.column : undefined
  const field = fields.fieldOf(name)
  const column = layout.columns.find((known) => known.name === name)
  if (field === undefined || column === undefined) return false
  return isWidenable(column.type, [record], field)
}

/** The record less one field; its getters are not called. */
function withoutField(record: FieldRecord, field: string): FieldRecord {
  const descriptors = Object.getOwnPropertyDescriptors(record)
  delete descriptors[field]
  return Object.create(null, descriptors) as FieldRecord
}
