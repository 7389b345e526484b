import type { SinkError } from '@ducksink/worker'
import { type BatchSource, isEmpty } from './batch-source.ts'
import type { Delivery } from './delivery.ts'
import { Dispatch } from './dispatch.ts'
import type { ExchangeContext } from './exchange.ts'
import { encodeTogether } from './joint-encoding.ts'
import { Outbox } from './outbox.ts'
import { type IncomingWrite, QueuedWrite, type WriteEvents } from './queued-write.ts'
import type { Receipt, WriteOutcome } from './receipt.ts'
import type { WriteOptions } from './write-options.ts'

/** What the queue does its work with. */
export interface WriteQueueContext extends Omit<ExchangeContext, 'outbox'> {
  /** Writes that may share a commit, and so a message and its answer. */
  readonly maxGroupBatches: number
  readonly onSettled: (outcome: WriteOutcome) => void
}

/** Makes what a write is rejected with that nothing is wrong with. */
export type Refusal = (table: string, key: string | undefined) => SinkError

/**
 * The writes that were taken in and are not settled. One is encoded and sent at a time, so parts leave in call order
 * and two half-sent batches never wait for each other.
 */
export class WriteQueue {
  readonly #context: WriteQueueContext
  readonly #waiting: QueuedWrite[] = []
  readonly #unsettled = new Set<Promise<unknown>>()
  readonly #outbox: Outbox
  /** What every batch is sent with. */
  readonly #exchange: ExchangeContext
  readonly #events: WriteEvents
  /** The one that is encoded and sent. */
  #sending: QueuedWrite | undefined
  #refusal: Refusal | undefined
  #pumping = false
  #nextWriteId = 1
  /** The greatest sequence of a commit so far. */
  lastSequence = 0

