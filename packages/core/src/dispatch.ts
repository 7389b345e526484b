import {
  errorFromData,
  type InsertReply,
  type InsertRequest,
  OutcomeUnknownError,
  type Part,
  type SinkError,
  WorkerDiedError,
} from '@ducksink/worker'
import type { Admission } from './admission.ts'
import type { BatchHead, BatchSource } from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Outbox } from './outbox.ts'
import { type WorkerClient, WorkerGoneError } from './worker-client.ts'

/** What batches have in common on their way to the worker. */
export interface DispatchContext {
  readonly client: WorkerClient
  readonly outbox: Outbox
  readonly admission: Admission
  readonly pool: BufferPool
}

/** One batch to be sent, and who is told of it; of the last three one is called, once. */
export interface Consignment {
  readonly source: BatchSource
  readonly key: string | undefined
  readonly signal: AbortSignal | undefined
  readonly onEncoded: (rowCount: number) => void
  /** Nothing of it is written: its rows have no table. */
  readonly onLeftOut: () => void
  readonly onCommitted: (sequence: number, byteLength: number) => void
  readonly onFailed: (error: unknown) => void
}

/** Where a part stands in its batch. */
interface Place {
  readonly first: boolean
  readonly last: boolean
}

/** Why no more parts need be sent. */
type Halt =
  | { readonly reason: 'rolled-back' | 'lost'; readonly error: unknown }
  | { readonly reason: 'run-again'; readonly error: SinkError }

/**
 * The way of one batch to the worker: its parts sent one after another, their answers taken, its end told.
 *
 * Parts are sent ahead of their answers. Where the worker asks for the batch once more it takes nothing else
 * meanwhile, so then one part at a time goes past whatever waits, without asking for room.
 */
export class Dispatch {
  readonly #context: DispatchContext
  readonly #writeId: number
  readonly #batch: Consignment
  #isSending = true
  /** How often the batch was begun before; answers to parts of an earlier run say nothing any more. */
  #run = 0
  #byteLength = 0
  #halt: Halt | undefined

  constructor(context: DispatchContext, writeId: number, batch: Consignment) {
    this.#context = context
    this.#writeId = writeId
    this.#batch = batch
  }

  /** Resolves when all parts are sent, or earlier where the batch has failed; never rejects. */
  async send(): Promise<void> {
    const { source, signal } = this.#batch
    let hasSent = false
    try {
      // whatever this batch waits for must not hold up those before it
      if (source.table.layout === undefined) this.#context.outbox.flush()
      const head = await source.begin()
      if (head === undefined) {
        this.#batch.onLeftOut()
        return
      }
      for (let last = false; !last && this.#halt === undefined; ) {
        const next = await source.next()
        await this.#room(next.part)
        signal?.throwIfAborted()
        if (this.#halt !== undefined) break
        last = next.last
        this.#post(head, next.part, { first: !hasSent, last })
        hasSent = true
      }
    } catch (error) {
      await this.#adapt(error, hasSent)
      return
    }
    this.#isSending = false
    const halt = this.#halt as Halt | undefined
    if (halt === undefined) return
    if (halt.reason === 'run-again') await this.#runAgain(halt.error)
    else await this.#giveUp(halt.error, true)
  }

  async #room({ byteLength }: Part): Promise<void> {
    const { admission, outbox } = this.#context
    if (admission.hasRoom(byteLength)) return
    outbox.flush()
    await admission.room(byteLength)
  }

  #post(head: BatchHead, part: Part, place: Place): void {
    const run = this.#run
    this.#batch.onEncoded(part.rowCount)
    this.#byteLength += part.byteLength
    this.#exchange(head, part, place).then(
      (reply) => {
        if (run === this.#run) this.#onReply(reply, place)
      },
      (error: unknown) => {
        if (run === this.#run) this.#onLoss(error, place)
      },
    )
  }

