import { columnsSqlOf, createGenerated, type GeneratedColumn } from './generated-columns.ts'
import { type BatchRange, createRecords, NESTED_SHAPES, type Nesting, WORKLOAD_TABLE } from './workload.ts'

/** What is written, as data that Node and Python peers read alike. */
export type Dataset =
  | { readonly kind: 'workload'; readonly nesting: Nesting }
  | { readonly kind: 'columns'; readonly columns: readonly GeneratedColumn[] }

/** The workload as it is. */
export const FLAT_WORKLOAD: Dataset = { kind: 'workload', nesting: 'none' }

/** The statement that creates the table of a dataset. */
export function createTableSqlOf(dataset: Dataset): string {
  const columns =
    dataset.kind === 'workload' ? NESTED_SHAPES[dataset.nesting].columnsSql : columnsSqlOf(dataset.columns)
  return `CREATE TABLE ${WORKLOAD_TABLE} (${columns})`
}

/** Makes the records of one batch. */
export function createBatch(dataset: Dataset, range: BatchRange): object[] {
  return dataset.kind === 'workload'
    ? createRecords(range).map(NESTED_SHAPES[dataset.nesting].shape)
    : createGenerated(dataset.columns, range)
}
