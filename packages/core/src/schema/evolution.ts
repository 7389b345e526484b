import {
  type ColumnWidening,
  foldIdentifier,
  type LogicalType,
  logicalTypeName,
  parseLogicalType,
  type TableColumn,
  type TableLayout,
} from '@ducksink/worker'
import { type FieldRecord, fieldValue } from '../encoder/column-encoder.ts'
import type { BoundColumn } from '../encoder/field-set.ts'
import type { TableState } from '../table-state.ts'
import type { TimeSlice } from '../time-slice.ts'
import { Inference, type InferredColumns } from './inference.ts'
import { atOnce, inSlices, widerType } from './widening.ts'

/** A batch that its table does not fit, and whose turn on the event loop it is. */
export interface EvolvingBatch {
  readonly table: TableState
  readonly records: readonly FieldRecord[]
  readonly slice: TimeSlice
  /** Called before the table is altered; rejects where the batch is not to be written. */
  readonly beforeDdl?: (() => Promise<void>) | undefined
}

/**
 * Infers columns from a batch, of all fields or of some.
 * @throws {@link SchemaError} where a field's values have no type in common.
 * @throws {@link ValueError} for what is not a plain object, or cannot be read.
 */
export async function inferredColumns(
  { table, records, slice }: EvolvingBatch,
  fields?: Iterable<string>,
): Promise<InferredColumns> {
  const inference = new Inference(table.name, fields)
  const { length } = records
  for (let from = 0; from < length; from += 256) {
    inference.observe(records, from, Math.min(length, from + 256))
    if (slice.isSpent) await slice.yield()
  }
  return inference.result()
}

/**
 * Adds the columns that a batch has fields for; a type that `columns` declares goes before one that is inferred.
 * @throws {@link SchemaError} where there is no type for one, or DuckDB refuses it.
 */
export async function addColumns(batch: EvolvingBatch, fields: ReadonlySet<string>): Promise<void> {
  const { table } = batch
  const declared = new Map(table.options.columns?.map((column) => [foldIdentifier(column.name), column]))
  const known: TableColumn[] = []
  const unknown: string[] = []
  for (const field of fields) {
    const column = declared.get(foldIdentifier(field))
    if (column === undefined) unknown.push(field)
    else known.push(column)
  }
  const { columns, takingScalars } = await inferredColumns(batch, unknown)
  await batch.beforeDdl?.()
  await table.evolve([...known, ...columns], [], takingScalars)
}

/**
 * Widens the types of all columns that cannot hold every value of a batch; false, and nothing is done, where none can
 * be widened, or not the one at fault.
 * @throws {@link SchemaError} where DuckDB refuses the ALTER.
 */
export async function widenColumns(
  batch: EvolvingBatch,
  layout: TableLayout,
  bound: readonly BoundColumn[],
  atFault?: string,
): Promise<boolean> {
  const widen: ColumnWidening[] = []
  for (const { column, field } of bound) {
    const { name, type: from } = layout.columns[column] as TableColumn
    const to = await widerName(batch, field, from)
    if (to !== undefined) widen.push({ name, from, to })
  }
  const isOfUse = atFault === undefined ? widen.length > 0 : widen.some(({ name }) => name === atFault)
  if (!isOfUse) return false
  await batch.beforeDdl?.()
  await batch.table.evolve([], widen)
  return true
}

/** The records of a batch of which each value has a type that its column is or may become. */
export async function fittingRecords(
  batch: EvolvingBatch,
  layout: TableLayout,
  bound: readonly BoundColumn[],
): Promise<EvolvingBatch> {
  const misfits = new Set<number>()
  for (const { column, field } of bound) {
    const type = parseLogicalType((layout.columns[column] as TableColumn).type)
    for (const row of await misfitRows(type, batch, field)) misfits.add(row)
  }
  return { ...batch, records: batch.records.filter((_, row) => !misfits.has(row)) }
}

/** The records whose own value no wider type takes, found by halves: there are few of them. */
async function misfitRows(
  type: LogicalType,
  { records, slice }: EvolvingBatch,
  field: string,
): Promise<readonly number[]> {
  const misfits: number[] = []
  const pending: (readonly [from: number, to: number])[] = [[0, records.length]]
  for (let span = pending.pop(); span !== undefined; span = pending.pop()) {
    const [from, to] = span
    if (await areTaken(type, records.slice(from, to), field, slice)) continue
    const middle = (from + to) >> 1
    if (to - from === 1) misfits.push(from)
    else pending.push([middle, to], [from, middle])
  }
  return misfits
}

async function areTaken(
  type: LogicalType,
  records: readonly FieldRecord[],
  field: string,
  slice: TimeSlice,
): Promise<boolean> {
  try {
    const values = records.map((record) => fieldValue(record, field, true))
    return (await inSlices(widerType(type, values, true), slice)) !== undefined
  } catch {
    return false
  }
}

/** True where a type may become one that takes the values of a few records. */
export function isWidenable(type: string, records: readonly FieldRecord[], field: string): boolean {
  try {
    const values = records.map((record) => fieldValue(record, field, true))
    return atOnce(widerType(parseLogicalType(type), values, true)) !== undefined
  } catch {
    return false
  }
}

/** The name of the type that a column needs for a batch; `undefined` where it has it already, or there is none. */
async function widerName(
  { records, slice }: EvolvingBatch,
  field: string,
  from: string,
): Promise<string | undefined> {
  const type = parseLogicalType(from)
  try {
    const values = records.map((record) => fieldValue(record, field, true))
    const wider = await inSlices(widerType(type, values, true), slice)
    return wider === undefined || wider === type ? undefined : logicalTypeName(wider)
  } catch {
    // what cannot be read is told when it is encoded
    return undefined
  }
}
