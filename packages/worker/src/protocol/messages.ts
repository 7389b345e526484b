import type { ErrorData, SinkErrorCode } from './errors.ts'
import type {
  ChannelOffset,
  CommittedWrite,
  LedgerEntry,
  LedgerReply,
  PruneReply,
  WriteIdentity,
} from './ledger-messages.ts'
import type { WholeColumn } from './whole-column.ts'
import type { RowRange } from './wire.ts'

// What main and worker say to each other. Requests are calls over Comlink, of the methods of `SinkApi` and no
// others; replies are data, errors included, because Comlink strips a thrown error of its class and code.
// Events go from the worker to main alone, over the worker's own port.

/** A table by its parts, dots and all; what is left out is the target's own catalog and schema `main`. */
export interface TableReference {
  readonly catalog?: string | undefined
  readonly schema?: string | undefined
  readonly name: string
}

/** A column as the catalog has it; `type` as DuckDB prints it. */
export interface TableColumn {
  readonly name: string
  readonly type: string
}

/** A column of a table that may have to be made. */
export interface DeclaredColumn extends TableColumn {
  readonly defaultSql?: string
}

/** The columns of a table at one time; `layoutId` names this state of it. */
export interface TableLayout {
  readonly layoutId: number
  readonly columns: readonly TableColumn[]
}

/** How a table is to be made where it is absent. */
export interface TableSetup {
  readonly table: TableReference
  readonly createTableSql?: string | undefined
  readonly columns?: readonly DeclaredColumn[] | undefined
  /** Where `columns` came from. */
  readonly origin: 'declared' | 'inferred'
  /** What of a table that is there may differ from declared columns, because it follows the data. */
  readonly evolves?: { readonly columns: boolean; readonly types: boolean } | undefined
}

/** How a table is to follow its data; what is so already is left as it is. */
export interface TableEvolution {
  readonly table: TableReference
  readonly add: readonly TableColumn[]
  readonly widen: readonly ColumnWidening[]
}

/** A column whose type is to become one that holds every value of the old. */
export interface ColumnWidening {
  readonly name: string
  /** The type it must still have, as DuckDB prints it. */
  readonly from: string
  readonly to: string
}

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

/** Where a worker goes on that takes the place of another. */
export interface ResumePoint {
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
  /** True where what is committed outlives the worker, so that another can go on with it. */
  readonly isDurable: boolean
}

export type PrepareReply =
  | { readonly status: 'present'; readonly layout: TableLayout }
  | { readonly status: 'absent' }
  | { readonly status: 'failed'; readonly error: ErrorData }

/**
 * What is done with a part whose rows are not simply inserted: those of them are that the table takes (`check`), rows
 * with the same values are deleted, or there are none, and the write is over (`commit`).
 */
export type PartAction = 'check' | 'delete' | 'commit'

/** One part of a write; a write of one part is both `first` and `last`. */
export interface InsertRequest {
  readonly writeId: number
  /** Absent where its rows are inserted: one more text would cost a small write 5 % of its time. */
  readonly action?: PartAction
  /** How often the write was begun before: 0, and one more each time that the worker answered `run-again`. */
  readonly run: number
  readonly layoutId: number
  /** The columns written, as indices into the layout; the others get their DEFAULT. */
  readonly columns: readonly number[]
  readonly buffer: ArrayBuffer
  /** The columns that travel beside the part; none of one to be checked. */
  readonly whole?: readonly WholeColumn[] | undefined
  /** What of the part is meant, where the worker has cut it (whole-parts.ts). */
  readonly chunks?: { readonly from: number; readonly to: number; readonly byteLength: number } | undefined
  /** The rows that are meant where the part was encoded for other writes as well: its buffer does not come back. */
  readonly rows?: (RowRange & { readonly byteLength: number }) | undefined
  readonly first: boolean
  readonly last: boolean
  readonly key: string | undefined
  /** On every part of a write that is to be there exactly once. */
  readonly identity?: WriteIdentity
  /** On the last part of such a write. */
  readonly entry?: LedgerEntry
}

/**
 * The buffer comes back to be used again, and with it the columns that were beside it.
 *
 * After `run-again` nothing of the write is there, and the worker takes no other until its first part comes once more
 * or it is abandoned, so that writes commit in their order.
 */
export type InsertReply = PartOutcome & { readonly whole?: readonly WholeColumn[] | undefined }

/** What has become of a part. */
export type PartOutcome =
  | {
      readonly status: 'inserted'
      readonly buffer: ArrayBuffer
      /** The rows of a part to `check` that were left out. */
      readonly refused: readonly RefusedRow[]
    }
  | {
      readonly status: 'committed'
      readonly buffer: ArrayBuffer
      readonly sequence: number
      /** Present where the write was committed before, and nothing was written now. */
      readonly duplicateOf?: CommittedWrite
    }
  | { readonly status: 'rolled-back'; readonly buffer: ArrayBuffer; readonly error: ErrorData }
  /** Nothing of the write is there, as main has asked for. */
  | { readonly status: 'cancelled'; readonly buffer: ArrayBuffer }
  | { readonly status: 'run-again'; readonly buffer: ArrayBuffer; readonly error: ErrorData }

/** A row that its table does not take; `row` counts from 0 in its part. */
export interface RefusedRow {
  readonly row: number
  readonly fault: RowFault
}

/** What is wrong with a row, in words that go after its place; no value is in them. */
export interface RowFault {
  readonly code: Extract<SinkErrorCode, 'CONSTRAINT_VIOLATED' | 'INVALID_VALUE'>
  readonly column: string | undefined
  /** The DuckDB type that a value could not become. */
  readonly expected: string | undefined
  readonly message: string
}

/** A reply, or word that it will be given to `insertReply`. */
export type InsertAnswer = InsertReply | { readonly status: 'deferred' }

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
   * `cancelled`; of one that is over, or that can no longer be told from others of its group, nothing changes.
   */
  cancel(writeId: number): Promise<void>
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

/** One change to a table's schema: a table made, a column added, or a column's type made wider. */
export interface SchemaChange {
  readonly table: TableReference
  readonly kind: 'create-table' | 'add-column' | 'alter-type'
  /** The columns that it is about as they were. */
  readonly before: readonly TableColumn[]
  /** The same as they are now. */
  readonly after: readonly TableColumn[]
  /** Where the columns came from. */
  readonly origin: 'declared' | 'inferred'
}

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
