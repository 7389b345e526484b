import type { ILogObj, Logger } from 'tslog'
import type { KnownLayout } from './catalog.ts'
import { endingError } from './connection.ts'
import { type Database, openDatabase } from './database.ts'
import {
  isCheckpointBusy,
  isInvalidated,
  messageOf,
  queryError,
  statementError,
  tableError,
} from './duckdb-error.ts'
import type { Ledger } from './ledger.ts'
import {
  ClosedError,
  type ErrorData,
  errorToData,
  type SinkError,
  StatementError,
} from './protocol/errors.ts'
import type {
  CloseReply,
  InsertAnswer,
  InsertReply,
  InsertRequest,
  LedgerReply,
  OpenReply,
  OpenRequest,
  PrepareReply,
  PruneReply,
  QueryReply,
  QueryRequest,
  SinkApi,
  TableEvolution,
  TableSetup,
  WorkerEvent,
} from './protocol/messages.ts'
import { classifyStatement, runRead, runStatement } from './query.ts'
import { ReplyBox } from './reply-box.ts'
import { type Session, startSession } from './session.ts'
import { beginsAsRead } from './sql-text.ts'
import type { Transactions } from './transaction.ts'
import { type InsertJob, refuse, type WriteJob } from './write-jobs.ts'

const NO_LEDGER = "there is no ledger: it is kept where deliveryMode is 'exactly-once'"

/** The id of no query: they count from 1. */
const TRIM_ID = 0

/** The worker's side of the channel: one queue for the writing connection, one for the reading one. */
export class SinkWorker implements SinkApi {
  readonly #log: Logger<ILogObj>
  readonly #post: (event: WorkerEvent) => void
  readonly #onBroken: (reason: string) => void
  readonly #replies = new ReplyBox()
  #session: Session | undefined
  /** What is refused while there is no session, is refused with this. */
  #refusal: SinkError = new ClosedError('the target is closed')
  /** The opening or closing under way: it calls DuckDB while there is no session. Never rejects. */
  #transition: Promise<unknown> = Promise.resolve()
  /** True while the writing connection runs a statement of the app: that may be interrupted, a batch may not. */
  #runsStatement = false
  #pumping = false
  #wake: (() => void) | undefined

  /** @param onBroken - called when the target must be opened again: DuckDB takes nothing more, or a COMMIT failed */
  constructor(log: Logger<ILogObj>, post: (event: WorkerEvent) => void, onBroken: (reason: string) => void) {
    this.#log = log
    this.#post = post
    this.#onBroken = onBroken
  }

  open(request: OpenRequest): Promise<OpenReply> {
    const opened = this.#open(request)
    this.#transition = opened
    return opened
  }

