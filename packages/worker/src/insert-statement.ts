import duckdb from '@duckdb/node-bindings'
import type { BatchColumn, BatchFunction } from './batch-function.ts'
import type { Catalog, KnownLayout } from './catalog.ts'
import type { Connection } from './connection.ts'
import { qualifiedName, quoteIdentifier } from './identifier.ts'
import { SchemaError } from './protocol/errors.ts'
import { castsThroughJson, type LogicalType } from './protocol/logical-type.ts'
import { travelsAsText, wireTypeOf } from './protocol/wire-type.ts'

const MAX_STATEMENTS = 64

/** An INSERT of one column set into one table, ready to run again and again. */
export interface InsertStatement {
  readonly layout: KnownLayout
  readonly prepared: duckdb.PreparedStatement
  readonly functionId: number
}

/** The prepared INSERTs, by layout and column set; the one used longest ago goes first. */
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
   * The statement that inserts these columns of a layout.
   * @throws {@link SchemaError} where the table has changed since the columns were read.
   */
  async get(layoutId: number, columns: readonly number[]): Promise<InsertStatement> {
    const key = statementKey(layoutId, columns)
    const known = this.#statements.get(key)
    if (known !== undefined && this.#catalog.isFresh(known.layout)) {
      this.#statements.delete(key)
      this.#statements.set(key, known)
      return known
    }
    const layout = await this.#currentLayout(layoutId, columns)
    if (known !== undefined) this.#drop(key, known)
    const statement = await this.#prepare(layout, columns)
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

  async #currentLayout(layoutId: number, columns: readonly number[]): Promise<KnownLayout> {
    const layout = this.#catalog.layout(layoutId)
    if (layout === undefined) throw new SchemaError(`layout ${layoutId} is not known to the worker`)
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

  async #prepare(layout: KnownLayout, columns: readonly number[]): Promise<InsertStatement> {
    const batchColumns = columns.map((index) => batchColumn(layout, index))
    const functionId = this.#batch.define(batchColumns)
    const selected = columns.map((index) => selectItem(layout, index))
    // with its schema: a macro of the same name in the database would go before it
    const sql = `INSERT INTO ${qualifiedName(layout.table)} BY NAME SELECT ${selected.join(', ')} FROM system.main.${this.#batch.name}(${functionId})`
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

/** Writes with the same key can run as one statement. */
export function statementKey(layoutId: number, columns: readonly number[]): string {
  return `${layoutId}:${columns.join(',')}`
}

function batchColumn(layout: KnownLayout, index: number): BatchColumn {
  const { name } = layout.columns[index] as { name: string }
  return { name, type: wireTypeOf(layout.types[index] as LogicalType), slot: index }
}

function selectItem(layout: KnownLayout, index: number): string {
  const { name, type } = layout.columns[index] as { name: string; type: string }
  const quoted = quoteIdentifier(name)
  const parsed = layout.types[index] as LogicalType
  if (!travelsAsText(parsed)) return quoted
  const text = castsThroughJson(parsed) ? `CAST(${quoted} AS JSON)` : quoted
  return `CAST(${text} AS ${type}) AS ${quoted}`
}
