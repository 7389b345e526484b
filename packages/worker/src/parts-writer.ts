import duckdb from '@duckdb/node-bindings'
import type { BatchFunction } from './batch-function.ts'
import { CheckedInsert } from './checked-insert.ts'
import type { Connection } from './connection.ts'
import { unlessDurable } from './duckdb-error.ts'
import { type InsertStatements, statementKey } from './insert-statement.ts'
import { StatementError } from './protocol/errors.ts'
import type { InsertRequest, RefusedRow } from './protocol/insert-messages.ts'
import { PartReader } from './protocol/part-reader.ts'

const NONE: readonly never[] = []

/** What parts are written with. */
export interface PartsWriterContext {
  readonly connection: Connection
  readonly statements: InsertStatements
  readonly batch: BatchFunction
}

/** Does with parts what they ask for; begin and end of transactions are not its concern. */
export class PartsWriter {
  readonly #context: PartsWriterContext
  /** What checks the parts of the write that is open, by table and columns. */
  readonly #checked = new Map<string, CheckedInsert>()

  constructor(context: PartsWriterContext) {
    this.#context = context
  }

  /** Writes parts with the same action, table and columns; gives the rows that were left out of each that was checked. */
  async write(requests: readonly InsertRequest[]): Promise<readonly (readonly RefusedRow[])[]> {
    const { action } = requests[0] as InsertRequest
    switch (action) {
      case undefined:
      case 'delete':
        await this.#execute(requests)
        return NONE
      case 'check':
        return this.#check(requests)
      case 'commit':
        return NONE
      default:
        return action satisfies never
    }
  }

  /** Ends the checks of a write; while its transaction is open, what they made there is taken away. */
  async endChecks({ isOpen }: { readonly isOpen: boolean }): Promise<void> {
    if (this.#checked.size === 0) return
    const checked = [...this.#checked.values()]
    this.#checked.clear()
    // after any DDL each prepared statement would be bound anew at every run
    this.#context.statements.clear()
    for (const one of checked) await one.close({ isOpen })
  }

  async #execute(requests: readonly InsertRequest[]): Promise<void> {
    const { statements, batch, connection } = this.#context
    const { layoutId, columns, action } = requests[0] as InsertRequest
    const { prepared } = await statements.get(layoutId, columns, action === 'delete' ? 'delete' : 'insert')
    const parts = requests.map((request) => new PartReader(request.buffer, request))
    const expected = parts.reduce((rows, part) => rows + part.rowCount, 0)
    batch.arm(parts, expected)
    let rowCount = 0
    try {
      const result = await unlessDurable(connection.call(() => duckdb.execute_prepared(prepared)))
      rowCount = action === 'delete' && result !== undefined ? duckdb.rows_changed(result) : expected
    } finally {
      const emitted = batch.disarm()
      rowCount = Math.min(rowCount, emitted)
    }
    if (rowCount === expected) return
    const message =
      action === 'delete'
        ? `${expected - rowCount} of ${expected} rows to delete are not there any more`
        : `DuckDB read ${rowCount} rows of ${expected}`
    throw new StatementError('INSERT_FAILED', message)
  }

  async #check(requests: readonly InsertRequest[]): Promise<readonly (readonly RefusedRow[])[]> {
    const { layoutId, columns } = requests[0] as InsertRequest
    const parts = requests.map((request) => new PartReader(request.buffer, request))
    const refused = await (await this.#checkedInsert(layoutId, columns)).insert(parts)
    let start = 0
    return parts.map(({ rowCount }) => {
      const end = start + rowCount
      const own = refused.filter(({ row }) => row >= start && row < end)
      const shifted = own.map(({ row, fault }) => ({ row: row - start, fault }))
      start = end
      return shifted
    })
  }

  async #checkedInsert(layoutId: number, columns: readonly number[]): Promise<CheckedInsert> {
    const key = statementKey(layoutId, columns)
    const known = this.#checked.get(key)
    if (known !== undefined) return known
    const { connection, batch, statements } = this.#context
    const layout = await statements.currentLayout(layoutId, columns)
    const checked = await CheckedInsert.open({ connection, batch, layout, columns })
    this.#checked.set(key, checked)
    return checked
  }
}
