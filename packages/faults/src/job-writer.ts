import type { SinkEngine } from '@ducksink/core'
import type { Statement } from './job.ts'

/** Writes what a job says. */
export interface JobWriter {
  /** Batches that were sent and are not settled. */
  readonly pending: ReadonlySet<number>
  /** Begins no more writes. */
  finish(): void
  /** The worker has told that it runs a statement. */
  onPoint(statement: Statement): void
  /** Writes the next batches, all by default; resolves when they are settled, and never rejects. */
  write(engine: SinkEngine, count?: number): Promise<void>
}
