import type { SinkError, WorkerEvent } from '@ducksink/worker'
import type { SinkLog } from './log.ts'
import type { WriteOutcome } from './receipt.ts'
import type { RestartEvent } from './recovery.ts'

/** What an engine has done since it was opened, and what it holds now. */
export interface SinkStats {
  readonly committedBatches: number
  readonly committedRows: number
  /** Encoded bytes of the committed batches. */
  readonly committedBytes: number
  readonly failedBatches: number
  /** Rows that committed batches left out for want of a table. */
  readonly discardedRows: number
  /** Values that committed batches left out for want of a column, or of a type that holds them. */
  readonly discardedValues: number
  /** Records of committed batches that were set aside in a dead letter table. */
  readonly deadLetters: number
  /** Records of committed batches that could not be written and were left out. */
  readonly skippedRecords: number
  /** Batches that were committed before, and not written again. */
  readonly duplicateBatches: number
  /** Records that collectors dropped, because their offset was committed before, or under way. */
  readonly duplicateRecords: number
  readonly bufferedBytes: number
  readonly bufferedBatches: number
  /** Bytes of buffers that are kept to be used again. */
  readonly pooledBytes: number
  /** Times that pressure has begun. */
  readonly pressureCount: number
  /** Times that another worker has taken over from one that died. */
  readonly restartCount: number
}

/** What is counted, as against what is held at the moment. */
export type SinkCounts = Omit<SinkStats, 'bufferedBytes' | 'bufferedBatches' | 'pooledBytes'>

/** Counts and logs what happens; no row value and no secret gets here. */
export class Telemetry {
  readonly #log: SinkLog
  readonly #counts = {
    committedBatches: 0,
    committedRows: 0,
    committedBytes: 0,
    failedBatches: 0,
    discardedRows: 0,
    discardedValues: 0,
    deadLetters: 0,
    skippedRecords: 0,
    duplicateBatches: 0,
    duplicateRecords: 0,
    pressureCount: 0,
    restartCount: 0,
  }

  constructor(log: SinkLog) {
    this.#log = log
  }

  get counts(): SinkCounts {
    return { ...this.#counts }
  }

  pressure(on: boolean, held: { readonly bufferedBytes: number; readonly bufferedBatches: number }): void {
    const { bufferedBytes, bufferedBatches } = held
    // not inside the push or send at hand: a logger may push what it is told into the same collector
    process.nextTick(() =>
      this.#log.debug(on ? 'pressure on' : 'pressure off', { bufferedBytes, bufferedBatches }),
    )
    if (on) this.#counts.pressureCount++
  }

  settled(outcome: WriteOutcome): void {
    const { table } = outcome
    if (outcome.status === 'failed') {
      const { key, at, error } = outcome
      // an aborted signal may have any value for its reason
      const { code, message } = (error ?? {}) as Partial<SinkError>
      this.#counts.failedBatches++
      this.#log.warn('batch failed', {
        table,
        key,
        channel: at?.channel,
        offset: at?.offset.toString(),
        code,
        reason: message,
      })
      return
    }
    const { key, channel, offset, rowCount, sequence, durationMs } = outcome.receipt
    const named = { table, key, channel, offset: offset?.toString() }
    if (outcome.receipt.duplicate) {
      this.#counts.duplicateBatches++
      this.#log.debug('batch committed before', { ...named, sequence, durationMs })
      return
    }
    const { deadLetterCount, skippedCount, discardedRowCount, discardedValueCount } = outcome.receipt
    this.#counts.committedBatches++
    this.#counts.committedRows += rowCount
    this.#counts.deadLetters += deadLetterCount
    this.#counts.skippedRecords += skippedCount
    this.#counts.discardedRows += discardedRowCount
    this.#counts.discardedValues += discardedValueCount
    this.#counts.committedBytes += outcome.byteLength
    if (deadLetterCount + skippedCount > 0)
      this.#log.warn('records set aside', { ...named, deadLetterCount, skippedCount })
    const discarded =
      discardedRowCount + discardedValueCount === 0 ? {} : { discardedRowCount, discardedValueCount }
    this.#log.debug('batch committed', { ...named, rowCount, ...discarded, sequence, durationMs })
  }

  /** A record was dropped, as its offset had come before. */
  duplicateRecord(): void {
    this.#counts.duplicateRecords++
  }

  workerEvent(event: WorkerEvent): void {
    switch (event.type) {
      case 'log':
        this.#log.forward(event.line)
        return
      case 'fatal':
        this.#log.error('the worker cannot go on', { code: event.error.code, reason: event.error.message })
        return
      case 'locked':
      case 'busy':
        return
      case 'schemaChange':
      case 'degraded':
      case 'recovered':
        // the worker logs this itself
        return
      default:
        event satisfies never
    }
  }

  death(reason: string): void {
    this.#log.error('the worker died', { reason })
  }

  restart(event: RestartEvent): void {
    this.#counts.restartCount++
    this.#log.warn('another worker goes on', { ...event })
  }
}
