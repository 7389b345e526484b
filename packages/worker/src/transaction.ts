import { fullDiskError, isDiskFull, isOutcomeUnknown, isRowRefusal, unlessDurable } from './duckdb-error.ts'
import type { ExactlyOnce, NamedWrite } from './exactly-once.ts'
import { cancelled, committed, inserted, rolledBack, runAgain } from './insert-reply.ts'
import type { SinkError } from './protocol/errors.ts'
import type { InsertReply, InsertRequest } from './protocol/insert-messages.ts'
import type { CommittedWrite } from './protocol/ledger-messages.ts'
import { drained } from './verdict.ts'
import { commitFailure, isWorthAnotherRun, type WriteDetails, writeFailure } from './write-failure.ts'
import { commitGroup, commitGroupOnce } from './write-group.ts'
import { WriterPair, type WriterPairContext } from './writer-pair.ts'

/** What a transaction needs of its surroundings. */
export interface TransactionContext extends WriterPairContext {
  /** That of the commit before the first. */
  readonly sequence: number
  /** Absent where a write that comes again is written again. */
  readonly exactlyOnce: ExactlyOnce | undefined
}

/** A write that has the connection to itself. */
export interface HeldWrite {
  readonly writeId: number
  /** True where it was rolled back and is to be begun again. */
  readonly isAwaited: boolean
}

type OpenWrite = NamedWrite &
  (
    | { readonly state: 'inserting'; readonly details: WriteDetails }
    /** Committed before: the rest of its parts is taken and not written. */
    | { readonly state: 'duplicate'; readonly before: CommittedWrite }
    | { readonly state: 'rolled-back'; readonly error: SinkError }
    /** Rolled back, and to be begun again; what is still on its way of the run that failed is answered alike. */
    | { readonly state: 'awaited'; readonly run: number; readonly error: SinkError }
  )

/** Puts writes into transactions: whole ones together, those of several parts alone. */
export class Transactions {
  readonly #context: TransactionContext
  readonly #writers: WriterPair
  /** Settled when the parts at hand are inserted, and the writer may have more. */
  #turn: Promise<void> = Promise.resolve()
  #open: OpenWrite | undefined
  /** The write that is inserted and does not commit yet: it can be taken back. */
  #inserting: number | undefined
  #isCancelled = false
  #sequence: number

  constructor(context: TransactionContext) {
    this.#context = context
    this.#writers = new WriterPair(context)
    this.#sequence = context.sequence
  }

  /** That of the last commit. */
  get sequence(): number {
    return this.#sequence
  }

  /** Resolves when no commit is under way: for all that is not a part of a write. */
  quiet(): Promise<void> {
    return this.#writers.committing
  }

  /** Resolves when the next parts may come, perhaps before the last ones have their answer. */
  get turn(): Promise<void> {
    return this.#turn
  }

  /** Makes good what the writers lost when the target was opened again. */
  reconnected(): void {
    this.#writers.reconnected()
  }

