import type { Catalog } from './catalog.ts'
import { commitCause, insertError, isOutcomeUnknown, isRowRefusal, unlessDurable } from './duckdb-error.ts'
import { isSameStatement } from './insert-statement.ts'
import {
  errorToData,
  OutcomeUnknownError,
  SchemaError,
  SinkError,
  WorkerDiedError,
} from './protocol/errors.ts'
import type { InsertReply, InsertRequest, RefusedRow } from './protocol/messages.ts'
import type { Writer } from './writer.ts'

// A commit of a whole row group takes DuckDB twice as long as inserting it did. A file takes 1.2 times as many rows where
// the next write is inserted meanwhile by a second connection; DuckDB checkpoints all the same.

/** What a transaction needs of its surroundings. */
export interface TransactionContext {
  readonly writer: Writer
  readonly catalog: Catalog
  /** That of the commit before the first. */
  readonly sequence: number
  /** Makes the second writer; absent where commits take no time, as in memory. */
  readonly connectSecondWriter: (() => Promise<Writer>) | undefined
}

/** A write that has the connection to itself. */
export interface HeldWrite {
  readonly writeId: number
  /** True where it was rolled back and is to be begun again. */
  readonly isAwaited: boolean
}

/** Writes that go in by one INSERT, because they have the table and the columns in common. */
type Run = readonly InsertRequest[]

type OpenWrite =
  | { readonly state: 'inserting'; readonly writeId: number }
  | { readonly state: 'rolled-back'; readonly writeId: number; readonly error: SinkError }
  /** Rolled back, and to be begun again; what is still on its way of the run that failed is answered alike. */
  | { readonly state: 'awaited'; readonly writeId: number; readonly run: number; readonly error: SinkError }

/** Puts writes into transactions: whole ones together, those of several parts alone. */
export class Transactions {
  readonly #context: TransactionContext
  /** The one that inserts; the other commits, or has nothing to do. */
  #writer: Writer
  #other: Writer | undefined
  /** The commit under way on the other writer; never rejects. */
  #committing: Promise<void> = Promise.resolve()
  /** Settled when the parts at hand are inserted, and the writer may have more. */
  #turn: Promise<void> = Promise.resolve()
  #open: OpenWrite | undefined
  #sequence: number

  constructor(context: TransactionContext) {
    this.#context = context
    this.#writer = context.writer
    this.#sequence = context.sequence
  }

  /** Resolves when no commit is under way: for all that is not a part of a write. */
  quiet(): Promise<void> {
    return this.#committing
  }

  /** The same, after which the first writer inserts: only its connection knows the app's temporary tables. */
  async #useFirstWriter(): Promise<void> {
    await this.#committing
    const { writer } = this.#context
    if (this.#writer === writer) return
    this.#other = this.#writer
    this.#writer = writer
  }

  /** Resolves when the next parts may come, perhaps before the last ones have their answer. */
  get turn(): Promise<void> {
    return this.#turn
  }

  /** Drops every prepared statement. */
  clearStatements(): void {
    this.#writer.statements.clear()
    this.#other?.statements.clear()
  }

  /** The write whose next part must come before anything else may use the connection. */
  get openWrite(): HeldWrite | undefined {
    const open = this.#open
    return open && { writeId: open.writeId, isAwaited: open.state === 'awaited' }
  }

