import { type ChannelOffset, OutcomeUnknownError, SinkError } from '@ducksink/worker'
import type { Admission } from './admission.ts'
import type { BatchSource } from './batch-source.ts'
import type { Commit } from './consignment.ts'
import type { Delivery } from './delivery.ts'
import type { Dispatch } from './dispatch.ts'
import { figuresOf, firstFigures, type Receipt, type WriteOutcome } from './receipt.ts'
import type { WriteOptions } from './write-options.ts'

/** A write as it is taken in. */
export interface IncomingWrite {
  readonly source: BatchSource
  readonly expectedBytes: number
  readonly options: WriteOptions
  readonly delivery: Delivery | undefined
  /** False where it is none that the app has written, so that nobody is told of it. */
  readonly isCounted: boolean
}

/** Who hears of the end of a write. */
export interface WriteEvents {
  readonly admission: Admission
  /** Called before anybody else hears of it. */
  readonly onCommitted: (sequence: number) => void
  readonly onSettled: (outcome: WriteOutcome) => void
}

/** A write from the call to its receipt or failure; whichever comes first is its end. */
export class QueuedWrite {
  readonly source: BatchSource
  readonly key: string | undefined
  readonly at: ChannelOffset | undefined
  readonly delivery: Delivery | undefined
  readonly startedAt: number = performance.now()
  /** Its way to the worker, once it is on it. */
  dispatch: Dispatch | undefined
  readonly receipt: Promise<Receipt>
  /** Resolves at its end, whichever that is. */
  readonly settled: Promise<void>
  readonly #events: WriteEvents
  readonly #isCounted: boolean
  readonly #resolve: (receipt: Receipt) => void
  readonly #reject: (reason: unknown) => void
  /** What is left of the bytes that admission expects of this write. */
  #expectedBytes: number
  #isSettled = false
  #signal: AbortSignal | undefined
  #onAbort: (() => void) | undefined

  constructor({ source, expectedBytes, options, delivery, isCounted }: IncomingWrite, events: WriteEvents) {
    const { key, channel, offset } = options
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    this.source = source
    this.key = key
    this.at = channel === undefined || offset === undefined ? undefined : { channel, offset }
    this.delivery = delivery
    this.receipt = promise
    this.settled = promise.then(nothing, nothing)
    this.#resolve = resolve
    this.#reject = reject
    this.#events = events
    this.#isCounted = isCounted
    this.#expectedBytes = expectedBytes
  }

  /** True from its end on. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Calls back where the signal is aborted before the end. */
  listen(signal: AbortSignal, onAbort: () => void): void {
    this.#signal = signal
    this.#onAbort = onAbort
    signal.addEventListener('abort', onAbort, { once: true })
  }

  /** So many of its rows are encoded, for which admission has room of their own. */
  encoded(rowCount: number): void {
    this.#expectLess(this.source.table.expectedBytes(rowCount))
  }

  /** Ends it with its receipt. */
  commit({ sequence, byteLength, duplicateOf }: Commit): void {
    if (this.#isSettled) return
    const { key, at, source, startedAt } = this
    this.#events.onCommitted(sequence)
    const receipt: Receipt = {
      ...(key === undefined ? undefined : { key }),
      ...at,
      ...(duplicateOf === undefined ? figuresOf(source) : firstFigures(duplicateOf)),
      duplicate: duplicateOf !== undefined,
      sequence: duplicateOf?.sequence ?? sequence,
      durationMs: performance.now() - startedAt,
    }
    this.delivery?.commit()
    this.#leave()
    if (this.#isCounted)
      this.#events.onSettled({ status: 'committed', table: source.table.name, receipt, byteLength })
    this.#resolve(receipt)
  }

  /** Ends it with what it failed with, unless the ledger has it for committed before. */
  fail(error: unknown): void {
    const { at, delivery, source } = this
    const recalled = delivery?.recall(error, source)
    if (recalled === undefined) {
      this.reject(at === undefined ? error : named(error, at))
      return
    }
    recalled.then(
      (found) => {
        if (found === undefined) this.reject(error)
        else this.commit({ sequence: found.sequence, byteLength: 0, duplicateOf: found })
      },
      (conflict: unknown) => this.reject(conflict),
    )
  }

  /** Ends it with this error. */
  reject(error: unknown): void {
    if (this.#isSettled) return
    const { source, key, at, delivery } = this
    if (error instanceof OutcomeUnknownError) delivery?.doubt()
    else delivery?.refuse()
    this.#leave()
    if (this.#isCounted)
      this.#events.onSettled({ status: 'failed', table: source.table.name, key, at, error })
    this.#reject(error)
  }

  #leave(): void {
    this.#isSettled = true
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#expectLess(this.#expectedBytes)
    this.#events.admission.leave()
  }

  #expectLess(bytes: number): void {
    const expected = Math.min(this.#expectedBytes, bytes)
    this.#expectedBytes -= expected
    this.#events.admission.expectLess(expected)
  }
}

/** An error with the channel of the batch that failed with it. */
function named(error: unknown, { channel }: ChannelOffset): unknown {
  return error instanceof SinkError && error.channel === undefined ? Object.assign(error, { channel }) : error
}

const nothing = (): undefined => undefined
