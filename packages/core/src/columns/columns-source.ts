import type { PayloadDigest, TableLayout, WholeColumn } from '@ducksink/worker'
import { BadRecords } from '../bad-records.ts'
import {
  type BatchHead,
  type BatchSource,
  type Discarded,
  MAX_PART_BYTES,
  MAX_PART_ROWS,
  type SourcePart,
} from '../batch-source.ts'
import { requireColumns } from '../encoder/field-set.ts'
import type { RecordsContext } from '../encoders.ts'
import { recordJson } from '../record-json.ts'
import { RecordsSource } from '../records-source.ts'
import type { TableState } from '../table-state.ts'
import { takeOver, unshare } from './buffer-moves.ts'
import type { ColumnArray, ColumnBatch, Segment } from './column-array.ts'
import { requireSegment } from './column-content.ts'
import { ColumnLoans } from './column-loans.ts'
import { inferredFrom, placeColumns, withTypes } from './column-places.ts'
import { readRecord, readRecords } from './column-records.ts'
import { ColumnsEncoder, type PlacedColumn } from './columns-encoder.ts'
import type { ColumnsHash } from './columns-hash.ts'

/** How a batch of columns is written. */
export interface ColumnsOptions {
  /** True where the caller's buffers are handed over. */
  readonly transfer: boolean
  /** Hashes the batch, where that is asked for. */
  readonly hash?: ColumnsHash | undefined
  /** Called before the table is made or altered; rejects where there is no need, as the batch is not to be written. */
  readonly beforeDdl?: (() => Promise<void>) | undefined
}

// Beside columns that travel whole a part holds what is encoded of the others, of all rows at once: up to here.
const MAX_BESIDE_BYTES = 16 * 2 ** 20

/**
 * A batch of columns. It is written as it is where its values are what the table has; what needs records (a schema, a
 * misfit that the table or its policy may know a remedy for, a refusal by DuckDB) has them made of the columns, and goes
 * the way of records from there on.
 */
export class ColumnsSource implements BatchSource {
  readonly table: TableState
  readonly rowCount: number
  readonly badRecords: BadRecords
  readonly letterIds: readonly string[] = []
  readonly origins: undefined
  readonly #context: RecordsContext
  readonly #options: ColumnsOptions
  readonly #names: readonly string[]
  #segments: readonly Segment[]
  /** Nothing may travel unless it is handed over. */
  #loans: ColumnLoans = new ColumnLoans(new Set())
  #encoder: ColumnsEncoder | undefined
  /** Where the next part begins: the segment, its row, and the row of the batch. */
  #segment = 0
  #row = 0
  #done = 0
  /** The segment that the encoder has. */
  #fed = -1
  #discarded: Discarded = { rowCount: 0, valueCount: 0 }
  #hasBegun = false
  #misfit: unknown
  #records: RecordsSource | undefined
  /** Bytes and rows of the last part. */
  #measure = { bytes: 0, rows: 1 }

  constructor(table: TableState, batch: ColumnBatch, context: RecordsContext, options: ColumnsOptions) {
    this.table = table
    this.rowCount = batch.rowCount
    this.badRecords = new BadRecords(table.name, table.options.badRecords)
    this.#names = batch.names
    this.#segments = batch.segments
    this.#context = context
    this.#options = options
  }

  get discarded(): Discarded {
    return this.#records?.discarded ?? this.#discarded
  }

