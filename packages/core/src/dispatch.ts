import {
  type ChannelOffset,
  type CommittedWrite,
  errorFromData,
  type InsertReply,
  type InsertRequest,
  OutcomeUnknownError,
  SinkError,
  WorkerDiedError,
  type WriteIdentity,
} from '@ducksink/worker'
import type { Admission } from './admission.ts'
import { type BatchPart, BatchParts, type BatchRun } from './batch-parts.ts'
import type { BatchSource } from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Delivery } from './delivery.ts'
import type { RecordsContext } from './encoders.ts'
import type { LostOutcome, LostWrite } from './lost-writes.ts'
import type { Outbox } from './outbox.ts'
import { figuresOf } from './receipt.ts'
import type { WorkerClient } from './worker-client.ts'
import { WorkerGoneError } from './worker-thread.ts'

/** What batches have in common on their way to the worker. */
export interface DispatchContext {
  readonly client: WorkerClient
  readonly outbox: Outbox
  readonly admission: Admission
  readonly pool: BufferPool
  readonly records: RecordsContext
  /** Finds out what became of a write of whose end the worker did not tell. */
  readonly outcomeOf: (write: LostWrite) => Promise<LostOutcome>
}

/** One batch to be sent, and who is told of it; of the last three one is called, once. */
export interface Consignment {
  readonly source: BatchSource
  readonly key: string | undefined
  readonly at: ChannelOffset | undefined
  /** Present where the batch is to be there exactly once. */
  readonly delivery: Delivery | undefined
  readonly onEncoded: (rowCount: number) => void
  /** Nothing of it is written: its rows have no table. */
  readonly onLeftOut: () => void
  readonly onCommitted: (commit: Commit) => void
  readonly onFailed: (error: unknown) => void
}

/** How a batch was committed. */
export interface Commit {
  readonly sequence: number
  readonly byteLength: number
  /** Present where it was committed before. */
  readonly duplicateOf?: CommittedWrite | undefined
}

// as many as the worker has for one statement; they are held beside what admission counts room for
const MAX_PARTS_AGAIN = 4

/** Why no more parts need be sent. */
type Halt =
  | { readonly reason: 'rolled-back' | 'lost'; readonly error: unknown }
  | { readonly reason: 'run-again'; readonly error: SinkError }

/**
 * The way of one batch to the worker: its parts sent one after another, their answers taken, its end told.
 *
 * Parts are sent ahead of their answers. Where the worker asks for the batch once more it takes nothing else
 * meanwhile, so then a few parts at a time go past whatever waits, without asking for room.
 */
export class Dispatch {
  readonly #context: DispatchContext
  readonly #writeId: number
  readonly #batch: Consignment
  readonly #identity: WriteIdentity | undefined
  #isSending = true
  #hasSent = false
  /** The worker that has its parts: what is left of a batch is nothing to another one. */
  #generation = 0
  /** The part that was sent last. */
  #sent: InsertRequest | undefined
  /** True where a worker has died while the batch was made ready, which is begun again for that once. */
  #hasLostWorker = false
  /** How often the batch was begun before; answers to parts of an earlier run say nothing any more. */
  #run = 0
  #byteLength = 0
  #halt: Halt | undefined
  #isInLine = false
  #cancelled: { readonly reason: unknown } | undefined
  /** True where the batch has failed, though its sending may not know yet. */
  #isTold = false

  constructor(context: DispatchContext, writeId: number, batch: Consignment) {
    this.#context = context
    this.#writeId = writeId
    this.#batch = batch
    this.#identity = batch.delivery?.identity
  }

