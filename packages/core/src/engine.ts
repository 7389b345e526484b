import { EventEmitter } from 'node:events'
import { InvalidOptionsError } from '@ducksink/worker'
import type { SinkRecord } from './collect-options.ts'
import type { SinkColumns } from './columns/sink-columns.ts'
import type { DeadLetter, DeadLetterOptions, ReplayOptions, ReplaySummary } from './dead-letters.ts'
import type { EngineAssembly } from './engine-assembly.ts'
import type { SinkEngineEvents } from './engine-events.ts'
import type { EngineLife, SinkEngineState } from './engine-life.ts'
import type { EngineParts } from './engine-parts.ts'
import type { FailureResolution, Ledger, PruneOptions, PruneSummary } from './ledger.ts'
import type { SinkEngineOptions, TableName } from './options.ts'
import type { QueryOptions, QueryParameters } from './queries.ts'
import { unlessAborted } from './race.ts'
import type { Receipt } from './receipt.ts'
import { type ResolvedOptions, resolveOptions } from './resolved-options.ts'
import { startWorker } from './started-worker.ts'
import type { SinkTable } from './table.ts'
import type { TableWrites } from './table-writes.ts'
import type { SinkStats, Telemetry } from './telemetry.ts'
import type { WriteColumnsOptions, WriteOptions } from './write-options.ts'

// What it is made of is loaded while the worker starts, so nothing but types of that is imported here.

/**
 * Writes batches of records into one DuckDB database, each batch as one unit, from a worker thread of its own.
 *
 * @example
 * ```ts
 * const engine = await SinkEngine.open({ path: 'hits.duckdb' })
 * const receipt = await engine.table<Hit>('hits').write(hits)
 * await engine.close()
 * ```
 */
export class SinkEngine extends EventEmitter<SinkEngineEvents> implements AsyncDisposable {
  readonly #telemetry: Telemetry
  readonly #parts: EngineParts
  readonly #life: EngineLife
  readonly #writes: TableWrites

  private constructor(assemble: (engine: SinkEngine) => EngineAssembly) {
    super()
    const { telemetry, parts, life, writes } = assemble(this)
    this.#telemetry = telemetry
    this.#parts = parts
    this.#life = life
    this.#writes = writes
  }

  /**
   * Starts the worker and opens the target; the tables that the options describe are made where they are absent.
   * @throws {@link InvalidOptionsError} with every wrong option at once.
   * @throws {@link TargetUnavailableError} where the target cannot be opened, another writer has it, or a kill has torn its last
   * checkpoint (`TARGET_TORN`, see {@link SinkEngineOptions.repairTornCheckpoint}).
   * @throws {@link SchemaError} where a table cannot be made, or is there with other columns than declared.
   */
  static async open(options: SinkEngineOptions): Promise<SinkEngine> {
    const resolved = resolveOptions(options)
    const engine = await SinkEngine.#assemble(resolved)
    await engine.#life.open(resolved.handleSignals)
    return engine
  }

