import type { BatchFunction } from './batch-function.ts'
import type { KnownLayout } from './catalog.ts'
import type { Connection } from './connection.ts'
import { type Constraint, readConstraints } from './constraints.ts'
import { batchColumn } from './insert-statement.ts'
import { StatementError } from './protocol/errors.ts'
import type { RefusedRow } from './protocol/insert-messages.ts'
import type { PartReader } from './protocol/part-reader.ts'
import { orderRows, type Reference, type SharedKey } from './row-order.ts'
import { Stage } from './stage.ts'

/** Where the rows go. */
export interface CheckedTarget {
  readonly connection: Connection
  readonly batch: BatchFunction
  readonly layout: KnownLayout
  /** The columns written, as indices into the layout. */
  readonly columns: readonly number[]
}

/**
 * Inserts the rows that a table takes, and says of the others what is wrong with them: DuckDB itself ends the
 * transaction at the first one.
 *
 * It costs some statements a part, so it is for batches of which DuckDB has refused a row. All of it happens in the
 * transaction that is open.
 */
export class CheckedInsert {
  readonly #target: CheckedTarget
  readonly #stage: Stage
  readonly #functionId: number

  private constructor(target: CheckedTarget, constraints: readonly Constraint[]) {
    this.#target = target
    const { batch, layout, columns } = target
    this.#stage = new Stage(layout, columns, constraints)
    const batchColumns = columns.map((index) => batchColumn(layout, index))
    this.#functionId = batch.define(batchColumns, this.#stage.rowColumn)
  }

  /** Reads the table's constraints as they are now. */
  static async open(target: CheckedTarget): Promise<CheckedInsert> {
    const constraints = await readConstraints(target.connection, target.layout.table)
    return new CheckedInsert(target, constraints)
  }

  /** Inserts what can be of these parts; gives the other rows, which count over all of them. */
  async insert(parts: readonly PartReader[]): Promise<readonly RefusedRow[]> {
    const { connection } = this.#target
    const stage = this.#stage
    await connection.run(stage.createSql)
    await this.#scan(parts, (scan) => stage.fillSql(scan))
    const broken = await this.#numbers<{ row: number; rule: number }>(stage.brokenSql)
    const { refused, later } = orderRows(
      new Map(broken.map(({ row, rule }) => [row, rule])),
      await this.#numbers<SharedKey>(stage.sharedSql),
      await this.#numbers<Reference>(stage.referencesSql),
    )
    await this.#scan(parts, (scan) => stage.insertSql(scan, [...refused.keys(), ...later.flat()], 'without'))
    for (const rows of later) await this.#scan(parts, (scan) => stage.insertSql(scan, rows, 'only'))
    return [...refused]
      .sort(([a], [b]) => a - b)
      .map(([row, rule]) => ({ row, fault: (stage.rules[rule] as Stage['rules'][number]).fault }))
  }

  /** Takes the stage away again, where the transaction has not ended with an error. */
  async close({ isOpen }: { readonly isOpen: boolean }): Promise<void> {
    this.#target.batch.forget(this.#functionId)
    if (isOpen) await this.#target.connection.run(this.#stage.dropSql)
  }

  /** Runs a statement that reads all rows of the parts. */
  async #scan(parts: readonly PartReader[], sql: (scan: string) => string): Promise<void> {
    const { connection, batch } = this.#target
    const expected = parts.reduce((rows, part) => rows + part.rowCount, 0)
    batch.arm(parts, expected)
    let emitted = 0
    try {
      await connection.run(sql(`system.main.${batch.name}(${this.#functionId})`))
    } finally {
      emitted = batch.disarm()
    }
    if (emitted !== expected)
      throw new StatementError('INSERT_FAILED', `DuckDB read ${emitted} rows of ${expected}`)
  }

  /** Reads rows of whole numbers; NULL becomes `undefined`. */
  async #numbers<T extends object>(sql: string | undefined): Promise<readonly T[]> {
    if (sql === undefined) return []
    const rows = await this.#target.connection.rows(sql)
    return rows.map((row) => {
      const numbers = Object.entries(row).map(([name, value]) => [
        name,
        value === null ? undefined : Number(value),
      ])
      return Object.fromEntries(numbers) as T
    })
  }
}
