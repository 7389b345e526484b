import { cancelled } from './insert-reply.ts'
import { isSameStatement } from './insert-statement.ts'
import { errorToData, type SinkError } from './protocol/errors.ts'
import type { InsertReply, InsertRequest } from './protocol/insert-messages.ts'
import type { GroupCommit } from './protocol/messages.ts'
import type { HeldWrite, Transactions } from './transaction.ts'

// A statement costs a millisecond beside its rows. More parts than this in one would leave main without buffers.
const MAX_MERGED_PARTS = 4

/** One part waiting for the writing connection. */
export interface InsertJob {
  readonly kind: 'insert'
  readonly request: InsertRequest
  readonly reply: (reply: InsertReply) => void
}

/** The end of a write whose last part will not come. */
interface AbandonJob {
  readonly kind: 'abandon'
  readonly writeId: number
  readonly done: () => void
}

/** Anything else that needs the writing connection to itself. */
export interface TaskJob {
  readonly kind: 'task'
  /** True for what a write may need before it can be begun again: it does not wait behind that write. */
  readonly servesWrites: boolean
  /** Of a statement, which is taken out where it is cancelled. */
  readonly queryId: number | undefined
  readonly run: () => Promise<void>
  readonly refuse: (refusal: SinkError) => void
}

export type WriteJob = InsertJob | AbandonJob | TaskJob

/** What waits for the writing connection, in the order it came. */
export class WriteJobs {
  readonly #maxGroup: number
  readonly #jobs: WriteJob[] = []
  /** Writes that were refused before their last part had come, with what the rest of them is answered. */
  readonly #refused = new Map<number, SinkError>()

  constructor(groupCommit: GroupCommit | false) {
    this.#maxGroup = groupCommit === false ? 1 : groupCommit.maxBatches
  }

  /** Takes a job in; gives false for one of a write that was refused, which is answered at once. */
  push(job: WriteJob): boolean {
    if (this.#refused.size > 0 && this.#refuseRest(job)) return false
    this.#jobs.push(job)
    return true
  }

  /** Puts writes back that were taken and not run. */
  putBack(jobs: readonly InsertJob[]): void {
    this.#jobs.unshift(...jobs)
  }

  /** True where a group could be made now and more writes would still fit into it. */
  get wantsMore(): boolean {
    return (
      isWhole(this.#jobs[0]) && this.#groupSize() === this.#jobs.length && this.#jobs.length < this.#maxGroup
    )
  }

  /**
   * Takes the next job, or the next writes that share a commit. While a write of several parts is open, only what
   * belongs to it may use the connection, whatever else came before; while it is to be begun again, what it needs for
   * that as well.
   */
  take(open: HeldWrite | undefined): WriteJob | readonly InsertJob[] | undefined {
    if (open !== undefined) {
      const index = this.#jobs.findIndex((job) => isFor(job, open))
      return index === -1 ? undefined : this.#jobs.splice(index, 1)[0]
    }
    return isWhole(this.#jobs[0])
      ? (this.#jobs.splice(0, this.#groupSize()) as readonly InsertJob[])
      : this.#jobs.shift()
  }

  /** Takes the parts that follow a part of a write and wait already, up to its last: they share a statement. */
  takeFollowing({ request }: InsertJob): readonly InsertJob[] {
    const following: InsertJob[] = []
    let last = request.last
    while (!last && following.length < MAX_MERGED_PARTS - 1) {
      const index = this.#jobs.findIndex((job) => writeIdOf(job) === request.writeId)
      const job = this.#jobs[index]
      if (job?.kind !== 'insert' || job.request.run !== request.run) break
      if (!isSameStatement(job.request, request)) break
      this.#jobs.splice(index, 1)
      following.push(job)
      last = job.request.last
    }
    return following
  }

  /** Takes all that waits. */
  takeAll(): readonly WriteJob[] {
    return this.#jobs.splice(0)
  }

  /** What waits, in its order. */
  get waiting(): readonly WriteJob[] {
    return this.#jobs
  }

  /** Takes what waits of a write. */
  takeWrite(writeId: number): readonly WriteJob[] {
    const taken = this.#jobs.filter((job) => writeIdOf(job) === writeId)
    for (const job of taken) this.#jobs.splice(this.#jobs.indexOf(job), 1)
    return taken
  }

  /** Refuses the statement of a query, where it waits. */
  refuseQuery(queryId: number, refusal: SinkError): void {
    const job = this.#jobs.find((waiting) => waiting.kind === 'task' && waiting.queryId === queryId)
    if (job !== undefined) this.refuse(job, refusal)
  }

  /** Refuses a job that waits, and with a part all of its write, whether it has come or not. */
  refuse(job: WriteJob, refusal: SinkError): void {
    const writeId = writeIdOf(job)
    if (writeId === undefined) {
      this.#jobs.splice(this.#jobs.indexOf(job), 1)
      refuse(job, refusal)
    } else this.refuseWrite(writeId, refusal)
  }

  /** Refuses what waits of a write, and what comes of it up to its last part. */
  refuseWrite(writeId: number, refusal: SinkError): void {
    const taken = this.takeWrite(writeId)
    for (const job of taken) refuse(job, refusal)
    // the end of an earlier run is followed by parts of the next one
    if (!endsWrite(taken.at(-1))) this.#refused.set(writeId, refusal)
  }

  /** Nothing more comes of a write that was refused. */
  forgetRefusal(writeId: number): void {
    this.#refused.delete(writeId)
  }

  #refuseRest(job: WriteJob): boolean {
    const writeId = writeIdOf(job)
    const refusal = writeId === undefined ? undefined : this.#refused.get(writeId)
    if (writeId === undefined || refusal === undefined) return false
    if (endsWrite(job)) this.#refused.delete(writeId)
    refuse(job, refusal)
    return true
  }

  #groupSize(): number {
    let size = 0
    while (size < this.#maxGroup && isWhole(this.#jobs[size])) size++
    return size
  }
}

/** True for a write of one part. */
export function isWhole(job: WriteJob | undefined): boolean {
  return job?.kind === 'insert' && job.request.first && job.request.last
}

const endsWrite = (job: WriteJob | undefined): boolean =>
  job?.kind === 'abandon' || (job?.kind === 'insert' && job.request.last)

function isFor(job: WriteJob, { writeId, isAwaited }: HeldWrite): boolean {
  return job.kind === 'task' ? isAwaited && job.servesWrites : writeIdOf(job) === writeId
}

function writeIdOf(job: WriteJob): number | undefined {
  switch (job.kind) {
    case 'insert':
      return job.request.writeId
    case 'abandon':
      return job.writeId
    case 'task':
      return undefined
    default:
      return job satisfies never
  }
}

/** Answers a job of a write that main wants no more; what of its channels is under way behind it is to know. */
export function takeBack(job: WriteJob, transactions: Pick<Transactions, 'refused'>): void {
  if (job.kind === 'abandon') job.done()
  if (job.kind !== 'insert') return
  transactions.refused(job.request)
  job.reply(cancelled(job.request))
}

/** Answers a job that is not run. */
export function refuse(job: WriteJob, refusal: SinkError): void {
  switch (job.kind) {
    case 'insert':
      job.reply({ status: 'rolled-back', buffer: job.request.buffer, error: errorToData(refusal) })
      return
    case 'abandon':
      job.done()
      return
    case 'task':
      job.refuse(refusal)
      return
    default:
      job satisfies never
  }
}
