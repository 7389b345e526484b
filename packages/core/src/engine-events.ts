import type { SchemaChange, SinkError } from '@ducksink/worker'
import type { RestartEvent } from './recovery.ts'

/** What an engine emits. */
export interface SinkEngineEvents {
  /** Pressure has ended: there is room again. */
  drain: []
  /** A table was made, a column added, or a column's type made wider. */
  schemaChange: [change: SchemaChange]
  /** Records of a committed batch were set aside in its dead letter table. */
  deadLetter: [event: DeadLetterEvent]
  /** The worker died, and the engine goes on with another. */
  restart: [event: RestartEvent]
  /** Nothing can be written for now; `'drain'` tells when the engine goes on, by itself. */
  degraded: [event: DegradedEvent]
  /** What no promise and no `onFailure` carries. */
  error: [error: SinkError]
  /** The engine is closed. */
  close: []
}

/** Why an engine only reads. */
export interface DegradedEvent {
  /** The disk that the target is on has no room. */
  readonly reason: 'disk-full'
  /** The target. */
  readonly path: string
}

/** How many records of which batch were set aside. */
export interface DeadLetterEvent {
  readonly table: string
  readonly count: number
  /** The batch's key. */
  readonly key: string | undefined
}
