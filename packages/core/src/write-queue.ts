import type { SinkError } from '@ducksink/worker'
import type { Admission } from './admission.ts'
import type { BatchSource } from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import { Dispatch, type DispatchContext } from './dispatch.ts'
import type { RecordsContext } from './encoders.ts'
import { Outbox } from './outbox.ts'
import type { Receipt, WriteOutcome } from './receipt.ts'
import type { WorkerClient } from './worker-client.ts'

/** What names a write, and what ends it early. */
export interface WriteOptions {
  /** Names the batch, in receipts, errors and the log. */
  readonly key?: string
  /** Ends the write where it is not committing yet; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What the queue does its work with. */
export interface WriteQueueContext {
  readonly client: WorkerClient
  readonly admission: Admission
  readonly pool: BufferPool
  readonly records: RecordsContext
  readonly outcomeOf: DispatchContext['outcomeOf']
  /** Writes that may share a commit, and so a message and its answer. */
  readonly maxGroupBatches: number
  readonly onSettled: (outcome: WriteOutcome) => void
}

interface QueuedWrite {
  readonly source: BatchSource
  readonly key: string | undefined
  readonly signal: AbortSignal | undefined
  readonly startedAt: number
  /** What is left of the bytes that admission expects of this write. */
  expectedBytes: number
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (reason: unknown) => void
  removeAbortListener: () => void
  readonly settled: Promise<void>
}

/**
 * The writes that were taken in and are not settled. One is encoded and sent at a time, so parts leave in call order
 * and two half-sent batches never wait for each other.
 */
export class WriteQueue {
  readonly #context: WriteQueueContext
  readonly #waiting: QueuedWrite[] = []
  readonly #unsettled = new Set<Promise<unknown>>()
  readonly #outbox: Outbox
  #pumping = false
  #nextWriteId = 1
  /** That of the last commit. */
  sequence = 0

  constructor(context: WriteQueueContext) {
    this.#context = context
    this.#outbox = new Outbox(context.client, context.maxGroupBatches)
  }

  /** Number of writes that are not settled. */
  get unsettledCount(): number {
    return this.#unsettled.size
  }

  /**
   * Takes a batch in.
   * @throws {@link BackpressureError} where there is no room, before the batch is touched.
   */
  write(source: BatchSource, options: WriteOptions): Promise<Receipt> {
    const { table, rowCount } = source
    const expectedBytes = table.expectedBytes(rowCount)
    this.#context.admission.enter(expectedBytes, table.name)
    return this.#enqueue(source, expectedBytes, options)
  }

  /** Takes a collector's batch in, whose records were let in and counted one by one. */
  writeCollected(source: BatchSource): Promise<Receipt> {
    this.#context.admission.enterCollected()
    return this.#enqueue(source, 0, {})
  }

  /** Resolves when every write taken in before the call is settled. */
  async flush(): Promise<void> {
    await Promise.all(this.#unsettled)
  }

  /** Sends what waits for others to share its message. */
  sendWaiting(): void {
    this.#outbox.flush()
  }

  /** Rejects what is not sent yet. */
  fail(error: SinkError): void {
    for (const write of this.#waiting.splice(0)) this.#reject(write, error)
  }

  #enqueue(source: BatchSource, expectedBytes: number, { key, signal }: WriteOptions): Promise<Receipt> {
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    const write: QueuedWrite = {
      source,
      key,
      signal,
      startedAt: performance.now(),
      expectedBytes,
      resolve,
      reject,
      removeAbortListener: () => undefined,
      settled: promise.then(
        () => undefined,
        () => undefined,
      ),
    }
    if (signal !== undefined) this.#listen(write, signal)
    this.#waiting.push(write)
    const { settled } = write
    this.#unsettled.add(settled)
    void settled.then(() => this.#unsettled.delete(settled))
    void this.#pump()
    return promise
  }

  #listen(write: QueuedWrite, signal: AbortSignal): void {
    const onAbort = (): void => {
      const index = this.#waiting.indexOf(write)
      if (index === -1) return
      this.#waiting.splice(index, 1)
      this.#reject(write, signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    write.removeAbortListener = () => signal.removeEventListener('abort', onAbort)
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    this.#context.records.slice.restart()
    // writes made in one turn are all there before the first of them is encoded
    await Promise.resolve()
    for (;;) {
      const write = this.#waiting.shift()
      if (write === undefined) break
      await this.#dispatch(write)
      if (!this.#context.records.slice.isSpent) continue
      this.#outbox.flush()
      await this.#context.records.slice.yield()
    }
    this.#outbox.flush()
    this.#pumping = false
  }

  async #dispatch(write: QueuedWrite): Promise<void> {
    const { source, key, signal } = write
    if (isEmpty(source)) {
      this.#commitNothing(write)
      return
    }
    const dispatch = new Dispatch({ ...this.#context, outbox: this.#outbox }, this.#nextWriteId++, {
      ...{ source, key, signal },
      onEncoded: (rowCount) => this.#expectLess(write, source.table.expectedBytes(rowCount)),
      onLeftOut: () => this.#commitNothing(write),
      onCommitted: (sequence, byteLength) => this.#commit(write, sequence, byteLength),
      onFailed: (error) => this.#reject(write, error),
    })
    await dispatch.send()
  }

  /** Nothing is written, but its receipt must not come before those of earlier writes. */
  #commitNothing(write: QueuedWrite): void {
    const earlier: Promise<unknown>[] = []
    for (const settled of this.#unsettled) {
      if (settled === write.settled) break
      earlier.push(settled)
    }
    void Promise.all(earlier).then(() => this.#commit(write, this.sequence, 0))
  }

  #commit(write: QueuedWrite, sequence: number, byteLength: number): void {
    const { key, source, startedAt } = write
    const { discarded } = source
    const { deadLetterCount, skippedCount } = source.badRecords
    this.sequence = Math.max(this.sequence, sequence)
    const receipt: Receipt = {
      ...(key === undefined ? undefined : { key }),
      rowCount: source.rowCount - discarded.rowCount - deadLetterCount - skippedCount,
      deadLetterCount,
      skippedCount,
      discardedRowCount: discarded.rowCount,
      discardedValueCount: discarded.valueCount,
      duplicate: false,
      sequence,
      durationMs: performance.now() - startedAt,
    }
    this.#leave(write)
    this.#context.onSettled({ status: 'committed', table: source.table.name, receipt, byteLength })
    write.resolve(receipt)
  }

  #reject(write: QueuedWrite, error: unknown): void {
    this.#leave(write)
    this.#context.onSettled({ status: 'failed', table: write.source.table.name, key: write.key, error })
    write.reject(error)
  }

  #leave(write: QueuedWrite): void {
    write.removeAbortListener()
    this.#expectLess(write, write.expectedBytes)
    this.#context.admission.leave()
  }

  #expectLess(write: QueuedWrite, bytes: number): void {
    const expected = Math.min(write.expectedBytes, bytes)
    write.expectedBytes -= expected
    this.#context.admission.expectLess(expected)
  }
}

const isEmpty = ({ rowCount, letterIds }: BatchSource): boolean => rowCount === 0 && letterIds.length === 0
