import type { Part, TableLayout } from '@ducksink/worker'
import type { BadRecords } from './bad-records.ts'
import type { BatchHead, BatchSource, Discarded, SourcePart } from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import { decodeRecords } from './encoder/decoder.ts'
import { requireColumns } from './encoder/field-set.ts'
import type { RecordsContext } from './encoders.ts'
import { type PartRows, rowAt } from './part-rows.ts'
import { parseRecord, recordJson } from './record-json.ts'
import type { RecordOrigins } from './record-origins.ts'
import { RecordsSource } from './records-source.ts'
import type { TableState } from './table-state.ts'

/** What the batches of collectors share. */
export interface CollectedContext {
  readonly pool: BufferPool
  readonly records: RecordsContext
}

/** What a collector has gathered. */
export interface CollectedBatch {
  /** The columns that the parts were encoded for. */
  readonly head: { readonly layout: TableLayout; readonly columns: readonly number[] }
  readonly parts: readonly Part[]
  /** Values that were left out. */
  readonly discardedCount: number
  /** The records that were set aside as they were pushed. */
  readonly badRecords: BadRecords
  readonly origins: RecordOrigins | undefined
}

/** A part, and which records of the batch it has. */
interface PlacedPart extends PartRows {
  readonly part: Part
}

/**
 * A batch that a collector has encoded already. Copies of its parts are sent and the parts themselves are kept until
 * the batch is settled, so that its records can be handed back whatever becomes of the worker.
 */
export class CollectedSource implements BatchSource {
  readonly table: TableState
  readonly rowCount: number
  readonly badRecords: BadRecords
  readonly letterIds: readonly string[] = []
  readonly origins: RecordOrigins | undefined
  readonly #discardedCount: number
  readonly #head: CollectedBatch['head']
  readonly #parts: readonly PlacedPart[]
  readonly #context: CollectedContext
  #index = 0
  /** The part that was decoded last. */
  #decoded: { readonly placed: PlacedPart; readonly records: readonly Record<string, unknown>[] } | undefined
  /** The batch as it is encoded once more, where the table's columns are no longer those of its parts. */
  #encodedAgain: RecordsSource | undefined

  constructor(table: TableState, batch: CollectedBatch, context: CollectedContext) {
    const { head, parts, discardedCount, badRecords, origins } = batch
    this.table = table
    this.badRecords = badRecords
    this.origins = origins
    this.#discardedCount = discardedCount
    this.#head = head
    this.#context = context
    this.#parts = placeParts(parts, badRecords)
    this.rowCount = parts.reduce((rows, part) => rows + part.rowCount, badRecords.count)
  }

  get discarded(): Discarded {
    const { rowCount, valueCount } = this.#encodedAgain?.discarded ?? { rowCount: 0, valueCount: 0 }
    return { rowCount, valueCount: this.#discardedCount + valueCount }
  }

  async begin(): Promise<BatchHead | undefined> {
    const { table, badRecords } = this
    const letterLayout = badRecords.mode === 'dead-letter' ? await table.deadLetters.require() : undefined
    if (this.#parts.length > 0) requireColumns(table.name, this.#head.columns)
    this.#index = 0
    const isKnown = (await table.describe()) === this.#head.layout
    if (isKnown && this.#encodedAgain === undefined) return { ...this.#head, letterLayout }
    const options = { badRecords, isValidated: true, isAgain: true }
    this.#encodedAgain ??= new RecordsSource(table, this.records(), this.#context.records, options)
    return this.#encodedAgain.begin()
  }

  async next(): Promise<SourcePart | undefined> {
    if (this.#encodedAgain !== undefined) return this.#encodedAgain.next()
    const placed = this.#parts[this.#index++]
    if (placed === undefined) return undefined
    const { buffer, byteLength, rowCount } = placed.part
    const copy = this.#context.pool.take(byteLength)
    new Uint8Array(copy).set(new Uint8Array(buffer, 0, byteLength))
    return {
      part: { buffer: copy, byteLength, rowCount },
      last: this.#index === this.#parts.length,
      rowOf: (index) => rowAt(placed, index),
    }
  }

  /** Fields of records that were set aside as they were pushed are not in the columns; those of others stay. */
  holds(): boolean {
    return this.#encodedAgain?.holds() ?? true
  }

  json(row: number): string {
    return recordJson(this.#record(row))
  }

  /** Batches of a collector have no key. */
  digest(): undefined {}

  end(): void {
    this.#encodedAgain?.end()
  }

  async adapt(error: unknown): Promise<boolean> {
    return (await this.#encodedAgain?.adapt(error)) ?? false
  }

  /** The records, decoded from the parts; those that were set aside, from their JSON. */
  records(): Record<string, unknown>[] {
    const records: Record<string, unknown>[] = []
    for (const { row, json } of this.badRecords.records)
      if (json !== undefined) records[row] = parseRecord(json) as Record<string, unknown>
    for (const placed of this.#parts) {
      const decoded = this.#decode(placed)
      for (let index = 0; index < decoded.length; index++)
        records[rowAt(placed, index)] = decoded[index] as Record<string, unknown>
    }
    return records
  }

  /** Gives the parts' buffers back; `records` must not be called after. */
  release(): void {
    for (const { part } of this.#parts) this.#context.pool.give(part.buffer)
  }

  #record(row: number): unknown {
    const placed = this.#parts.findLast(({ firstRow }) => firstRow <= row)
    if (placed === undefined) return undefined
    if (this.#decoded?.placed !== placed) this.#decoded = { placed, records: this.#decode(placed) }
    return this.#decoded.records[row - placed.firstRow - placed.gaps.filter((gap) => gap < row).length]
  }

  #decode({ part }: PlacedPart): Record<string, unknown>[] {
    return decodeRecords(this.#head.layout, this.#head.columns, [part])
  }
}

function placeParts(parts: readonly Part[], badRecords: BadRecords): readonly PlacedPart[] {
  let row = 0
  return parts.map((part) => {
    const firstRow = row
    const gaps: number[] = []
    for (let left = part.rowCount; ; row = (gaps.at(-1) as number) + 1) {
      const gap = badRecords.next(row)
      if (gap >= row + left) {
        row += left
        return { part, firstRow, gaps }
      }
      left -= gap - row
      gaps.push(gap)
    }
  })
}
