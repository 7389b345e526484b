import { EventEmitter } from 'node:events'
import {
  type ChannelOffset,
  ClosedError,
  errorFromData,
  InvalidOptionsError,
  type SinkError,
  TargetUnavailableError,
  type WorkerEvent,
} from '@ducksink/worker'
import { Admission } from './admission.ts'
import { BufferPool } from './buffer-pool.ts'
import type { SinkRecord } from './collect-options.ts'
import { Collectors } from './collectors.ts'
import {
  type DeadLetter,
  type DeadLetterOptions,
  DeadLetters,
  type ReplayOptions,
  type ReplaySummary,
} from './dead-letters.ts'
import { Degraded } from './degraded.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { Encoders, type RecordsContext } from './encoders.ts'
import type { SinkEngineEvents } from './engine-events.ts'
import { type FailureResolution, Ledger, type PruneOptions, type PruneSummary } from './ledger.ts'
import { SinkLog } from './log.ts'
import {
  closeTimeout,
  type ResolvedOptions,
  resolveOptions,
  type SinkEngineOptions,
  type TableName,
} from './options.ts'
import { Queries, type QueryOptions, type QueryParameters } from './queries.ts'
import { unlessAborted, unlessTimedOut } from './race.ts'
import type { Receipt, WriteOutcome } from './receipt.ts'
import { RecordsSource } from './records-source.ts'
import { Recovery, type RestartEvent } from './recovery.ts'
import { handleSignals } from './signals.ts'
import { type SinkTable, TableHandle } from './table.ts'
import { Tables } from './tables.ts'
import { Target } from './target.ts'
import { type SinkStats, Telemetry } from './telemetry.ts'
import { TimeSlice } from './time-slice.ts'
import { unlessWorkerDied, WorkerClient } from './worker-client.ts'
import { type WorkerDeath, WorkerGoneError } from './worker-thread.ts'
import { checkWriteOptions, type WriteOptions } from './write-options.ts'
import { WriteQueue } from './write-queue.ts'

/**
 * Where an engine is in its life; while it is `degraded` it has no worker, or its disk is full: writes are taken in, and
 * wait for the next worker, or for room.
 */
