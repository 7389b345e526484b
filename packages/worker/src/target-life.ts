import { endingError } from './connection.ts'
import { type Database, openDatabase } from './database.ts'
import { messageOf } from './duckdb-error.ts'
import type { WorkerLog } from './log.ts'
import { ClosedError, errorToData, type SinkError } from './protocol/errors.ts'
import type { CloseReply, OpenReply, OpenRequest, WorkerEvent } from './protocol/messages.ts'
import { Queries } from './queries.ts'
import { type Session, startSession } from './session.ts'
import { refuse, type TaskJob, type WriteJob } from './write-jobs.ts'
import { WriterQueue } from './writer-queue.ts'

/** Who hears of what happens to the target. */
export interface TargetEvents {
  readonly log: WorkerLog
  readonly post: (event: WorkerEvent) => void
  /** Called when the target must be opened again: DuckDB takes nothing more, or a COMMIT failed. */
  readonly onBroken: (reason: string) => void
}

/** What there is while the target is open. */
interface OpenTarget {
  readonly session: Session
  /** Where all that needs the writing connection waits. */
  readonly queue: WriterQueue
  readonly queries: Queries
}

/** The life of the worker's target: opened, worked on in turns, and closed, or stopped with the thread. */
export class TargetLife {
  readonly #events: TargetEvents
  #open: OpenTarget | undefined
  /** `ending` from {@link stop} on: what is opened then would be in a call of DuckDB when the thread ends. */
  #state: 'running' | 'ending' = 'running'
  #refusal: SinkError = new ClosedError('the target is closed')
  /** The opening or closing under way: it calls DuckDB while nothing is open. Never rejects. */
  #transition: Promise<unknown> = Promise.resolve()

  constructor(events: TargetEvents) {
    this.#events = events
  }

  /** There while the target is open. */
  get session(): Session | undefined {
    return this.#open?.session
  }

  /** There while the target is open. */
  get queries(): Queries | undefined {
    return this.#open?.queries
  }

  /** What is refused while the target is not open, is refused with this. */
  get refusal(): SinkError {
    return this.#refusal
  }

  open(request: OpenRequest): Promise<OpenReply> {
    const opened = this.#begin(request)
    this.#transition = opened
    return opened
  }

  async close(): Promise<CloseReply> {
    const open = this.#open
    if (open === undefined) return { status: 'closed' }
    open.queue.waitNoMore()
    const closed = this.onWriter<CloseReply>(
      () => this.#close(open),
      (error) => ({ status: 'failed', error: errorToData(error) }),
    )
    this.#transition = closed
    return closed
  }

  /** Ends what is in flight and closes, whatever still waits: the thread is about to go. */
  async stop(): Promise<void> {
    this.#state = 'ending'
    this.#refusal = endingError()
    if (this.#open === undefined) await this.#transition
    const open = this.#open
    if (open === undefined) return
    const { database, transactions } = open.session
    const held = this.#end(open)
    await database.stop()
    // it opens an instance perhaps
    await held
    transactions.clearStatements()
    database.close()
  }

  /** Refuses what waits for room on the disk, and what comes until there is some. */
  refuseHeld(): void {
    this.#open?.queue.refuseHeld()
  }

  /** Takes in what needs the writing connection. */
  push(job: WriteJob): void {
    if (this.#open === undefined) refuse(job, this.#refusal)
    else this.#open.queue.push(job)
  }

  /** Waits for the writing connection's turn; a failure becomes the reply that `failed` makes of it. */
  onWriter<R>(
    task: (session: Session) => Promise<R>,
    failed: (error: unknown) => R,
    { servesWrites = false, queryId }: Partial<Pick<TaskJob, 'servesWrites' | 'queryId'>> = {},
  ): Promise<R> {
    return new Promise((resolve) => {
      const run = async (): Promise<void> => {
        const { session } = this
        try {
          if (session === undefined) throw this.#refusal
          resolve(await task(session))
        } catch (error) {
          resolve(failed(error))
        }
      }
      const refuse = (refusal: SinkError): void => resolve(failed(refusal))
      this.push({ kind: 'task', servesWrites, queryId, run, refuse })
    })
  }

  /** Does what may take long on the writing connection, of which main is told: its writes do not hang meanwhile. */
  async takingLong<R>(run: () => Promise<R>): Promise<R> {
    const { post } = this.#events
    post({ type: 'busy', isBusy: true })
    try {
      return await run()
    } finally {
      post({ type: 'busy', isBusy: false })
    }
  }

  async #begin(request: OpenRequest): Promise<OpenReply> {
    const { log, post } = this.#events
    let database: Database | undefined
    try {
      if (this.#state === 'ending') throw this.#refusal
      database = await openDatabase(request.path, request.config, {
        nonce: request.lockNonce,
        onLocked: (path) => post({ type: 'locked', path }),
        ...{ repairTornCheckpoint: request.repairTornCheckpoint, log },
        file: request.resume?.file,
      })
      const session = await this.#startSession(database, request)
      for (const table of request.tables) await session.evolution.prepare(table)
      this.#open = this.#openTarget(session, request.degradedTimeoutMs)
      log.info('target opened', { target: database.target.path, duckdb: database.target.duckdbVersion })
      const committedOffsets = session.ledger?.committedOffsets ?? []
      const { sequence } = session.transactions
      return { status: 'open', target: database.target, committedOffsets, sequence }
    } catch (error) {
      database?.close()
      return { status: 'failed', error: errorToData(error) }
    }
  }

  #startSession(database: Database, request: OpenRequest): Promise<Session> {
    const { log, post } = this.#events
    return startSession(database, request, {
      ...{ log, post },
      takingLong: (run) => this.takingLong(run),
      onReadsIdle: () =>
        void this.onWriter(
          ({ checkpoints }) => checkpoints.make(),
          () => undefined,
        ),
    })
  }

  #openTarget(session: Session, timeoutMs: number): OpenTarget {
    const queue = new WriterQueue(session, { ...this.#events, timeoutMs })
    const queries = new Queries(session, {
      onWriter: (task, failed, options) => this.onWriter(task, failed, options),
      takingLong: (run) => this.takingLong(run),
    })
    return { session, queue, queries }
  }

  async #close(open: OpenTarget): Promise<CloseReply> {
    const { database, transactions, reads, jobs } = open.session
    await reads.idle()
    if (this.#open !== open) throw this.#refusal
    void this.#end(open)
    transactions.clearStatements()
    await this.#checkpoint(database)
    database.close()
    for (const job of jobs.takeAll()) refuse(job, this.#refusal)
    this.#events.log.info('target closed', { target: database.target.path })
    return { status: 'closed' }
  }

  /** Takes nothing more for the target; resolves when nothing is held. */
  #end({ queries, queue }: OpenTarget): Promise<void> {
    this.#open = undefined
    queries.end(this.#refusal)
    return queue.end()
  }

  async #checkpoint(database: Database): Promise<void> {
    // in memory it would compress what nobody reads any more
    if (!database.target.isDurable) return
    await database.checkpoint().catch((error: unknown) => {
      this.#events.log.warn('checkpoint at close failed; the log is replayed at the next open', {
        reason: messageOf(error),
      })
    })
  }
}
