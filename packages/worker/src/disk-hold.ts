import { fullDiskError, fullDiskStatement } from './duckdb-error.ts'
import type { WorkerLog } from './log.ts'
import type { SinkError } from './protocol/errors.ts'
import type { WorkerEvent } from './protocol/messages.ts'
import type { Session } from './session.ts'
import type { WriteJob } from './write-jobs.ts'

const LOOK_EVERY_MS = 1_000
/** The id of no query: they count from 1. */
const REOPEN_ID = 0

/** Who hears of a full disk, and how long it is waited for. */
export interface DiskHoldContext {
  readonly log: WorkerLog
  readonly post: (event: WorkerEvent) => void
  readonly timeoutMs: number
}

/**
 * One time that the disk is full: the queue is held and nothing is tried again, while a look once a second tells
 * whether there is room.
 */
export class DiskHold {
  readonly #session: Session
  readonly #context: DiskHoldContext
  readonly #since = performance.now()
  /** When jobs came that have come since; those that are taken out again are forgotten. */
  readonly #arrivals = new WeakMap<WriteJob, number>()
  #state: 'holding' | 'refusing' | 'over' = 'holding'
  #wake: () => void = () => undefined
  /** Resolves when there is room, or the hold was ended; with what an invalidated target could not be opened again for. */
  readonly ended: Promise<{ readonly error: unknown } | undefined>

  constructor(session: Session, context: DiskHoldContext) {
    this.#session = session
    this.#context = context
    this.ended = this.#hold().then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
  }

  /** Takes note of a job that has come into the queue. */
  arrived(job: WriteJob): void {
    const { jobs, transactions } = this.#session
    if (job.kind === 'abandon') {
      jobs.takeWrite(job.writeId)
      void transactions.abandon(job.writeId).then(job.done)
    } else if (this.#state === 'refusing') this.#refuse(job, '')
    else {
      this.#arrivals.set(job, performance.now())
      this.#wake()
    }
  }

  /** Refuses what waits, and what comes until there is room. */
  refuseAll(): void {
    // what comes once it is over, the end of the target for instance, is run
    if (this.#state === 'over') return
    this.#state = 'refusing'
    for (let job = this.#first; job !== undefined; job = this.#first) this.#refuse(job, '')
  }

  /** Gives up waiting for room. */
  end(): void {
    this.#state = 'over'
    this.#wake()
  }

  async #hold(): Promise<void> {
    const { database, transactions } = this.#session
    const { log, post } = this.#context
    const { path } = database.target
    log.warn('the disk is full: writes wait for room', { target: path })
    post({ type: 'degraded', path })
    // nothing that main waits for hangs
    post({ type: 'busy', isBusy: true })
    try {
      await transactions.quiet()
      await this.#giveUpOpenWrite()
      if (database.room?.isInvalidated === true) await this.#reopen()
      if (!(await this.#untilRoom())) return
    } finally {
      post({ type: 'busy', isBusy: false })
    }
    log.info('there is room again', { target: path, heldMs: Math.round(performance.now() - this.#since) })
    post({ type: 'recovered' })
  }

  /** A write in the middle cannot keep the connection: its parts that are inserted hold room themselves. */
  async #giveUpOpenWrite(): Promise<void> {
    const { jobs, transactions } = this.#session
    const given = await transactions.giveUpOpen()
    if (given !== undefined) jobs.refuseWrite(given.writeId, given.error)
    for (const job of jobs.waiting.filter(({ kind }) => kind === 'abandon')) this.arrived(job)
  }

  /** What is committed stays readable: an invalidated database gives nothing until it is opened again. */
  async #reopen(): Promise<void> {
    const { database, transactions, reads, catalog } = this.#session
    await reads.run(REOPEN_ID, async () => {
      transactions.clearStatements()
      await database.reopen()
      transactions.reconnected()
      catalog.invalidate()
    })
  }

  /** False where the hold was ended before. */
  async #untilRoom(): Promise<boolean> {
    const { room } = this.#session.database
    let lookAt = performance.now()
    while (this.#state !== 'over') {
      if (performance.now() >= lookAt) {
        if ((await room?.look()) !== false) return true
        lookAt = performance.now() + LOOK_EVERY_MS
      }
      this.#expire()
      await this.#pause(Math.min(lookAt, this.#expiry(this.#first)) - performance.now())
    }
    return false
  }

  #pause(ms: number): Promise<void> {
    if (this.#state === 'over') return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, ms))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #expire(): void {
    const because = `, as there was no room for ${this.#context.timeoutMs} ms`
    for (let job = this.#first; job !== undefined; job = this.#first) {
      if (this.#expiry(job) > performance.now()) return
      this.#refuse(job, because)
    }
  }

  get #first(): WriteJob | undefined {
    return this.#session.jobs.waiting[0]
  }

  #expiry(job: WriteJob | undefined): number {
    if (job === undefined) return Number.POSITIVE_INFINITY
    return (this.#arrivals.get(job) ?? this.#since) + this.#context.timeoutMs
  }

  #refuse(job: WriteJob, because: string): void {
    const { jobs, transactions } = this.#session
    if (job.kind === 'insert') {
      transactions.refused(job.request)
      // one that was to be begun again is not, and others need not wait for it
      void transactions.abandon(job.request.writeId)
    }
    jobs.refuse(job, this.#refusal(job, because))
  }

  #refusal(job: WriteJob, because: string): SinkError {
    if (job.kind !== 'insert') return fullDiskStatement(because)
    return fullDiskError(this.#session.transactions.detailsOf(job.request), because)
  }
}
