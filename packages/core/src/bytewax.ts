import { InvalidOptionsError } from '@ducksink/worker'
import { SinkEngine } from './engine.ts'
import { OptionsCheck } from './options-check.ts'
import { readSource, requireIterable, type SourceSink } from './read-source.ts'
import { TimeSlice } from './time-slice.ts'

// The surface of bytewax.duckdb, under the same names: what its users know, on top of the engine.

const PARTITION = 'partition_0'

/**
 * A sink into one table of one DuckDB or MotherDuck database, with a single partition.
 *
 * @example
 * ```ts
 * const sink = new DuckDBSink('events.duckdb', 'events', 'CREATE TABLE events (id INTEGER)')
 * const partition = await sink.buildPart('out', 'partition_0')
 * await partition.writeBatch([[{ id: 1 }, { id: 2 }]])
 * await partition.close()
 * ```
 */
export class DuckDBSink {
  readonly #dbPath: string
  readonly #tableName: string
  readonly #createTableSql: string | undefined

  /** @param createTableSql - exactly one CREATE statement, run where the table is absent */
  constructor(dbPath: string, tableName = 'default_table', createTableSql?: string) {
    this.#dbPath = dbPath
    this.#tableName = tableName
    this.#createTableSql = createTableSql
  }

  /** The one partition that the sink has. */
  listParts(): ['partition_0'] {
    return [PARTITION]
  }