  /** Drops every prepared statement. */
  clearStatements(): void {
    this.#writers.clearStatements()
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
    await this.#writers.useFirst()
    try {
      return await this.#commitGroup(requests)
    } catch (error) {
      // of a group that found no room on the disk hardly one would find some
      if (requests.length === 1 || isOutcomeUnknown(error) || isDiskFull(error)) {
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

  async #commitGroup(requests: readonly InsertRequest[]): Promise<readonly InsertReply[]> {
    const { exactlyOnce } = this.#context
    const { current } = this.#writers
    const sequence = this.#sequence + 1
    const { replies, writtenCount, unknown } =
      exactlyOnce === undefined
        ? await commitGroup(current, requests, sequence)
        : await commitGroupOnce(current, exactlyOnce, requests, { sequence, tableOf: this.#tableOf })
    this.#sequence += writtenCount
    return requests.map((request, index) => replies[index] ?? this.#failed(request, unknown?.error))
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
    const { writeId, run, first, identity } = requests[0] as InsertRequest
    const end = requests.at(-1) as InsertRequest
    const { last } = end
    const awaited = this.#open?.state === 'awaited' ? this.#open : undefined
    if (awaited?.writeId === writeId && awaited.run === run)
      return requests.map((request) => runAgain(request, awaited.error))
    if (first) {
      // what an earlier run has left: main may begin a write again by itself
      if (this.#open?.state === 'inserting') await this.#rollBack()
      this.#open = { state: 'inserting', writeId, identity, details: this.detailsOf(end) }
      this.#inserting = writeId
      this.#isCancelled = false
    }
    const open = this.#open
    if (open === undefined || open.writeId !== writeId)
      throw new Error(`part of write ${writeId}, which is not open`)
    if (last) this.#open = undefined
    if (open.state === 'duplicate') return this.#drain(requests, open.before)
    if (open.state !== 'inserting') return requests.map((request) => rolledBack(request, open.error))
    try {
      const before = first ? await this.#begin(end) : undefined
      if (before !== undefined) return this.#drain(requests, before)
      const { parts } = this.#writers.current
      const refused = await parts.write(requests)
      this.#requireUncancelled()
      if (!last) return requests.map((request, index) => inserted(request, refused[index]))
      await parts.endChecks({ isOpen: true })
    } catch (error) {
      return this.#rolledBack(requests, error)
    }
    return this.#commit(requests, release)
  }

  /** Ends the transaction of parts that failed, with what they are told. */
  async #rolledBack(requests: readonly InsertRequest[], error: unknown): Promise<readonly InsertReply[]> {
    await this.#rollBack()
    this.#inserting = undefined
    if (!(error instanceof CancelledWrite)) return this.#notWritten(requests, error)
    this.#open = undefined
    this.refused(requests[0] as InsertRequest)
    return requests.map((request) => cancelled(request))
  }

  #notWritten(requests: readonly InsertRequest[], error: unknown): readonly InsertReply[] {
    const end = requests.at(-1) as InsertRequest
    const failure = writeFailure(error, this.detailsOf(end))
    if (isWorthAnotherRun(error, end)) return requests.map((request) => this.#await(request, failure))
    this.#context.exactlyOnce?.fail(end)
    if (!end.last) this.#open = { state: 'rolled-back', ...nameOf(end), error: failure }
    return requests.map((request) => rolledBack(request, failure))
  }

  async #rollBack(): Promise<void> {
    const { connection, parts } = this.#writers.current
    await connection.rollBack()
    await parts.endChecks({ isOpen: false })
  }

  /** Begins a transaction; where the write was committed before, it ends it again, and gives what the ledger has. */
  async #begin(request: InsertRequest): Promise<CommittedWrite | undefined> {
    const { exactlyOnce } = this.#context
    exactlyOnce?.begin(request)
    await this.#writers.begin(request)
    this.#requireUnrefused(request)
    const { connection } = this.#writers.current
    const before = await exactlyOnce?.find(connection, request)
    if (before !== undefined) await connection.rollBack()
    return before
  }

  /** Takes parts of a write that was committed before, and writes nothing. */
  #drain(requests: readonly InsertRequest[], before: CommittedWrite): readonly InsertReply[] {
    const end = requests.at(-1) as InsertRequest
    if (!end.last) this.#open = { state: 'duplicate', ...nameOf(end), before }
    return drained(requests, before)
  }

  /** Commits after the write before this one; where the next may be inserted meanwhile, `release` is called. */
  async #commit(requests: readonly InsertRequest[], release: () => void): Promise<readonly InsertReply[]> {
    const end = requests.at(-1) as InsertRequest
    await this.#writers.committing
    const sequence = this.#sequence + 1
    try {
      // the write before this one may have failed meanwhile
      this.#requireUnrefused(end)
      await this.#context.exactlyOnce?.enter(this.#writers.current, [{ request: end, sequence }])
      this.#requireUncancelled()
    } catch (error) {
      return this.#rolledBack(requests, error)
    }
    // from here on it may be committed, whatever happens
    this.#inserting = undefined
    const committing = this.#endCommit(end, sequence)
    const hasTurned = this.#writers.mayOverlap(end) && (await this.#writers.turn(committing, end))
    if (hasTurned) release()
    const failed = await committing
    if (failed === undefined)
      return [...requests.slice(0, -1).map((part) => inserted(part)), committed(end, sequence)]
    // an index takes its entries only now; a table that has one is not written to meanwhile
    if (isRowRefusal(failed.error) && !hasTurned) return this.#notWritten(requests, failed.error)
    const failure = commitFailure(failed.error, this.detailsOf(end))
    return requests.map((request) => rolledBack(request, failure))
  }

  /** Runs COMMIT; what follows from its outcome is known before the next write can ask. */
  async #endCommit(end: InsertRequest, sequence: number): Promise<{ readonly error: unknown } | undefined> {
    const { connection } = this.#writers.current
    try {
      await unlessDurable(connection.run('COMMIT'))
      this.#sequence = sequence
      return undefined
    } catch (error) {
      await connection.rollBack()
      // one that is begun again takes this back
      this.#context.exactlyOnce?.fail(end)
      return { error }
    }
  }