  /** Sends a part; rejects where the worker ends before it answers. */
  #exchange({ layout, columns }: BatchHead, part: Part, place: Place): Promise<InsertReply> {
    const { admission, outbox, pool } = this.#context
    const { buffer, byteLength } = part
    const { key } = this.#batch
    const request: InsertRequest = {
      ...{ writeId: this.#writeId, run: this.#run, layoutId: layout.layoutId, columns, buffer },
      ...{ first: place.first, last: place.last, key },
    }
    admission.acquire(byteLength)
    return new Promise((resolve, reject) => {
      outbox.post({
        request,
        byteLength,
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

  #onReply(reply: InsertReply, { last }: Place): void {
    switch (reply.status) {
      case 'inserted':
        return
      case 'committed':
        this.#batch.onCommitted(reply.sequence, this.#byteLength)
        return
      case 'rolled-back': {
        const error = errorFromData(reply.error)
        // while there are parts on their way, the answer to the last of them is the one that counts
        if (last) this.#batch.onFailed(error)
        else this.#halt ??= { reason: 'rolled-back', error }
        return
      }
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

  #onLoss(error: unknown, { last }: Place): void {
    if (last) this.#batch.onFailed(this.#lossError(error))
    else this.#halt ??= { reason: 'lost', error }
  }

  /** Sends the batch once more, as often as the worker asks for it. */
  async #runAgain(because: SinkError): Promise<void> {
    let asked: SinkError | undefined = because
    try {
      while (asked !== undefined) {
        this.#run++
        this.#byteLength = 0
        asked = await this.#runOnce(asked)
      }
    } catch (error) {
      await this.#giveUp(error, true)
    }
  }

  /** One more run, part by part; gives what the worker asks for yet another for, nothing where the batch is settled. */
  async #runOnce(because: SinkError): Promise<SinkError | undefined> {
    const { source, signal } = this.#batch
    source.end()
    if (because.code === 'TABLE_CHANGED') source.table.invalidate()
    signal?.throwIfAborted()
    const head = await source.begin()
    if (head === undefined) {
      await this.#abandon()
      this.#batch.onLeftOut()
      return undefined
    }
    for (let first = true; ; first = false) {
      const { part, last } = await source.next()
      signal?.throwIfAborted()
      this.#byteLength += part.byteLength
      const sent = this.#exchange(head, part, { first, last })
      this.#context.outbox.flush()
      const reply = await sent.catch((error: unknown) => {
        throw last ? this.#lossError(error) : error
      })
      if (reply.status === 'run-again') return errorFromData(reply.error)
      if (reply.status === 'rolled-back' && !last) throw errorFromData(reply.error)
      if (last) {
        this.#onReply(reply, { first, last })
        return undefined
      }
    }
  }

  /** Sends the batch anew where its table could be made to fit it; nothing that comes after it was sent yet. */
  async #adapt(cause: unknown, hasSent: boolean): Promise<void> {
    const { source } = this.#batch
    source.end()
    let error = cause
    try {
      if (hasSent) await this.#abandon()
      if (await source.adapt(cause)) {
        this.#run++
        this.#byteLength = 0
        this.#halt = undefined
        await this.send()
        return
      }
    } catch (failure) {
      error = failure
    }
    this.#fail(error)
  }

  /** Ends a batch of which nothing may stay. */
  async #giveUp(error: unknown, hasSent: boolean): Promise<void> {
    this.#batch.source.end()
    if (hasSent) await this.#abandon()
    this.#fail(error)
  }

  /** The worker rolls back before the caller is told. */
  async #abandon(): Promise<void> {
    await this.#context.client.call('abandon', this.#writeId).catch((failure: unknown) => {
      // a dead worker's transaction is rolled back with it
      if (!(failure instanceof WorkerGoneError)) throw failure
    })
  }

  #fail(error: unknown): void {
    this.#batch.onFailed(error instanceof WorkerGoneError ? this.#notWritten(error) : error)
  }

  /** What the loss of the last part's answer means. */
  #lossError(error: unknown): unknown {
    if (!(error instanceof WorkerGoneError)) return error
    // without its last part nothing of a batch is committed
    if (!error.wasSent) return this.#notWritten(error)
    const { name } = this.#batch.source.table
    const message = `the worker ended before it answered: the batch for table "${name}" may be written or not; read the table`
    return new OutcomeUnknownError(message, { table: name, key: this.#batch.key, cause: error })
  }

  #notWritten(cause: WorkerGoneError): WorkerDiedError {
    const { name } = this.#batch.source.table
    const message = `the worker ended before the batch for table "${name}" was sent: it is not written`
    return new WorkerDiedError(message, { table: name, key: this.#batch.key, cause })
  }
}
