import { type PayloadDigest, ValueError } from '@ducksink/worker'
import { BadRecords } from './bad-records.ts'
import { BatchEvolution } from './batch-evolution.ts'
import { BatchRecords } from './batch-records.ts'
import {
  type BatchHead,
  type BatchSource,
  beginBatch,
  type Discarded,
  type EncodedAhead,
  MAX_PART_BYTES,
  MAX_PART_ROWS,
  type SourcePart,
  type TableEncoder,
} from './batch-source.ts'
import { ColumnWitnesses } from './column-witnesses.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { requireColumns } from './encoder/field-set.ts'
import type { RecordsContext } from './encoders.ts'
import { FieldScan, LateFieldError } from './field-scan.ts'
import { isSmall } from './joint-encoding.ts'
import { rowAt } from './part-rows.ts'
import type { PayloadHash } from './payload-hash.ts'
import { recordJson } from './record-json.ts'
import type { RecordOrigins } from './record-origins.ts'
import { RecordSpans } from './record-spans.ts'
import type { TableState } from './table-state.ts'

/** What a batch of records may have beside them. */
export interface RecordsOptions {
  /** Those that are known to be bad already. */
  readonly badRecords?: BadRecords
  /** The dead letters that the records were. */
  readonly letterIds?: readonly string[]
  /** True where the table's schema has seen the records. */
  readonly isValidated?: boolean
  /** True where the batch was encoded before: another of its table may be under way, so it gets an encoder of its own. */
  readonly isAgain?: boolean
  /** Where each record is from. */
  readonly origins?: RecordOrigins | undefined
  /** The key that each record came with, where that is not the batch's. */
  readonly keys?: readonly (string | undefined)[]
  /** Hashes the records on their way. */
  readonly hash?: PayloadHash | undefined
  /** Called before the table is made or altered; rejects where there is no need, as the batch is not to be written. */
  readonly beforeDdl?: (() => Promise<void>) | undefined
}

/** A batch of records that the caller lends until it is settled. */
export class RecordsSource implements BatchSource {
  readonly table: TableState
  /** As many as there were at the call, whatever becomes of the array. */
  readonly rowCount: number
  readonly badRecords: BadRecords
  readonly letterIds: readonly string[]
  readonly origins: RecordOrigins | undefined
  readonly keys: readonly (string | undefined)[] | undefined
  readonly #hash: PayloadHash | undefined
  readonly #beforeDdl: RecordsOptions['beforeDdl']
  readonly #given: readonly FieldRecord[]
  /** The same as they are to be written. */
  readonly #records: BatchRecords
  readonly #evolution: BatchEvolution
  #isValidated: boolean
  readonly #context: RecordsContext
  #rows: TableEncoder | undefined
  #scan: FieldScan | undefined
  #spans: RecordSpans | undefined
  #hasBegun: boolean
  /** True where this is not its first run. */
  #isAgain = false
  #index = 0
  /** There where a record may be, or have been, set aside. */
  #witnesses: ColumnWitnesses | undefined
  /** What a column might be made wider for. */
  #misfit: unknown
  #discarded: Discarded = { rowCount: 0, valueCount: 0 }
  /** What the records were encoded to before the batch had its turn. */
  #ahead: EncodedAhead | undefined

