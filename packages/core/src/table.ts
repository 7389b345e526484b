import { BackpressureError, ClosedError, InvalidOptionsError, SinkError } from '@ducksink/worker'
import type { CollectOptions, SinkRecord } from './collect-options.ts'
import type { Collector } from './collector.ts'
import { unlessAborted } from './race.ts'
import { TimeSlice } from './time-slice.ts'
import type { Receipt, WriteOptions } from './write-queue.ts'

/** What {@link SinkTable.writeFrom} wrote. */
export interface WriteSummary {
  /** Rows that were committed. */
  readonly rowCount: number
  readonly batchCount: number
  /** Rows that were handed to `onFailure`. */
  readonly failedRowCount: number
  readonly durationMs: number
}

/** One table of an engine. */
export interface SinkTable<T extends object> {
  /**
   * Writes a batch: all of it or nothing. The records are borrowed until the promise settles.
   * @throws {@link ValueError} where a value cannot become its column's type exactly.
   * @throws {@link SchemaError} where a field has no column, or the table cannot be made.
   * @throws {@link ConstraintError} where DuckDB refuses the batch.
   * @throws {@link BackpressureError} where there is no room; see {@link SinkEngine.ready}.
   */
  write(records: readonly T[], options?: WriteOptions): Promise<Receipt>
  /**
   * Writes everything a source gives, in batches, as fast as the engine lets it.
   * @throws what the first failed batch or record was refused with, unless `onFailure` takes it.
   */
  writeFrom(
    source: Iterable<T> | AsyncIterable<T>,
    options?: CollectOptions & { readonly signal?: AbortSignal },
  ): Promise<WriteSummary>
  /** Gathers single records into batches. */
  collect(options?: CollectOptions): Collector<T>
}

/** What a table's handle asks of its engine. */
export interface TableOperations<T extends object> {
  write(records: readonly T[], options: WriteOptions | undefined): Promise<Receipt>
  collect(options: CollectOptions): Collector<T>
}

/** A {@link SinkTable} that hands everything on to its engine. */
export class TableHandle<T extends object> implements SinkTable<T> {
  readonly #operations: TableOperations<T>

  constructor(operations: TableOperations<T>) {
    this.#operations = operations
  }

  write(records: readonly T[], options?: WriteOptions): Promise<Receipt> {
    return this.#operations.write(records, options)
  }

  collect(options: CollectOptions = {}): Collector<T> {
    return this.#operations.collect(options)
  }

  async writeFrom(
    source: Iterable<T> | AsyncIterable<T>,
    options: CollectOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<WriteSummary> {
    const startedAt = performance.now()
    requireIterable(source)
    const { signal } = options
    signal?.throwIfAborted()
    const progress = new Progress(options)
    const collector = this.#operations.collect(progress.options)
    try {
      await new SourceReader(collector, progress, signal).read(source)
    } finally {
      await collector.close()
    }
    progress.throwFailure()
    const { rowCount, batchCount, failedRowCount } = progress
    return { rowCount, batchCount, failedRowCount, durationMs: performance.now() - startedAt }
  }
}

function requireIterable(source: unknown): void {
  const isObject = typeof source === 'object' && source !== null
  if (isObject && (Symbol.iterator in source || Symbol.asyncIterator in source)) return
  throw new InvalidOptionsError('source must be an iterable of records', {}, 'INVALID_ARGUMENT')
}

/** Counts what a `writeFrom` has done, and keeps the failure that ends it. */
class Progress {
  readonly options: CollectOptions
  readonly #onFailure: CollectOptions['onFailure']
  rowCount = 0
  batchCount = 0
  failedRowCount = 0
  #failure: { readonly error: unknown } | undefined

  constructor({ signal: _signal, ...options }: CollectOptions & { readonly signal?: AbortSignal }) {
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

/** Pushes what a source gives, as fast as there is room. */
class SourceReader<T extends object> {
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
  }

  async read(source: Iterable<T> | AsyncIterable<T>): Promise<void> {
    this.#slice.restart()
    // a promise a record costs more than the record: an iterable that is not async is read without
    if (Symbol.iterator in source) {
      for (const record of source) if (!this.#push(record)) await this.#pause()
    } else {
      await this.#readAsync(source[Symbol.asyncIterator]())
    }
    await this.#pause()
  }

  async #readAsync(iterator: AsyncIterator<T>): Promise<void> {
    let isPushing = false
    try {
      for (;;) {
        isPushing = false
        const next = await unlessAborted(iterator.next(), this.#signal)
        if (next.done === true) return
        isPushing = true
        if (!this.#push(next.value)) await this.#pause()
      }
    } catch (error) {
      const isAborted = this.#signal?.aborted === true
      // a source that failed has ended by itself
      const returned = isPushing || isAborted ? Promise.resolve(iterator.return?.()) : undefined
      const ended = returned?.catch(() => undefined)
      // one that is aborted may wait for what never comes, and would return only after that
      if (!isAborted) await ended
      throw error
    }
  }

  /** Pushes a record; false where the next one must wait for {@link #pause}. */
  #push(record: T): boolean {
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
  async #pause(): Promise<void> {
    for (;;) {
      this.#signal?.throwIfAborted()
      this.#progress.throwFailure()
      await unlessAborted(this.#collector.ready, this.#signal)
      if (this.#slice.isSpent) await this.#slice.yield()
      const refused = this.#refused
      if (refused === undefined) return
      this.#refused = undefined
      if (this.#push(refused)) return
    }
  }
}