  prepareTable(setup: TableSetup): Promise<PrepareReply> {
    return this.#onWriter<PrepareReply>(
      async ({ evolution }) => {
        const layout = await this.#takingLong(() => evolution.prepare(setup))
        return layout === undefined ? { status: 'absent' } : present(layout)
      },
      (error) => ({ status: 'failed', error: errorToData(tableError(error, setup.table.name)) }),
      { servesWrites: true },
    )
  }

  evolveTable(request: TableEvolution): Promise<PrepareReply> {
    return this.#onWriter<PrepareReply>(
      async (session) => {
        const evolved = await this.#takingLong(() => session.evolution.evolve(request))
        if (evolved === undefined) return { status: 'absent' }
        if (evolved.isAltered) await this.#checkpoint(session, 'an ALTER')
        return present(evolved.layout)
      },
      (error) => ({ status: 'failed', error: errorToData(tableError(error, request.table.name)) }),
      { servesWrites: true },
    )
  }

  insert(requests: readonly InsertRequest[]): Promise<readonly InsertAnswer[]> {
    const replies = requests.map(
      (request) => new Promise<InsertReply>((reply) => this.#push({ kind: 'insert', request, reply })),
    )
    return this.#replies.answer(requests, replies)
  }

  insertReply(writeId: number): Promise<InsertReply> {
    return this.#replies.take(writeId)
  }

  abandon(writeId: number): Promise<void> {
    return new Promise((done) => {
      this.#push({ kind: 'abandon', writeId, done })
    })
  }

  async query(request: QueryRequest): Promise<QueryReply> {
    const session = this.#session
    if (session === undefined) return { status: 'failed', error: errorToData(this.#refusal) }
    // what does not look like a read does not wait behind those that are
    if (!beginsAsRead(request.sql)) {
      const reply = await this.#queryOnWriter(request)
      if (reply !== undefined) return reply
    }
    const { reader } = session.database
    try {
      const rows = await session.reads.run(request.queryId, async (signal) => {
        const kind = await classifyStatement(reader, request.sql)
        return kind === 'read' ? runRead(reader, request, signal) : undefined
      })
      if (rows !== undefined) return { status: 'rows', rows, changedSchema: false }
    } catch (error) {
      // where the session has ended meanwhile, that was what cancelled the query
      const told = this.#session === session ? queryError(error) : this.#refusal
      return { status: 'failed', error: errorToData(told) }
    }
    return (await this.#queryOnWriter(request)) ?? { status: 'failed', error: errorToData(this.#refusal) }
  }

  readLedger(keys: readonly string[]): Promise<LedgerReply> {
    return this.#onWriter<LedgerReply>(
      async (session) => {
        const found = await requireLedger(session).lookUp(session.database.writer, keys)
        return { status: 'read', writes: keys.map((key) => found.get(key)) }
      },
      (error) => ({ status: 'failed', error: errorToData(statementError(error)) }),
    )
  }

  pruneLedger(beforeMs: number): Promise<PruneReply> {
    return this.#onWriter<PruneReply>(
      async (session) => {
        const ledger = requireLedger(session)
        const pruned = await this.#takingLong(() => ledger.prune(session.database.writer, beforeMs))
        await this.#checkpoint(session, 'pruning')
        this.#log.info(pruned, 'ledger pruned')
        return { status: 'pruned', ...pruned }
      },
      (error) => ({ status: 'failed', error: errorToData(statementError(error)) }),
    )
  }

  async cancelQuery(queryId: number): Promise<void> {
    this.#session?.reads.cancel(queryId)
  }

  async close(): Promise<CloseReply> {
    const session = this.#session
    if (session === undefined) return { status: 'closed' }
    const ended = this.#onWriter<CloseReply>(
      async () => {
        await session.reads.idle()
        if (this.#session !== session) throw this.#refusal
        this.#session = undefined
        session.transactions.clearStatements()
        await session.database.checkpoint().catch((error: unknown) => {
          this.#log.warn(
            { reason: messageOf(error) },
            'checkpoint at close failed; the log is replayed at the next open',
          )
        })
        session.database.close()
        for (const job of session.jobs.takeAll()) refuse(job, this.#refusal)
        this.#log.info({ target: session.database.target.path }, 'target closed')
        return { status: 'closed' }
      },
      (error) => ({ status: 'failed', error: errorToData(error) }),
    )
    this.#transition = ended
    return ended
  }

  /** Ends what is in flight and closes, whatever still waits: the thread is about to go. */
  async stop(): Promise<void> {
    this.#refusal = endingError()
    if (this.#session === undefined) await this.#transition
    const session = this.#session
    this.#session = undefined
    if (session === undefined) return
    session.reads.cancelAll()
    if (this.#runsStatement) session.database.writer.interrupt()
    await session.database.stop()
    session.transactions.clearStatements()
    session.database.close()
  }

  async #open(request: OpenRequest): Promise<OpenReply> {
    let database: Database | undefined
    try {
      database = await openDatabase(request.path, request.config, {
        nonce: request.lockNonce,
        onLocked: (path) => this.#post({ type: 'locked', path }),
      })
      const session = await startSession(database, request, { log: this.#log, post: this.#post })
      for (const table of request.tables) await session.evolution.prepare(table)
      this.#session = session
      this.#log.info({ target: database.target.path, duckdb: database.target.duckdbVersion }, 'target opened')
      const committedOffsets = session.ledger?.committedOffsets ?? []
      const { sequence } = session.transactions
      return { status: 'open', target: database.target, committedOffsets, sequence }
    } catch (error) {
      database?.close()
      return { status: 'failed', error: errorToData(error) }
    }
  }

  /**
   * Writes out of the log what DuckDB does not always replay rightly: with an ALTER some files cannot be opened by path
   * after a crash, and deleted rows of a PRIMARY KEY table have come back. Where a query runs it is done after that.
   * @see https://github.com/duckdb/duckdb/issues/18259
   * @see https://github.com/duckdb/duckdb/issues/24744
   */
  async #checkpoint({ database, reads }: Session, after: 'an ALTER' | 'pruning'): Promise<void> {
    try {
      await this.#takingLong(() => database.checkpoint())
    } catch (error) {
      if (isCheckpointBusy(error)) {
        void reads.idle().then(() =>
          this.#onWriter(
            (session) => this.#checkpoint(session, after),
            () => undefined,
          ),
        )
        return
      }
      this.#log.warn({ reason: messageOf(error) }, `checkpoint after ${after} failed`)
    }
  }

  /** Runs a statement in the writer's turn; `undefined` where it only reads, and so is for the reader. */
  #queryOnWriter(request: QueryRequest): Promise<QueryReply | undefined> {
    return this.#onWriter<QueryReply | undefined>(
      async (session) => {
        const { database, catalog, transactions } = session
        if ((await classifyStatement(database.writer, request.sql)) === 'read') return undefined
        this.#runsStatement = true
        const running = this.#takingLong(() => runStatement(database.writer, request))
        const { rows, changedSchema, isAlter } = await running.finally(() => {
          this.#runsStatement = false
        })
        if (changedSchema) {
          transactions.clearStatements()
          catalog.invalidate()
        }
        if (isAlter) await this.#checkpoint(session, 'an ALTER')
        return { status: 'rows', rows, changedSchema }
      },
      (error) => ({ status: 'failed', error: errorToData(statementError(error)) }),
    )
  }

  /** Does what may take long on the writing connection, of which main is told: its writes do not hang meanwhile. */
  async #takingLong<R>(run: () => Promise<R>): Promise<R> {
    this.#post({ type: 'busy', isBusy: true })
    try {
      return await run()
    } finally {
      this.#post({ type: 'busy', isBusy: false })
    }
  }

  /** Waits for the writing connection's turn; a failure becomes the reply that `failed` makes of it. */
  #onWriter<R>(
    task: (session: Session) => Promise<R>,
    failed: (error: unknown) => R,
    { servesWrites } = { servesWrites: false },
  ): Promise<R> {
    return new Promise((resolve) => {
      const run = async (): Promise<void> => {
        const session = this.#session
        try {
          if (session === undefined) throw this.#refusal
          resolve(await task(session))
        } catch (error) {
          resolve(failed(error))
        }
      }
      this.#push({ kind: 'task', servesWrites, run })
    })
  }

  #push(job: WriteJob): void {
    if (this.#session === undefined) {
      refuse(job, this.#refusal)
      return
    }
    this.#session.jobs.push(job)
    this.#wake?.()
    if (!this.#pumping) void this.#pump(this.#session)
  }

  async #pump(session: Session): Promise<void> {
    this.#pumping = true
    // what has arrived on the port together is queued before the first group is made of it
    await new Promise((resolve) => setImmediate(resolve))
    if (session.maxDelayMs > 0) await this.#waitForMore(session)
    for (;;) {
      const next = session.jobs.take(session.transactions.openWrite)
      if (next === undefined) break
      await this.#run(session, next)
      await this.#trimCache(session)
      if (session.maxDelayMs > 0) await this.#waitForMore(session)
    }
    this.#pumping = false
  }

  /** Runs in the queue of queries, so that none begins under the lowered limit. */
  async #trimCache({ cache, reads, transactions }: Session): Promise<void> {
    if (cache?.isDue !== true || transactions.openWrite !== undefined) return
    await transactions.quiet()
    if (this.#session === undefined || !reads.isIdle) return
    await reads
      .run(TRIM_ID, () => cache.trim())
      .catch((error: unknown) => {
        this.#log.warn({ reason: messageOf(error) }, 'letting go of written blocks failed')
      })
  }

  async #waitForMore({ jobs, maxDelayMs }: Session): Promise<void> {
    if (!jobs.wantsMore) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, maxDelayMs)
      this.#wake = () => {
        if (jobs.wantsMore) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }

  async #run({ transactions, jobs }: Session, next: WriteJob | readonly InsertJob[]): Promise<void> {
    if ('length' in next) {
      const replies = await transactions.insertGroup(next.map(({ request }) => request))
      this.#answer(next.slice(0, replies.length), replies)
      // one of them is to be run again, and these come after it
      jobs.putBack(next.slice(replies.length))
      return
    }
    switch (next.kind) {
      case 'insert':
        void this.#insertParts(transactions, [next, ...jobs.takeFollowing(next)])
        await transactions.turn
        return
      case 'abandon':
        await transactions.abandon(next.writeId)
        next.done()
        return
      case 'task':
        await transactions.quiet()
        await next.run()
        return
      default:
        next satisfies never
    }
  }

  /** True where only a target that is opened anew takes anything, or tells what is committed. */
  #isBroken(error: ErrorData): boolean {
    if (isInvalidated(error)) return true
    return error.code === 'OUTCOME_UNKNOWN' && this.#session?.database.target.isDurable === true
  }

  /** A failure here is a bug, and ends the worker as an unhandled rejection. */
  async #insertParts(transactions: Transactions, parts: readonly InsertJob[]): Promise<void> {
    this.#answer(parts, await transactions.insertParts(parts.map(({ request }) => request)))
  }

  #answer(inserts: readonly InsertJob[], replies: readonly InsertReply[]): void {
    for (let index = 0; index < inserts.length; index++) {
      const { request, reply } = inserts[index] as InsertJob
      const answer = replies[index]
      if (answer === undefined) throw new Error(`no reply for write ${request.writeId}`)
      this.#session?.cache?.written(request.buffer.byteLength)
      if (answer.status === 'rolled-back' && this.#isBroken(answer.error))
        this.#onBroken(answer.error.message)
      reply(answer)
    }
  }
}

function requireLedger({ ledger }: Session): Ledger {
  if (ledger === undefined) throw new StatementError('STATEMENT_REFUSED', NO_LEDGER)
  return ledger
}

const present = ({ layoutId, columns }: KnownLayout): PrepareReply => ({
  status: 'present',
  layout: { layoutId, columns },
})
