import { type InsertReply, type InsertRequest, SinkError, type WriteIdentity } from '@ducksink/worker'
import type { Admission } from './admission.ts'
import { type BatchPart, BatchParts, type BatchRun } from './batch-parts.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Commit, Consignment } from './consignment.ts'
import type { RecordsContext } from './encoders.ts'
import { type LostOutcome, type LostWrite, notWritten, outcomeUnknown } from './lost-writes.ts'
import type { Outbox } from './outbox.ts'
import { figuresOf } from './receipt.ts'
import type { WorkerClient } from './worker-client.ts'
import { WorkerGoneError } from './worker-thread.ts'

/** What batches have in common on their way to the worker. */
export interface ExchangeContext {
  readonly client: WorkerClient
  readonly outbox: Outbox
  readonly admission: Admission
  readonly pool: BufferPool
  readonly records: RecordsContext
  /** Finds out what became of a write of whose end the worker did not tell. */
  readonly outcomeOf: (write: LostWrite) => Promise<LostOutcome>
}

/** What goes to and fro between one batch and the worker, whatever its run, and how that ends. */
export class Exchange {
  readonly batch: Consignment
  readonly #context: ExchangeContext
  readonly #writeId: number
  readonly #identity: WriteIdentity | undefined
  #hasSent = false
  /** The worker that has its parts: what is left of a batch is nothing to another one. */
  #generation = 0
  /** The part that was sent last. */
  #sent: InsertRequest | undefined
  #run = 0
  #byteLength = 0
  /** Parts that were sent and have no answer. */
  #unanswered = 0
  /** Called when there are none any more. */
  #onAnswered: (() => void) | undefined
  #cancelled: { readonly reason: unknown } | undefined
  /** True where the batch has failed, though its sending may not know yet. */
  #isTold = false

  constructor(context: ExchangeContext, writeId: number, batch: Consignment) {
    this.batch = batch
    this.#context = context
    this.#writeId = writeId
    this.#identity = batch.delivery?.identity
  }

  /** How often the batch was begun before; answers to parts of an earlier run say nothing any more. */
  get run(): number {
    return this.#run
  }

  /** True where the worker may have something of the batch. */
  get hasSent(): boolean {
    return this.#hasSent
  }

  /** Present where the batch was taken back. */
  get cancelled(): { readonly reason: unknown } | undefined {
    return this.#cancelled
  }

