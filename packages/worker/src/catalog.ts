import type { Connection } from './connection.ts'
import { foldIdentifier, qualifiedName, quoteLiteral } from './identifier.ts'
import { type LogicalType, parseLogicalType } from './protocol/logical-type.ts'
import type { TableColumn, TableLayout, TableReference } from './protocol/table-messages.ts'
import { type VectorNode, vectorTreesOf } from './protocol/vector-tree.ts'

/** A layout with what the worker needs besides: the table it is of, its types parsed, and its vectors. */
export interface KnownLayout extends TableLayout {
  readonly table: Required<TableReference>
  readonly types: readonly LogicalType[]
  readonly trees: readonly VectorNode[]
}

// The functions are named with their schema, as macros of the same names in the database would go before them.
// A view has columns too, and cannot be written to: it counts as absent, and making the table then says why.
function tableSql(table: Required<TableReference>): string {
  return `SELECT index_count::VARCHAR FROM system.main.duckdb_tables() ${whereTable(table)}`
}

/**
 * duckdb_columns() looks at those of every table, and takes 8 ms the first time: 0.3 by the table's name. But in that
 * DuckDB reads no quotation mark, and DESCRIBE, which does, calls a column of type NULL an INTEGER.
 */
function columnsSql(table: Required<TableReference>): string {
  const name = qualifiedName(table)
  return name.includes('""')
    ? `SELECT column_name, data_type FROM system.main.duckdb_columns() ${whereTable(table)} ORDER BY column_index`
    : `SELECT name, type FROM system.main.pragma_table_info(${quoteLiteral(name)}) ORDER BY cid`
}

function whereTable({ catalog, schema, name }: Required<TableReference>): string {
  const is = (column: string, part: string): string =>
    `${folded(column)} = ${quoteLiteral(foldIdentifier(part))}`
  return `WHERE ${is('database_name', catalog as string)} AND ${is('schema_name', schema as string)}
    AND ${is('table_name', name)}`
}

/** SQL that folds a name as {@link foldIdentifier} does: lower() would take "Ä" and "ä" for one table. */
export function folded(column: string): string {
  return `system.main.translate(${column}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`
}

/** The columns of tables as DuckDB's catalog has them, each state of a table under an id of its own. */
export class Catalog {
  readonly #connection: Connection
  readonly #catalogName: string
  readonly #layouts = new Map<number, KnownLayout>()
  /** The newest layout of each table, and whether it is still known to hold. */
  readonly #current = new Map<string, { layout: KnownLayout; fresh: boolean; hasIndex: boolean }>()
  #nextLayoutId: number

  constructor(connection: Connection, catalogName: string, firstLayoutId: number) {
    this.#connection = connection
    this.#catalogName = catalogName
    this.#nextLayoutId = firstLayoutId
  }

  /** A table by all its parts. */
  resolve(table: TableReference): Required<TableReference> {
    return {
      catalog: table.catalog ?? this.#catalogName,
      schema: table.schema ?? 'main',
      name: table.name,
    } as Required<TableReference>
  }

  /** The table's columns, or `undefined` where there is no such table. */
  async describe(table: TableReference): Promise<KnownLayout | undefined> {
    const resolved = this.resolve(table)
    const key = keyOf(resolved)
    const current = this.#current.get(key)
    if (current?.fresh === true) return current.layout
    const [found] = await this.#connection.texts(tableSql(resolved))
    if (found === undefined) {
      this.#current.delete(key)
      return undefined
    }
    const rows = await this.#connection.texts(columnsSql(resolved))
    const columns = rows.map(([name, type]) => ({ name: name as string, type: type as string }))
    const layout = sameColumns(current?.layout, columns) ?? this.#remember(resolved, columns)
    this.#current.set(key, { layout, fresh: true, hasIndex: found[0] !== '0' })
    return layout
  }

  /** A layout by its id. */
  layout(layoutId: number): KnownLayout | undefined {
    return this.#layouts.get(layoutId)
  }

  /** True while nothing has happened since the layout was read that may have changed its table. */
  isFresh(layout: KnownLayout): boolean {
    const current = this.#current.get(keyOf(layout.table))
    return current?.layout === layout && current.fresh
  }

  /** True for a table of the target, which every connection sees, and not one in memory or a temporary one. */
  isOfTarget({ table }: KnownLayout): boolean {
    return foldIdentifier(table.catalog as string) === foldIdentifier(this.#catalogName)
  }

  /**
   * True where an insert can depend on what other transactions do: the table has an index, for a PRIMARY KEY or a
   * FOREIGN KEY for instance, or may have one by now.
   */
  mayHaveIndex(layout: KnownLayout): boolean {
    return !this.isFresh(layout) || this.#current.get(keyOf(layout.table))?.hasIndex !== false
  }

  /** Makes every table be read again before it is used; after DDL. */
  invalidate(): void {
    for (const current of this.#current.values()) current.fresh = false
  }

  #remember(table: Required<TableReference>, columns: readonly TableColumn[]): KnownLayout {
    const types = columns.map((column) => parseLogicalType(column.type))
    const { trees } = vectorTreesOf(types)
    const layout = { layoutId: this.#nextLayoutId++, table, columns, types, trees }
    this.#layouts.set(layout.layoutId, layout)
    return layout
  }
}

function sameColumns(
  layout: KnownLayout | undefined,
  columns: readonly TableColumn[],
): KnownLayout | undefined {
  if (layout === undefined || layout.columns.length !== columns.length) return undefined
  const same = layout.columns.every((a, i) => a.name === columns[i]?.name && a.type === columns[i]?.type)
  return same ? layout : undefined
}

const keyOf = ({ catalog, schema, name }: Required<TableReference>): string =>
  foldIdentifier(JSON.stringify([catalog, schema, name]))