  /**
   * Commits writes of one part each together; where one fails, all are rolled back and each is written by itself,
   * so that the one at fault fails alone. Those after one that is to be run again have no reply: they come after it.
   */
  async insertGroup(requests: readonly InsertRequest[]): Promise<readonly InsertReply[]> {
    await this.#useFirstWriter()
    const runs = groupIntoRuns(requests)
    try {
      await this.#commitTogether(runs)
      return requests.map((request) => this.#committed(request))
    } catch (error) {
      if (requests.length === 1 || isOutcomeUnknown(error)) {
        return requests.map((request) => this.#failed(request, error))
      }
    }
    const replies: InsertReply[] = []
    for (const request of requests) {
      replies.push(...(await this.insertGroup([request])))
      if (this.#open !== undefined) break
    }
    return replies
  }

  /**
   * Inserts parts of one write of several, in their order; the last one commits them all. Resolves with their answers;
   * the next parts may come as soon as {@link turn} has, and commit after these.
   */
  insertParts(requests: readonly InsertRequest[]): Promise<readonly InsertReply[]> {
    const turn = Promise.withResolvers<void>()
    this.#turn = turn.promise
    return this.#insertParts(requests, turn.resolve).finally(turn.resolve)
  }

  async #insertParts(
    requests: readonly InsertRequest[],
    release: () => void,
  ): Promise<readonly InsertReply[]> {
    const { writeId, run, first } = requests[0] as InsertRequest
    const end = requests.at(-1) as InsertRequest
    const { last } = end
    const awaited = this.#open?.state === 'awaited' ? this.#open : undefined
    if (awaited?.writeId === writeId && awaited.run === run)
      return requests.map(({ buffer }) => runAgain(buffer, awaited.error))
    if (first) {
      // what an earlier run has left: main may begin a write again by itself
      if (this.#open?.state === 'inserting') await this.#rollBack()
      this.#open = { state: 'inserting', writeId }
    }
    const open = this.#open
    if (open === undefined || open.writeId !== writeId)
      throw new Error(`part of write ${writeId}, which is not open`)
    if (last) this.#open = undefined
    if (open.state !== 'inserting') return requests.map(({ buffer }) => rolledBack(buffer, open.error))
    try {
      if (first) await this.#begin(end)
      const refused = await this.#writer.parts.write(requests)
      if (!last) return requests.map((request, index) => inserted(request, refused[index]))
      await this.#writer.parts.endChecks({ isOpen: true })
    } catch (error) {
      return this.#rolledBack(requests, error)
    }
    return this.#commit(requests, release)
  }

  /** Ends the transaction of parts that failed, with what they are told. */
  async #rolledBack(requests: readonly InsertRequest[], error: unknown): Promise<readonly InsertReply[]> {
    await this.#rollBack()
    const end = requests.at(-1) as InsertRequest
    const failure = this.#failure(end, error)
    if (isWorthAnotherRun(error, end)) return requests.map((request) => this.#await(request, failure))
    if (!end.last) this.#open = { state: 'rolled-back', writeId: end.writeId, error: failure }
    return requests.map(({ buffer }) => rolledBack(buffer, failure))
  }

  async #rollBack(): Promise<void> {
    await this.#writer.connection.rollBack()
    await this.#writer.parts.endChecks({ isOpen: false })
  }

  async #begin(request: InsertRequest): Promise<void> {
    if (!this.#mayOverlap(request)) await this.#useFirstWriter()
    await this.#writer.connection.run('BEGIN')
  }

  /** Commits after the write before this one; where the next may be inserted meanwhile, `release` is called. */
  async #commit(requests: readonly InsertRequest[], release: () => void): Promise<readonly InsertReply[]> {
    const end = requests.at(-1) as InsertRequest
    await this.#committing
    const { connection } = this.#writer
    const committing = unlessDurable(connection.run('COMMIT')).then(
      () => undefined,
      async (error: unknown) => {
        await connection.rollBack()
        return { error }
      },
    )
    if (this.#mayOverlap(end)) await this.#switchWriter(committing, release)
    const failed = await committing
    if (failed === undefined)
      return [...requests.slice(0, -1).map((part) => inserted(part)), this.#committed(end)]
    // an index takes its entries only now; a table that has one is not written to meanwhile
    if (isRowRefusal(failed.error)) return this.#rolledBack(requests, failed.error)
    const failure = this.#commitFailure(end, failed.error)
    return requests.map(({ buffer }) => rolledBack(buffer, failure))
  }

  async #switchWriter(committing: Promise<unknown>, release: () => void): Promise<void> {
    this.#other ??= await this.#context.connectSecondWriter?.()
    if (this.#other === undefined) return
    const writer = this.#writer
    this.#writer = this.#other
    this.#other = writer
    this.#committing = committing.then(() => undefined)
    release()
  }

  /** True where a write may be inserted while the one before it commits: neither can see the other. */
  #mayOverlap({ layoutId, action }: InsertRequest): boolean {
    const { catalog, connectSecondWriter } = this.#context
    if (action !== undefined) return false
    const layout = catalog.layout(layoutId)
    if (connectSecondWriter === undefined || layout === undefined) return false
    return catalog.isOfTarget(layout) && !catalog.mayHaveIndex(layout)
  }

  /** Rolls back the open write, if it is this one. */
  async abandon(writeId: number): Promise<void> {
    const open = this.#open
    if (open?.writeId !== writeId) return
    this.#open = undefined
    if (open.state === 'inserting') await this.#rollBack()
  }

  async #commitTogether(runs: readonly Run[]): Promise<void> {
    const { connection } = this.#writer
    const only = runs.length === 1 ? runs[0] : undefined
    if (only !== undefined) {
      // one statement is a transaction by itself: BEGIN and COMMIT would cost a tenth of a small write
      await this.#writer.parts.write(only)
      return
    }
    await connection.run('BEGIN')
    try {
      for (const run of runs) await this.#writer.parts.write(run)
      await unlessDurable(connection.run('COMMIT'))
    } catch (error) {
      await connection.rollBack()
      throw error
    }
  }

  #committed({ buffer }: InsertRequest): InsertReply {
    return { status: 'committed', buffer, sequence: ++this.#sequence }
  }

  #failed(request: InsertRequest, error: unknown): InsertReply {
    if (isOutcomeUnknown(error)) return rolledBack(request.buffer, this.#commitFailure(request, error))
    const failure = this.#failure(request, error)
    return isWorthAnotherRun(error, request)
      ? this.#await(request, failure)
      : rolledBack(request.buffer, failure)
  }

  /** Holds everything else back until the write is begun again. */
  #await({ writeId, run, buffer }: InsertRequest, error: SinkError): InsertReply {
    this.#open = { state: 'awaited', writeId, run, error }
    return runAgain(buffer, error)
  }

