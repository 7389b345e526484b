import type { WriteOutcome } from './write-queue.ts'

/** What an engine has done since it was opened, and what it holds now. */
export interface SinkStats {
  readonly committedBatches: number
  readonly committedRows: number
  /** Encoded bytes of the committed batches. */
  readonly committedBytes: number
  readonly failedBatches: number
  readonly bufferedBytes: number
  readonly bufferedBatches: number
  /** Bytes of buffers that are kept to be used again. */
  readonly pooledBytes: number
  /** Times that pressure has begun. */
  readonly pressureCount: number
}

/** Counts outcomes. */
export class Counters {
  committedBatches = 0
  committedRows = 0
  committedBytes = 0
  failedBatches = 0
  pressureCount = 0

  count(outcome: WriteOutcome): void {
    if (outcome.status === 'failed') {
      this.failedBatches++
      return
    }
    this.committedBatches++
    this.committedRows += outcome.receipt.rowCount
    this.committedBytes += outcome.byteLength
  }
}
