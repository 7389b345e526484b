import type { Report } from './job.ts'

/** What was told of one batch, by one app after another. */
export interface BatchAccount {
  readonly number: number
  /** Attempts that ended with a receipt for rows that this attempt wrote. */
  receipts: number
  /** Attempts that were answered as written before. */
  duplicates: number
  /** Attempts that were rejected as not written. */
  rejections: number
  /** Attempts of which nobody was told, or that their outcome is unknown. */
  unknowns: number
  /** What the receipts said, where one was given. */
  rowCount: number | undefined
  deadLetterCount: number | undefined
  /** Greater than that of all receipts for what was committed before. */
  order: number
}

/** More than an app commits. */
const LIFE = 1e9

/** Keeps the books of what the apps of one run have told. */
export class Account {
  readonly #batches = new Map<number, BatchAccount>()
  #lives = 0
  /** Two receipts of one batch that differ. */
  readonly contradictions: string[] = []

  get batches(): readonly BatchAccount[] {
    return [...this.#batches.values()]
  }

  get(number: number): BatchAccount | undefined {
    return this.#batches.get(number)
  }

  count(name: 'receipts' | 'duplicates' | 'rejections' | 'unknowns'): number {
    let total = 0
    for (const batch of this.#batches.values()) total += batch[name]
    return total
  }

  /** Takes what one app tells; to be ended when the app is gone. */
  open(): { readonly take: (told: Report) => void; readonly end: () => void } {
    const pending = new Set<number>()
    const life = this.#lives++
    return {
      take: (told) => {
        if (told.kind === 'sent') {
          this.#batch(told.batch)
          pending.add(told.batch)
        } else if (told.kind === 'receipt' || told.kind === 'rejected') {
          pending.delete(told.batch)
          this.#settle(this.#batch(told.batch), told, life)
        }
      },
      end: () => {
        for (const number of pending) this.#batch(number).unknowns++
        pending.clear()
      },
    }
  }

  /** From here on the file is what is told of: each batch has been written as often as it is there. */
  reset(copies: (number: number) => number): void {
    this.contradictions.length = 0
    for (const batch of this.#batches.values()) {
      batch.receipts = copies(batch.number)
      batch.duplicates = 0
      batch.rejections = 0
      batch.unknowns = 0
    }
  }

  #settle(batch: BatchAccount, told: Report & { kind: 'receipt' | 'rejected' }, life: number): void {
    if (told.kind === 'receipt') {
      if (told.duplicate) batch.duplicates++
      else batch.receipts++
      batch.order = life * LIFE + told.sequence
      this.#compare(batch, told)
    } else if (told.isDefinite) batch.rejections++
    else batch.unknowns++
  }

  #compare(batch: BatchAccount, { rowCount, deadLetterCount }: Report & { kind: 'receipt' }): void {
    batch.rowCount ??= rowCount
    batch.deadLetterCount ??= deadLetterCount
    if (batch.rowCount === rowCount && batch.deadLetterCount === deadLetterCount) return
    this.contradictions.push(
      `batch ${batch.number}: a receipt for ${rowCount} rows and ${deadLetterCount} letters, another for ${batch.rowCount} and ${batch.deadLetterCount}`,
    )
  }

  #batch(number: number): BatchAccount {
    let batch = this.#batches.get(number)
    if (batch === undefined) {
      batch = {
        number,
        ...{ receipts: 0, duplicates: 0, rejections: 0, unknowns: 0, order: 0 },
        ...{ rowCount: undefined, deadLetterCount: undefined },
      }
      this.#batches.set(number, batch)
    }
    return batch
  }
}
