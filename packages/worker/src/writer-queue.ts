import { DiskHold, type DiskHoldContext } from './disk-hold.ts'
import { isInvalidated, messageOf } from './duckdb-error.ts'
import type { ErrorData } from './protocol/errors.ts'
import type { InsertReply } from './protocol/insert-messages.ts'
import type { Session } from './session.ts'
import type { InsertJob, WriteJob } from './write-jobs.ts'

/** The id of no query: they count from 1. */
const TRIM_ID = 0

/** Who hears of what the queue meets. */
export interface WriterQueueContext extends DiskHoldContext {
  /** Called when the target must be opened again: DuckDB takes nothing more, or a COMMIT failed. */
  readonly onBroken: (reason: string) => void
}

/** Runs what waits for the writing connection, one after another, and what is to be done between. */
export class WriterQueue {
  readonly #session: Session
  readonly #context: WriterQueueContext
  #state: 'open' | 'closing' | 'ended' = 'open'
  #pumping = false
  /** Present while the disk is full. */
  #hold: DiskHold | undefined
  #wake: (() => void) | undefined

  constructor(session: Session, context: WriterQueueContext) {
    this.#session = session
    this.#context = context
  }

  /** Takes a job in, which is run or refused in its turn. */
  push(job: WriteJob): void {
    if (this.#session.jobs.push(job)) this.#hold?.arrived(job)
    this.#wake?.()
    if (!this.#pumping) void this.#pump()
  }

  /** Refuses what waits for room on the disk, and what comes until there is some. */
  refuseHeld(): void {
    this.#hold?.refuseAll()
  }

  /** Waits for room on the disk no more, as the target is to be closed. */
  waitNoMore(): void {
    if (this.#state === 'open') this.#state = 'closing'
    this.#hold?.refuseAll()
    this.#hold?.end()
  }

  /** The session is over: what is left is refused by whoever asked for that. Resolves when nothing is held. */
  async end(): Promise<void> {
    this.#state = 'ended'
    this.#hold?.end()
    await this.#hold?.ended
  }

  async #pump(): Promise<void> {
    const { jobs, transactions, database, maxDelayMs } = this.#session
    this.#pumping = true
    // what has arrived on the port together is queued before the first group is made of it
    await new Promise((resolve) => setImmediate(resolve))
    if (maxDelayMs > 0) await this.#waitForMore()
    for (;;) {
      if (database.room?.isFull === true) await this.#holdUp()
      const next = jobs.take(transactions.openWrite)
      if (next === undefined) break
      await this.#run(next)
      await this.#keepUp()
      if (maxDelayMs > 0) await this.#waitForMore()
    }
    this.#pumping = false
  }

  /** Runs nothing until there is room on the disk, or it is waited for no more. */
  async #holdUp(): Promise<void> {
    if (this.#state !== 'open') return
    const hold = new DiskHold(this.#session, this.#context)
    this.#hold = hold
    const failure = await hold.ended
    this.#hold = undefined
    if (failure === undefined || !this.#isOpen) return
    this.#context.onBroken(`the target could not be opened again: ${messageOf(failure.error)}`)
  }

  /** What is to be done between commits, now and then. */
  async #keepUp(): Promise<void> {
    const { checkpoints, transactions, cache } = this.#session
    if (transactions.openWrite !== undefined) return
    if (cache?.isDue === true) await this.#trimCache()
    if (!checkpoints.isDue || !(await checkpoints.isLogLong())) return
    await transactions.quiet()
    if (this.#isOpen) await checkpoints.make()
  }

  /** Runs in the queue of queries, so that none begins under the lowered limit. */
  async #trimCache(): Promise<void> {
    const { cache, reads, transactions } = this.#session
    await transactions.quiet()
    if (!this.#isOpen || !reads.isIdle) return
    await reads
      .run(TRIM_ID, async () => cache?.trim())
      .catch((error: unknown) => {
        this.#context.log.warn('letting go of written blocks failed', { reason: messageOf(error) })
      })
  }

  get #isOpen(): boolean {
    return this.#state !== 'ended'
  }

  async #waitForMore(): Promise<void> {
    const { jobs, maxDelayMs } = this.#session
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

  async #run(next: WriteJob | readonly InsertJob[]): Promise<void> {
    const { transactions, jobs } = this.#session
    if ('length' in next) {
      const replies = await transactions.insertGroup(next.map(({ request }) => request))
      this.#answer(next.slice(0, replies.length), replies)
      // one of them is to be run again, and these come after it
      jobs.putBack(next.slice(replies.length))
      return
    }
    switch (next.kind) {
      case 'insert':
        void this.#insertParts([next, ...jobs.takeFollowing(next)])
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
    return error.code === 'OUTCOME_UNKNOWN' && this.#session.database.target.isDurable
  }

  /** A failure here is a bug, and ends the worker as an unhandled rejection. */
  async #insertParts(parts: readonly InsertJob[]): Promise<void> {
    const { transactions, database } = this.#session
    this.#answer(parts, await transactions.insertParts(parts.map(({ request }) => request)))
    // its commit may have met a full disk when nothing waited any more
    if (database.room?.isFull === true && !this.#pumping) void this.#pump()
  }

  #answer(inserts: readonly InsertJob[], replies: readonly InsertReply[]): void {
    const { cache, checkpoints } = this.#session
    let byteLength = 0
    for (let index = 0; index < inserts.length; index++) {
      const { request, reply } = inserts[index] as InsertJob
      const answer = replies[index]
      if (answer === undefined) throw new Error(`no reply for write ${request.writeId}`)
      byteLength += (request.rows ?? request.chunks)?.byteLength ?? request.buffer.byteLength
      if (answer.status === 'rolled-back' && this.#isBroken(answer.error))
        this.#context.onBroken(answer.error.message)
      reply(answer)
    }
    cache?.written(byteLength)
    checkpoints.written(byteLength)
  }
}