  #failure(request: InsertRequest, error: unknown): SinkError {
    if (error instanceof SinkError) return error
    return insertError(error, this.#details(request))
  }

  #commitFailure(request: InsertRequest, error: unknown): SinkError {
    // a connection that was stopped did not begin with it
    if (error instanceof WorkerDiedError) return error
    const message =
      'COMMIT answered with an error, after which the batch may be written or not: read the table'
    return new OutcomeUnknownError(message, { ...this.#details(request), cause: commitCause(error) })
  }

  #details({ layoutId, key }: InsertRequest): { table: string | undefined; key: string | undefined } {
    return { table: this.#context.catalog.layout(layoutId)?.table.name, key }
  }
}

function groupIntoRuns(requests: readonly InsertRequest[]): readonly Run[] {
  const runs: InsertRequest[][] = []
  for (const request of requests) {
    const run = runs.at(-1)
    if (run !== undefined && isSameStatement(run[0] as InsertRequest, request)) run.push(request)
    else runs.push([request])
  }
  return runs
}

/** Runs of a write whose table was changed each time, by other writes that it follows or by the app. */
const MAX_RUNS = 8

/**
 * A table that was changed by someone else is read once more, and the write encoded for what it is now. Where DuckDB
 * has refused a row, the write comes again with parts to be checked, which finds all such rows.
 */
function isWorthAnotherRun(error: unknown, { run, action }: InsertRequest): boolean {
  if (error instanceof SchemaError) return error.code === 'TABLE_CHANGED' && run < MAX_RUNS
  return action === undefined && isRowRefusal(error)
}

const inserted = ({ buffer }: InsertRequest, refused: readonly RefusedRow[] = []): InsertReply => ({
  status: 'inserted',
  buffer,
  refused,
})

function rolledBack(buffer: ArrayBuffer, error: SinkError): InsertReply {
  return { status: 'rolled-back', buffer, error: errorToData(error) }
}

function runAgain(buffer: ArrayBuffer, error: SinkError): InsertReply {
  return { status: 'run-again', buffer, error: errorToData(error) }
}
