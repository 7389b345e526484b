import type { ErrorData } from './errors.ts'
import type { InsertAnswer, InsertReply, InsertRequest } from './insert-messages.ts'
import type { ChannelOffset, LedgerReply, PruneReply } from './ledger-messages.ts'
import type { PrepareReply, SchemaChange, TableEvolution, TableSetup } from './table-messages.ts'

// What main and worker say to each other. Requests are calls over Comlink, of the methods of `SinkApi` and no
// others; replies are data, errors included, because Comlink strips a thrown error of its class and code.
// Events go from the worker to main alone, over the worker's own port. Beside this file are the messages about tables,
// about the parts of a write, and about the ledger.

/** Whether a write that comes again is written again. */
export type DeliveryMode = 'at-least-once' | 'exactly-once'

export interface OpenRequest {
  readonly path: string
  readonly config: Readonly<Record<string, string>>
  readonly tables: readonly TableSetup[]
  readonly groupCommit: GroupCommit | false
  readonly deliveryMode: DeliveryMode
  /** Bytes of the write-ahead log from which on it is checkpointed. */
  readonly checkpointBytes: number
  /** Whether a block of metadata that a kill has left torn is given the checksum that it should have. */
  readonly repairTornCheckpoint: boolean
  /** How long what waits while the disk is full may wait. */
  readonly degradedTimeoutMs: number
  /** Names this engine in the lock file. */
  readonly lockNonce: string
  /** Where the engine's last worker has died: what this one numbers comes after what that one did. */
  readonly resume?: ResumePoint
}

/** A file that was open: by its path, and what tells it from any other there. */
export interface OpenedFile {
  readonly path: string
  readonly id: string | undefined
}

/** Where a worker goes on that takes the place of another. */
export interface ResumePoint {
  /** The file that is the target; absent where it is none. */
  readonly file: OpenedFile | undefined
  /** The id of the first layout. */
  readonly layoutId: number
  /** The sequence of the commit before the first. */
  readonly sequence: number
}

/** How many waiting writes share a commit, and how long the first of them waits for more. */
export interface GroupCommit {
  readonly maxBatches: number
  readonly maxDelayMs: number
}

export type OpenReply =
  | {
      readonly status: 'open'
      readonly target: TargetInfo
      /** The highest committed offset of each channel; empty unless delivery is exactly-once. */
      readonly committedOffsets: readonly ChannelOffset[]
      /** That of the last commit: of the ledger, or of the worker before this one. */
      readonly sequence: number
    }
  | { readonly status: 'failed'; readonly error: ErrorData }

/** What was opened; `path` shows no secret. */
export interface TargetInfo {
  readonly path: string
  readonly catalog: string
  readonly duckdbVersion: string
  /** Tells the file from any other that may come to have its path; absent where the target is none. */
  readonly fileId: string | undefined
  /** True where what is committed outlives the worker, so that another can go on with it. */
  readonly isDurable: boolean
}

export interface QueryRequest {
  readonly queryId: number
  readonly sql: string
  readonly parameters: readonly unknown[] | Readonly<Record<string, unknown>> | undefined
}

export type QueryReply =
  | { readonly status: 'rows'; readonly rows: readonly object[]; readonly changedSchema: boolean }
  | { readonly status: 'failed'; readonly error: ErrorData }

export type CloseReply =
  | { readonly status: 'closed' }
  | { readonly status: 'failed'; readonly error: ErrorData }

/** Every method that main may call. */
export interface SinkApi {
  open(request: OpenRequest): Promise<OpenReply>
  /** The columns of a table, which is made first where `setup` says how. */
  prepareTable(setup: TableSetup): Promise<PrepareReply>
  /** Adds columns and widens types, all of it or nothing; the columns after. */
  evolveTable(evolution: TableEvolution): Promise<PrepareReply>
  /** Takes parts in order; the answer is given when all of them have theirs, or one of them is to be run again. */
  insert(requests: readonly InsertRequest[]): Promise<readonly InsertAnswer[]>
  /** The reply to a part that was deferred. */
  insertReply(writeId: number): Promise<InsertReply>
  /** Rolls back a write whose last part will not come; resolves when nothing of it is left. */
  abandon(writeId: number): Promise<void>
  /**
   * Takes a write back that is not committing yet: those of its parts that wait, or are inserted, are answered
   * `cancelled`; of one that is over, or that can no longer be told from others of its group, nothing changes. True
   * where it was taken out of the queue as a whole: its answer says no more, and may come with those of others.
   */
  cancel(writeId: number): Promise<boolean>
  /** Refuses what waits for room on the disk, and what comes until there is some. */
  refuseHeld(): Promise<void>
  query(request: QueryRequest): Promise<QueryReply>
  /**
   * What the ledger has for each of these keys, after all that was sent before; where it serves writes, it does not wait
   * behind one that is to be begun again.
   */
  readLedger(keys: readonly string[], servesWrites?: boolean): Promise<LedgerReply>
  /** Forgets the keys and offsets that were committed before a time, in ms since 1970, but each channel's newest. */
  pruneLedger(beforeMs: number): Promise<PruneReply>
  cancelQuery(queryId: number): Promise<void>
  /** Checkpoints, closes the target and releases its lock. */
  close(): Promise<CloseReply>
}

/** The names of {@link SinkApi}'s methods; a call of anything else is dropped. */
export const SINK_METHODS: readonly (keyof SinkApi)[] = [
  'open',
  'prepareTable',
  'evolveTable',
  'insert',
  'insertReply',
  'abandon',
  'cancel',
  'refuseHeld',
  'query',
  'readLedger',
  'pruneLedger',
  'cancelQuery',
  'close',
]

/** A line of the worker's log. */
export interface LogLine {
  readonly level: 'info' | 'warn'
  readonly message: string
  /** Plain data: it is cloned on its way to the main thread. */
  readonly fields: Readonly<Record<string, unknown>>
}

export type WorkerEvent =
  | { readonly type: 'log'; readonly line: LogLine }
  | { readonly type: 'schemaChange'; readonly change: SchemaChange }
  /** The writing connection begins or ends what may take as long as it likes: a statement of the app, an ALTER. */
  | { readonly type: 'busy'; readonly isBusy: boolean }
  /** The target's lock file was taken. */
  | { readonly type: 'locked'; readonly path: string }
  /** The disk is full: what is to be written waits, and what is committed can be read. */
  | { readonly type: 'degraded'; readonly path: string }
  /** There is room on the disk again. */
  | { readonly type: 'recovered' }
  /** An error that the worker cannot survive; its thread exits after this. */
  | { readonly type: 'fatal'; readonly error: ErrorData }

/** What the worker is started with. */
export interface WorkerStart {
  /** Where Comlink's calls come in. */
  readonly port: import('node:worker_threads').MessagePort
  /** Lowest level that the worker logs, as in tslog: 0 silly to 6 fatal. */
  readonly minLogLevel: number
  /** Word 0 is 1 from the moment the worker has no DuckDB call in flight and never starts one again. */
  readonly stopped: SharedArrayBuffer
}

/** Sent to the worker's own port when the process is leaving: end what is in flight, then set `stopped`. */
export interface StopMessage {
  readonly type: 'stop'
}
