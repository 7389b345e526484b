import type { Part } from '@ducksink/worker'
import type { BatchHead, BatchSource } from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import { decodeRecords } from './encoder/decoder.ts'
import { requireColumns } from './encoder/field-set.ts'
import type { TableState } from './table-state.ts'

/**
 * A batch that a collector has encoded already. Copies of its parts are sent and the parts themselves are kept until
 * the batch is settled, so that its records can be handed back whatever becomes of the worker.
 */
export class CollectedSource implements BatchSource {
  readonly table: TableState
  readonly rowCount: number
  readonly #head: BatchHead
  readonly #parts: readonly Part[]
  readonly #pool: BufferPool
  #index = 0

  constructor(table: TableState, head: BatchHead, parts: readonly Part[], pool: BufferPool) {
    this.table = table
    this.#head = head
    this.#parts = parts
    this.#pool = pool
    this.rowCount = parts.reduce((rows, part) => rows + part.rowCount, 0)
  }

  async begin(): Promise<BatchHead> {
    requireColumns(this.table.name, this.#head.columns)
    return this.#head
  }

  async next(): Promise<{ part: Part; last: boolean }> {
    const { buffer, byteLength, rowCount } = this.#parts[this.#index++] as Part
    const copy = this.#pool.take(byteLength)
    new Uint8Array(copy).set(new Uint8Array(buffer, 0, byteLength))
    return { part: { buffer: copy, byteLength, rowCount }, last: this.#index === this.#parts.length }
  }

  end(): void {
    // nothing is under way here that could be left half done
  }

  /** The records, decoded from the parts. */
  records(): Record<string, unknown>[] {
    return decodeRecords(this.#head.layout, this.#head.columns, this.#parts)
  }

  /** Gives the parts' buffers back; `records` must not be called after. */
  release(): void {
    for (const { buffer } of this.#parts) this.#pool.give(buffer)
  }
}
