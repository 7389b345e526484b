import type { Checksum } from './checksum.ts'
import type { DatasetName } from './datasets.ts'

/** Who writes: this engine, what a user would take otherwise, and the limit. */
export type PeerName = 'ducksink' | 'sqlite' | 'appender' | 'cloned' | 'insert-select' | 'bytewax'

/** Whether a batch that comes again is written again; for ducksink alone. */
export type DeliveryMode = 'at-least-once' | 'exactly-once'

/** How many writes wait at a time; `'ready'` is as many as the peer lets. */
export type WritesWaiting = number | 'ready'

/** Write staged batches and time it; read by Node and Python peers alike. */
export interface WriteJob {
  readonly kind: 'write'
  readonly peer: PeerName
  /** `:memory:` or a file that does not exist yet. */
  readonly path: string
  readonly writesWaiting: WritesWaiting
  readonly deliveryMode: DeliveryMode
  readonly dataset: DatasetName
  readonly batchRows: number
  /** Batches written before anything is timed; at least one. */
  readonly warmupBatches: number
  /** Timed repetitions; the batches of each are staged right before it. */
  readonly iterations: number
  readonly batchesPerIteration: number
  readonly checksumSql: string
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

export type Job = WriteJob | StreamJob

/** What a peer's own main thread went through while it wrote. */
export interface MainThread {
  readonly cpuUsPerRecord: number
  /** Percentiles of the event loop's delay in milliseconds, the resolution of 1 ms included. */
  readonly delayP99Ms?: number
  readonly delayMaxMs?: number
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
  /** From the call of one write to its end. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly mainThread: MainThread
  readonly rssBytes: ResidentSet
  /** Read in the peer itself where nobody else can: in memory. */
  readonly checksum?: Checksum
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

export type Result = WriteResult | StreamResult
