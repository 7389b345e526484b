import { SinkError } from '@ducksink/worker'
import type { BadRecords } from './bad-records.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { type EvolvingBatch, inferredColumns } from './schema/evolution.ts'
import { type StandardSchema, validateRecord } from './standard-schema.ts'
import type { TableState } from './table-state.ts'
import type { TimeSlice } from './time-slice.ts'

// what a schema has under way at a time
const VALIDATED_AT_ONCE = 256

/** A batch that is looked at as a whole. */
export interface WholeBatch extends EvolvingBatch {
  /** As many as there were at the call, whatever becomes of the array. */
  readonly rowCount: number
  readonly badRecords: BadRecords
}

/** The records of a batch as they are to be written, and which of them cannot be. */
export class BatchRecords {
  readonly #table: TableState
  readonly #badRecords: BadRecords
  readonly #rowCount: number
  readonly #slice: TimeSlice
  readonly #beforeDdl: WholeBatch['beforeDdl']
  /** What is written: the records, or what the table's schema made of them. */
  #list: readonly FieldRecord[]

  constructor({ table, records, rowCount, badRecords, slice, beforeDdl }: WholeBatch) {
    this.#table = table
    this.#badRecords = badRecords
    this.#rowCount = rowCount
    this.#slice = slice
    this.#beforeDdl = beforeDdl
    this.#list = records
  }

  /** What is written, bad records included. */
  get list(): readonly FieldRecord[] {
    return this.#list
  }

  /** Has the table's schema look at the records; what it makes of them is written. */
  async validate(schema: StandardSchema): Promise<void> {
    const table = this.#table.name
    const records: FieldRecord[] = []
    while (records.length < this.#rowCount && !this.#badRecords.isFull) {
      const first = records.length
      const some = this.#list.slice(first, Math.min(this.#rowCount, first + VALIDATED_AT_ONCE))
      const verdicts = some.map((record, index) =>
        validateRecord(schema, record, { table, row: first + index }),
      )
      for (const [index, pending] of verdicts.entries()) {
        const verdict = pending instanceof Promise ? await pending : pending
        if ('error' in verdict) this.#badRecords.refuse(first + index, verdict.error)
        records.push(('record' in verdict ? verdict.record : undefined) as FieldRecord)
      }
      if (this.#slice.isSpent) await this.#slice.yield()
    }
    this.#list = records
  }

  /** The records that can be written, as far as that is known. */
  get good(): EvolvingBatch {
    const badRecords = this.#badRecords
    const list = this.#list
    // the array may have grown since the call
    const all = list.length === this.#rowCount ? list : list.slice(0, this.#rowCount)
    const records = badRecords.count === 0 ? all : all.filter((_, row) => !badRecords.has(row))
    return { table: this.#table, records, slice: this.#slice, beforeDdl: this.#beforeDdl }
  }

  /**
   * Has columns inferred from the good records, of all fields or of some. Where one of them is none to infer from, each
   * is looked at by itself, and what is not good is set aside; `undefined` where none is left, or the batch is to fail.
   */
  async infer<T>(
    look: (batch: EvolvingBatch) => Promise<T>,
    fields?: ReadonlySet<string>,
  ): Promise<T | undefined> {
    try {
      const { good } = this
      return good.records.length === 0 ? undefined : await look(good)
    } catch (error) {
      if (!(error instanceof SinkError) || error.row === undefined) throw error
    }
    await this.#inferAlone(fields)
    const { good } = this
    return good.records.length === 0 || this.#badRecords.failsBatch ? undefined : look(good)
  }

  async #inferAlone(fields: ReadonlySet<string> | undefined): Promise<void> {
    const table = this.#table
    const badRecords = this.#badRecords
    for (let row = 0; row < this.#rowCount && !badRecords.isFull; row++) {
      if (badRecords.has(row)) continue
      const records = [this.#list[row] as FieldRecord]
      await inferredColumns({ table, records, slice: this.#slice }, fields).catch((error: unknown) => {
        if (!(error instanceof SinkError)) throw error
        // what is wrong with no record in particular is wrong with the batch
        if (error.row !== undefined) badRecords.refuseAlone(row, error)
      })
      if (this.#slice.isSpent) await this.#slice.yield()
    }
  }
}