  constructor(context: WriteQueueContext) {
    this.#context = context
    this.#outbox = new Outbox(context.client, context.maxGroupBatches)
    this.#exchange = { ...context, outbox: this.#outbox }
    this.#events = {
      ...{ admission: context.admission, onSettled: context.onSettled },
      onCommitted: (sequence) => {
        this.lastSequence = Math.max(this.lastSequence, sequence)
      },
    }
  }

  /** Number of writes that are not settled. */
  get unsettledCount(): number {
    return this.#unsettled.size
  }

  /**
   * Takes a batch in.
   * @throws {@link BackpressureError} where there is no room, before the batch is touched.
   */
  write(source: BatchSource, options: WriteOptions, delivery?: Delivery): Promise<Receipt> {
    const { table, rowCount } = source
    options.signal?.throwIfAborted()
    const expectedBytes = table.expectedBytes(rowCount)
    this.#context.admission.enter(expectedBytes, table.name)
    return this.#enqueue({ source, expectedBytes, options, delivery, isCounted: true })
  }

  /** Takes in what commits the offsets of a batch that is left out; it is no batch of the app's. */
  leaveOut(source: BatchSource, delivery: Delivery): Promise<Receipt> {
    this.#context.admission.enter(0, source.table.name)
    return this.#enqueue({ source, expectedBytes: 0, options: {}, delivery, isCounted: false })
  }

  /** Takes a collector's batch in, whose records were let in and counted one by one. */
  writeCollected(source: BatchSource, delivery: Delivery | undefined): Promise<Receipt> {
    this.#context.admission.enterCollected()
    return this.#enqueue({ source, expectedBytes: 0, options: {}, delivery, isCounted: true })
  }

  /** Counts as a write until it has ended one way or the other, which is when what is given back resolves. */
  track(ended: Promise<unknown>): Promise<void> {
    const settled = ended.then(
      () => undefined,
      () => undefined,
    )
    this.#count(settled)
    return settled
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
    for (const write of this.#waiting.splice(0)) write.reject(error)
  }

  /** Rejects what is not on its way to the worker, and came before this time. */
  expire(before: number, refusal: Refusal): void {
    for (const write of [...this.#waiting, this.#sending]) {
      if (write === undefined || write.startedAt > before) continue
      this.#cancel(write, refusal(write.source.table.name, write.key))
    }
  }

  /** Rejects what is not on its way to the worker, and what is taken in from now on; until there is no refusal. */
  refuse(refusal: Refusal | undefined): void {
    this.#refusal = refusal
    if (refusal !== undefined) this.expire(Number.POSITIVE_INFINITY, refusal)
  }

  #enqueue(incoming: IncomingWrite): Promise<Receipt> {
    const write = new QueuedWrite(incoming, this.#events)
    this.#count(write.settled)
    const { signal } = incoming.options
    if (signal !== undefined) write.listen(signal, () => this.#cancel(write, signal.reason))
    this.#waiting.push(write)
    if (this.#refusal !== undefined) this.refuse(this.#refusal)
    void this.#pump()
    return write.receipt
  }

  #count(settled: Promise<void>): void {
    this.#unsettled.add(settled)
    void settled.then(() => this.#unsettled.delete(settled))
  }

  /** Takes a write back that is not committing yet. */
  #cancel(write: QueuedWrite, reason: unknown): void {
    if (write.isSettled) return
    if (write.dispatch !== undefined) {
      write.dispatch.cancel(reason)
      return
    }
    const index = this.#waiting.indexOf(write)
    if (index !== -1) this.#waiting.splice(index, 1)
    write.reject(reason)
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    this.#context.records.slice.restart()
    // writes made in one turn are all there before the first of them is encoded
    await Promise.resolve()
    for (;;) {
      this.#encodeAhead()
      const write = this.#waiting.shift()
      if (write === undefined) break
      this.#sending = write
      if (!this.#sendAhead(write)) await this.#dispatch(write)
      this.#sending = undefined
      if (!this.#context.records.slice.isSpent) continue
      this.#outbox.flush()
      await this.#context.records.slice.yield()
    }
    this.#outbox.flush()
    this.#pumping = false
  }

  /** Encodes the small writes together that come next, unless they are encoded already. */
  #encodeAhead(): void {
    if (this.#waiting[0]?.source.ahead !== undefined) return
    const { records, maxGroupBatches } = this.#context
    encodeTogether(this.#waiting, maxGroupBatches, records)
  }

  /** Sends a write that was encoded ahead, where it need not wait for anything. */
  #sendAhead(write: QueuedWrite): boolean {
    const { source, delivery } = write
    if (source.ahead === undefined) return false
    // what it may have to wait for, or to be refused for, is looked at in its turn
    if (delivery?.predecessor !== undefined || delivery?.refusal(source.table.name) !== undefined)
      return false
    write.dispatch = this.#dispatchOf(write)
    return write.dispatch.sendAhead()
  }

  async #dispatch(write: QueuedWrite): Promise<void> {
    const { source, delivery } = write
    const refusal = delivery && (await this.#turnOf(delivery, source.table.name))
    // it was aborted while it waited for its turn
    if (write.isSettled) return
    if (refusal !== undefined) {
      write.reject(refusal)
      return
    }
    if (delivery === undefined && isEmpty(source)) {
      this.#commitNothing(write)
      return
    }
    write.dispatch ??= this.#dispatchOf(write)
    await write.dispatch.send()
  }

  #dispatchOf(write: QueuedWrite): Dispatch {
    const { source, key, at, delivery } = write
    return new Dispatch(this.#exchange, this.#nextWriteId++, {
      ...{ source, key, at, delivery },
      onEncoded: (rowCount) => write.encoded(rowCount),
      onLeftOut: () => this.#commitNothing(write),
      onCommitted: (commit) => write.commit(commit),
      onFailed: (error) => write.fail(error),
    })
  }

  /** Waits until a batch may be sent; gives what it is refused with where it must not be. */
  async #turnOf(delivery: Delivery, table: string): Promise<SinkError | undefined> {
    for (let before = delivery.predecessor; before !== undefined; before = delivery.predecessor) {
      this.#outbox.flush()
      await before
    }
    return delivery.refusal(table)
  }

  /** Nothing is written, but its receipt must not come before those of earlier writes. */
  #commitNothing(write: QueuedWrite): void {
    const earlier: Promise<unknown>[] = []
    for (const settled of this.#unsettled) {
      if (settled === write.settled) break
      earlier.push(settled)
    }
    void Promise.all(earlier).then(() => write.commit({ sequence: this.lastSequence, byteLength: 0 }))
  }
}
