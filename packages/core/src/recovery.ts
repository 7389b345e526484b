import { setImmediate, setTimeout } from 'node:timers/promises'
import { type ChannelOffset, SinkError, WorkerDiedError } from '@ducksink/worker'
import { type LostOutcome, type LostWrite, LostWrites } from './lost-writes.ts'
import type { ResolvedOptions } from './resolved-options.ts'
import type { Target } from './target.ts'
import type { WorkerClient } from './worker-client.ts'
import type { WorkerDeath, WorkerThread } from './worker-thread.ts'

/** That the engine goes on with another worker. */
export interface RestartEvent {
  /** How the worker before it ended. */
  readonly reason: string
  /** Threads that were started until one had the target open. */
  readonly attempts: number
  readonly durationMs: number
  /** Writes under way when the worker ended that the ledger has: they were given their receipts. */
  readonly committedCount: number
  /** Those that the ledger has not: they were rejected with `WorkerDiedError`. */
  readonly notWrittenCount: number
  /** Those that may be written or not: they were rejected with `OutcomeUnknownError`. */
  readonly unknownCount: number
}

/** What the recovery of an engine does its work with. */
export interface RecoveryContext {
  readonly client: WorkerClient
  readonly target: Target
  readonly restart: ResolvedOptions['restart']
  /** That of the last receipt. */
  readonly sequence: () => number
  /** Called when all is settled, before what waits goes to the new worker. */
  readonly onRestart: (event: RestartEvent, committedOffsets: readonly ChannelOffset[]) => void
  /** Called once where the target cannot be opened as its disk is full, which is waited for. */
  readonly onDiskFull: () => void
  readonly onFailure: (error: WorkerDiedError) => void
}

type Start =
  | { readonly status: 'open'; readonly thread: WorkerThread; readonly offsets: readonly ChannelOffset[] }
  | { readonly status: 'hangs'; readonly reason: string }
  | {
      readonly status: 'failed'
      readonly reason: string
      readonly isWorthAnother: boolean
      readonly isFull: boolean
    }

/** The time in which no more than `maxAttempts` threads are started. */
const WINDOW_MS = 60_000
const FIRST_DELAY_MS = 200
const MAX_DELAY_MS = 5_000
/** Where the disk is full. */
const LOOK_EVERY_MS = 1_000
/** More than any worker has. */
const LAYOUTS_A_WORKER = 2 ** 32

/** Has another worker go on where one has died, and finds out what became of the writes that were under way. */
export class Recovery {
  readonly #context: RecoveryContext
  readonly #lost: LostWrites
  /** When threads were started, within the last minute. */
  #starts: number[] = []
  #hasFailed = false
  readonly #stopping = new AbortController()

  constructor(context: RecoveryContext) {
    this.#context = context
    this.#lost = new LostWrites(context.sequence)
  }

  /** What became of a write that was under way; within a second. */
  outcomeOf(write: LostWrite): Promise<LostOutcome> {
    return this.#lost.ask(write, this.#canRestart && !this.#hasFailed)
  }

  /** Starts threads until one has the target open, as often as may be; never rejects. */
  async begin(death: WorkerDeath): Promise<void> {
    if (death.hangs) {
      this.#fail(`${death.reason}; restart the process`)
      return
    }
    if (!this.#canRestart) {
      this.#context.target.releaseLock()
      this.#fail(`${death.reason}; open the engine again`)
      return
    }
    const startedAt = performance.now()
    let reason = 'that was tried too often within a minute'
    let wasFull = false
    for (let attempts = 1; await this.#mayStart(); attempts++) {
      const start = await this.#start()
      if (start.status === 'open') {
        this.#resume(start, { reason: death.reason, attempts, durationMs: performance.now() - startedAt })
        return
      }
      if (start.status === 'hangs') {
        // it has the target open, perhaps: its lock stays
        this.#fail(`${death.reason}; the next one: ${start.reason}; restart the process`)
        return
      }
      reason = start.reason
      if (!start.isWorthAnother) break
      if (!start.isFull) continue
      if (!wasFull) this.#context.onDiskFull()
      wasFull = true
      if (!(await this.#untilLook())) break
    }
    this.#context.target.releaseLock()
    this.#fail(`${death.reason}; it could not be started again: ${reason}`)
  }

  /** No other worker is wanted any more: the target is being closed. */
  stop(): void {
    this.#stopping.abort()
  }

  get #canRestart(): boolean {
    const { restart, target } = this.#context
    return restart !== false && target.isDurable && !this.#stopping.signal.aborted
  }

  /** Waits the longer the more threads were started of late; false where there were too many. */
  async #mayStart(): Promise<boolean> {
    const { restart } = this.#context
    const nowMs = performance.now()
    this.#starts = this.#starts.filter((startMs) => nowMs - startMs < WINDOW_MS)
    const count = this.#starts.length
    if (restart === false || count >= restart.maxAttempts) return false
    // with jitter: what one disturbs need not disturb many engines again at the same time
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (count - 1), MAX_DELAY_MS)
    if (count > 0) await setTimeout(delayMs * (0.5 + Math.random() / 2))
    this.#starts.push(performance.now())
    return true
  }

  /** Waits for room on the disk, whatever number of attempts that takes; false where the target is being closed. */
  async #untilLook(): Promise<boolean> {
    this.#starts.pop()
    const { signal } = this.#stopping
    await setTimeout(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    return !signal.aborted
  }

  /** Starts a thread that opens the target and answers what became of the lost writes. */
  async #start(): Promise<Start> {
    const { client, target } = this.#context
    let thread: WorkerThread | undefined
    try {
      thread = client.start()
      const { committedOffsets: offsets } = await target.reopen(thread, {
        layoutId: client.generation * LAYOUTS_A_WORKER,
        sequence: this.#lost.lastSequence,
      })
      await this.#lost.settle(thread, offsets)
      // whoever waited for an outcome is told before anything else is sent
      await setImmediate()
      if (!thread.isRunning) throw new Error('the worker ended again')
      return { status: 'open', thread, offsets }
    } catch (error) {
      if (thread?.hangs === true) return { status: 'hangs', reason: (error as Error).message }
      await thread?.end()
      // after an error that is no matter of time, opening a file again can corrupt the heap (node-neo#393)
      const isWorthAnother = !(error instanceof SinkError) || error.retryable || !target.isFile
      const isFull = error instanceof SinkError && error.code === 'TARGET_FULL'
      return { status: 'failed', reason: (error as Error).message, isWorthAnother, isFull }
    }
  }

  #resume(
    { thread, offsets }: Extract<Start, { status: 'open' }>,
    of: Pick<RestartEvent, 'reason' | 'attempts' | 'durationMs'>,
  ): void {
    const { committed, 'not-written': notWritten, unknown } = this.#lost.outcomes
    const counts = { committedCount: committed, notWrittenCount: notWritten, unknownCount: unknown }
    this.#lost.forget()
    this.#context.onRestart({ ...of, ...counts }, offsets)
    this.#context.client.resume(thread)
  }

  #fail(reason: string): void {
    this.#hasFailed = true
    this.#lost.giveUp()
    this.#context.onFailure(new WorkerDiedError(`the worker ended: ${reason}`, {}, false))
  }
}
