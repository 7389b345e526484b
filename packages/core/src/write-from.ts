import {
  BackpressureError,
  type ChannelOffset,
  ClosedError,
  InvalidOptionsError,
  SinkError,
} from '@ducksink/worker'
import type { CollectOptions, SinkRecord } from './collect-options.ts'
import type { PatientCollector } from './collector.ts'
import { unlessAborted } from './race.ts'
import { readSource, requireIterable, type SourceSink } from './read-source.ts'
import { TimeSlice } from './time-slice.ts'

/** What {@link SinkTable.writeFrom} wrote. */
export interface WriteSummary {
  /** Rows that were committed. */
  readonly rowCount: number
  readonly batchCount: number
  /** Rows that were handed to `onFailure`. */
  readonly failedRowCount: number
  /** Records that were set aside in the dead letter table. */
  readonly deadLetterCount: number
  /** Records that could not be written and were left out. */
  readonly skippedCount: number
  /** Records that were dropped, because their offset was committed before, or under way. */
  readonly duplicateCount: number
  readonly durationMs: number
}

/** How a source is gathered into batches, and what ends that early. */
export interface WriteFromOptions<T extends object = SinkRecord> extends CollectOptions {
  /** Where a record is from; where delivery is `exactly-once`, each must say so. */
  at?(record: T): ChannelOffset
  readonly signal?: AbortSignal
}

/** Writes everything a source gives through a collector of its own. */
export async function writeFrom<T extends object>(
  collect: (options: CollectOptions) => PatientCollector<T>,
  source: Iterable<T> | AsyncIterable<T>,
  options: WriteFromOptions<T>,
): Promise<WriteSummary> {
  const startedAt = performance.now()
  requireIterable('source', source)
  const { signal } = options
  signal?.throwIfAborted()
  const { at, ...collected } = options
  if (at !== undefined && typeof at !== 'function')
    throw new InvalidOptionsError('at must be a function', {}, 'INVALID_ARGUMENT')
  const progress = new Progress(collected)
  const collector = collect(progress.options)
  try {
    if (collector.needsOffsets && at === undefined) throw withoutOffsets()
    const pusher = new Pusher(collector, progress, { at: at?.bind(options), signal })
    await readSource(source, pusher, signal)
    await pusher.pause()
  } finally {
    await collector.close()
  }
  progress.throwFailure()
  const { duplicateCount } = collector
  return { ...progress.counts, duplicateCount, durationMs: performance.now() - startedAt }
}

/** Counts what a `writeFrom` has done, and keeps the failure that ends it. */
class Progress {
  readonly options: CollectOptions
  readonly #onFailure: CollectOptions['onFailure']
  readonly counts = { rowCount: 0, batchCount: 0, failedRowCount: 0, deadLetterCount: 0, skippedCount: 0 }
  #failure: { readonly error: unknown } | undefined

  constructor({ signal: _signal, ...options }: Omit<WriteFromOptions, 'at'>) {
    this.#onFailure = options.onFailure?.bind(options)
    const onReceipt = options.onReceipt?.bind(options)
    this.options = {
      ...options,
      onReceipt: (receipt) => {
        this.counts.rowCount += receipt.rowCount
        this.counts.deadLetterCount += receipt.deadLetterCount
        this.counts.skippedCount += receipt.skippedCount
        this.counts.batchCount++
        this.#call(() => onReceipt?.(receipt))
      },
      onFailure: (error, records) => this.fail(error, records),
    }
  }

  fail(error: SinkError, records: () => SinkRecord[]): void {
    const onFailure = this.#onFailure
    if (onFailure === undefined) {
      this.#failure ??= { error }
      return
    }
    const failed = records()
    this.counts.failedRowCount += failed.length
    this.#call(() => onFailure(error, () => failed))
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** What the app's callback throws ends the `writeFrom`. */
  #call(callBack: () => void): void {
    try {
      callBack()
    } catch (error) {
      this.#failure ??= { error }
    }
  }
}

interface PusherOptions<T> {
  readonly at: ((record: T) => ChannelOffset) | undefined
  readonly signal: AbortSignal | undefined
}

/** Pushes records into a collector, as fast as there is room. */
class Pusher<T extends object> implements SourceSink<T> {
  readonly #collector: PatientCollector<T>
  readonly #progress: Progress
  readonly #at: ((record: T) => ChannelOffset) | undefined
  readonly #signal: AbortSignal | undefined
  readonly #slice = new TimeSlice()
  #count = 0
  /** What a collector without room did not take. */
  #refused: { readonly record: T; readonly at: ChannelOffset | undefined } | undefined
  /** The record for which the table's schema has not answered yet. */
  #pending:
    | { readonly record: T; readonly at: ChannelOffset | undefined; readonly taken: Promise<boolean> }
    | undefined

  constructor(collector: PatientCollector<T>, progress: Progress, { at, signal }: PusherOptions<T>) {
    this.#collector = collector
    this.#progress = progress
    this.#at = at
    this.#signal = signal
    this.#slice.restart()
  }

  take(record: T): boolean {
    return this.#push(record, this.#at?.(record))
  }

  #push(record: T, at: ChannelOffset | undefined): boolean {
    try {
      const taken = this.#collector.take(record, at)
      if (typeof taken === 'boolean') return taken && (++this.#count & 255) !== 0
      this.#pending = { record, at, taken }
    } catch (error) {
      this.#onRefusal(record, at, error)
    }
    return false
  }

  #onRefusal(record: T, at: ChannelOffset | undefined, error: unknown): void {
    if (!(error instanceof SinkError) || error instanceof ClosedError) throw error
    if (error instanceof BackpressureError) this.#refused = { record, at }
    else this.#progress.fail(error, () => [record as SinkRecord])
  }

  /** Waits until there is room, lets the app's own events have their turn, and ends where the reading must. */
  async pause(): Promise<void> {
    for (;;) {
      await this.#validated()
      this.#signal?.throwIfAborted()
      this.#progress.throwFailure()
      await unlessAborted(this.#collector.ready, this.#signal)
      if (this.#slice.isSpent) await this.#slice.yield()
      const refused = this.#refused
      if (refused === undefined) return
      this.#refused = undefined
      if (this.#push(refused.record, refused.at)) return
    }
  }

  async #validated(): Promise<void> {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    try {
      await unlessAborted(pending.taken, this.#signal)
    } catch (error) {
      this.#onRefusal(pending.record, pending.at, error)
    }
  }
}

function withoutOffsets(): InvalidOptionsError {
  const message = `writeFrom needs \`at\`, which says where each record is from, where delivery is 'exactly-once'`
  return new InvalidOptionsError(message, {}, 'INVALID_ARGUMENT')
}
