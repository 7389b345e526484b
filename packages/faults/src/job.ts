import type { PayloadShape } from './payload.ts'

// What a parent tells the app that it starts, and what the app tells its parent.

/** How what is written is known again: by keys, by channels and offsets, or not at all. */
export type Mode = 'at-least-once' | 'keys' | 'channels'

/**
 * A place in the worker at which something is done, such as before its third COMMIT. The first worker's calls count once
 * the engine is open, those of a later one from its start.
 */
export interface Point {
  readonly statement: Statement
  /** A second one, where the deed is only told. */
  readonly also?: Statement
  readonly moment: 'before' | 'during' | 'after'
  /** Counts from 1; what is only told is told at each multiple. */
  readonly occurrence: number
  readonly deed: Deed
  /** Microseconds from the start of a call to the deed, where that is `during` it. */
  readonly delayUs?: number
}

/** Calls of DuckDB by the SQL they run; `chunk` hands rows to an INSERT, `reply` posts a receipt. */
export type Statement =
  | 'BEGIN'
  | 'INSERT'
  | 'ledger'
  | 'COMMIT'
  | 'ALTER'
  | 'CHECKPOINT'
  | 'chunk'
  | 'close'
  | 'reply'

/** What is done there. `tell` lets the main thread know. */
export type Deed =
  | 'kill'
  | 'throw'
  | 'reject'
  | 'close the port'
  | 'exit'
  | 'hang'
  | 'exhaust the heap'
  | 'abort'
  | 'tell'

/** How a worker is broken. */
export interface Breakage {
  readonly point?: Point
  /** A deliberately broken build, by its name. */
  readonly build?: string
}

/** What an app is to do. */
export interface AppJob {
  readonly path: string
  readonly mode: Mode
  readonly shape: PayloadShape
  /** The numbers of the batches, in the order in which they are written. */
  readonly batches: readonly number[]
  readonly maxInFlight: number
  readonly config: Readonly<Record<string, string>>
  /** How the first worker is broken, and each that is started after it; further ones are left alone. */
  readonly breakages: readonly Breakage[]
  /** Ends the app without `close()` once all is written. */
  readonly leavesOpen?: boolean
  /** Has the worker do something when nothing is under way after so many batches. */
  readonly idle?: { readonly afterBatches: number; readonly deed: Deed }
  /** Writes as fast as it can for so long, whatever the engine says. */
  readonly floodMs?: number
  /** Aborts the signals of a quarter of the writes within so many milliseconds, of a quarter as they are inserted, and of a quarter as they commit. */
  readonly abortWithinMs?: number
  readonly hangTimeoutMs?: number
  readonly degradedTimeoutMs?: number
  readonly maxBufferedBytes?: number
  /** Has a checkpoint that a kill has torn repaired. */
  readonly repairs?: boolean
}

/**
 * What else happens in an app. `unsettled`: a call of which it was told too late that its outcome is unknown;
 * `aborted`: a signal whose write was under way; `written`: all writes are settled; `flooded`: the figures of an
 * overload.
 */
export type EventName =
  | 'worker exit'
  | 'restart'
  | 'degraded'
  | 'failed'
  | 'error'
  | 'unsettled'
  | 'aborted'
  | 'written'
  | 'flooded'
  | 'close failed'

/** What an app tells; one JSON text a line, written before the app goes on. */
export type Report =
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'sent'; readonly batch: number }
  | {
      readonly kind: 'receipt'
      readonly batch: number
      readonly rowCount: number
      readonly deadLetterCount: number
      readonly duplicate: boolean
      readonly sequence: number
    }
  | {
      readonly kind: 'rejected'
      readonly batch: number
      readonly code: string
      /** True where the caller is told that nothing was written. */
      readonly isDefinite: boolean
      readonly message: string
    }
  | { readonly kind: 'event'; readonly name: EventName; readonly detail: string }
  | { readonly kind: 'closed' }

/** What a parent may tell its app later on. */
export type Order =
  /** Write nothing new, and close. */
  | { readonly order: 'finish' }
  /** To the worker, at whatever it is. */
  | { readonly order: 'do'; readonly deed: Deed }
  /** Ends the worker's thread from outside. */
  | { readonly order: 'terminate' }
