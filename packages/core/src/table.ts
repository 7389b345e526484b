import type { CollectOptions } from './collect-options.ts'
import type { Collector, PatientCollector } from './collector.ts'
import type { SinkColumns } from './columns/sink-columns.ts'
import type { Receipt } from './receipt.ts'
import { type WriteFromOptions, type WriteSummary, writeFrom } from './write-from.ts'
import type { WriteColumnsOptions, WriteOptions } from './write-options.ts'

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
   * Writes a batch of columns: all of it or nothing. Their values become what {@link SinkTable.write} would make of the
   * same values in records. The arrays are borrowed until the promise settles, or handed over with `transfer`.
   * @throws {@link ValueError} where a column is none, has not as many rows as the others, or holds what cannot become
   * its column's type exactly.
   * @throws {@link SchemaError} where the table has no such column, or cannot be made.
   * @throws {@link ConstraintError} where DuckDB refuses the batch.
   * @throws {@link BackpressureError} where there is no room; nothing is handed over then.
   * @example
   * ```ts
   * await table.writeColumns({ id: new Int32Array([1, 2]), name: ['Ann', null] })
   * ```
   */
  writeColumns(columns: SinkColumns, options?: WriteColumnsOptions): Promise<Receipt>
  /**
   * Writes everything a source gives, in batches, as fast as the engine lets it.
   * @throws what the first failed batch or record was refused with, unless `onFailure` takes it.
   */
  writeFrom(source: Iterable<T> | AsyncIterable<T>, options?: WriteFromOptions<T>): Promise<WriteSummary>
  /** Gathers single records into batches. */
  collect(options?: CollectOptions): Collector<T>
}

/** What a table's handle asks of its engine. */
export interface TableOperations<T extends object> {
  write(records: readonly T[], options: WriteOptions | undefined): Promise<Receipt>
  writeColumns(columns: SinkColumns, options: WriteColumnsOptions | undefined): Promise<Receipt>
  collect(options: CollectOptions): PatientCollector<T>
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

  writeColumns(columns: SinkColumns, options?: WriteColumnsOptions): Promise<Receipt> {
    return this.#operations.writeColumns(columns, options)
  }

  collect(options: CollectOptions = {}): Collector<T> {
    return this.#operations.collect(options)
  }

  async writeFrom(
    source: Iterable<T> | AsyncIterable<T>,
    options: WriteFromOptions<T> = {},
  ): Promise<WriteSummary> {
    return writeFrom((collect) => this.#operations.collect(collect), source, options)
  }
}