  static async #assemble(options: ResolvedOptions): Promise<SinkEngine> {
    const worker = startWorker(options)
    try {
      const { assembleEngine } = await import('./engine-assembly.ts')
      return new SinkEngine((engine) => assembleEngine(engine, options, worker))
    } catch (error) {
      // it ends with its channel
      worker.port.close()
      throw error
    }
  }

  /**
   * A handle on a table, which need not exist yet.
   * @throws {@link InvalidOptionsError} where the name can be none.
   */
  table<T extends object = SinkRecord>(name: TableName): SinkTable<T> {
    return this.#writes.handle<T>(name)
  }

  /** Writes a batch, as {@link SinkTable.write} does. */
  write(table: TableName, records: readonly object[], options?: WriteOptions): Promise<Receipt> {
    return this.#writes.write(table, records, options)
  }

  /** Writes a batch of columns, as {@link SinkTable.writeColumns} does. */
  writeColumns(table: TableName, columns: SinkColumns, options?: WriteColumnsOptions): Promise<Receipt> {
    return this.#writes.writeColumns(table, columns, options)
  }

  /**
   * Runs one statement. A SELECT runs on a connection of its own, beside the writes, and sees every receipt given
   * before the call; other statements take their turn in the worker's queue, behind the writes that were sent to it.
   * Await the receipts of writes that such a statement must come after.
   *
   * Rows are plain objects: BIGINT and wider become bigint, DECIMAL its text, dates and timestamps `Date`.
   * @throws {@link StatementError} where DuckDB refuses the statement, or the engine does not run its kind.
   */
  async query<R extends object = SinkRecord>(
    sql: string,
    parameters?: QueryParameters,
    options: QueryOptions = {},
  ): Promise<R[]> {
    this.#life.requireOpen()
    return this.#parts.queries.run<R>(sql, parameters, options)
  }

  /**
   * Reads the records of a table that were set aside, the oldest first.
   * @throws {@link InvalidOptionsError} where an option is wrong.
   */
  async deadLetters(table: TableName, options: DeadLetterOptions = {}): Promise<DeadLetter[]> {
    this.#life.requireOpen()
    return this.#parts.deadLetters.read(this.#parts.tables.get(table), options)
  }

  /**
   * Writes records again that were set aside and takes their letters away, in one transaction; those that fail again
   * are letters again.
   * @throws {@link StatementError} where a letter was taken away by someone else meanwhile: nothing is done then.
   */
  async replayDeadLetters(table: TableName, options: ReplayOptions = {}): Promise<ReplaySummary> {
    this.#life.requireOpen()
    return this.#parts.deadLetters.replay(this.#parts.tables.get(table), options)
  }

  /**
   * The offset up to which a channel is committed, and from which on its source is to be read again after a restart;
   * `undefined` where nothing of it is.
   * @throws {@link InvalidOptionsError} where delivery is not exactly-once.
   */
  async committedOffset(channel: string): Promise<bigint | undefined> {
    return this.#requireLedger().committedOffset(channel)
  }

  /**
   * Lets a channel go on of which a batch was not written. After `skip` that batch is left out for good: its offset is
   * committed, and the caller sends what comes after it; what was only refused behind another one is never left out.
   * After `retry` the caller sends everything from {@link committedOffset} on. Where nothing of the channel has failed,
   * nothing is done.
   *
   * A batch that is simply written again, and those behind it after it, need no such call.
   * @throws {@link InvalidOptionsError} where delivery is not exactly-once.
   */
  async resolveFailure(channel: string, resolution: FailureResolution): Promise<void> {
    await this.#requireLedger().resolveFailure(channel, resolution)
  }

  /**
   * The receipt of the batch that was committed under a key; `undefined` where there is none, or it is forgotten.
   * @throws {@link InvalidOptionsError} where delivery is not exactly-once.
   */
  async receipt(key: string): Promise<Receipt | undefined> {
    return this.#requireLedger().receipt(key)
  }

  /**
   * Forgets what was committed before a time, but for the newest offset of each channel. A batch that comes again under
   * a forgotten key is written again.
   * @throws {@link InvalidOptionsError} where delivery is not exactly-once.
   */
  async pruneLedger(options: PruneOptions): Promise<PruneSummary> {
    return this.#requireLedger().prune(options)
  }

  get state(): SinkEngineState {
    return this.#life.state
  }

  /** Settled when the engine is closed, rejected when it has failed; it may be left unhandled. */
  get closed(): Promise<void> {
    return this.#life.closed
  }

  /** Settled while there is room for more; it may be left unhandled. */
  get ready(): Promise<void> {
    return this.#parts.admission.ready
  }

  /** True from the high-water mark on, half of either bound, and while the disk is full, until `'drain'`. */
  get writableNeedDrain(): boolean {
    return this.#parts.admission.underPressure
  }

  /** Encoded bytes that the engine holds. */
  get bufferedBytes(): number {
    return this.#parts.admission.bufferedBytes
  }

  /** Batches that were taken in and are not settled. */
  get bufferedBatches(): number {
    return this.#parts.admission.bufferedBatches
  }

  /** What the engine has done and what it holds. */
  stats(): SinkStats {
    const { bufferedBytes, bufferedBatches } = this.#parts.admission
    return {
      ...this.#telemetry.counts,
      bufferedBytes,
      bufferedBatches,
      pooledBytes: this.#parts.pool.byteLength,
    }
  }

  /** Resolves when all that was accepted before the call is settled, what collectors hold included. */
  async flush({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted()
    await unlessAborted(Promise.all([this.#parts.collectors.flush(), this.#parts.queue.flush()]), signal)
  }

  /**
   * Refuses further work, flushes the collectors, waits for every batch, checkpoints and closes; further calls wait
   * for the same end.
   * @throws {@link ClosedError} with code `CLOSE_TIMEOUT` after `timeoutMs`, with the number of batches left, which
   * the engine goes on with.
   */
  async close({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    await this.#life.close(timeoutMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #requireLedger(): Ledger {
    this.#life.requireOpen()
    if (this.#parts.ledger !== undefined) return this.#parts.ledger
    const message = `without deliveryMode 'exactly-once' there is no ledger: open the engine with it`
    throw new InvalidOptionsError(message, {}, 'INVALID_ARGUMENT')
  }
}
