import type { Part } from '@ducksink/worker'
import type { BatchHead, BatchSource, Discarded } from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import { decodeRecords } from './encoder/decoder.ts'
import { requireColumns } from './encoder/field-set.ts'
import { type RecordsContext, RecordsSource } from './records-source.ts'
import type { TableState } from './table-state.ts'

/** What the batches of collectors share. */
export interface CollectedContext {
  readonly pool: BufferPool
  readonly records: RecordsContext
}

/** What a collector has encoded. */
export interface CollectedBatch {
  readonly head: BatchHead
  readonly parts: readonly Part[]
  /** Values that were left out. */
  readonly discardedCount: number
}

/**
 * A batch that a collector has encoded already. Copies of its parts are sent and the parts themselves are kept until
 * the batch is settled, so that its records can be handed back whatever becomes of the worker.
 */
export class CollectedSource implements BatchSource {
  readonly table: TableState
  readonly rowCount: number
  readonly #discardedCount: number
  readonly #head: BatchHead
  readonly #parts: readonly Part[]
  readonly #context: CollectedContext
  #index = 0
  /** The batch as it is encoded once more, where the table's columns are no longer those of its parts. */
  #encodedAgain: RecordsSource | undefined

  constructor(table: TableState, batch: CollectedBatch, context: CollectedContext) {
    const { head, parts, discardedCount } = batch
    this.table = table
    this.#discardedCount = discardedCount
    this.#head = head
    this.#parts = parts
    this.#context = context
    this.rowCount = parts.reduce((rows, part) => rows + part.rowCount, 0)
  }

  get discarded(): Discarded {
    const { rowCount, valueCount } = this.#encodedAgain?.discarded ?? { rowCount: 0, valueCount: 0 }
    return { rowCount, valueCount: this.#discardedCount + valueCount }
  }

  async begin(): Promise<BatchHead | undefined> {
    requireColumns(this.table.name, this.#head.columns)
    this.#index = 0
    this.#encodedAgain = undefined
    if ((await this.table.describe()) === this.#head.layout) return this.#head
    this.#encodedAgain = new RecordsSource(this.table, this.records(), this.#context.records)
    return this.#encodedAgain.begin()
  }

  async next(): Promise<{ part: Part; last: boolean }> {
    if (this.#encodedAgain !== undefined) return this.#encodedAgain.next()
    const { buffer, byteLength, rowCount } = this.#parts[this.#index++] as Part
    const copy = this.#context.pool.take(byteLength)
    new Uint8Array(copy).set(new Uint8Array(buffer, 0, byteLength))
    return { part: { buffer: copy, byteLength, rowCount }, last: this.#index === this.#parts.length }
  }

  end(): void {
    this.#encodedAgain?.end()
  }

  async adapt(error: unknown): Promise<boolean> {
    return (await this.#encodedAgain?.adapt(error)) ?? false
  }

  /** The records, decoded from the parts. */
  records(): Record<string, unknown>[] {
    return decodeRecords(this.#head.layout, this.#head.columns, this.#parts)
  }

  /** Gives the parts' buffers back; `records` must not be called after. */
  release(): void {
    for (const { buffer } of this.#parts) this.#context.pool.give(buffer)
  }
}
