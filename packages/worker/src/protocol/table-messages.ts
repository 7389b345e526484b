import type { ErrorData } from './errors.ts'

// What main and worker say of tables: how they are to be made and to follow their data, and what has become of them.

/** A table by its parts, dots and all; what is left out is the target's own catalog and schema `main`. */
export interface TableReference {
  readonly catalog?: string | undefined
  readonly schema?: string | undefined
  readonly name: string
}

/** A column as the catalog has it; `type` as DuckDB prints it. */
export interface TableColumn {
  readonly name: string
  readonly type: string
}

/** A column of a table that may have to be made. */
export interface DeclaredColumn extends TableColumn {
  readonly defaultSql?: string
}

/** The columns of a table at one time; `layoutId` names this state of it. */
export interface TableLayout {
  readonly layoutId: number
  readonly columns: readonly TableColumn[]
}

/** How a table is to be made where it is absent. */
export interface TableSetup {
  readonly table: TableReference
  readonly createTableSql?: string | undefined
  readonly columns?: readonly DeclaredColumn[] | undefined
  /** Where `columns` came from. */
  readonly origin: 'declared' | 'inferred'
  /** What of a table that is there may differ from declared columns, because it follows the data. */
  readonly evolves?: { readonly columns: boolean; readonly types: boolean } | undefined
}

/** How a table is to follow its data; what is so already is left as it is. */
export interface TableEvolution {
  readonly table: TableReference
  readonly add: readonly TableColumn[]
  readonly widen: readonly ColumnWidening[]
}

/** A column whose type is to become one that holds every value of the old. */
export interface ColumnWidening {
  readonly name: string
  /** The type it must still have, as DuckDB prints it. */
  readonly from: string
  readonly to: string
}

export type PrepareReply =
  | { readonly status: 'present'; readonly layout: TableLayout }
  | { readonly status: 'absent' }
  | { readonly status: 'failed'; readonly error: ErrorData }

/** One change to a table's schema: a table made, a column added, or a column's type made wider. */
export interface SchemaChange {
  readonly table: TableReference
  readonly kind: 'create-table' | 'add-column' | 'alter-type'
  /** The columns that it is about as they were. */
  readonly before: readonly TableColumn[]
  /** The same as they are now. */
  readonly after: readonly TableColumn[]
  /** Where the columns came from. */
  readonly origin: 'declared' | 'inferred'
}
