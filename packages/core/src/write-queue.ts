import {
  errorFromData,
  type InsertReply,
  OutcomeUnknownError,
  type Part,
  type SinkError,
  WorkerDiedError,
} from '@ducksink/worker'
import type { Admission } from './admission.ts'
import type { BatchHead, BatchSource } from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import { Outbox } from './outbox.ts'
import type { TimeSlice } from './time-slice.ts'
import { type WorkerClient, WorkerGoneError } from './worker-client.ts'

/** What a committed batch returns. */
export interface Receipt {
  /** The key that the caller gave the batch. */
  readonly key?: string
  readonly rowCount: number
  readonly deadLetterCount: number
  /** True where the batch had been committed before, and nothing was written now. */
  readonly duplicate: boolean
  /** Counts the engine's commits; a batch with a greater number was committed later. */
  readonly sequence: number
  /** Milliseconds from the call to the receipt. */
  readonly durationMs: number
}

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
  readonly slice: TimeSlice
  /** Writes that may share a commit, and so a message and its answer. */
  readonly maxGroupBatches: number
  readonly onSettled: (outcome: WriteOutcome) => void
}

/** How one write ended, for the log and the counts. */
export type WriteOutcome =
  | {
      readonly status: 'committed'
      readonly table: string
      readonly receipt: Receipt
      readonly byteLength: number
    }
  | {
      readonly status: 'failed'
      readonly table: string
      readonly key: string | undefined
      readonly error: unknown
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
  /** Settled when the writes before this one are; kept for an empty write alone. */
  readonly earlier: readonly Promise<unknown>[]
}

/** What is known of a write while its parts are under way. */
interface Dispatch {
  readonly write: QueuedWrite
  readonly writeId: number
  byteLength: number
  /** The reply that ended the write before its last part was sent. */
  failure: unknown
}

/**
 * The life of every write: waits its turn, is encoded part by part, sent, and settled by the worker's reply. One
 * write is encoded at a time, so parts leave in call order and two half-sent batches never wait for each other.
 */
export class WriteQueue {
  readonly #context: WriteQueueContext
  readonly #waiting: QueuedWrite[] = []
  readonly #unsettled = new Set<Promise<unknown>>()
  readonly #outbox: Outbox
  #pumping = false
  #nextWriteId = 1
  #sequence = 0

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
      earlier: source.rowCount === 0 ? [...this.#unsettled] : [],
    }
    if (signal !== undefined) this.#listen(write, signal)
    this.#waiting.push(write)
    const settled = promise.then(
      () => undefined,
      () => undefined,
    )
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
    this.#context.slice.restart()
    // writes made in one turn are all there before the first of them is encoded
    await Promise.resolve()
    for (;;) {
      const write = this.#waiting.shift()
      if (write === undefined) break
      await this.#dispatch(write)
      if (!this.#context.slice.isSpent) continue
      this.#outbox.flush()
      await this.#context.slice.yield()
    }
    this.#outbox.flush()
    this.#pumping = false
  }

  async #dispatch(write: QueuedWrite): Promise<void> {
    const { source, signal } = write
    const dispatch: Dispatch = { write, writeId: this.#nextWriteId++, byteLength: 0, failure: undefined }
    let firstSent = false
    try {
      if (source.rowCount === 0) {
        // nothing to send, but its receipt must not come before those of earlier writes
        void Promise.all(write.earlier).then(() => this.#commit(dispatch, this.#sequence))
        return
      }
      // whatever this write waits for must not hold up those before it
      if (source.table.layout === undefined) this.#outbox.flush()
      const head = await source.begin()
      for (let last = false; !last; ) {
        const next = await source.next()
        last = next.last
        await this.#room(next.part)
        signal?.throwIfAborted()
        if (dispatch.failure !== undefined) throw dispatch.failure
        this.#send(dispatch, head, next.part, !firstSent, last)
        firstSent = true
      }
    } catch (error) {
      source.end()
      // nothing of it may stay: the worker rolls back before the caller is told
      if (firstSent) await this.#abandon(dispatch.writeId)
      this.#reject(write, error instanceof WorkerGoneError ? notWritten(dispatch, error) : error)
    }
  }

  async #room({ byteLength }: Part): Promise<void> {
    const { admission } = this.#context
    if (admission.hasRoom(byteLength)) return
    this.#outbox.flush()
    await admission.room(byteLength)
  }

  async #abandon(writeId: number): Promise<void> {
    await this.#context.client.call('abandon', writeId).catch((error: unknown) => {
      // a dead worker's transaction is rolled back with it
      if (!(error instanceof WorkerGoneError)) throw error
    })
  }

  #send(dispatch: Dispatch, head: BatchHead, part: Part, first: boolean, last: boolean): void {
    const { admission } = this.#context
    const { writeId, write } = dispatch
    admission.acquire(part.byteLength)
    dispatch.byteLength += part.byteLength
    const expected = Math.min(write.expectedBytes, write.source.table.expectedBytes(part.rowCount))
    write.expectedBytes -= expected
    admission.expectLess(expected)
    const request = {
      writeId,
      layoutId: head.layout.layoutId,
      columns: head.columns,
      buffer: part.buffer,
      rowCount: part.rowCount,
      first,
      last,
      key: write.key,
    }
    this.#outbox.post({
      request,
      byteLength: part.byteLength,
      onReply: (reply) => {
        admission.release(part.byteLength)
        this.#onReply(dispatch, reply, last)
      },
      onLoss: (error) => {
        admission.release(part.byteLength)
        this.#onLoss(dispatch, error, last)
      },
    })
  }

  #onReply(dispatch: Dispatch, reply: InsertReply, last: boolean): void {
    this.#context.pool.give(reply.buffer)
    switch (reply.status) {
      case 'inserted':
        return
      case 'committed':
        this.#commit(dispatch, reply.sequence)
        return
      case 'rolled-back': {
        const error = errorFromData(reply.error)
        if (error.code === 'TABLE_CHANGED') dispatch.write.source.table.invalidate()
        if (last) this.#reject(dispatch.write, error)
        else dispatch.failure ??= error
        return
      }
      default:
        reply satisfies never
    }
  }

  #onLoss(dispatch: Dispatch, error: unknown, last: boolean): void {
    if (!last) {
      dispatch.failure ??= error
      return
    }
    const { write } = dispatch
    if (!(error instanceof WorkerGoneError)) {
      this.#reject(write, error)
      return
    }
    if (!error.wasSent) {
      // without its last part nothing of a batch is committed
      this.#reject(write, notWritten(dispatch, error))
      return
    }
    const { name } = write.source.table
    const message = `the worker ended before it answered: the batch for table "${name}" may be written or not; read the table`
    this.#reject(write, new OutcomeUnknownError(message, { table: name, key: write.key, cause: error }))
  }

  #commit({ write, byteLength }: Dispatch, sequence: number): void {
    const { key, source, startedAt } = write
    this.#sequence = sequence
    const receipt: Receipt = {
      ...(key === undefined ? undefined : { key }),
      rowCount: source.rowCount,
      deadLetterCount: 0,
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
    this.#context.admission.expectLess(write.expectedBytes)
    write.expectedBytes = 0
    this.#context.admission.leave()
  }
}

function notWritten({ write }: Dispatch, cause: WorkerGoneError): WorkerDiedError {
  const { name } = write.source.table
  return new WorkerDiedError(
    `the worker ended before the batch for table "${name}" was sent: it is not written`,
    {
      table: name,
      key: write.key,
      cause,
    },
  )
}