  /**
   * Takes the batch back where it does not commit yet: it then fails with this reason, at once where nothing of it
   * was sent, or else when the worker has nothing of it any more.
   */
  cancel(reason: unknown): void {
    if (this.#cancelled !== undefined) return
    this.#cancelled = { reason }
    const { admission, outbox, client } = this.#context
    if (this.#isInLine) admission.leaveLine()
    if (!this.#hasSent) {
      this.#fail(reason)
      return
    }
    // not before the parts that it is about
    outbox.flush()
    // the answers to the parts say what has come of it
    client.call('cancel', this.#writeId).catch(() => undefined)
  }

  /** Resolves when all parts are sent, or earlier where the batch has failed; never rejects. */
  async send(): Promise<void> {
    const { source } = this.#batch
    let first = true
    try {
      await this.#worker()
      // whatever this batch waits for must not hold up those before it
      if (source.table.makesWait) this.#context.outbox.flush()
      const parts = this.#parts({ isChecked: false, settled: nothing })
      for (let last = false; !last && this.#halt === undefined; first = false) {
        const next = await parts.next()
        this.#throwIfCancelled()
        if (next === 'left-out') {
          this.#batch.onLeftOut()
          return
        }
        if (next === 'begin-again') {
          await this.#beginAgain()
          return
        }
        await this.#room(next.part.byteLength)
        if (first) await this.#worker()
        this.#throwIfCancelled()
        if (this.#halt !== undefined) break
        last = next.last
        this.#post(next, first)
      }
    } catch (error) {
      await this.#adapt(error)
      return
    }
    this.#isSending = false
    const halt = this.#halt as Halt | undefined
    if (halt === undefined) return
    if (halt.reason === 'run-again') await this.#runAgain(halt.error)
    else await this.#giveUp(halt.error)
  }

  #parts(run: Pick<BatchRun, 'isChecked' | 'settled'>): BatchParts {
    const { source, key, at } = this.#batch
    const isEntered = this.#identity !== undefined
    return new BatchParts(source, { ...run, key, at, isEntered }, this.#context.records)
  }

  /** Sends the batch from its start, where records that were set aside have changed what it writes. */
  async #beginAgain(): Promise<void> {
    this.#run++
    this.#byteLength = 0
    this.#halt = undefined
    this.#batch.source.end()
    await this.send()
  }

  /** Waits while there is no worker. */
  async #worker(): Promise<void> {
    const { client, outbox } = this.#context
    if (client.isRunning) return
    outbox.flush()
    const { delivery, source } = this.#batch
    await client.running()
    this.#throwIfCancelled()
    // one before it may have been lost
    const refusal = delivery?.refusal(source.table.name)
    if (refusal !== undefined) throw refusal
  }

  async #room(byteLength: number): Promise<void> {
    const { admission, outbox } = this.#context
    if (admission.hasRoom(byteLength)) return
    outbox.flush()
    this.#isInLine = true
    await admission.room(byteLength)
    this.#isInLine = false
  }

  #throwIfCancelled(): void {
    if (this.#cancelled !== undefined) throw this.#cancelled.reason
  }

  #post(part: BatchPart, first: boolean): void {
    const run = this.#run
    this.#batch.onEncoded(part.part.rowCount)
    this.#byteLength += part.part.byteLength
    this.#exchange(part, first).then(
      (reply) => {
        if (run === this.#run) this.#onReply(reply, part.last)
      },
      (error: unknown) => {
        if (run === this.#run) this.#onLoss(error, part.last)
      },
    )
  }

  /** Sends a part; rejects where the worker ends before it answers. */
  #exchange({ action, layoutId, columns, part, last }: BatchPart, first: boolean): Promise<InsertReply> {
    const { admission, client, outbox, pool } = this.#context
    if (first) this.#generation = client.generation
    else if (this.#isOrphaned) return Promise.reject(new WorkerGoneError('the worker ended', false))
    const { buffer, byteLength } = part
    const { key, delivery, source } = this.#batch
    const { table } = source
    const request: InsertRequest = {
      ...{ writeId: this.#writeId, run: this.#run, layoutId, columns, buffer },
      ...{ first, last, key },
      ...(action === undefined ? undefined : { action }),
      ...(this.#identity === undefined ? undefined : this.#exactlyOnce(this.#identity, last)),
    }
    this.#hasSent = true
    this.#sent = request
    admission.acquire(byteLength)
    return new Promise((resolve, reject) => {
      outbox.post({
        request,
        byteLength,
        refusal: () => delivery?.refusal(table.name),
        onReply: (reply) => {
          admission.release(byteLength)
          pool.give(reply.buffer)
          resolve(reply)
        },
        onLoss: (error) => {
          admission.release(byteLength)
          reject(error)
        },
      })
    })
  }

  /** What a part says of the ledger, the last one what goes into it. */
  #exactlyOnce(identity: WriteIdentity, last: boolean): Pick<InsertRequest, 'identity' | 'entry'> {
    const { source } = this.#batch
    if (!last) return { identity }
    const { ledgerName: table } = source.table
    return { identity, entry: { table, digest: source.digest(), figures: figuresOf(source) } }
  }

  #onReply(reply: InsertReply, last: boolean): void {
    switch (reply.status) {
      case 'inserted':
        return
      case 'committed':
        this.#onCommitted(reply)
        return
      case 'rolled-back': {
        const error = errorFromData(reply.error)
        // while there are parts on their way, the answer to the last of them is the one that counts
        if (last) this.#end(error)
        else this.#halt ??= { reason: 'rolled-back', error }
        return
      }
      case 'cancelled':
        if (last) this.#batch.onFailed(this.#cancelled?.reason)
        else this.#halt ??= { reason: 'rolled-back', error: this.#cancelled?.reason }
        return
      case 'run-again': {
        const error = errorFromData(reply.error)
        if (this.#isSending) this.#halt ??= { reason: 'run-again', error }
        else void this.#runAgain(error)
        return
      }
      default:
        reply satisfies never
    }
  }

  #onCommitted({ sequence, duplicateOf }: Omit<Commit, 'byteLength'>): void {
    const byteLength = duplicateOf === undefined ? this.#byteLength : 0
    this.#batch.onCommitted({ sequence, byteLength, duplicateOf })
  }

  #onLoss(error: unknown, last: boolean): void {
    if (last) this.#end(error)
    else this.#halt ??= { reason: 'lost', error }
  }

