import { BackpressureError, ClosedError, SinkError } from '@ducksink/worker'
import type { CollectOptions, SinkRecord } from './collect-options.ts'
import type { Collector } from './collector.ts'
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
  readonly durationMs: number
}

/** How a source is gathered into batches, and what ends that early. */
export type WriteFromOptions = CollectOptions & { readonly signal?: AbortSignal }

/** Writes everything a source gives through a collector of its own. */
export async function writeFrom<T extends object>(
  collect: (options: CollectOptions) => Collector<T>,
  source: Iterable<T> | AsyncIterable<T>,
  options: WriteFromOptions,
): Promise<WriteSummary> {
  const startedAt = performance.now()
  requireIterable('source', source)
  const { signal } = options
  signal?.throwIfAborted()
  const progress = new Progress(options)
  const collector = collect(progress.options)
  try {
    const pusher = new Pusher(collector, progress, signal)
    await readSource(source, pusher, signal)
    await pusher.pause()
  } finally {
    await collector.close()
  }
  progress.throwFailure()
  const { rowCount, batchCount, failedRowCount } = progress
  return { rowCount, batchCount, failedRowCount, durationMs: performance.now() - startedAt }
}

/** Counts what a `writeFrom` has done, and keeps the failure that ends it. */
class Progress {
  readonly options: CollectOptions
  readonly #onFailure: CollectOptions['onFailure']
  rowCount = 0
  batchCount = 0
  failedRowCount = 0
  #failure: { readonly error: unknown } | undefined

  constructor({ signal: _signal, ...options }: WriteFromOptions) {
    this.#onFailure = options.onFailure?.bind(options)
    const onReceipt = options.onReceipt?.bind(options)
    this.options = {
      ...options,
      onReceipt: (receipt) => {
        this.rowCount += receipt.rowCount
        this.batchCount++
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
    this.failedRowCount += failed.length
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

/** Pushes records into a collector, as fast as there is room. */
class Pusher<T extends object> implements SourceSink<T> {
  readonly #collector: Collector<T>
  readonly #progress: Progress
  readonly #signal: AbortSignal | undefined
  readonly #slice = new TimeSlice()
  #count = 0
  /** What a collector without room did not take. */
  #refused: T | undefined

  constructor(collector: Collector<T>, progress: Progress, signal: AbortSignal | undefined) {
    this.#collector = collector
    this.#progress = progress
    this.#signal = signal
    this.#slice.restart()
  }

  take(record: T): boolean {
    try {
      return this.#collector.push(record) && (++this.#count & 255) !== 0
    } catch (error) {
      if (!(error instanceof SinkError) || error instanceof ClosedError) throw error
      if (error instanceof BackpressureError) this.#refused = record
      else this.#progress.fail(error, () => [record as SinkRecord])
      return false
    }
  }

  /** Waits until there is room, lets the app's own events have their turn, and ends where the reading must. */
  async pause(): Promise<void> {
    for (;;) {
      this.#signal?.throwIfAborted()
      this.#progress.throwFailure()
      await unlessAborted(this.#collector.ready, this.#signal)
      if (this.#slice.isSpent) await this.#slice.yield()
      const refused = this.#refused
      if (refused === undefined) return
      this.#refused = undefined
      if (this.take(refused)) return
    }
  }
}
