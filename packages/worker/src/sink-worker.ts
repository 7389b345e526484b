import type { KnownLayout } from './catalog.ts'
import { endingError } from './connection.ts'
import { type Database, openDatabase } from './database.ts'
import { messageOf, statementError, tableError } from './duckdb-error.ts'
import type { Ledger } from './ledger.ts'
import type { WorkerLog } from './log.ts'
import { ClosedError, errorToData, type SinkError, StatementError } from './protocol/errors.ts'
import type { InsertAnswer, InsertReply, InsertRequest } from './protocol/insert-messages.ts'
import type { LedgerReply, PruneReply } from './protocol/ledger-messages.ts'
import type {
  CloseReply,
  OpenReply,
  OpenRequest,
  QueryReply,
  QueryRequest,
  SinkApi,
  WorkerEvent,
} from './protocol/messages.ts'
import type { PrepareReply, TableEvolution, TableSetup } from './protocol/table-messages.ts'
import { Queries } from './queries.ts'
import { ReplyBox } from './reply-box.ts'
import { type Session, startSession } from './session.ts'
import { cutWholePart } from './whole-parts.ts'
import { refuse, type TaskJob, takeBack, type WriteJob } from './write-jobs.ts'
import { WriterQueue } from './writer-queue.ts'

// answers a part whose buffer others have as well
const NO_BUFFER = new ArrayBuffer(0)

const NO_LEDGER = "there is no ledger: it is kept where deliveryMode is 'exactly-once'"

/** The worker's side of the channel: one queue for the writing connection, one for the reading one. */
export class SinkWorker implements SinkApi {
  readonly #log: WorkerLog
  readonly #post: (event: WorkerEvent) => void
  readonly #onBroken: (reason: string) => void
  readonly #replies = new ReplyBox()
  #session: Session | undefined
  /** `ending` from {@link stop} on: what is opened then would be in a call of DuckDB when the thread ends. */
  #state: 'running' | 'ending' = 'running'
  /** What is refused while there is no session, is refused with this. */
  #refusal: SinkError = new ClosedError('the target is closed')
  /** The opening or closing under way: it calls DuckDB while there is no session. Never rejects. */
  #transition: Promise<unknown> = Promise.resolve()
  /** Where all that needs the writing connection waits; there is one while there is a session. */
  #queue: WriterQueue | undefined
  /** There while there is a session. */
  #queries: Queries | undefined