  constructor(
    table: TableState,
    records: readonly FieldRecord[],
    context: RecordsContext,
    {
      badRecords,
      letterIds = [],
      isValidated = false,
      isAgain = false,
      origins,
      keys,
      hash,
      beforeDdl,
    }: RecordsOptions = {},
  ) {
    this.table = table
    this.rowCount = records.length
    this.badRecords = badRecords ?? new BadRecords(table.name, table.options.badRecords)
    this.letterIds = letterIds
    this.origins = origins
    this.keys = keys
    this.#hash = hash
    this.#beforeDdl = beforeDdl
    this.#given = records
    this.#hasBegun = isAgain
    this.#context = context
    this.#isValidated = isValidated
    this.#records = new BatchRecords({
      table,
      records,
      rowCount: this.rowCount,
      badRecords: this.badRecords,
      slice: context.slice,
      beforeDdl,
    })
    this.#evolution = new BatchEvolution(table, this.#records, this.badRecords)
  }

  get discarded(): Discarded {
    return this.#discarded
  }

  async begin(): Promise<BatchHead | undefined> {
    const { table, badRecords } = this
    this.#isAgain = this.#hasBegun
    this.#hasBegun = true
    this.#index = 0
    this.#rows = undefined
    this.#witnesses = undefined
    this.#ahead = undefined
    const { schema } = table.options
    if (schema !== undefined && !this.#isValidated) await this.#records.validate(schema)
    this.#isValidated = true
    if (!table.isKnown(badRecords.mode)) await this.#beforeDdl?.()
    const letterLayout = badRecords.mode === 'dead-letter' ? await table.deadLetters.require() : undefined
    for (;;) {
      const layout = table.layout ?? (await this.#evolution.makeTable())
      if (layout === undefined) {
        this.#discarded = { rowCount: this.rowCount - badRecords.count, valueCount: 0 }
        const isLeftOut = badRecords.count === 0 && this.letterIds.length === 0
        return isLeftOut ? undefined : { layout, columns: [], letterLayout }
      }
      const { encoders } = this.#context
      const rows = this.#isAgain ? encoders.another(table, layout) : encoders.of(table, layout)
      beginBatch(rows)
      this.#scan = new FieldScan(rows, { list: this.#records.list, rowCount: this.rowCount, badRecords })
      await this.#look(this.#scan, rows)
      if (await this.#evolution.follow(rows, this.#isAgain)) continue
      return { layout, columns: this.#start(rows), letterLayout }
    }
  }

  async next(): Promise<SourcePart | undefined> {
    const rows = this.#rows
    const { badRecords } = this
    const { slice } = this.#context
    const scan = this.#scan as FieldScan
    while (rows !== undefined) {
      const { encoder } = rows
      const start = this.#index
      const end = Math.min(this.rowCount, start + MAX_PART_ROWS)
      while (this.#index < end && encoder.partBytes < MAX_PART_BYTES && !badRecords.isFull) {
        this.#step(Math.min(end, scan.reach(this.#index)), end)
        this.#hash?.advance(this.#index - encoder.chunkRows)
        if (this.#index < this.rowCount && slice.isSpent) await slice.yield()
      }
      const isLast = this.#index === this.rowCount || badRecords.isFull
      // the batch is to fail: the rest is only looked at
      if (badRecords.failsBatch) encoder.abort()
      else if (encoder.partRows > 0) return this.#finishPart(rows, start, isLast)
      if (isLast) break
    }
    if (rows !== undefined) this.#finish(rows)
    return undefined
  }

  holds(): boolean {
    const { badRecords } = this
    if (badRecords.count === 0 || this.#witnesses === undefined) return true
    return this.#witnesses.hold() || badRecords.count === this.rowCount
  }

  json(row: number): string {
    return recordJson(this.#given[row])
  }

  digest(): PayloadDigest | undefined {
    return this.#hash?.digest()
  }

  end(): void {
    this.#rows?.encoder.abort()
  }

  async adapt(error: unknown): Promise<boolean> {
    const rows = this.#rows
    if (rows === undefined || error === undefined) return false
    if (error instanceof LateFieldError) rows.hasLateFields = true
    else if (error === this.#misfit) await this.#evolution.widen(rows, (error as ValueError).column)
    else return false
    return true
  }

  get smallRecords(): readonly FieldRecord[] | undefined {
    if (this.#hasBegun || this.#hash !== undefined || this.letterIds.length > 0) return undefined
    return isSmall(this) && !this.table.makesWait ? this.#given : undefined
  }

  takeEncoded(ahead: EncodedAhead): void {
    this.#ahead = ahead
  }

  get ahead(): EncodedAhead | undefined {
    return this.#ahead?.layout === this.table.layout && !this.table.makesWait ? this.#ahead : undefined
  }

  beginAhead(): void {
    this.#hasBegun = true
    this.#ahead = undefined
  }

  /** The records as they were given. */
  records(): Record<string, unknown>[] {
    return [...this.#given]
  }

  /** Nothing is kept beside the records themselves. */
  release(): void {
    this.#rows = undefined
  }

  /**
   * Finds out which columns are written, the same for all parts: a field that no record has gets its DEFAULT. The first
   * records tell, as most batches have no field that these do not have; one that has is begun again.
   */
  async #look(scan: FieldScan, { fields, hasLateFields }: TableEncoder): Promise<void> {
    if (!scan.isDone) scan.next()
    if (this.#isAgain || hasLateFields || fields.boundCount === 0) await scan.finish(this.#context.slice)
  }

  #start(rows: TableEncoder): readonly number[] {
    const { badRecords } = this
    const { columns } = rows.fields
    if (badRecords.count > 0) {
      // what was seen before a bad record was not told
      rows.encoder.begin()
      for (const { column, field } of rows.fields.bound) rows.encoder.activate(column, field)
    }
    this.#rows = rows
    this.#followChunks(rows, this.#hash)
    this.#spans = new RecordSpans(rows, badRecords, this.#evolution.misfitPolicy)
    if (columns.length === 0 && badRecords.count < this.rowCount) this.#refuseEmpty()
    return columns
  }

  /** Lets the hash have what the encoder makes of the records, if it is the records that are encoded. */
  #followChunks({ encoder, fields }: TableEncoder, hash: PayloadHash | undefined): void {
    if (hash !== undefined)
      encoder.onChunk = (chunk) => hash.take({ ...chunk, shape: fields.shapeSince(chunk.from) })
  }

  /** Without bad records the batch fails that has no column to write; among bad ones an empty record is one more. */
  #refuseEmpty(): void {
    const { name } = this.table
    if (this.badRecords.count === 0) requireColumns(name, [])
    for (let row = 0; row < this.rowCount; row++) {
      const message = `row ${row} of a batch for table "${name}" has no field that is a column`
      this.badRecords.refuse(row, new ValueError(message, { table: name, row }))
    }
  }

  #step(to: number, partEnd: number): void {
    try {
      this.#index = (this.#spans as RecordSpans).step(this.#records.list, this.#index, to, partEnd)
    } catch (error) {
      this.#misfit = error
      throw error
    }
  }

  #finishPart(rows: TableEncoder, start: number, last: boolean): SourcePart {
    const gaps: number[] = []
    for (let row = this.badRecords.next(start); row < this.#index; row = this.badRecords.next(row + 1))
      gaps.push(row)
    const part = rows.encoder.finishPart()
    this.table.measured(part.rowCount, part.byteLength)
    if (last) this.#finish(rows)
    return { part, last, rowOf: (index) => rowAt({ firstRow: start, gaps }, index) }
  }

  /** The encoder is the next batch's from here on: an end of this one must not touch it. */
  #finish({ fields, discardedCount }: TableEncoder): void {
    this.#rows = undefined
    // taken down here, as the next batch of the table counts anew
    this.#discarded = { rowCount: 0, valueCount: fields.discardedCount + discardedCount }
    const { badRecords } = this
    if (badRecords.count > 0 || this.#isAgain)
      this.#witnesses = new ColumnWitnesses(this.#records.list, badRecords, fields.bound)
  }
}
