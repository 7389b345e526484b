import { foldIdentifier, logicalTypeName, type TableColumn, type TableLayout } from '@ducksink/worker'
import type { FieldRecord } from '../encoder/column-encoder.ts'
import { FieldSet } from '../encoder/field-set.ts'
import { Inference, type InferredColumns } from '../schema/inference.ts'
import type { TableState } from '../table-state.ts'
import type { TimeSlice } from '../time-slice.ts'
import { type ColumnArray, type ColumnBatch, isNull, type Segment, validCount } from './column-array.ts'
import { type ReadRow, rowReader } from './column-values.ts'
import type { PlacedColumn } from './columns-encoder.ts'

/** Where the columns of a call go. */
export interface ColumnPlaces {
  /** Those that the table has, in its order. */
  readonly placed: readonly PlacedColumn[]
  /** Those that it is to have. */
  readonly unplaced: ReadonlySet<string>
  /** Values of those that are left out. */
  readonly discardedCount: number
}

/**
 * Finds the table's columns for those of a call, by the rules for the fields of records.
 * @throws {@link SchemaError} where there is none for one, and none may be added.
 */
export function placeColumns(batch: ColumnBatch, table: TableState, layout: TableLayout): ColumnPlaces {
  const { contract } = table.options
  const { heldBack } = table
  const fields = new FieldSet(table.name, layout, { mode: contract.columns, heldBack })
  fields.begin()
  fields.observe([witness(batch)], 0, 1)
  const placed = fields.bound.map(({ column, field }) => ({ column, index: batch.names.indexOf(field) }))
  const { unplaced } = fields
  const taken = new Set(placed.map(({ index }) => index))
  let discardedCount = 0
  for (const [index, name] of batch.names.entries()) {
    if (taken.has(index) || unplaced.has(name)) continue
    for (const { columns, rowCount } of batch.segments)
      discardedCount += validCount(columns[index] as ColumnArray, rowCount)
  }
  return { placed: placed.sort((a, b) => a.column - b.column), unplaced, discardedCount }
}

/** The same with a type for packed values that have none: they are bytes where the table has a BLOB. */
export function withTypes(batch: ColumnBatch, layout: TableLayout | undefined): ColumnBatch {
  const blobs = new Set<string>()
  for (const { name, type } of layout?.columns ?? []) if (type === 'BLOB') blobs.add(foldIdentifier(name))
  const isBlob = batch.names.map((name) => blobs.has(foldIdentifier(name)))
  const segments = batch.segments.map(({ rowCount, columns }) => ({
    rowCount,
    columns: columns.map((column, index) => {
      if (column.kind !== 'packed' || column.type !== undefined) return column
      return { ...column, type: { id: isBlob[index] === true ? 'BLOB' : 'VARCHAR' } as const }
    }),
  }))
  return { ...batch, segments }
}

/** A record that has a value wherever some row has one. */
function witness({ names, segments }: ColumnBatch): FieldRecord {
  const record = Object.create(null) as Record<string, unknown>
  for (const [index, name] of names.entries()) record[name] = firstValue(segments, index)
  return record
}

function firstValue(segments: readonly Segment[], index: number): unknown {
  for (const { columns, rowCount } of segments) {
    const column = columns[index] as ColumnArray
    const values = column.kind === 'values' ? column.values : undefined
    for (let row = 0; row < rowCount; row++) {
      if (isNull(column.validity, row)) continue
      // what packed bytes are is looked at when they are encoded
      const value = values === undefined ? true : values[row]
      if (value !== null && value !== undefined) return value
    }
  }
  return null
}

/**
 * The columns of an absent table, or of those of a call that a table does not have: the types that its options declare,
 * those of typed and packed arrays, and for other values what records would have.
 */
export async function inferredFrom(
  batch: ColumnBatch,
  table: TableState,
  slice: TimeSlice,
  only?: ReadonlySet<string>,
): Promise<InferredColumns> {
  const names = only === undefined ? batch.names : [...only]
  const declared = new Map(table.options.columns?.map((column) => [foldIdentifier(column.name), column]))
  const columns: TableColumn[] = []
  const heldBack: string[] = []
  const takingScalars: string[] = []
  for (const name of names) {
    const known = declared.get(foldIdentifier(name)) ?? typedColumn(batch, name)
    if (known !== undefined) {
      columns.push(known)
      continue
    }
    const inferred = await inferOne(batch, table.name, name, slice)
    columns.push(...inferred.columns)
    heldBack.push(...inferred.heldBack)
    takingScalars.push(...inferred.takingScalars)
  }
  return { columns, heldBack, takingScalars }
}

function typedColumn({ names, segments }: ColumnBatch, name: string): TableColumn | undefined {
  const array = segments[0]?.columns[names.indexOf(name)]
  if (array === undefined) return undefined
  const type = array.kind === 'packed' ? (array.type ?? { id: 'VARCHAR' }) : array.type
  return type && { name, type: logicalTypeName(type) }
}

async function inferOne(
  { names, segments }: ColumnBatch,
  table: string,
  name: string,
  slice: TimeSlice,
): Promise<InferredColumns> {
  const inference = new Inference(table, [name])
  const index = names.indexOf(name)
  for (const { columns, rowCount } of segments) {
    const read: ReadRow = rowReader({ table, column: name }, columns[index] as ColumnArray)
    for (let from = 0; from < rowCount; from += 256) {
      const to = Math.min(rowCount, from + 256)
      const records: FieldRecord[] = []
      for (let row = from; row < to; row++) records[row] = { [name]: read(row) }
      inference.observe(records, from, to)
      if (slice.isSpent) await slice.yield()
    }
  }
  return inference.result()
}