  throwIfCancelled(): void {
    if (this.#cancelled !== undefined) throw this.#cancelled.reason
  }

  /** The parts of one run. */
  parts({ isChecked, settled }: Pick<BatchRun, 'isChecked' | 'settled'>): BatchParts {
    const { source, key, at } = this.batch
    const isEntered = this.#identity !== undefined
    return new BatchParts(source, { isChecked, settled, key, at, isEntered }, this.#context.records)
  }

  /** Begins the batch from its start. */
  beginAgain(): void {
    this.#run++
    this.#byteLength = 0
    this.batch.source.end()
  }

  /** Sends a part; rejects where the worker ends before it answers. */
  send({ action, layoutId, columns, part, last }: BatchPart, first: boolean): Promise<InsertReply> {
    const { admission, client, outbox, pool } = this.#context
    const { buffer, byteLength, whole, rows } = part
    this.#byteLength += byteLength
    if (first) this.#generation = client.generation
    else if (this.#isOrphaned) return Promise.reject(new WorkerGoneError('the worker ended', false))
    const { key, delivery, source } = this.batch
    const { table } = source
    const request: InsertRequest = {
      ...{ writeId: this.#writeId, run: this.#run, layoutId, columns, buffer },
      ...{ first, last, key },
      ...(action === undefined ? undefined : { action }),
      ...(whole === undefined ? undefined : { whole }),
      ...(rows === undefined ? undefined : { rows: { ...rows, byteLength } }),
      ...(this.#identity === undefined ? undefined : this.#exactlyOnce(this.#identity, last)),
    }
    this.#hasSent = true
    this.#sent = request
    if (whole !== undefined) source.lend?.()
    admission.acquire(byteLength)
    this.#unanswered++
    return new Promise((resolve, reject) => {
      outbox.post({
        request,
        byteLength,
        refusal: () => delivery?.refusal(table.name),
        onReply: (reply) => {
          admission.release(byteLength)
          pool.give(reply.buffer)
          if (reply.whole !== undefined) source.takeBack?.(reply.whole)
          this.#answered()
          resolve(reply)
        },
        onLoss: (error) => {
          admission.release(byteLength)
          if (whole !== undefined) source.takeBack?.(undefined)
          this.#answered()
          reject(error)
        },
      })
    })
  }

  /** Takes the batch back: it fails as soon as nothing of it can be written, or ends as the answers to its parts say. */
  cancel(reason: unknown): void {
    this.#cancelled = { reason }
    const { outbox, client } = this.#context
    if (!this.#hasSent) {
      this.fail(reason)
      return
    }
    // not before the parts that it is about
    outbox.flush()
    // else the answers to the parts say what has come of it
    client.call('cancel', this.#writeId).then(
      (isTakenBack) => {
        if (isTakenBack) this.fail(reason)
      },
      () => undefined,
    )
  }

  #answered(): void {
    if (--this.#unanswered === 0) this.#onAnswered?.()
  }

  /** The worker rolls back, and gives back the memory of all parts, before the caller is told. */
  async abandon(): Promise<void> {
    if (!this.#hasSent) return
    this.#hasSent = false
    // a dead worker's transaction is rolled back with it
    if (this.#isOrphaned) return
    await this.#context.client.call('abandon', this.#writeId).catch((failure: unknown) => {
      // a SinkError is the engine's failure: the parts waited for a worker that there never was
      if (!(failure instanceof WorkerGoneError || failure instanceof SinkError)) throw failure
    })
    if (this.#unanswered > 0) await new Promise<void>((resolve) => (this.#onAnswered = resolve))
  }

  /** Ends a batch of which nothing may stay. */
  async giveUp(error: unknown): Promise<void> {
    this.batch.source.end()
    await this.abandon()
    this.fail(error)
  }

  /** Ends a batch that is committed. */
  commit({ sequence, duplicateOf }: Omit<Commit, 'byteLength'>): void {
    const byteLength = duplicateOf === undefined ? this.#byteLength : 0
    this.batch.onCommitted({ sequence, byteLength, duplicateOf })
  }

  /** Ends a batch whose last part was sent, once it is known what became of it. */
  end(error: unknown): void {
    if (this.#isTold) return
    const { source, key } = this.batch
    const { name } = source.table
    if (error instanceof SinkError && error.code === 'OUTCOME_UNKNOWN') void this.#find(error)
    else if (error instanceof WorkerGoneError && error.wasSent)
      void this.#find(outcomeUnknown(name, key, error))
    else this.fail(error)
  }

  /** Ends a batch that is not written, unless it has failed already. */
  fail(error: unknown): void {
    if (this.#isTold) return
    this.#isTold = true
    const { source, key } = this.batch
    this.batch.onFailed(error instanceof WorkerGoneError ? notWritten(source.table.name, key, error) : error)
  }

  async #find(error: SinkError): Promise<void> {
    const { source, key } = this.batch
    const outcome = await this.#context.outcomeOf(this.#sent as InsertRequest)
    switch (outcome.status) {
      case 'committed':
        this.commit(outcome)
        return
      case 'not-written':
        this.batch.onFailed(notWritten(source.table.name, key, error))
        return
      case 'unknown':
        this.batch.onFailed(error)
        return
      default:
        outcome satisfies never
    }
  }

  /** What a part says of the ledger, the last one what goes into it. */
  #exactlyOnce(identity: WriteIdentity, last: boolean): Pick<InsertRequest, 'identity' | 'entry'> {
    const { source } = this.batch
    if (!last) return { identity }
    const { ledgerName: table, name: tableName } = source.table
    return { identity, entry: { table, tableName, digest: source.digest(), figures: figuresOf(source) } }
  }

  /** True where the worker that had its parts is gone. */
  get #isOrphaned(): boolean {
    return this.#generation !== this.#context.client.generation
  }
}