export type SinkEngineState = 'open' | 'degraded' | 'closing' | 'closed' | 'failed'

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
  readonly #options: ResolvedOptions
  readonly #telemetry: Telemetry
  readonly #client: WorkerClient
  readonly #target: Target
  readonly #recovery: Recovery
  readonly #admission: Admission
  readonly #pool: BufferPool
  readonly #queue: WriteQueue
  readonly #tables: Tables
  readonly #queries: Queries
  readonly #records: RecordsContext
  readonly #collectors: Collectors
  readonly #deadLetters: DeadLetters
  /** Present where delivery is exactly-once. */
  readonly #ledger: Ledger | undefined
  readonly #degraded: Degraded
  readonly #opened: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly #closed: PromiseWithResolvers<void> = Promise.withResolvers()
  #state: SinkEngineState = 'open'
  #failure: SinkError | undefined
  #closing: Promise<void> | undefined
  #ignoreSignals: () => void = () => undefined

  private constructor(options: ResolvedOptions) {
    super()
    this.#options = options
    this.#telemetry = new Telemetry(new SinkLog(options.logger))
    const { path, config, groupCommit, deliveryMode, createWorker, hangTimeoutMs } = options
    const { checkpointBytes, degradedTimeoutMs } = options
    const { minLogLevel } = this.#telemetry
    this.#client = new WorkerClient(
      { minLogLevel, createWorker, hangTimeoutMs, onEvent: (event) => this.#onWorkerEvent(event) },
      { onSuspend: () => this.#onSuspend(), onDeath: (death) => this.#onDeath(death) },
    )
    this.#admission = new Admission(options, {
      onPressure: (on) => this.#onPressure(on),
      onStandstill: () => this.#relieve(),
    })
    // as much as is under way to the worker and back at full speed
    this.#pool = new BufferPool(Math.min(options.maxBufferedBytes, 16 * 2 ** 20))
    const slice = new TimeSlice()
    this.#records = { slice, encoders: new Encoders((bytes) => this.#pool.take(bytes)) }
    this.#queue = new WriteQueue({
      client: this.#client,
      admission: this.#admission,
      pool: this.#pool,
      records: this.#records,
      outcomeOf: (write) => this.#recovery.outcomeOf(write),
      maxGroupBatches: groupCommit === false ? 1 : groupCommit.maxBatches,
      onSettled: (outcome) => this.#onSettled(outcome),
    })
    this.#degraded = new Degraded({
      ...{ admission: this.#admission, queue: this.#queue, client: this.#client },
      timeoutMs: degradedTimeoutMs,
    })
    if (options.deliveryMode === 'exactly-once') this.#ledger = this.#createLedger()
    this.#collectors = new Collectors({
      admission: this.#admission,
      pool: this.#pool,
      records: this.#records,
      maxBufferedBytes: options.maxBufferedBytes,
      channels: this.#ledger?.channels,
      send: (source, delivery) => this.#queue.writeCollected(source, delivery),
      onDuplicateRecord: () => this.#telemetry.duplicateRecord(),
      onUnhandledFailure: (error) => this.#emitError(error),
    })
    this.#tables = new Tables(options.tables, {
      prepareTable: (setup) => this.#client.call('prepareTable', setup),
      evolveTable: (evolution) => {
        // batches that are encoded for the columns there were come before
        this.#queue.sendWaiting()
        return this.#client.call('evolveTable', evolution)
      },
    })
    const tables = this.#tables.setups()
    this.#target = new Target({
      ...{ path, config, groupCommit, deliveryMode, tables },
      ...{ checkpointBytes, degradedTimeoutMs },
    })
    this.#recovery = new Recovery({
      client: this.#client,
      target: this.#target,
      restart: options.restart,
      sequence: () => this.#queue.lastSequence,
      onRestart: (event, committedOffsets) => this.#onRestart(event, committedOffsets),
      onFailure: (error) => this.#fail(error),
    })
    this.#queries = new Queries(this.#client, () => this.#tables.invalidate())
    this.#deadLetters = new DeadLetters({
      records: this.#records,
      catalog: () => this.#target.catalog,
      query: (sql) => this.#queries.run<SinkRecord>(sql, undefined, {}),
      prepareTable: (setup) => this.#client.call('prepareTable', setup),
      write: (source) => this.#queue.write(source, {}),
    })
    this.#closed.promise.catch(() => undefined)
  }

  /**
   * Starts the worker and opens the target; the tables that the options describe are made where they are absent.
   * @throws {@link InvalidOptionsError} with every wrong option at once.
   * @throws {@link TargetUnavailableError} where the target cannot be opened, or another writer has it.
   * @throws {@link SchemaError} where a table cannot be made, or is there with other columns than declared.
   */
  static async open(options: SinkEngineOptions): Promise<SinkEngine> {
    const engine = new SinkEngine(resolveOptions(options))
    await engine.#open()
    return engine
  }

  /**
   * A handle on a table, which need not exist yet.
   * @throws {@link InvalidOptionsError} where the name can be none.
   */
  table<T extends object = SinkRecord>(name: TableName): SinkTable<T> {
    const state = this.#tables.get(name)
    return new TableHandle<T>({
      write: (records, options) => this.write(name, records, options),
      collect: (options) => {
        this.#requireOpen()
        return this.#collectors.create<T>(state, options)
      },
    })
  }

  /** Writes a batch, as {@link SinkTable.write} does. */
  async write(table: TableName, records: readonly object[], options: WriteOptions = {}): Promise<Receipt> {
    this.#requireOpen()
    if (!Array.isArray(records)) {
      throw new InvalidOptionsError('records must be an array', {}, 'INVALID_ARGUMENT')
    }
    checkWriteOptions(options, this.#options.deliveryMode)
    const state = this.#tables.get(table)
    if (this.#ledger !== undefined) return this.#ledger.write(state, records, options)
    const source = new RecordsSource(state, records as FieldRecord[], this.#records)
    return this.#queue.write(source, options)
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
    this.#requireOpen()
    return this.#queries.run<R>(sql, parameters, options)
  }

  /**
   * Reads the records of a table that were set aside, the oldest first.
   * @throws {@link InvalidOptionsError} where an option is wrong.
   */
  async deadLetters(table: TableName, options: DeadLetterOptions = {}): Promise<DeadLetter[]> {
    this.#requireOpen()
    return unlessWorkerDied(this.#deadLetters.read(this.#tables.get(table), options))
  }

  /**
   * Writes records again that were set aside and takes their letters away, in one transaction; those that fail again
   * are letters again.
   * @throws {@link StatementError} where a letter was taken away by someone else meanwhile: nothing is done then.
   */
  async replayDeadLetters(table: TableName, options: ReplayOptions = {}): Promise<ReplaySummary> {
    this.#requireOpen()
    return unlessWorkerDied(this.#deadLetters.replay(this.#tables.get(table), options))
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
   * committed, and the caller sends what comes after it. After `retry` the caller sends everything from
   * {@link committedOffset} on. Where nothing of the channel has failed, nothing is done.
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
    return this.#state === 'open' && this.#degraded.isOn ? 'degraded' : this.#state
  }

  /** Settled when the engine is closed, rejected when it has failed; it may be left unhandled. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Settled while there is room for more; it may be left unhandled. */
  get ready(): Promise<void> {
    return this.#admission.ready
  }

  /** True from the high-water mark on, half of either bound, and while the disk is full, until `'drain'`. */
  get writableNeedDrain(): boolean {
    return this.#admission.underPressure
  }

  /** Encoded bytes that the engine holds. */
  get bufferedBytes(): number {
    return this.#admission.bufferedBytes
  }

  /** Batches that were taken in and are not settled. */
  get bufferedBatches(): number {
    return this.#admission.bufferedBatches
  }

  /** What the engine has done and what it holds. */
  stats(): SinkStats {
    const { bufferedBytes, bufferedBatches } = this.#admission
    return { ...this.#telemetry.counts, bufferedBytes, bufferedBatches, pooledBytes: this.#pool.byteLength }
  }

  /** Resolves when all that was accepted before the call is settled, what collectors hold included. */
  async flush({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted()
    await unlessAborted(Promise.all([this.#collectors.flush(), this.#queue.flush()]), signal)
  }

  /**
   * Refuses further work, flushes the collectors, waits for every batch, checkpoints and closes; further calls wait
   * for the same end.
   * @throws {@link ClosedError} with code `CLOSE_TIMEOUT` after `timeoutMs`, with the number of batches left, which
   * the engine goes on with.
   */
  async close({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    const limitMs = closeTimeout(timeoutMs)
    this.#closing ??= this.#close()
    await unlessTimedOut(this.#closing, limitMs, () => {
      const left = this.#queue.unsettledCount
      return new ClosedError(`close() ran into its deadline with ${left} batches left`, {}, 'CLOSE_TIMEOUT')
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(): Promise<void> {
    try {
      const { committedOffsets, sequence } = await this.#target.open(this.#client)
      this.#queue.lastSequence = sequence
      await this.#ledger?.begin(committedOffsets)
      const signals = this.#options.handleSignals
      if (signals !== false) this.#ignoreSignals = handleSignals(() => this.close(signals))
      this.#opened.resolve()
    } catch (error) {
      this.#state = 'failed'
      await this.#client.end()
      this.#target.releaseLock()
      if (!(error instanceof WorkerGoneError)) throw error
      throw new TargetUnavailableError(`the worker did not start: ${error.message}`, { cause: error })
    }
  }

  async #close(): Promise<void> {
    if (this.#state === 'failed') {
      // its failure was told when it happened; what collectors hold is handed back
      await this.#collectors.close()
      await this.#client.end()
      return
    }
    this.#state = 'closing'
    if (this.#degraded.isOn) this.#degraded.giveUp()
    await this.#collectors.close()
    await this.#queue.flush()
    await this.#queries.idle()
    this.#recovery.stop()
    await this.#closeTarget()
    await this.#client.end()
    this.#target.releaseLock()
    this.#ignoreSignals()
    if (this.#failure !== undefined) throw this.#failure
    this.#state = 'closed'
    this.#closed.resolve()
    this.emit('close')
  }

  async #closeTarget(): Promise<void> {
    try {
      const reply = await this.#client.call('close')
      if (reply.status === 'failed') this.#fail(errorFromData(reply.error))
    } catch (error) {
      // the worker's death is a failure already
      if (!(error instanceof WorkerGoneError) && error !== this.#failure) throw error
    }
  }

  #createLedger(): Ledger {
    return new Ledger({
      ...{ client: this.#client, records: this.#records },
      catalog: () => this.#target.catalog,
      offsets: () => this.#tables.offsets,
      write: (source, options, delivery) => this.#queue.write(source, options, delivery),
      lastSequence: () => this.#queue.lastSequence,
      sendWaiting: () => this.#queue.sendWaiting(),
      sendGathered: () => void this.#collectors.flush(),
      query: (sql, parameters) => this.#queries.run(sql, parameters, {}),
      onSettled: (outcome) => this.#onSettled(outcome),
    })
  }

  #requireLedger(): Ledger {
    this.#requireOpen()
    if (this.#ledger !== undefined) return this.#ledger
    const message = `without deliveryMode 'exactly-once' there is no ledger: open the engine with it`
    throw new InvalidOptionsError(message, {}, 'INVALID_ARGUMENT')
  }

  #requireOpen(): void {
    if (this.#state === 'open' || this.#state === 'degraded') return
    throw this.#failure ?? new ClosedError(`the engine is ${this.#state}`)
  }

  // an 'error' that nobody listens to ends the process, as anywhere in Node; not inside a promise, which would hide it
  #emitError(error: SinkError): void {
    process.nextTick(() => this.emit('error', error))
  }

  #onSettled(outcome: WriteOutcome): void {
    this.#telemetry.settled(outcome)
    if (outcome.status === 'failed' || outcome.receipt.duplicate) return
    if (outcome.receipt.deadLetterCount === 0) return
    const { table, receipt } = outcome
    const event = { table, count: receipt.deadLetterCount, key: receipt.key }
    process.nextTick(() => this.emit('deadLetter', event))
  }

  #onPressure(on: boolean): void {
    this.#telemetry.pressure(on, this.#admission)
    if (!on) process.nextTick(() => this.emit('drain'))
  }

  /** Makes the collectors send what they have, where that is still needed when the push or reply at hand is done. */
  #relieve(): void {
    process.nextTick(() => {
      if (this.#admission.isAtStandstill) this.#collectors.relieve()
    })
  }

  #onWorkerEvent(event: WorkerEvent): void {
    this.#telemetry.workerEvent(event)
    if (event.type === 'locked') this.#target.onLocked(event.path)
    if (event.type === 'degraded') this.#degrade(event.path)
    if (event.type === 'recovered') this.#degraded.end()
    if (event.type !== 'schemaChange') return
    // tables that are made while the engine opens: nobody can listen before it is open
    void this.#opened.promise.then(() => setImmediate(() => this.emit('schemaChange', event.change)))
  }

  #degrade(path: string): void {
    this.#degraded.begin(path)
    if (this.#state === 'closing') this.#degraded.giveUp()
    process.nextTick(() => this.emit('degraded', { reason: 'disk-full', path }))
  }

  /** The worker has ended or will: what is called from now on waits for another. */
  #onSuspend(): void {
    // the next one finds out by itself
    this.#degraded.end()
    if (this.#state === 'open') this.#state = 'degraded'
    this.#admission.suspend(true)
  }

  #onDeath(death: WorkerDeath): void {
    this.#telemetry.death(death.reason)
    void this.#recovery.begin(death)
  }

  #onRestart(event: RestartEvent, committedOffsets: readonly ChannelOffset[]): void {
    this.#ledger?.channels.learn(committedOffsets)
    if (this.#state === 'degraded') this.#state = 'open'
    // its layouts are numbered anew
    this.#tables.invalidate()
    this.#telemetry.restart(event)
    this.#admission.suspend(false)
    process.nextTick(() => this.emit('restart', event))
  }

  #fail(error: SinkError): void {
    if (this.#state === 'failed' || this.#state === 'closed') return
    this.#failure = error
    this.#state = 'failed'
    this.#client.fail(error)
    this.#ignoreSignals()
    this.#queue.fail(error)
    this.#admission.fail(error)
    this.#closed.reject(error)
    // `closed` and every later call carry it, so an app that does not listen need not die of it
    if (this.listenerCount('error') > 0) this.#emitError(error)
  }
}
