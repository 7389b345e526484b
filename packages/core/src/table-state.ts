import {
  type ColumnWidening,
  DEAD_LETTER_COLUMNS,
  deadLetterTable,
  errorFromData,
  foldIdentifier,
  type PrepareReply,
  qualifiedName,
  SchemaError,
  type TableColumn,
  type TableEvolution,
  type TableLayout,
  type TableReference,
  type TableSetup,
} from '@ducksink/worker'
import type { BadRecordsMode } from './bad-records.ts'
import { DEFAULT_TABLE_OPTIONS, type ResolvedTableOptions } from './resolved-tables.ts'
import type { InferredColumns } from './schema/inference.ts'

/** What a table's columns are asked of. */
export interface TableWorker {
  prepareTable(setup: TableSetup): Promise<PrepareReply>
  evolveTable(evolution: TableEvolution): Promise<PrepareReply>
}

// until a batch of the table has been encoded
const EXPECTED_ROW_BYTES = 128

/** What the main thread knows of one table: how it is to be made, its columns, and how large its rows are. */
export class TableState {
  readonly name: string
  readonly reference: TableReference
  readonly options: ResolvedTableOptions
  readonly #worker: TableWorker
  #layout: TableLayout | undefined
  /** The layout that was read last: while the table stays as it is, so does the object. */
  #lastRead: TableLayout | undefined
  #expectedRowBytes = EXPECTED_ROW_BYTES
  /** Folded names of the fields that were NULL throughout the batch from which this engine made the table. */
  readonly heldBack: Set<string> = new Set()
  /** Folded names of the VARCHAR columns that were inferred from strings and other scalars together. */
  readonly #takingScalars = new Set<string>()
  #deadLetters: TableState | undefined

  constructor(reference: TableReference, options: ResolvedTableOptions, worker: TableWorker) {
    this.name = reference.name
    this.reference = reference
    this.options = options
    this.#worker = worker
  }

  /** What the ledger calls it, however the app does. */
  get ledgerName(): string {
    const { catalog, schema, name } = this.reference
    const isDefault = catalog === undefined && foldIdentifier(schema ?? 'main') === 'main'
    return qualifiedName({ catalog, schema: isDefault ? undefined : schema, name })
  }

  /** The columns, where they are known and nothing has happened since that may have changed them. */
  get layout(): TableLayout | undefined {
    return this.#layout
  }

  /** True where a batch may have to wait for the worker, or for the app's schema, before it can be encoded. */
  get makesWait(): boolean {
    const { badRecords, schema } = this.options
    return schema !== undefined || !this.isKnown(badRecords)
  }

  /** True where the columns are known, and those of the dead letter table where bad records go there. */
  isKnown(badRecords: BadRecordsMode): boolean {
    if (this.#layout === undefined) return false
    return badRecords !== 'dead-letter' || this.deadLetters.layout !== undefined
  }

  /** The table that the dead letters of this one go to; it is made when its columns are asked for. */
  get deadLetters(): TableState {
    this.#deadLetters ??= new TableState(
      deadLetterTable(this.reference),
      { ...DEFAULT_TABLE_OPTIONS, columns: DEAD_LETTER_COLUMNS },
      this.#worker,
    )
    return this.#deadLetters
  }

  /** Bytes that so many rows will take, by the measure of the last batch. */
  expectedBytes(rowCount: number): number {
    return Math.ceil(rowCount * this.#expectedRowBytes)
  }

  /** Tells how large a part was. */
  measured(rowCount: number, byteLength: number): void {
    this.#expectedRowBytes = byteLength / rowCount
  }

  /** Makes the columns be read again before the next batch. */
  invalidate(): void {
    this.#layout = undefined
    this.#deadLetters?.invalidate()
  }

  /** True where a VARCHAR column takes numbers, booleans and dates as their text. */
  takesScalars(column: string): boolean {
    return this.options.contract.types === 'evolve' || this.#takingScalars.has(foldIdentifier(column))
  }

  /** The columns, read if need be; `undefined` where the table is absent and the first batch must say how to make it. */
  async describe(): Promise<TableLayout | undefined> {
    if (this.#layout !== undefined) return this.#layout
    return this.#take(await this.#worker.prepareTable(tableSetup(this.reference, this.options)))
  }

  /**
   * The columns of a table that the engine itself has declared.
   * @throws {@link SchemaError} where it is there with other columns, or cannot be made.
   */
  async require(): Promise<TableLayout> {
    const layout = await this.describe()
    if (layout === undefined) throw new SchemaError(`table "${this.name}" was not made`, { table: this.name })
    return layout
  }

  /**
   * The columns; an absent table is made from those inferred, or `undefined` where its rows are left out.
   * @throws {@link SchemaError} where it may not be made, or cannot.
   */
  async prepare(infer: () => Promise<InferredColumns>): Promise<TableLayout | undefined> {
    const present = await this.describe()
    if (present !== undefined) return present
    switch (this.options.contract.tables) {
      case 'evolve':
        return this.#make(await infer())
      case 'freeze': {
        const message = `table "${this.name}" is absent, and its schemaContract freezes the tables`
        throw new SchemaError(message, { table: this.name }, 'TABLE_ABSENT')
      }
      case 'discard-value':
        return undefined
      default:
        return this.options.contract.tables satisfies never
    }
  }

  /**
   * Adds columns and widens types, after which {@link layout} has them; a table that has gone meanwhile is to be made
   * again.
   * @throws {@link SchemaError} where DuckDB refuses.
   */
  async evolve(
    add: readonly TableColumn[],
    widen: readonly ColumnWidening[],
    takingScalars: readonly string[] = [],
  ): Promise<void> {
    const reply = await this.#worker.evolveTable({ table: this.reference, add, widen })
    for (const name of takingScalars) this.#takingScalars.add(foldIdentifier(name))
    if (this.#take(reply) === undefined) this.invalidate()
  }

  async #make({ columns, heldBack, takingScalars }: InferredColumns): Promise<TableLayout> {
    if (columns.length === 0) {
      const message = `table "${this.name}" is absent, and no field of the first batch has a value to infer a column from`
      throw new SchemaError(message, { table: this.name })
    }
    const setup: TableSetup = { table: this.reference, columns, origin: 'inferred' }
    const made = this.#take(await this.#worker.prepareTable(setup))
    if (made === undefined) throw new SchemaError(`table "${this.name}" was not made`, { table: this.name })
    for (const name of heldBack) this.heldBack.add(foldIdentifier(name))
    for (const name of takingScalars) this.#takingScalars.add(foldIdentifier(name))
    return made
  }

  #take(reply: PrepareReply): TableLayout | undefined {
    switch (reply.status) {
      case 'present':
        return this.#learn(reply.layout)
      case 'absent':
        return undefined
      case 'failed':
        throw errorFromData(reply.error)
      default:
        return reply satisfies never
    }
  }

  #learn(layout: TableLayout): TableLayout {
    if (this.#lastRead?.layoutId !== layout.layoutId) this.#lastRead = layout
    this.#layout = this.#lastRead
    return this.#layout
  }
}

/** How a table is made where nothing but its options says so. */
export function tableSetup(
  table: TableReference,
  { createTableSql, columns, contract }: ResolvedTableOptions,
): TableSetup {
  const evolves = { columns: contract.columns === 'evolve', types: contract.types === 'evolve' }
  return { table, createTableSql, columns, origin: 'declared', evolves }
}
