import {
  BackpressureError,
  OutcomeUnknownError,
  type Receipt,
  type SinkEngine,
  SinkError,
} from '@ducksink/core'
import type { AppJob, Report, Statement } from './job.ts'
import type { JobWriter } from './job-writer.ts'
import { batchOf, recordsOf } from './payload.ts'
import { Random } from './random.ts'

/** Writes the batches of a job, several at a time, each with its key. */
export class KeyedWriter implements JobWriter {
  readonly #job: AppJob
  readonly #report: (told: Report) => void
  readonly #random: Random
  readonly #pending = new Set<number>()
  /** Signals of the writes under way that are aborted during a statement, by their batches. */
  readonly #abortable = {
    INSERT: new Map<number, AbortController>(),
    COMMIT: new Map<number, AbortController>(),
  }
  /** Those whose COMMIT has begun. */
  readonly #committing = new Set<number>()
  #next = 0
  #isFinishing = false

  constructor(job: AppJob, report: (told: Report) => void) {
    this.#job = job
    this.#report = report
    this.#random = new Random(job.shape.seed, 'writer')
  }

  get pending(): ReadonlySet<number> {
    return this.#pending
  }

  finish(): void {
    this.#isFinishing = true
  }

  /** Aborts the write that is committed or inserted: the oldest of which no COMMIT has been told. */
  onPoint(statement: Statement): void {
    const number = [...this.#pending].find((pending) => !this.#committing.has(pending))
    if (number === undefined) return
    if (statement === 'COMMIT') this.#committing.add(number)
    if (statement === 'INSERT' || statement === 'COMMIT') this.#abortable[statement].get(number)?.abort()
  }

  async write(engine: SinkEngine, count: number = this.#job.batches.length): Promise<void> {
    const end = Math.min(this.#next + count, this.#job.batches.length)
    const lanes = Array.from({ length: this.#job.maxInFlight }, () => this.#writeUpTo(end, engine))
    await Promise.all(lanes)
  }

  async #writeUpTo(end: number, engine: SinkEngine): Promise<void> {
    while (!this.#isFinishing && this.#next < end && isUsable(engine)) {
      const number = this.#job.batches[this.#next++] as number
      this.#pending.add(number)
      await this.#writeOne(engine, number)
      this.#pending.delete(number)
      this.#committing.delete(number)
    }
  }

  async #writeOne(engine: SinkEngine, number: number): Promise<void> {
    const { shape, abortWithinMs } = this.#job
    const batch = batchOf(shape, number)
    const cancellation = abortWithinMs === undefined ? undefined : this.#cancellation(number, abortWithinMs)
    const signal = cancellation?.signal
    this.#report({ kind: 'sent', batch: number })
    try {
      const write = () =>
        engine.write(batch.table, recordsOf(batch), { key: batch.key, ...(signal && { signal }) })
      reportReceipt(this.#report, number, await withPatience(engine, write))
    } catch (error) {
      reportRejection(this.#report, number, error)
    } finally {
      cancellation?.settled()
    }
  }

  /** A signal that is aborted at some moment, or during a statement. */
  #cancellation(
    number: number,
    withinMs: number,
  ): { readonly signal: AbortSignal; readonly settled: () => void } {
    const controller = new AbortController()
    const { signal } = controller
    const forget = (): void => {
      for (const abortable of Object.values(this.#abortable)) abortable.delete(number)
    }
    signal.addEventListener('abort', () => {
      forget()
      this.#report({ kind: 'event', name: 'aborted', detail: String(number) })
    })
    const way = this.#random.pick(['in time', 'INSERT', 'COMMIT', 'never'] as const)
    if (way === 'INSERT' || way === 'COMMIT') this.#abortable[way].set(number, controller)
    const delayMs = this.#random.int(0, withinMs * 1_000) / 1_000
    const timer = way === 'in time' ? setTimeout(() => controller.abort(), delayMs) : undefined
    return {
      signal,
      settled: () => {
        forget()
        clearTimeout(timer)
      },
    }
  }
}

/** Tells of a receipt. */
export function reportReceipt(
  report: (told: Report) => void,
  batch: number,
  { rowCount, deadLetterCount, duplicate, sequence }: Receipt,
): void {
  report({ kind: 'receipt', batch, rowCount, deadLetterCount, duplicate, sequence })
}

/** Tells of a rejection, and whether its caller was told that nothing is written. */
export function reportRejection(report: (told: Report) => void, batch: number, error: unknown): void {
  const { name, message } = error as Error
  const code = error instanceof SinkError ? error.code : name
  report({ kind: 'rejected', batch, code, isDefinite: !(error instanceof OutcomeUnknownError), message })
}

const isUsable = ({ state }: SinkEngine): boolean => state !== 'failed' && state !== 'closed'

/** Writes again what was refused for want of room, when there is some. */
async function withPatience(engine: SinkEngine, write: () => Promise<Receipt>): Promise<Receipt> {
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof BackpressureError)) throw error
      await engine.ready
    }
  }
}
