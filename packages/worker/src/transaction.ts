import duckdb from '@duckdb/node-bindings'
import type { Catalog } from './catalog.ts'
import { commitCause, insertError, isDurable, isOutcomeUnknown } from './duckdb-error.ts'
import { statementKey } from './insert-statement.ts'
import {
  errorToData,
  OutcomeUnknownError,
  SinkError,
  StatementError,
  WorkerDiedError,
} from './protocol/errors.ts'
import type { InsertReply, InsertRequest } from './protocol/messages.ts'
import { PartReader } from './protocol/wire.ts'
import type { Writer } from './writer.ts'

// A commit of a whole row group takes DuckDB twice as long as inserting it did. A file takes 1.2 times as many rows where
// the next write is inserted meanwhile by a second connection; DuckDB checkpoints all the same.

/** What a transaction needs of its surroundings. */
export interface TransactionContext {
  readonly writer: Writer
  readonly catalog: Catalog
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
interface Run {
  readonly key: string
  readonly requests: readonly InsertRequest[]
}

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
  #sequence = 0

  constructor(context: TransactionContext) {
    this.#context = context
    this.#writer = context.writer
  }

  /** Resolves when no commit is under way: for all that is not a part of a write. */
  quiet(): Promise<void> {
    return this.#committing
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
    await this.quiet()
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
    if (first) this.#open = { state: 'inserting', writeId }
    const open = this.#open
    if (open === undefined || open.writeId !== writeId)
      throw new Error(`part of write ${writeId}, which is not open`)
    if (last) this.#open = undefined
    if (open.state !== 'inserting') return requests.map(({ buffer }) => rolledBack(buffer, open.error))
    try {
      if (first) await this.#begin(end)
      await this.#insert(requests)
      if (!last) return requests.map(inserted)
    } catch (error) {
      await this.#writer.connection.rollBack()
      const failure = this.#failure(end, error)
      if (isWorthAnotherRun(failure, end)) return requests.map((request) => this.#await(request, failure))
      if (!last) this.#open = { state: 'rolled-back', writeId, error: failure }
      return requests.map(({ buffer }) => rolledBack(buffer, failure))
    }
    return this.#commit(requests, release)
  }

  async #begin(request: InsertRequest): Promise<void> {
    if (!this.#mayOverlap(request)) await this.quiet()
    await this.#writer.connection.run('BEGIN')
  }

  /** Commits after the write before this one; where the next may be inserted meanwhile, `release` is called. */
  async #commit(requests: readonly InsertRequest[], release: () => void): Promise<readonly InsertReply[]> {
    const end = requests.at(-1) as InsertRequest
    await this.#committing
    const { connection } = this.#writer
    const committing = unlessDurable(connection.run('COMMIT')).catch(async (error: unknown) => {
      await connection.rollBack()
      return this.#commitFailure(end, error)
    })
    if (this.#mayOverlap(end)) await this.#switchWriter(committing, release)
    const failure = await committing
    if (failure !== undefined) return requests.map(({ buffer }) => rolledBack(buffer, failure))
    return [...requests.slice(0, -1).map(inserted), this.#committed(end)]
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
  #mayOverlap({ layoutId }: InsertRequest): boolean {
    const { catalog, connectSecondWriter } = this.#context
    const layout = catalog.layout(layoutId)
    return connectSecondWriter !== undefined && layout !== undefined && !catalog.mayHaveIndex(layout)
  }

  /** Rolls back the open write, if it is this one. */
  async abandon(writeId: number): Promise<void> {
    const open = this.#open
    if (open?.writeId !== writeId) return
    this.#open = undefined
    if (open.state === 'inserting') await this.#writer.connection.rollBack()
  }

  async #commitTogether(runs: readonly Run[]): Promise<void> {
    const { connection } = this.#writer
    const only = runs.length === 1 ? runs[0] : undefined
    if (only !== undefined) {
      // one statement is a transaction by itself: BEGIN and COMMIT would cost a tenth of a small write
      await this.#insert(only.requests)
      return
    }
    await connection.run('BEGIN')
    try {
      for (const run of runs) await this.#insert(run.requests)
      await unlessDurable(connection.run('COMMIT'))
    } catch (error) {
      await connection.rollBack()
      throw error
    }
  }

  async #insert(requests: readonly InsertRequest[]): Promise<void> {
    const { statements, batch, connection } = this.#writer
    const { layoutId, columns } = requests[0] as InsertRequest
    const { prepared } = await statements.get(layoutId, columns)
    const parts = requests.map((request) => new PartReader(request.buffer))
    const expected = parts.reduce((rows, part) => rows + part.rowCount, 0)
    batch.arm(parts, expected)
    let emitted = 0
    try {
      await unlessDurable(connection.call(() => duckdb.execute_prepared(prepared)))
    } finally {
      emitted = batch.disarm()
    }
    if (emitted !== expected)
      throw new StatementError('INSERT_FAILED', `DuckDB read ${emitted} rows of ${expected}`)
  }

  #committed({ buffer }: InsertRequest): InsertReply {
    return { status: 'committed', buffer, sequence: ++this.#sequence }
  }

  #failed(request: InsertRequest, error: unknown): InsertReply {
    if (isOutcomeUnknown(error)) return rolledBack(request.buffer, this.#commitFailure(request, error))
    const failure = this.#failure(request, error)
    return isWorthAnotherRun(failure, request)
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

/** Takes a commit that became durable for one: what failed is the checkpoint after it, which the next call tells. */
async function unlessDurable(committing: Promise<unknown>): Promise<void> {
  try {
    await committing
  } catch (error) {
    if (!isDurable(error)) throw error
  }
}

function groupIntoRuns(requests: readonly InsertRequest[]): readonly Run[] {
  const runs: { key: string; requests: InsertRequest[] }[] = []
  for (const request of requests) {
    const key = statementKey(request.layoutId, request.columns)
    const run = runs.at(-1)
    if (run?.key === key) run.requests.push(request)
    else runs.push({ key, requests: [request] })
  }
  return runs
}

/** A table that was changed by someone else is read once more, and the write encoded for what it is now. */
function isWorthAnotherRun(error: SinkError, { run }: InsertRequest): boolean {
  return error.code === 'TABLE_CHANGED' && run === 0
}

const inserted = ({ buffer }: InsertRequest): InsertReply => ({ status: 'inserted', buffer })

function rolledBack(buffer: ArrayBuffer, error: SinkError): InsertReply {
  return { status: 'rolled-back', buffer, error: errorToData(error) }
}

function runAgain(buffer: ArrayBuffer, error: SinkError): InsertReply {
  return { status: 'run-again', buffer, error: errorToData(error) }
}