  async begin(): Promise<BatchHead | undefined> {
    const { table } = this
    const isAgain = this.#hasBegun
    if (!isAgain) await this.#open()
    if (this.#records === undefined && (isAgain || table.options.schema !== undefined))
      await this.#makeRecords(isAgain)
    if (this.#records !== undefined) return this.#records.begin()
    for (;;) {
      if (!table.isKnown('fail-batch')) await this.#options.beforeDdl?.()
      const layout = await table.prepare(() => inferredFrom(this.#batch, table, this.#context.slice))
      if (layout === undefined) {
        this.#discarded = { rowCount: this.rowCount, valueCount: 0 }
        return undefined
      }
      const places = placeColumns(this.#batch, table, layout)
      if (places.unplaced.size === 0) return this.#start(layout, places)
      await this.#options.beforeDdl?.()
      await this.#addColumns(places.unplaced)
    }
  }

  async next(): Promise<SourcePart | undefined> {
    if (this.#records !== undefined) return this.#records.next()
    const encoder = this.#encoder
    if (encoder === undefined || this.#done === this.rowCount) return undefined
    const first = this.#done
    try {
      if (!(await this.#encodeWhole(encoder))) await this.#encodeSome(encoder)
    } catch (error) {
      this.#misfit = error
      throw error
    }
    const last = this.#done === this.rowCount
    const part = encoder.finishPart()
    this.#measure = { bytes: part.byteLength, rows: part.rowCount }
    this.table.measured(part.rowCount, part.byteLength)
    this.#loans.prepare(part.whole, this.#segments, this.#segment - 1)
    return { part, last, rowOf: (index) => first + index }
  }

  holds(): boolean {
    return this.#records?.holds() ?? true
  }

  json(row: number): string {
    return this.#records?.json(row) ?? recordJson(readRecord(this.table.name, this.#batch, row))
  }

  digest(): PayloadDigest | undefined {
    return this.#options.hash?.digest(this.#batch)
  }

  end(): void {
    this.#encoder?.abort()
    this.#records?.end()
  }

  async adapt(error: unknown): Promise<boolean> {
    if (this.#records !== undefined) return this.#records.adapt(error)
    const { contract, badRecords } = this.table.options
    const isFinal = contract.types === 'freeze' && badRecords === 'fail-batch'
    if (isFinal || error === undefined || error !== this.#misfit) return false
    await this.#makeRecords(false)
    return true
  }

  lend(): void {
    this.#loans.lend()
  }

  takeBack(whole: readonly WholeColumn[] | undefined): void {
    this.#segments = this.#loans.takeBack(whole, this.#segments)
  }

  get #batch(): ColumnBatch {
    return { names: this.#names, segments: this.#segments, rowCount: this.rowCount }
  }

  /** The first thing that is done when the batch has its turn. */
  async #open(): Promise<void> {
    this.#hasBegun = true
    const { transfer, hash } = this.#options
    const table = this.table.name
    this.#segments = this.#segments.map((segment) => {
      requireSegment(table, this.#names, segment)
      return { ...segment, columns: unshare(segment.columns) }
    })
    if (transfer) {
      const { segments, lendable } = takeOver(this.#segments)
      this.#segments = segments
      this.#loans = new ColumnLoans(lendable)
    }
    // what is lent cannot be read
    await hash?.hash(this.#batch, this.#context.slice)
  }

  async #makeRecords(isAgain: boolean): Promise<void> {
    await this.#loans.home()
    const { badRecords } = this
    const { beforeDdl } = this.#options
    if (!this.table.isKnown('fail-batch')) await beforeDdl?.()
    const batch = withTypes(this.#batch, await this.table.describe())
    const list = await readRecords(this.table.name, batch, this.#context.slice)
    this.#records = new RecordsSource(this.table, list, this.#context, { badRecords, beforeDdl, isAgain })
  }

  async #addColumns(names: ReadonlySet<string>): Promise<void> {
    const { table } = this
    const { columns, takingScalars } = await inferredFrom(this.#batch, table, this.#context.slice, names)
    await table.evolve(columns, [], takingScalars)
  }

  #start(
    layout: TableLayout,
    { placed, discardedCount }: { placed: readonly PlacedColumn[]; discardedCount: number },
  ): BatchHead {
    const columns = placed.map(({ column }) => column)
    requireColumns(this.table.name, columns)
    this.#discarded = { rowCount: 0, valueCount: discardedCount }
    this.#encoder = new ColumnsEncoder(this.table.name, layout, placed, {
      allocate: this.#context.encoders.allocate,
      takesScalars: (column) => this.table.takesScalars(column),
    })
    this.#segment = 0
    this.#row = 0
    this.#done = 0
    this.#fed = -1
    return { layout, columns, letterLayout: undefined }
  }

  /** Encodes a whole segment, where some of its columns can travel beside the part, and the rest is not too much. */
  async #encodeWhole(encoder: ColumnsEncoder): Promise<boolean> {
    if (this.#fed === this.#segment) return false
    const { rowCount } = this.#feed(encoder, (array) => this.#loans.mayLend(array))
    if (!encoder.hasWhole) return false
    const { slice } = this.#context
    for (let row = 0; row < rowCount; ) {
      row = encoder.encode(row, rowCount, 0)
      if (encoder.partBytes > MAX_BESIDE_BYTES) {
        encoder.abort()
        this.#feed(encoder, never)
        return false
      }
      if (row < rowCount && slice.isSpent) await slice.yield()
    }
    this.#done += rowCount
    this.#segment++
    return true
  }

  /** Encodes as many rows as a part has. */
  async #encodeSome(encoder: ColumnsEncoder): Promise<void> {
    const { slice } = this.#context
    const { bytes, rows } = this.#measure
    while (encoder.partRows < MAX_PART_ROWS && encoder.partBytes < MAX_PART_BYTES) {
      const { rowCount } = this.#segments[this.#segment] as Segment
      const end = Math.min(rowCount, this.#row + MAX_PART_ROWS - encoder.partRows)
      const row = encoder.encode(this.#row, end, (bytes / rows) * (end - this.#row) * 1.1)
      this.#done += row - this.#row
      this.#row = row
      if (row === rowCount) {
        this.#segment++
        this.#row = 0
        // with buffers that were handed over the next segment may travel otherwise
        if (this.#options.transfer || this.#done === this.rowCount) return
        this.#feed(encoder, never)
        continue
      }
      if (slice.isSpent) await slice.yield()
    }
  }

  #feed(encoder: ColumnsEncoder, isLent: (array: ColumnArray) => boolean): Segment {
    const segment = this.#segments[this.#segment] as Segment
    encoder.begin({ ...segment, base: this.#done, isLent })
    this.#fed = this.#segment
    return segment
  }
}

const never = (): boolean => false
