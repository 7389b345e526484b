import type { ChannelOffset, SinkError, WorkerEvent } from '@ducksink/worker'
import { Admission } from './admission.ts'
import { BufferPool } from './buffer-pool.ts'
import type { SinkRecord } from './collect-options.ts'
import { Collectors } from './collectors.ts'
import { DeadLetters } from './dead-letters.ts'
import { Degraded } from './degraded.ts'
import { Encoders, type RecordsContext } from './encoders.ts'
import type { EngineNews } from './engine-news.ts'
import { Ledger } from './ledger.ts'
import { Queries } from './queries.ts'
import { Recovery, type RestartEvent } from './recovery.ts'
import type { ResolvedOptions } from './resolved-options.ts'
import type { StartedWorker } from './started-worker.ts'
import { Tables } from './tables.ts'
import { Target } from './target.ts'
import { TimeSlice } from './time-slice.ts'
import { WorkerClient } from './worker-client.ts'
import { WriteQueue } from './write-queue.ts'

/** Who is told of what changes the life of an engine. */
export interface PartsEvents {
  /** The worker has ended or will: what is called from now on waits for another. */
  readonly onSuspend: () => void
  readonly onRestart: (event: RestartEvent, committedOffsets: readonly ChannelOffset[]) => void
  readonly onDiskFull: (path: string) => void
  /** The engine cannot go on. */
  readonly onFailure: (error: SinkError) => void
}

/** What an engine is made of, each part given the others that it works with. */
export class EngineParts {
  readonly client: WorkerClient
  readonly target: Target
  readonly recovery: Recovery
  readonly admission: Admission
  readonly pool: BufferPool
  readonly records: RecordsContext
  readonly queue: WriteQueue
  readonly tables: Tables
  readonly queries: Queries
  readonly collectors: Collectors
  readonly deadLetters: DeadLetters
  /** Present where delivery is exactly-once. */
  readonly ledger: Ledger | undefined
  readonly degraded: Degraded
  readonly #options: ResolvedOptions
  readonly #news: EngineNews
  readonly #events: PartsEvents

  /** @param first - the worker that is to open the target */
  constructor(options: ResolvedOptions, news: EngineNews, events: PartsEvents, first: StartedWorker) {
    this.#options = options
    this.#news = news
    this.#events = events
    this.client = this.#createClient(first)
    this.admission = new Admission(options, {
      onPressure: (on) => news.pressure(on, this.admission),
      onStandstill: () => this.#relieve(),
    })
    // as much as is under way to the worker and back at full speed
    this.pool = new BufferPool(Math.min(options.maxBufferedBytes, 16 * 2 ** 20))
    const slice = new TimeSlice()
    this.records = { slice, encoders: new Encoders((bytes) => this.pool.take(bytes)) }
    this.queue = this.#createQueue()
    this.degraded = new Degraded({
      ...{ admission: this.admission, queue: this.queue, client: this.client },
      timeoutMs: options.degradedTimeoutMs,
    })
    if (options.deliveryMode === 'exactly-once') this.ledger = this.#createLedger()
    this.collectors = this.#createCollectors()
    this.tables = this.#createTables()
    this.target = this.#createTarget()
    this.recovery = this.#createRecovery()
    this.queries = new Queries(this.client, () => this.tables.invalidate())
    this.deadLetters = this.#createDeadLetters()
  }

  #createClient(first: StartedWorker): WorkerClient {
    return new WorkerClient(
      {
        logger: this.#options.logger,
        createWorker: this.#options.createWorker,
        hangTimeoutMs: hangTimeout(this.#options),
        onEvent: (event) => this.#onWorkerEvent(event),
      },
      {
        onSuspend: () => this.#events.onSuspend(),
        onDeath: (death) => {
          this.#news.death(death.reason)
          void this.recovery.begin(death)
        },
      },
      first,
    )
  }

