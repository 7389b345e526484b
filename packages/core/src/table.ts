import { SinkError } from '@ducksink/worker'
import type { CollectOptions, SinkRecord } from './collect-options.ts'
import type { Collector } from './collector.ts'
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
    const progress = new Progress(options)
    const collector = this.#operations.collect(progress.options)
    try {
      await pushAll(source, collector, progress, options.signal)
    } finally {
      await collector.close()
    }
    progress.throwFailure()
    const { rowCount, batchCount, failedRowCount } = progress
    return { rowCount, batchCount, failedRowCount, durationMs: performance.now() - startedAt }
  }
}

/** Counts what a `writeFrom` has done, and keeps the failure that ends it. */
class Progress {
  readonly options: CollectOptions
  readonly #onFailure: CollectOptions['onFailure']
  rowCount = 0
  batchCount = 0
  failedRowCount = 0
  #failure: SinkError | undefined

  constructor({ signal: _signal, ...options }: CollectOptions & { readonly signal?: AbortSignal }) {
    this.#onFailure = options.onFailure?.bind(options)
    const onReceipt = options.onReceipt?.bind(options)
    this.options = {
      ...options,
      onReceipt: (receipt) => {
        this.rowCount += receipt.rowCount
        this.batchCount++
        onReceipt?.(receipt)
      },
      onFailure: (error, records) => this.fail(error, records),
    }
  }

  fail(error: SinkError, records: () => SinkRecord[]): void {
    if (this.#onFailure === undefined) {
      this.#failure ??= error
      return
    }
    const failed = records()
    this.failedRowCount += failed.length
    this.#onFailure(error, () => failed)
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

async function pushAll<T extends object>(
  source: Iterable<T> | AsyncIterable<T>,
  collector: Collector<T>,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const slice = new TimeSlice()
  slice.restart()
  let count = 0
  const take = (record: T): boolean => {
    try {
      return collector.push(record)
    } catch (error) {
      if (!(error instanceof SinkError)) throw error
      progress.fail(error, () => [record as SinkRecord])
      return true
    }
  }
  const pause = async (hasRoom: boolean): Promise<void> => {
    signal?.throwIfAborted()
    progress.throwFailure()
    if (!hasRoom) await collector.ready
    if (slice.isSpent) await slice.yield()
  }
  // a promise a record costs more than the record: an iterable that is not async is read without
  if (Symbol.iterator in source) {
    for (const record of source) {
      const hasRoom = take(record)
      if (!hasRoom || (++count & 255) === 0) await pause(hasRoom)
    }
  } else {
    for await (const record of source) {
      const hasRoom = take(record)
      if (!hasRoom || (++count & 255) === 0) await pause(hasRoom)
    }
  }
  await pause(true)
}
