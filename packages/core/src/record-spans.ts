import { SinkError, ValueError } from '@ducksink/worker'
import type { BadRecords } from './bad-records.ts'
import type { TableEncoder } from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { canWiden, encodeRecord } from './record-encoding.ts'

const MAX_SPAN = 2_048

/**
 * What becomes of a value that does not fit: its record is set aside, it becomes NULL, or its column may become one
 * that takes it.
 */
export type MisfitPolicy = 'refuse' | 'discard' | 'widen'

/**
 * Encodes records and sets those aside that cannot be.
 *
 * An encoder forgets all rows of a call that fails, at whatever column. So after a failure the calls are for few
 * records, and for more again while they go well: a batch of which every record is bad costs twice a good one, and a
 * bad record among good ones some rows that are encoded twice.
 */
export class RecordSpans {
  readonly #rows: TableEncoder
  readonly #badRecords: BadRecords
  readonly #policy: MisfitPolicy
  #span = MAX_SPAN
  /** What failed and is not reached yet, the nearest last: the records before it are encoded first. */
  readonly #ahead: { readonly row: number; readonly error: SinkError }[] = []

  constructor(rows: TableEncoder, badRecords: BadRecords, policy: MisfitPolicy) {
    this.#rows = rows
    this.#badRecords = badRecords
    this.#policy = policy
  }

  /**
   * Encodes some of the records from `from` on, before `to`, or sets one aside; gives the index of the next. Their part
   * goes on to `partEnd`, which says how much memory is taken for it.
   * @throws {@link ValueError} where the value's column may be made wider first.
   */
  step(records: readonly FieldRecord[], from: number, to: number, partEnd: number): number {
    const ahead = this.#ahead.at(-1)
    if (ahead?.row === from) {
      this.#ahead.pop()
      this.#encodeAlone(records, from, ahead.error)
      return from + 1
    }
    const known = this.#badRecords.next(from)
    if (known === from) return from + 1
    const end = Math.min(to, from + this.#span, known, ahead?.row ?? to)
    try {
      const next = this.#rows.encoder.encode(records, from, end, partEnd - from)
      this.#span = Math.min(MAX_SPAN, this.#span * 2)
      return next
    } catch (error) {
      this.#onFailure(records, error, { from, end })
      return from
    }
  }

  #onFailure(
    records: readonly FieldRecord[],
    error: unknown,
    { from, end }: { from: number; end: number },
  ): void {
    if (!(error instanceof SinkError)) throw error
    const isRecord = error.row !== undefined && error.row >= from && error.row < end
    // what has neither row nor column is no record's fault
    if (end - from === 1 && !isRecord && error.column === undefined) throw error
    const row = isRecord ? (error.row as number) : from
    if (this.#policy === 'widen' && canWiden(this.#rows, records[row] as FieldRecord, error)) throw error
    this.#span = Math.max(1, this.#span >> 2)
    if (isRecord || end - from === 1) this.#ahead.push({ row, error })
    // a record whose getters throw now and then: it is looked for one by one
    else this.#span = 1
  }

  /** What failed is tried once more without the values that do not fit, or set aside. */
  #encodeAlone(records: readonly FieldRecord[], row: number, error: SinkError): void {
    if (this.#policy !== 'discard' || !(error instanceof ValueError)) {
      this.#badRecords.refuse(row, error)
      return
    }
    try {
      this.#rows.discardedCount += encodeRecord(this.#rows, records, row, 'discard-value')
    } catch (failure) {
      if (!(failure instanceof SinkError)) throw failure
      this.#badRecords.refuse(row, error)
    }
  }
}