  #requireUnrefused(request: InsertRequest): void {
    const refusal = this.#context.exactlyOnce?.refusal(request, this.#tableOf)
    if (refusal !== undefined) throw refusal
  }

  #requireUncancelled(): void {
    if (this.#isCancelled) throw new CancelledWrite()
  }

  /** Makes a write be rolled back before it commits, if it is being inserted. */
  cancel(writeId: number): void {
    if (this.#inserting === writeId) this.#isCancelled = true
  }

  /** Remembers that a write was refused, or taken back, before it was begun. */
  refused(request: InsertRequest): void {
    this.#context.exactlyOnce?.fail(request)
  }

  /** Gives up the open write for a full disk, unless it is to be begun again; with what is answered to the rest of it. */
  async giveUpOpen(): Promise<{ readonly writeId: number; readonly error: SinkError } | undefined> {
    const open = this.#open
    if (open === undefined || open.state === 'awaited') return undefined
    await this.abandon(open.writeId)
    if (open.state === 'rolled-back') return open
    return { writeId: open.writeId, error: fullDiskError(open.state === 'inserting' ? open.details : {}) }
  }

  /** Rolls back the open write, if it is this one. */
  async abandon(writeId: number): Promise<void> {
    const open = this.#open
    if (open?.writeId !== writeId) return
    this.#open = undefined
    this.#inserting = undefined
    if (open.state !== 'duplicate') this.#context.exactlyOnce?.fail(open)
    if (open.state === 'inserting') await this.#rollBack()
  }

  /** Gives up a write of one part. */
  #failed(request: InsertRequest, error: unknown): InsertReply {
    if (!isOutcomeUnknown(error)) return this.#notWritten([request], error)[0] as InsertReply
    this.#context.exactlyOnce?.fail(request)
    return rolledBack(request, commitFailure(error, this.detailsOf(request)))
  }

  /** Holds everything else back until the write is begun again. */
  #await(request: InsertRequest, error: SinkError): InsertReply {
    this.#open = { state: 'awaited', ...nameOf(request), run: request.run, error }
    return runAgain(request, error)
  }

  readonly #tableOf = (layoutId: number): string | undefined =>
    this.#context.catalog.layout(layoutId)?.table.name

  /** What an error says of where it happened. */
  detailsOf({ layoutId, key }: InsertRequest): WriteDetails {
    return { table: this.#tableOf(layoutId), key }
  }
}

/** Ends a write that main has taken back. */
class CancelledWrite extends Error {}

const nameOf = ({ writeId, identity }: InsertRequest): NamedWrite => ({ writeId, identity })
