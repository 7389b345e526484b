import type { Checksum } from './checksum.ts'
import type { Dataset } from './dataset.ts'
import type { Quantile } from './statistics.ts'

/** Who writes: this engine, what a user would take otherwise, and the limit. */
export type PeerName =
  | 'ducksink'
  | 'ducksink-columns'
  | 'sqlite'
  | 'appender'
  | 'cloned'
  | 'autocommit'
  | 'insert-select'
  | 'bytewax'

/** How ducksink is opened where it is not with its defaults; other peers pay no heed. */
export interface EngineSettings {
  /** Whether a batch that comes again is written again. */
  readonly deliveryMode?: 'at-least-once' | 'exactly-once'
  /** `false`: one transaction a write. */
  readonly groupCommit?: false
}

/** How many writes wait at a time; `'ready'` is as many as the peer lets. */
export type WritesWaiting = number | 'ready'

/** Write staged batches and time it; read by Node and Python peers alike. */
export interface WriteJob {
  readonly kind: 'write'
  readonly peer: PeerName
  /** `:memory:` or a file that does not exist yet. */
  readonly path: string
  readonly writesWaiting: WritesWaiting
  readonly engine: EngineSettings
  readonly dataset: Dataset
  readonly createTableSql: string
  readonly batchRows: number
  /** Batches written before anything is timed; at least one. */
  readonly warmupBatches: number
  /** Timed repetitions; the batches of each are staged right before it. */
  readonly iterations: number
  readonly batchesPerIteration: number
  /** The shares at which the latencies are read. */
  readonly latencyShares: readonly number[]
  readonly checksumSql: string
}

/** Open a file that does not exist yet, in a process that has just begun; ducksink writes one record besides. */
export interface OpenJob {
  readonly kind: 'open'
  readonly peer: 'ducksink' | 'duckdb'
  readonly path: string
}

/** Write a long stream of records through ducksink as fast as it lets, watching memory. */
export interface StreamJob {
  readonly kind: 'stream'
  readonly path: string
  readonly batchRows: number
  readonly batches: number
  /** Whether the app makes its records as it goes or writes the same batches over and over. */
  readonly records: 'fresh' | 'reused'
  /** How many batches there are to write over and over; about as many as are under way at a time. */
  readonly distinctBatches: number
}

export type Job = WriteJob | OpenJob | StreamJob

/** What a peer's own main thread went through while it wrote. */
export interface MainThread {
  readonly cpuUsPerRecord: number
  /** The event loop's delay, the resolution of 1 ms included. */
  readonly delayMs?: readonly Quantile[]
}

/** Resident set sizes in bytes: rows staged, all rows written, and the highest so far. */
interface ResidentSet {
  readonly staged: number
  readonly written: number
  readonly peak: number
}

export interface WriteResult {
  readonly kind: 'write'
  readonly rows: number
  /** The sum of all timed iterations. */
  readonly durationMs: number
  /** What closing took after them, which on a file includes the checkpoint of what its log holds. */
  readonly closeMs: number
  /** From the call of one write to its end. */
  readonly latencyMs: readonly Quantile[]
  readonly mainThread: MainThread
  readonly rssBytes: ResidentSet
  /** Read in the peer itself where nobody else can: in memory. */
  readonly checksum?: Checksum
  readonly versions: Readonly<Record<string, string>>
}

export interface OpenResult {
  readonly kind: 'open'
  /** From the first import of the peer to the receipt of its first record, or to a connection of DuckDB itself. */
  readonly durationMs: number
  readonly versions: Readonly<Record<string, string>>
}

/** One look at memory during a {@link StreamJob}. */
export interface MemorySample {
  readonly rows: number
  readonly elapsedMs: number
  readonly rssBytes: number
  /** What DuckDB says that it holds, its cache of the file among it; a part of the RSS. */
  readonly duckdbBytes: number
}

export interface StreamResult {
  readonly kind: 'stream'
  readonly rows: number
  readonly durationMs: number
  readonly mainThread: MainThread
  /** RSS before the engine is opened, when the app has made records of its own. */
  readonly startRssBytes: number
  readonly memoryLimitBytes: number
  readonly samples: readonly MemorySample[]
  readonly versions: Readonly<Record<string, string>>
}

export type Result = WriteResult | OpenResult | StreamResult
