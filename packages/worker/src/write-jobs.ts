import { isSameStatement } from './insert-statement.ts'
import { errorToData, type SinkError } from './protocol/errors.ts'
import type { GroupCommit, InsertReply, InsertRequest } from './protocol/messages.ts'
import type { HeldWrite } from './transaction.ts'

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
interface TaskJob {
  readonly kind: 'task'
  /** True for what a write may need before it can be begun again: it does not wait behind that write. */
  readonly servesWrites: boolean
  readonly run: () => Promise<void>
}

export type WriteJob = InsertJob | AbandonJob | TaskJob

/** What waits for the writing connection, in the order it came. */
export class WriteJobs {
  readonly #maxGroup: number
  readonly #jobs: WriteJob[] = []

  constructor(groupCommit: GroupCommit | false) {
    this.#maxGroup = groupCommit === false ? 1 : groupCommit.maxBatches
  }

  push(job: WriteJob): void {
    this.#jobs.push(job)
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

  #groupSize(): number {
    let size = 0
    while (size < this.#maxGroup && isWhole(this.#jobs[size])) size++
    return size
  }
}

function isWhole(job: WriteJob | undefined): boolean {
  return job?.kind === 'insert' && job.request.first && job.request.last
}

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
      void job.run()
      return
    default:
      job satisfies never
  }
}
