import { setImmediate } from 'node:timers/promises'
import { BackpressureError, type SinkEngine } from '@ducksink/core'
import type { AppJob, Report } from './job.ts'
import { reportReceipt, reportRejection } from './keyed-writer.ts'
import { type BatchRecord, batchOf, recordsOf } from './payload.ts'

/** What an overload came to. */
export interface FloodFigures {
  readonly offeredRows: number
  readonly acceptedRows: number
  readonly samples: number
  readonly maxBytes: number
  readonly maxBatches: number
  readonly maxResidentMb: number
}

/** Writes that are refused in a turn of the event loop, which then gets on with those that were not. */
const REFUSALS_A_TURN = 2_000
/** An engine's default. */
export const MAX_BUFFERED_BATCHES = 1_024

/** Offers batches without waiting for anything, and samples what the engine holds after each. */
export class Flood {
  readonly #engine: SinkEngine
  readonly #job: AppJob
  readonly #report: (told: Report) => void
  readonly #unsettled = new Set<Promise<void>>()
  #offeredRows = 0
  #acceptedRows = 0
  #samples = 0
  #maxBytes = 0
  #maxBatches = 0
  #maxResidentBytes = 0

  constructor(engine: SinkEngine, job: AppJob, report: (told: Report) => void) {
    this.#engine = engine
    this.#job = job
    this.#report = report
  }

  /** Resolves when all is settled that was accepted. */
  async run(durationMs: number): Promise<FloodFigures> {
    let number = 0
    let records = recordsOf(batchOf(this.#job.shape, number))
    const offerUntilRefused = async (): Promise<void> => {
      while (await this.#offer(number, records)) records = recordsOf(batchOf(this.#job.shape, ++number))
    }
    await offerUntilRefused()
    // from here on the engine is full, and takes what it has room for
    this.#offeredRows = 0
    this.#acceptedRows = 0
    const end = performance.now() + durationMs
    while (performance.now() < end) {
      for (let refusals = 0; refusals < REFUSALS_A_TURN; refusals++) await offerUntilRefused()
      this.#maxResidentBytes = Math.max(this.#maxResidentBytes, process.memoryUsage.rss())
      await setImmediate()
    }
    await Promise.all(this.#unsettled)
    return {
      offeredRows: this.#offeredRows,
      acceptedRows: this.#acceptedRows,
      samples: this.#samples,
      maxBytes: this.#maxBytes,
      maxBatches: this.#maxBatches,
      maxResidentMb: Math.round(this.#maxResidentBytes / 2 ** 20),
    }
  }

  /** Offers one batch; false where it was refused at once. */
  async #offer(number: number, records: readonly BatchRecord[]): Promise<boolean> {
    const batch = batchOf(this.#job.shape, number)
    this.#offeredRows += batch.rowCount
    let refused = false
    const settled = this.#engine.write(batch.table, records, { key: batch.key }).then(
      (receipt) => reportReceipt(this.#report, number, receipt),
      (error: unknown) => {
        refused = error instanceof BackpressureError
        if (!refused) reportRejection(this.#report, number, error)
      },
    )
    this.#sample()
    // a refusal is there in the next turn of promises
    for (let turn = 0; turn < 4 && !refused; turn++) await undefined
    if (refused) return false
    this.#acceptedRows += batch.rowCount
    this.#report({ kind: 'sent', batch: number })
    this.#unsettled.add(settled)
    void settled.then(() => this.#unsettled.delete(settled))
    return true
  }

  #sample(): void {
    const { bufferedBytes, bufferedBatches } = this.#engine
    this.#samples++
    this.#maxBytes = Math.max(this.#maxBytes, bufferedBytes)
    this.#maxBatches = Math.max(this.#maxBatches, bufferedBatches)
  }
}