  /** @param onBroken - called when the target must be opened again: DuckDB takes nothing more, or a COMMIT failed */
  constructor(log: WorkerLog, post: (event: WorkerEvent) => void, onBroken: (reason: string) => void) {
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
        if (evolved.isAltered) await session.checkpoints.make()
        return present(evolved.layout)
      },
      (error) => ({ status: 'failed', error: errorToData(tableError(error, request.table.name)) }),
      { servesWrites: true },
    )
  }

  insert(requests: readonly InsertRequest[]): Promise<readonly InsertAnswer[]> {
    return this.#replies.answer(
      requests,
      requests.map((request) => this.#insert(request)),
    )
  }

  insertReply(writeId: number): Promise<InsertReply> {
    return this.#replies.take(writeId)
  }

  async abandon(writeId: number): Promise<void> {
    if (this.#session === undefined) return
    const { jobs, transactions } = this.#session
    // none of them is begun, and main waits for none
    for (const job of jobs.takeWrite(writeId)) takeBack(job, transactions)
    if (transactions.openWrite?.writeId === writeId) await this.#pushAbandon(writeId)
    else jobs.forgetRefusal(writeId)
  }

  async cancel(writeId: number): Promise<void> {
    if (this.#session === undefined) return
    const { jobs, transactions } = this.#session
    transactions.cancel(writeId)
    const taken = jobs.takeWrite(writeId)
    // main is told when nothing of it is left
    if (transactions.openWrite?.writeId === writeId) await this.#pushAbandon(writeId)
    for (const job of taken) takeBack(job, transactions)
  }

  async refuseHeld(): Promise<void> {
    this.#queue?.refuseHeld()
  }

  async query(request: QueryRequest): Promise<QueryReply> {
    if (this.#queries === undefined) return { status: 'failed', error: errorToData(this.#refusal) }
    return this.#queries.answer(request)
  }

  readLedger(keys: readonly string[], servesWrites = false): Promise<LedgerReply> {
    return this.#onWriter<LedgerReply>(
      async (session) => {
        const found = await requireLedger(session).lookUp(session.database.writer, keys)
        return { status: 'read', writes: keys.map((key) => found.get(key)) }
      },
      (error) => ({ status: 'failed', error: errorToData(statementError(error)) }),
      { servesWrites },
    )
  }

  pruneLedger(beforeMs: number): Promise<PruneReply> {
    return this.#onWriter<PruneReply>(
      async (session) => {
        const ledger = requireLedger(session)
        const pruned = await this.#takingLong(() => ledger.prune(session.database.writer, beforeMs))
        await session.checkpoints.make()
        this.#log.info('ledger pruned', { ...pruned })
        return { status: 'pruned', ...pruned }
      },
      (error) => ({ status: 'failed', error: errorToData(statementError(error)) }),
    )
  }

  async cancelQuery(queryId: number): Promise<void> {
    this.#queries?.cancel(queryId)
  }

  async close(): Promise<CloseReply> {
    const session = this.#session
    if (session === undefined) return { status: 'closed' }
    this.#queue?.waitNoMore()
    const ended = this.#onWriter<CloseReply>(
      async () => {
        await session.reads.idle()
        if (this.#session !== session) throw this.#refusal
        this.#endQueries()
        this.#session = undefined
        void this.#queue?.end()
        session.transactions.clearStatements()
        await this.#checkpointAtEnd(session.database)
        session.database.close()
        for (const job of session.jobs.takeAll()) refuse(job, this.#refusal)
        this.#log.info('target closed', { target: session.database.target.path })
        return { status: 'closed' }
      },
      (error) => ({ status: 'failed', error: errorToData(error) }),
    )
    this.#transition = ended
    return ended
  }

  /** Ends what is in flight and closes, whatever still waits: the thread is about to go. */
  async stop(): Promise<void> {
    this.#state = 'ending'
    this.#refusal = endingError()
    if (this.#session === undefined) await this.#transition
    const session = this.#session
    this.#session = undefined
    if (session === undefined) return
    this.#endQueries()
    const held = this.#queue?.end()
    await session.database.stop()
    // it opens an instance perhaps
    await held
    session.transactions.clearStatements()
    session.database.close()
  }

  async #insert(request: InsertRequest): Promise<InsertReply> {
    const { whole } = request
    if (whole === undefined) return this.#insertPart(request)
    const replies = await Promise.all(cutWholePart(request).map((part) => this.#insertPart(part)))
    // what has become of the parts before is what has become of the last one
    return { ...(replies.at(-1) as InsertReply), whole }
  }

  #insertPart(request: InsertRequest): Promise<InsertReply> {
    return new Promise((resolve) => {
      const reply = (answer: InsertReply): void =>
        resolve(request.rows === undefined ? answer : { ...answer, buffer: NO_BUFFER })
      this.#push({ kind: 'insert', request, reply })
    })
  }

  async #open(request: OpenRequest): Promise<OpenReply> {
    let database: Database | undefined
    try {
      if (this.#state === 'ending') throw this.#refusal
      database = await openDatabase(request.path, request.config, {
        nonce: request.lockNonce,
        onLocked: (path) => this.#post({ type: 'locked', path }),
        ...{ repairTornCheckpoint: request.repairTornCheckpoint, log: this.#log },
      })
      const session = await startSession(database, request, {
        ...{ log: this.#log, post: this.#post },
        takingLong: (run) => this.#takingLong(run),
        onReadsIdle: () =>
          void this.#onWriter(
            ({ checkpoints }) => checkpoints.make(),
            () => undefined,
          ),
      })
      for (const table of request.tables) await session.evolution.prepare(table)
      this.#session = session
      this.#queue = new WriterQueue(session, {
        ...{ log: this.#log, post: this.#post, onBroken: this.#onBroken },
        timeoutMs: request.degradedTimeoutMs,
      })
      this.#queries = new Queries(session, {
        onWriter: (task, failed, options) => this.#onWriter(task, failed, options),
        takingLong: (run) => this.#takingLong(run),
      })
      this.#log.info('target opened', { target: database.target.path, duckdb: database.target.duckdbVersion })
      const committedOffsets = session.ledger?.committedOffsets ?? []
      const { sequence } = session.transactions
      return { status: 'open', target: database.target, committedOffsets, sequence }
    } catch (error) {
      database?.close()
      return { status: 'failed', error: errorToData(error) }
    }
  }

  #endQueries(): void {
    this.#queries?.end(this.#refusal)
    this.#queries = undefined
  }

  async #checkpointAtEnd(database: Database): Promise<void> {
    // in memory it would compress what nobody reads any more
    if (!database.target.isDurable) return
    await database.checkpoint().catch((error: unknown) => {
      this.#log.warn('checkpoint at close failed; the log is replayed at the next open', {
        reason: messageOf(error),
      })
    })
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
    { servesWrites = false, queryId }: Partial<Pick<TaskJob, 'servesWrites' | 'queryId'>> = {},
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
      const refuse = (refusal: SinkError): void => resolve(failed(refusal))
      this.#push({ kind: 'task', servesWrites, queryId, run, refuse })
    })
  }

  /** Has the open write rolled back in the writer's turn. */
  #pushAbandon(writeId: number): Promise<void> {
    return new Promise((done) => {
      this.#push({ kind: 'abandon', writeId, done })
    })
  }

  #push(job: WriteJob): void {
    if (this.#session === undefined) {
      refuse(job, this.#refusal)
      return
    }
    this.#queue?.push(job)
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