  /**
   * Opens the database, and makes the table where it is absent.
   * @throws what {@link SinkEngine.open} throws.
   */
  async buildPart(stepId: string, forPart: string, resumeState: null = null): Promise<DuckDBSinkPartition> {
    const check = new OptionsCheck()
    check.text('stepId', stepId)
    if (forPart !== PARTITION) check.problem(`forPart must be '${PARTITION}', the only partition`)
    if (resumeState !== null) check.problem('resumeState must be null: this sink keeps none')
    check.done('wrong arguments of buildPart')
    const engine = await openEngine(this.#dbPath, this.#tableName, this.#createTableSql)
    return new DuckDBSinkPartition(engine, this.#tableName)
  }
}

/** An open partition; made by {@link DuckDBSink.buildPart}. */
export class DuckDBSinkPartition {
  readonly #engine: SinkEngine
  readonly #tableName: string

  constructor(engine: SinkEngine, tableName: string) {
    this.#engine = engine
    this.#tableName = tableName
  }

  /**
   * Writes batches in order, each in a transaction of its own; after one that fails none is written.
   * @throws what {@link SinkEngine.write} throws.
   */
  async writeBatch(batches: readonly (readonly object[])[]): Promise<void> {
    for (const batch of batches) await this.#engine.write(this.#tableName, batch)
  }

  /** Always `null`: this sink keeps no state to resume from. */
  snapshot(): null {
    return null
  }

  /** Closes the database. */
  close(): Promise<void> {
    return this.#engine.close()
  }
}

/** Where and how {@link output} writes. */
export interface OutputOptions {
  readonly dbPath: string
  readonly tableName: string
  /** Exactly one CREATE statement, run where the table is absent. */
  readonly createTableSql?: string
  /**
   * Milliseconds that a key's first record waits for more of its key.
   * @defaultValue 1_000
   */
  readonly timeoutMs?: number
  /**
   * Records of one key that make a batch.
   * @defaultValue 122_880
   */
  readonly batchSize?: number
}

/** What {@link output} wrote. */
export interface OutputSummary {
  readonly rowCount: number
  readonly batchCount: number
  readonly durationMs: number
}

/**
 * Writes a stream of keyed records, gathered into batches each of which holds records of one key.
 *
 * @example
 * ```ts
 * await output('out', events, { dbPath: 'events.duckdb', tableName: 'events' })
 * ```
 * @throws what the first batch that fails was refused with; no batch is written after it.
 */
export async function output(
  stepId: string,
  up: AsyncIterable<[string, object]> | Iterable<[string, object]>,
  options: OutputOptions,
): Promise<OutputSummary> {
  const { timeoutMs, batchSize } = resolveOutputOptions(stepId, options)
  requireIterable('up', up)
  const { dbPath, tableName, createTableSql } = options
  const startedAt = performance.now()
  const engine = await openEngine(dbPath, tableName, createTableSql)
  const batches = new KeyedBatches(engine, tableName, timeoutMs, batchSize)
  try {
    await readSource(up, batches, batches.failed)
    await batches.finish()
  } finally {
    batches.cancel()
    await engine.close()
  }
  return {
    rowCount: batches.rowCount,
    batchCount: batches.batchCount,
    durationMs: performance.now() - startedAt,
  }
}

function openEngine(
  path: string,
  tableName: string,
  createTableSql: string | undefined,
): Promise<SinkEngine> {
  const table = createTableSql === undefined ? {} : { createTableSql }
  return SinkEngine.open({ path, tables: { [tableName]: table } })
}

function resolveOutputOptions(
  stepId: string,
  options: OutputOptions,
): Required<Pick<OutputOptions, 'timeoutMs' | 'batchSize'>> {
  const check = new OptionsCheck()
  const fields = ['dbPath', 'tableName', 'createTableSql', 'timeoutMs', 'batchSize']
  const given = check.object('options', options, fields)
  check.text('stepId', stepId)
  check.text('dbPath', given.dbPath)
  check.text('tableName', given.tableName)
  const timeoutMs = check.duration('timeoutMs', given.timeoutMs, 1_000)
  const batchSize = check.count('batchSize', given.batchSize, 122_880)
  check.done('wrong options of output')
  return { timeoutMs, batchSize }
}

interface KeyedBatch {
  readonly key: string
  readonly records: object[]
  readonly timer: NodeJS.Timeout
}

/**
 * Gathers records by key, and writes each key's when there are enough of them or the oldest has waited long enough.
 *
 * A batch is written when the one before it is committed, as the seed does it, so that none is written after one that
 * fails. Meanwhile the next is gathered, and not more.
 */
class KeyedBatches implements SourceSink<[string, object]> {
  readonly #engine: SinkEngine
  readonly #tableName: string
  readonly #timeoutMs: number
  readonly #batchSize: number
  readonly #gathering = new Map<string, KeyedBatch>()
  /** Batches that take no more records, in the order in which they are written. */
  readonly #due = new Set<KeyedBatch>()
  readonly #failed = new AbortController()
  readonly #slice = new TimeSlice()
  #pumping: Promise<void> | undefined
  #writing: Promise<void> | undefined
  #itemCount = 0
  rowCount = 0
  batchCount = 0

  constructor(engine: SinkEngine, tableName: string, timeoutMs: number, batchSize: number) {
    this.#engine = engine
    this.#tableName = tableName
    this.#timeoutMs = timeoutMs
    this.#batchSize = batchSize
    this.#slice.restart()
  }

  /** Aborted with the error of the first batch that fails. */
  get failed(): AbortSignal {
    return this.#failed.signal
  }

  take(item: [string, object]): boolean {
    const index = this.#itemCount++
    requirePair(item, index)
    const [key, record] = item
    const batch = this.#gathering.get(key) ?? this.#begin(key)
    batch.records.push(record)
    if (batch.records.length >= this.#batchSize) this.#end(batch)
    return this.#due.size === 0 && (index & 255) !== 255
  }

  async pause(): Promise<void> {
    while (this.#due.size > 0) await this.#writing
    // a source that never waits would keep the timers of the batches from their turn
    if (this.#slice.isSpent) await this.#slice.yield()
    this.failed.throwIfAborted()
  }

  /** Writes all that is gathered. */
  async finish(): Promise<void> {
    for (const batch of this.#gathering.values()) this.#end(batch)
    await this.#pumping
    this.failed.throwIfAborted()
  }

  /** Forgets what is not written yet. */
  cancel(): void {
    for (const { timer } of this.#gathering.values()) clearTimeout(timer)
    this.#gathering.clear()
    this.#due.clear()
  }

  #begin(key: string): KeyedBatch {
    const timer = setTimeout(() => this.#end(batch), this.#timeoutMs)
    const batch: KeyedBatch = { key, records: [], timer }
    this.#gathering.set(key, batch)
    return batch
  }

  #end(batch: KeyedBatch): void {
    clearTimeout(batch.timer)
    this.#gathering.delete(batch.key)
    if (this.failed.aborted) return
    this.#due.add(batch)
    this.#pumping ??= this.#pump()
  }

  async #pump(): Promise<void> {
    // also comes to those that are added while it goes on
    for (const batch of this.#due) {
      this.#due.delete(batch)
      this.#writing = this.#write(batch)
      await this.#writing
    }
    this.#pumping = undefined
  }

  async #write({ key, records }: KeyedBatch): Promise<void> {
    try {
      const { rowCount } = await this.#engine.write(this.#tableName, records, { key })
      this.rowCount += rowCount
      this.batchCount++
    } catch (error) {
      this.#failed.abort(error)
      this.cancel()
    }
  }
}

function requirePair(item: unknown, index: number): void {
  if (Array.isArray(item) && item.length === 2 && typeof item[0] === 'string') return
  throw new InvalidOptionsError(`item ${index} is not a [key, record] pair`, {}, 'INVALID_ARGUMENT')
}
