import { SinkError, ValueError } from '@ducksink/worker'
import type { Admission } from './admission.ts'
import type { FlushReason, ResolvedCollectOptions, SinkRecord } from './collect-options.ts'
import type { CollectedSource } from './collected-source.ts'
import type { Delivery } from './delivery.ts'
import type { Receipt } from './receipt.ts'
import type { RecordsSource } from './records-source.ts'

/** What a collector sends its batches with. */
export interface SendContext {
  readonly admission: Admission
  readonly send: (source: CollectedSource | RecordsSource, delivery: Delivery | undefined) => Promise<Receipt>
  readonly onUnhandledFailure: (error: SinkError) => void
}

/** A batch on its way. */
export interface SentBatch {
  readonly source: CollectedSource | RecordsSource
  readonly delivery: Delivery | undefined
  readonly heldBytes: number
  readonly reason: FlushReason
  /** Called when it is settled and the app was told. */
  readonly onSettled: () => void
}

/** The batches that a collector has sent and that are not settled, and who is told what became of them. */
export class SentBatches {
  readonly #context: SendContext
  readonly #options: ResolvedCollectOptions
  readonly #unsettled = new Set<Promise<void>>()

  constructor(options: ResolvedCollectOptions, context: SendContext) {
    this.#options = options
    this.#context = context
  }

  send(batch: SentBatch): void {
    const settled = this.#settle(batch)
    this.#unsettled.add(settled)
    void settled.then(() => this.#unsettled.delete(settled))
  }

  /** Resolves when all that was sent before is settled. */
  async settled(): Promise<void> {
    await Promise.all(this.#unsettled)
  }

  /** Tells the app of records that were not written. */
  fail(cause: unknown, records: () => SinkRecord[]): void {
    const { onFailure } = this.#options
    const error = cause instanceof SinkError ? cause : new ValueError(String(cause), { cause })
    if (onFailure === undefined) this.#context.onUnhandledFailure(error)
    else this.#tell(() => onFailure(error, records))
  }

  async #settle({ source, delivery, heldBytes, reason, onSettled }: SentBatch): Promise<void> {
    const { admission, send } = this.#context
    try {
      const receipt = await send(source, delivery)
      admission.hold(-heldBytes)
      source.release()
      this.#tell(() => this.#options.onReceipt?.({ ...receipt, reason }))
    } catch (error) {
      admission.hold(-heldBytes)
      // not released: the records may be asked for at any time
      this.fail(error, () => source.records())
    }
    onSettled()
  }

  /** Calls back; what the app throws there is no failure of the batch, and ends as it would in an event listener. */
  #tell(callBack: () => void): void {
    try {
      callBack()
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}