  /** Ends a batch whose last part was sent, once it is known what became of it. */
  #end(error: unknown): void {
    const isUnknown = error instanceof SinkError && error.code === 'OUTCOME_UNKNOWN'
    const isLost = error instanceof WorkerGoneError && error.wasSent
    if (isUnknown || isLost) void this.#find(isUnknown ? error : this.#unknown(error as WorkerGoneError))
    else this.#fail(error)
  }

  async #find(error: SinkError): Promise<void> {
    const outcome = await this.#context.outcomeOf(this.#sent as InsertRequest)
    switch (outcome.status) {
      case 'committed':
        this.#onCommitted(outcome)
        return
      case 'not-written':
        this.#batch.onFailed(this.#notWritten(error))
        return
      case 'unknown':
        this.#batch.onFailed(error)
        return
      default:
        outcome satisfies never
    }
  }

  /** Sends the batch once more, as often as the worker asks for it or the records set aside make it necessary. */
  async #runAgain(because: SinkError): Promise<void> {
    let outcome: 'settled' | 'begin-again' | SinkError = because
    let isChecked = false
    try {
      while (outcome !== 'settled') {
        this.#run++
        this.#byteLength = 0
        this.#batch.source.end()
        if (outcome !== 'begin-again') {
          if (outcome.code === 'TABLE_CHANGED') this.#batch.source.table.invalidate()
          else if (isChecked) throw outcome
          else isChecked = true
        }
        outcome = await this.#runOnce(isChecked)
      }
    } catch (error) {
      await this.#giveUp(error)
    }
  }

  /** One more run, with some parts on their way at a time. */
  async #runOnce(isChecked: boolean): Promise<'settled' | 'begin-again' | SinkError> {
    this.#throwIfCancelled()
    const inFlight = new InFlight()
    const parts = this.#parts({ isChecked, settled: () => inFlight.settle(0) })
    for (let first = true; ; first = false) {
      const next = await parts.next()
      const asked = await inFlight.settle(MAX_PARTS_AGAIN - 1)
      if (asked !== undefined) return asked
      if (next === 'begin-again') return next
      if (next === 'left-out') {
        await this.#abandon()
        this.#batch.onLeftOut()
        return 'settled'
      }
      this.#throwIfCancelled()
      this.#byteLength += next.part.byteLength
      inFlight.add(this.#answer(this.#exchange(next, first), next))
      this.#context.outbox.flush()
      if (next.last) return (await inFlight.settle(0)) ?? 'settled'
    }
  }

  /** Takes the answer to a part of a later run; gives what the worker asks for yet another for. */
  async #answer(sent: Promise<InsertReply>, { last, rowOf }: BatchPart): Promise<SinkError | undefined> {
    const reply = await sent.catch((error: unknown) => {
      if (!last) throw error
      this.#end(error)
    })
    if (reply === undefined) return undefined
    if (reply.status === 'run-again') return errorFromData(reply.error)
    if (reply.status === 'cancelled') throw this.#cancelled?.reason
    if (reply.status === 'rolled-back' && !last) throw errorFromData(reply.error)
    if (reply.status === 'inserted' && rowOf !== undefined) {
      for (const { row, fault } of reply.refused) this.#batch.source.badRecords.refuseRow(rowOf(row), fault)
    }
    if (last) this.#onReply(reply, true)
    return undefined
  }

  /** Sends the batch anew where its table could be made to fit it; nothing that comes after it was sent yet. */
  async #adapt(cause: unknown): Promise<void> {
    if (this.#cancelled !== undefined) {
      await this.#giveUp(this.#cancelled.reason)
      return
    }
    const { source } = this.#batch
    source.end()
    let error = cause
    if (cause instanceof WorkerGoneError && !this.#hasSent && !this.#hasLostWorker) {
      this.#hasLostWorker = true
      await this.#beginAgain()
      return
    }
    try {
      if (this.#hasSent) await this.#abandon()
      if (await source.adapt(cause)) {
        await this.#beginAgain()
        return
      }
    } catch (failure) {
      error = failure
    }
    this.#fail(error)
  }

  /** Ends a batch of which nothing may stay. */
  async #giveUp(error: unknown): Promise<void> {
    this.#batch.source.end()
    if (this.#hasSent) await this.#abandon()
    this.#fail(error)
  }

  /** The worker rolls back before the caller is told. */
  async #abandon(): Promise<void> {
    this.#hasSent = false
    // a dead worker's transaction is rolled back with it
    if (this.#isOrphaned) return
    await this.#context.client.call('abandon', this.#writeId).catch((failure: unknown) => {
      if (!(failure instanceof WorkerGoneError)) throw failure
    })
  }

  #fail(error: unknown): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#batch.onFailed(error instanceof WorkerGoneError ? this.#notWritten(error) : error)
  }

  /** True where the worker that had its parts is gone. */
  get #isOrphaned(): boolean {
    return this.#generation !== this.#context.client.generation
  }

  #unknown(cause: WorkerGoneError): OutcomeUnknownError {
    const { name } = this.#batch.source.table
    const message = `the worker ended before it answered: the batch for table "${name}" may be written or not; read the table`
    return new OutcomeUnknownError(message, { table: name, key: this.#batch.key, cause })
  }

  #notWritten(cause: Error): WorkerDiedError {
    const { name } = this.#batch.source.table
    const message = `the worker ended before the batch for table "${name}" was committed: it is not written`
    return new WorkerDiedError(message, { table: name, key: this.#batch.key, cause })
  }
}

const nothing = (): Promise<void> => Promise.resolve()

/** The answers that are awaited, in the order of their parts. */
class InFlight {
  readonly #answers: Promise<SinkError | undefined>[] = []

  add(answer: Promise<SinkError | undefined>): void {
    this.#answers.push(answer)
    // it is awaited later, and told then
    answer.catch(() => undefined)
  }

  /** Resolves when at most so many are left; with what one of them asks for, which ends the run. */
  async settle(left: number): Promise<SinkError | undefined> {
    while (this.#answers.length > left) {
      const asked = await this.#answers.shift()
      if (asked !== undefined) return asked
    }
    return undefined
  }
}
