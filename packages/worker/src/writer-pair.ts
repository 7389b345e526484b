import type { Catalog } from './catalog.ts'
import { isDiskFull } from './duckdb-error.ts'
import { WorkerDiedError } from './protocol/errors.ts'
import type { InsertRequest } from './protocol/insert-messages.ts'
import type { Writer } from './writer.ts'

// A commit of a whole row group takes DuckDB twice as long as inserting it did. A file takes 1.2 times as many rows where
// the next write is inserted meanwhile by a second connection; DuckDB checkpoints all the same.

/** The writers and what they are made with. */
export interface WriterPairContext {
  readonly writer: Writer
  readonly catalog: Catalog
  /** Makes the second writer; absent where commits take no time, as in memory. */
  readonly connectSecondWriter: (() => Promise<Writer>) | undefined
}

/** Two writers that take turns: while one commits, the other inserts what comes next. */
export class WriterPair {
  readonly #context: WriterPairContext
  /** The one that inserts; the other commits, or has nothing to do. */
  #writer: Writer
  #other: Writer | undefined
  #committing: Promise<void> = Promise.resolve()
  #committingKey: string | undefined

  constructor(context: WriterPairContext) {
    this.#context = context
    this.#writer = context.writer
  }

  /** The writer that inserts. */
  get current(): Writer {
    return this.#writer
  }

  /** The commit under way on the other writer; never rejects. */
  get committing(): Promise<void> {
    return this.#committing
  }

  /** Makes good what the writers lost when the target was opened again. */
  reconnected(): void {
    this.#writer.reconnected()
    this.#other?.reconnected()
  }

  /** Drops every prepared statement. */
  clearStatements(): void {
    this.#writer.statements.clear()
    this.#other?.statements.clear()
  }

  /** Resolves when no commit is under way and the first writer inserts: only it knows the app's temporary tables. */
  async useFirst(): Promise<void> {
    await this.#committing
    const { writer } = this.#context
    if (this.#writer === writer) return
    this.#other = this.#writer
    this.#writer = writer
  }

  /** Resolves when a write can be begun: those that depend on the one that commits wait for it. */
  async begin(request: InsertRequest): Promise<void> {
    if (!this.mayOverlap(request)) await this.useFirst()
    const { identity } = request
    // whether it is a duplicate is known once that is committed
    if (identity?.kind === 'key' && identity.key === this.#committingKey) await this.#committing
    await this.#writer.connection.run('BEGIN')
  }

  /** True where a write may be inserted while the one before it commits: neither can see the other. */
  mayOverlap({ layoutId, action }: InsertRequest): boolean {
    const { catalog, connectSecondWriter } = this.#context
    if (action !== undefined) return false
    const layout = catalog.layout(layoutId)
    if (connectSecondWriter === undefined || layout === undefined) return false
    return catalog.isOfTarget(layout) && !catalog.mayHaveIndex(layout)
  }

  /** Lets the other writer insert while this one commits; false where there is none. */
  async turn(committing: Promise<unknown>, { identity }: InsertRequest): Promise<boolean> {
    this.#other ??= await this.#context.connectSecondWriter?.().catch((error: unknown) => {
      // the commit at hand has found no room: the target is opened anew before another write needs it; or the worker is
      // about to end, and has its answer to tell before that
      if (!isDiskFull(error) && !(error instanceof WorkerDiedError)) throw error
      return undefined
    })
    if (this.#other === undefined) return false
    const writer = this.#writer
    this.#writer = this.#other
    this.#other = writer
    this.#committing = committing.then(() => undefined)
    this.#committingKey = identity?.kind === 'key' ? identity.key : undefined
    return true
  }
}
