import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import {
  type Collector,
  OutcomeUnknownError,
  type SinkEngine,
  type SinkError,
  type SinkRecord,
} from '@ducksink/core'
import type { AppJob, Report } from './job.ts'
import type { JobWriter } from './job-writer.ts'
import { type BatchRecord, batchOf, CHANNELS, positionOf, recordsOf } from './payload.ts'
import { Random } from './random.ts'

/** Records pushed between two looks at the event loop. */
const RECORDS_A_TURN = 40

/** How often sources are taken up again. */
const MAX_FAILURES = 500
const RETRY_DELAY_MS = 10

/**
 * Pushes the batches of a job, each of a single record, as records of ordered sources, and takes a source up again where
 * it is committed after anything has failed. How records are cut into batches differs with each app.
 */
export class ChannelWriter implements JobWriter {
  readonly #job: AppJob
  readonly #report: (told: Report) => void
  readonly #maxBatchRows: number
  /** Pushed and not settled, in the order of their pushes. */
  readonly #pending = new Set<number>()
  readonly #committed = new Map<string, bigint>()
  #next = 0
  readonly #finishing = Promise.withResolvers<void>()
  #isFinishing = false
  #hasFailed = false

  constructor(job: AppJob, report: (told: Report) => void) {
    this.#job = job
    this.#report = report
    this.#maxBatchRows = new Random(job.shape.seed, 'cuts', job.batches.length).pick([3, 20, 150])
  }

  get pending(): ReadonlySet<number> {
    return this.#pending
  }

  finish(): void {
    this.#isFinishing = true
    this.#finishing.resolve()
  }

  onPoint(): void {}

  async write(engine: SinkEngine, count: number = this.#job.batches.length): Promise<void> {
    const end = Math.min(this.#next + count, this.#job.batches.length)
    const { table } = batchOf(this.#job.shape, 0)
    await this.#learn(engine)
    const collector = engine.table<BatchRecord>(table).collect({
      ...{ maxBatchRows: this.#maxBatchRows, maxDelayMs: 2 },
      onReceipt: ({ rowCount, sequence }) => this.#acknowledge(rowCount, sequence),
      onFailure: (error, records) => this.#fail(error, records()),
    })
    let failures = 0
    while (!this.#isFinishing && isUsable(engine) && this.#next < end) {
      this.#pushSome(collector, end)
      await this.#room(collector)
      await setImmediate()
      if (this.#next >= end) await collector.flush()
      if (this.#hasFailed && ++failures > MAX_FAILURES) break
      if (this.#hasFailed) await this.#takeUpAgain(engine, collector)
    }
    await collector.close()
  }

  #pushSome(collector: Collector<BatchRecord>, end: number): void {
    const last = Math.min(end, this.#next + RECORDS_A_TURN)
    while (this.#next < last && !this.#hasFailed) {
      const number = this.#job.batches[this.#next++] as number
      const at = positionOf(number)
      const [record] = recordsOf(batchOf(this.#job.shape, number))
      // below what is committed the engine drops it, and nobody is told
      const isCommitted = at.offset <= (this.#committed.get(at.channel) ?? 0n)
      if (!isCommitted) this.#pending.add(number)
      if (!isCommitted) this.#report({ kind: 'sent', batch: number })
      try {
        collector.push(record as BatchRecord, at)
      } catch (error) {
        this.#fail(error as SinkError, [record as BatchRecord])
      }
    }
  }

  /** Waits for room; that alone would not keep a process alive while the disk is full and nothing is under way. */
  async #room(collector: Collector<BatchRecord>): Promise<void> {
    const alive = setInterval(() => undefined, 1_000)
    await Promise.race([collector.ready.catch(() => undefined), this.#finishing.promise])
    clearInterval(alive)
  }

  /** Receipts come in the order of the pushes. */
  #acknowledge(count: number, sequence: number): void {
    const settled = [...this.#pending].slice(0, count)
    for (const batch of settled) {
      this.#pending.delete(batch)
      this.#report({ kind: 'receipt', batch, rowCount: 1, deadLetterCount: 0, duplicate: false, sequence })
    }
  }

  #fail(error: SinkError, records: readonly (SinkRecord | BatchRecord)[]): void {
    this.#hasFailed = true
    const isDefinite = !(error instanceof OutcomeUnknownError)
    for (const record of records) {
      const batch = record.batch as number
      if (!this.#pending.delete(batch)) continue
      this.#report({ kind: 'rejected', batch, code: error.code, isDefinite, message: error.message })
    }
  }

  /** After a failure everything is pushed again that is not committed. */
  async #takeUpAgain(engine: SinkEngine, collector: Collector<BatchRecord>): Promise<void> {
    await collector.flush()
    // there may be no room
    await delay(RETRY_DELAY_MS)
    for (const channel of CHANNELS) await engine.resolveFailure(channel, 'retry').catch(() => undefined)
    await this.#learn(engine)
    this.#hasFailed = false
    this.#next = 0
  }

  async #learn(engine: SinkEngine): Promise<void> {
    for (const channel of CHANNELS) {
      const offset = await engine.committedOffset(channel).catch(() => undefined)
      if (offset !== undefined) this.#committed.set(channel, offset)
    }
  }
}

const isUsable = ({ state }: SinkEngine): boolean => state !== 'failed' && state !== 'closed'
