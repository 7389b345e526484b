import {
  errorFromData,
  type PrepareReply,
  SchemaError,
  type TableColumn,
  type TableLayout,
  type TableReference,
  type TableSetup,
} from '@ducksink/worker'
import type { ResolvedTableOptions } from './options.ts'

/** Asks the worker for a table's columns. */
export type PrepareTable = (setup: TableSetup) => Promise<PrepareReply>

// until a batch of the table has been encoded
const EXPECTED_ROW_BYTES = 128

/** What the main thread knows of one table: how it is to be made, its columns, and how large its rows are. */
export class TableState {
  readonly name: string
  readonly reference: TableReference
  readonly options: ResolvedTableOptions
  readonly #prepareTable: PrepareTable
  #layout: TableLayout | undefined
  /** The layout that was read last: while the table stays as it is, so does the object. */
  #lastRead: TableLayout | undefined
  #expectedRowBytes = EXPECTED_ROW_BYTES

  constructor(reference: TableReference, options: ResolvedTableOptions, prepareTable: PrepareTable) {
    this.name = reference.name
    this.reference = reference
    this.options = options
    this.#prepareTable = prepareTable
  }

  /** The columns, where they are known and nothing has happened since that may have changed them. */
  get layout(): TableLayout | undefined {
    return this.#layout
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
  }

  /** The columns, read if need be; `undefined` where the table is absent and the first batch must say how to make it. */
  async describe(): Promise<TableLayout | undefined> {
    if (this.#layout !== undefined) return this.#layout
    const { createTableSql, columns } = this.options
    return this.#ask({ table: this.reference, createTableSql, columns, origin: 'declared' })
  }

  /**
   * The columns; an absent table is made from those inferred.
   * @throws {@link SchemaError} where it may not be made, or cannot.
   */
  async prepare(infer: () => Promise<readonly TableColumn[]>): Promise<TableLayout> {
    const present = await this.describe()
    if (present !== undefined) return present
    if (this.options.tables === 'freeze') {
      const message = `table "${this.name}" is absent, and its schemaContract freezes the tables`
      throw new SchemaError(message, { table: this.name }, 'TABLE_ABSENT')
    }
    const made = await this.#ask({ table: this.reference, columns: await infer(), origin: 'inferred' })
    if (made === undefined) throw new SchemaError(`table "${this.name}" was not made`, { table: this.name })
    return made
  }

  async #ask(setup: TableSetup): Promise<TableLayout | undefined> {
    const reply = await this.#prepareTable(setup)
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
