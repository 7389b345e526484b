import duckdb from '@duckdb/node-bindings'
import type { BatchColumn, BatchFunction } from './batch-function.ts'
import type { Catalog, KnownLayout } from './catalog.ts'
import type { Connection } from './connection.ts'
import { whyNotCreatable } from './duckdb-type.ts'
import { qualifiedName, quoteIdentifier } from './identifier.ts'
import { SchemaError } from './protocol/errors.ts'
import type { InsertRequest } from './protocol/insert-messages.ts'
import type { LogicalType } from './protocol/logical-type.ts'
import type { VectorNode } from './protocol/vector-tree.ts'
import { needsCast, wireTypeOf } from './protocol/wire-type.ts'

const MAX_STATEMENTS = 64

/** What a statement does with the rows it is given: it inserts them, or deletes those with the same values. */
export type RowAction = 'insert' | 'delete'

/** A statement for one column set of one table, ready to run again and again. */
export interface InsertStatement {
  readonly layout: KnownLayout
  readonly prepared: duckdb.PreparedStatement
  readonly functionId: number
}

/** The prepared statements, by layout, column set and action; the one used longest ago goes first. */
export class InsertStatements {
  readonly #connection: Connection
  readonly #catalog: Catalog
  readonly #batch: BatchFunction
  readonly #statements = new Map<string, InsertStatement>()

  constructor(connection: Connection, catalog: Catalog, batch: BatchFunction) {
    this.#connection = connection
    this.#catalog = catalog
    this.#batch = batch
  }

  /**
   * The statement for these columns of a layout.
   * @throws {@link SchemaError} where the table has changed since the columns were read.
   */
  async get(
    layoutId: number,
    columns: readonly number[],
    action: RowAction = 'insert',
  ): Promise<InsertStatement> {
    const key = `${action} ${statementKey(layoutId, columns)}`
    const known = this.#statements.get(key)
    if (known !== undefined && this.#catalog.isFresh(known.layout)) {
      this.#statements.delete(key)
      this.#statements.set(key, known)
      return known
    }
    const layout = await this.currentLayout(layoutId, columns)
    if (known !== undefined) this.#drop(key, known)
    const statement = await this.#prepare(layout, columns, action)
    this.#statements.set(key, statement)
    for (const [oldest, old] of this.#statements) {
      if (this.#statements.size <= MAX_STATEMENTS) break
      this.#drop(oldest, old)
    }
    return statement
  }

  /** Drops every statement: after DDL each would be bound anew at every run, and a live one keeps the file locked. */
  clear(): void {
    for (const [key, statement] of this.#statements) this.#drop(key, statement)
  }

  /**
   * The layout of an id, where these columns of it are still what the table has.
   * @throws {@link SchemaError} where they are not.
   */
  async currentLayout(layoutId: number, columns: readonly number[]): Promise<KnownLayout> {
    const layout = this.#catalog.layout(layoutId)
    if (layout === undefined) {
      // it was read by a worker that has died since: the batch is to be encoded for what this one reads
      throw new SchemaError(`layout ${layoutId} is not known to the worker`, {}, 'TABLE_CHANGED')
    }
    if (this.#catalog.isFresh(layout)) return layout
    const current = await this.#catalog.describe(layout.table)
    const unchanged = columns.every((index) => {
      const column = layout.columns[index]
      return current?.columns.some((now) => now.name === column?.name && now.type === column.type)
    })
    if (unchanged) return layout
    const { name } = layout.table
    throw new SchemaError(
      `table "${name}" was changed while the batch was under way; write it again`,
      { table: name },
      'TABLE_CHANGED',
    )
  }

  async #prepare(
    layout: KnownLayout,
    columns: readonly number[],
    action: RowAction,
  ): Promise<InsertStatement> {
    const functionId = this.#batch.define(columns.map((index) => batchColumn(layout, index)))
    // with its schema: a macro of the same name in the database would go before it
    const sql = statementSql(layout, columns, action, `system.main.${this.#batch.name}(${functionId})`)
    try {
      const prepared = await this.#batch.whilePreparing(() => this.#connection.prepare(sql))
      return { layout, functionId, prepared }
    } catch (error) {
      this.#batch.forget(functionId)
      throw error
    }
  }

  #drop(key: string, { prepared, functionId }: InsertStatement): void {
    duckdb.destroy_prepare_sync(prepared)
    this.#batch.forget(functionId)
    this.#statements.delete(key)
  }
}

function statementSql(
  layout: KnownLayout,
  columns: readonly number[],
  action: RowAction,
  scan: string,
): string {
  const rows = `SELECT ${columns.map((index) => selectItem(layout, index)).join(', ')} FROM ${scan}`
  const table = qualifiedName(layout.table)
  if (action === 'insert') return `INSERT INTO ${table} BY NAME ${rows}`
  const names = columns.map((index) => quoteIdentifier((layout.columns[index] as { name: string }).name))
  return `DELETE FROM ${table} WHERE (${names.join(', ')}) IN (${rows})`
}

/** True where two parts can be written by one statement. */
export function isSameStatement(a: InsertRequest, b: InsertRequest): boolean {
  if (a.action !== b.action || a.layoutId !== b.layoutId || a.columns.length !== b.columns.length)
    return false
  for (let index = 0; index < a.columns.length; index++)
    if (a.columns[index] !== b.columns[index]) return false
  return true
}

/** The same for parts of the same columns of a table. */
export function statementKey(layoutId: number, columns: readonly number[]): string {
  return `${layoutId}:${columns.join(',')}`
}

/**
 * A column of a layout as `sink_batch(id)` gives it.
 * @throws {@link SchemaError} where its type is one that only SQL can make.
 */
export function batchColumn(layout: KnownLayout, index: number): BatchColumn {
  const { name } = layout.columns[index] as { name: string }
  const type = wireTypeOf(layout.types[index] as LogicalType)
  const reason = whyNotCreatable(type)
  if (reason !== undefined) {
    const table = layout.table.name
    const message = `column "${name}" of table "${table}" cannot be written: in its type ${reason}; change the type, or leave the column out`
    throw new SchemaError(message, { table, column: name })
  }
  return { name, type, tree: layout.trees[index] as VectorNode }
}

function selectItem(layout: KnownLayout, index: number): string {
  const { name } = layout.columns[index] as { name: string }
  const quoted = quoteIdentifier(name)
  const cast = castOf(layout, index, quoted)
  return cast === undefined ? quoted : `${cast} AS ${quoted}`
}

/** What makes a column's value of what travelled for it; `undefined` where the value travels itself. */
export function castOf(layout: KnownLayout, index: number, travelled: string): string | undefined {
  const { type } = layout.columns[index] as { type: string }
  return needsCast(layout.types[index] as LogicalType) ? `CAST(${travelled} AS ${type})` : undefined
}
