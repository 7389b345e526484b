import { errorFromData, type InsertReply, type SinkError } from '@ducksink/worker'
import type { BatchPart } from './batch-parts.ts'
import type { Consignment } from './consignment.ts'
import { Exchange, type ExchangeContext } from './exchange.ts'
import { LaterRuns } from './later-runs.ts'
import { WorkerGoneError } from './worker-thread.ts'

/** Why no more parts need be sent. */
type Halt =
  | { readonly reason: 'rolled-back' | 'lost'; readonly error: unknown }
  | { readonly reason: 'run-again'; readonly error: SinkError }

/**
 * The way of one batch to the worker: its parts sent one after another, ahead of their answers, those taken, and its end
 * told.
 */
export class Dispatch {
  readonly #context: ExchangeContext
  readonly #batch: Consignment
  readonly #exchange: Exchange
  #isSending = true
  /** True where a worker has died while the batch was made ready, which is begun again for that once. */
  #hasLostWorker = false
  #halt: Halt | undefined
  #isInLine = false

  constructor(context: ExchangeContext, writeId: number, batch: Consignment) {
    this.#context = context
    this.#batch = batch
    this.#exchange = new Exchange(context, writeId, batch)
  }

  /**
   * Takes the batch back where it does not commit yet: it then fails with this reason, at once where nothing of it
   * was sent, or else when the worker has nothing of it any more.
   */
  cancel(reason: unknown): void {
    if (this.#exchange.cancelled !== undefined) return
    if (this.#isInLine) this.#context.admission.leaveLine()
    this.#exchange.cancel(reason)
  }

  /** Sends a batch that was encoded ahead, where nothing must be waited for; if not, {@link send} is to do it. */
  sendAhead(): boolean {
    const { client, admission } = this.#context
    const { source } = this.#batch
    const { ahead } = source
    if (ahead === undefined || !client.isRunning || !admission.hasRoom(ahead.part.byteLength)) return false
    source.beginAhead?.()
    const { layout, columns, part } = ahead
    const { layoutId } = layout
    this.#isSending = false
    this.#post({ action: undefined, layoutId, columns, part, last: true, rowOf: undefined }, true)
    return true
  }

  /** Resolves when all parts are sent, or earlier where the batch has failed; never rejects. */
  async send(): Promise<void> {
    const { source } = this.#batch
    const exchange = this.#exchange
    let first = true
    try {
      if (!this.#context.client.isRunning) await this.#worker()
      // whatever this batch waits for must not hold up those before it
      if (source.table.makesWait) this.#context.outbox.flush()
      const parts = exchange.parts({ isChecked: false, settled: nothing })
      for (let last = false; !last && this.#halt === undefined; first = false) {
        const next = await parts.next()
        exchange.throwIfCancelled()
        if (next === 'left-out') {
          this.#batch.onLeftOut()
          return
        }
        if (next === 'begin-again') {
          await this.#beginAgain()
          return
        }
        const { byteLength } = next.part
        if (!this.#context.admission.hasRoom(byteLength)) await this.#room(byteLength)
        if (first && !this.#context.client.isRunning) await this.#worker()
        exchange.throwIfCancelled()
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
    else await exchange.giveUp(halt.error)
  }

  /** Sends the batch from its start, where records that were set aside have changed what it writes. */
  async #beginAgain(): Promise<void> {
    this.#exchange.beginAgain()
    this.#halt = undefined
    await this.send()
  }

  /** Waits while there is no worker. */
  async #worker(): Promise<void> {
    const { client, outbox } = this.#context
    outbox.flush()
    const { delivery, source } = this.#batch
    await client.running()
    this.#exchange.throwIfCancelled()
    // one before it may have been lost
    const refusal = delivery?.refusal(source.table.name)
    if (refusal !== undefined) throw refusal
  }

  async #room(byteLength: number): Promise<void> {
    const { admission, outbox } = this.#context
    outbox.flush()
    this.#isInLine = true
    await admission.room(byteLength)
    this.#isInLine = false
  }

  #post(part: BatchPart, first: boolean): void {
    const exchange = this.#exchange
    const { run } = exchange
    this.#batch.onEncoded(part.part.rowCount)
    exchange.send(part, first).then(
      (reply) => {
        if (run === exchange.run) this.#onReply(reply, part.last)
      },
      (error: unknown) => {
        if (run === exchange.run) this.#onLoss(error, part.last)
      },
    )
  }

  #onReply(reply: InsertReply, last: boolean): void {
    switch (reply.status) {
      case 'inserted':
        return
      case 'committed':
        this.#exchange.commit(reply)
        return
      case 'rolled-back': {
        const error = errorFromData(reply.error)
        // while there are parts on their way, the answer to the last of them is the one that counts
        if (last) this.#exchange.end(error)
        else this.#halt ??= { reason: 'rolled-back', error }
        return
      }
      case 'cancelled': {
        const error = this.#exchange.cancelled?.reason
        if (last) this.#exchange.fail(error)
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

  #onLoss(error: unknown, last: boolean): void {
    if (last) this.#exchange.end(error)
    else this.#halt ??= { reason: 'lost', error }
  }

  #runAgain(because: SinkError): Promise<void> {
    return new LaterRuns(this.#exchange, this.#context.outbox).send(because)
  }

  /** Sends the batch anew where its table could be made to fit it; nothing that comes after it was sent yet. */
  async #adapt(cause: unknown): Promise<void> {
    const exchange = this.#exchange
    if (exchange.cancelled !== undefined) {
      await exchange.giveUp(exchange.cancelled.reason)
      return
    }
    const { source } = this.#batch
    source.end()
    let error = cause
    if (cause instanceof WorkerGoneError && !exchange.hasSent && !this.#hasLostWorker) {
      this.#hasLostWorker = true
      await this.#beginAgain()
      return
    }
    try {
      await exchange.abandon()
      if (await source.adapt(cause)) {
        await this.#beginAgain()
        return
      }
    } catch (failure) {
      error = failure
    }
    exchange.fail(error)
  }
}

const nothing = (): Promise<void> => Promise.resolve()