  #createQueue(): WriteQueue {
    const { groupCommit } = this.#options
    return new WriteQueue({
      ...{ client: this.client, admission: this.admission, pool: this.pool, records: this.records },
      outcomeOf: (write) => this.recovery.outcomeOf(write),
      maxGroupBatches: groupCommit === false ? 1 : groupCommit.maxBatches,
      onSettled: (outcome) => this.#news.settled(outcome),
    })
  }

  #createLedger(): Ledger {
    return new Ledger({
      ...{ client: this.client, records: this.records, admission: this.admission },
      catalog: () => this.target.catalog,
      offsets: () => this.tables.offsets,
      write: (source, options, delivery) => this.queue.write(source, options, delivery),
      leaveOut: (source, delivery) => this.queue.leaveOut(source, delivery),
      track: (ended) => this.queue.track(ended),
      lastSequence: () => this.queue.lastSequence,
      sendWaiting: () => this.queue.sendWaiting(),
      sendGathered: () => void this.collectors.flush(),
      query: (sql, parameters) => this.queries.run(sql, parameters, {}),
      onSettled: (outcome) => this.#news.settled(outcome),
    })
  }

  #createCollectors(): Collectors {
    return new Collectors({
      ...{ admission: this.admission, pool: this.pool, records: this.records },
      maxBufferedBytes: this.#options.maxBufferedBytes,
      channels: this.ledger?.channels,
      send: (source, delivery) => this.queue.writeCollected(source, delivery),
      onDuplicateRecord: () => this.#news.duplicateRecord(),
      onUnhandledFailure: (error) => this.#news.error(error),
    })
  }

  #createTables(): Tables {
    return new Tables(this.#options.tables, {
      catalog: () => this.target.catalog,
      prepareTable: (setup) => this.client.call('prepareTable', setup),
      evolveTable: (evolution) => {
        // batches that are encoded for the columns there were come before
        this.queue.sendWaiting()
        return this.client.call('evolveTable', evolution)
      },
    })
  }

  #createTarget(): Target {
    const { path, config, groupCommit, deliveryMode } = this.#options
    const { checkpointBytes, repairTornCheckpoint, degradedTimeoutMs } = this.#options
    return new Target({
      ...{ path, config, groupCommit, deliveryMode, tables: this.tables.setups() },
      ...{ checkpointBytes, repairTornCheckpoint, degradedTimeoutMs },
    })
  }

  #createRecovery(): Recovery {
    return new Recovery({
      ...{ client: this.client, target: this.target, restart: this.#options.restart },
      sequence: () => this.queue.lastSequence,
      onRestart: (event, committedOffsets) => {
        this.degraded.end()
        this.#events.onRestart(event, committedOffsets)
      },
      onDiskFull: () => this.#events.onDiskFull(this.target.path),
      onFailure: this.#events.onFailure,
    })
  }

  #createDeadLetters(): DeadLetters {
    return new DeadLetters({
      records: this.records,
      catalog: () => this.target.catalog,
      query: (sql) => this.queries.run<SinkRecord>(sql, undefined, {}),
      prepareTable: (setup) => this.client.call('prepareTable', setup),
      write: (source) => this.queue.write(source, {}),
    })
  }

  #onWorkerEvent(event: WorkerEvent): void {
    this.#news.workerEvent(event)
    if (event.type === 'locked') this.target.onLocked(event.path)
    if (event.type === 'degraded') this.#events.onDiskFull(event.path)
    if (event.type === 'recovered') this.degraded.end()
  }

  /** Makes the collectors send what they have, where that is still needed when the push or reply at hand is done. */
  #relieve(): void {
    process.nextTick(() => {
      if (this.admission.isAtStandstill) this.collectors.relieve()
    })
  }
}

/** How long nothing may come from the worker: where writes wait for others to share their commit, that is no hang. */
function hangTimeout({ hangTimeoutMs, groupCommit }: ResolvedOptions): number {
  return hangTimeoutMs === 0 || groupCommit === false ? hangTimeoutMs : hangTimeoutMs + groupCommit.maxDelayMs
}
