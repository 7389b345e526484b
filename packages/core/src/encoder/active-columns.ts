import { type LogicalType, MAX_CHUNK_ROWS, type VectorBlock, vectorTreesOf } from '@ducksink/worker'
import type { ColumnEncoder } from './column-encoder.ts'

// A chunk of a very wide table takes long to encode in one go: fewer rows a chunk keep the event loop free.
const MAX_CHUNK_VALUES = 1 << 16

/** The columns that the batch at hand writes, each with its encoder; those of a table that it does not are left out. */
export class ActiveColumns {
  /** In the order in which they were added. */
  readonly encoders: ColumnEncoder[] = []
  /** Those of them that have strings or lists, and what a row takes in all of them beside those. */
  readonly #variable: ColumnEncoder[] = []
  #rowBytes = 0
  #rowValues = 0
  #maxChunkRows = MAX_CHUNK_ROWS
  /** All of them, each at its column's place in the layout. */
  readonly #byColumn: (ColumnEncoder | undefined)[]
  /** The place of each column's first vector in a part, and how many there are in all. */
  readonly #firstSlots: readonly number[]
  readonly vectorCount: number

  /** @param types - those of all columns of the table */
  constructor(types: readonly LogicalType[]) {
    const { trees, vectorCount } = vectorTreesOf(types)
    this.#firstSlots = trees.map((tree) => tree.slot)
    this.vectorCount = vectorCount
    this.#byColumn = types.map(() => undefined)
  }

  /** Rows of a chunk at most. */
  get maxChunkRows(): number {
    return this.#maxChunkRows
  }

  add(column: number, encoder: ColumnEncoder): void {
    this.encoders.push(encoder)
    if (encoder.rowSize.isVariable) this.#variable.push(encoder)
    this.#byColumn[column] = encoder
    this.#resize(encoder, 1)
  }

  remove(column: number): void {
    const encoder = this.#byColumn[column]
    if (encoder === undefined) return
    this.encoders.splice(this.encoders.indexOf(encoder), 1)
    if (encoder.rowSize.isVariable) this.#variable.splice(this.#variable.indexOf(encoder), 1)
    this.#byColumn[column] = undefined
    this.#resize(encoder, -1)
  }

  /** Takes out all of them; the rows of a chunk are limited as before, until one is added. */
  clear(): void {
    this.encoders.length = 0
    this.#variable.length = 0
    this.#rowBytes = 0
    this.#rowValues = 0
    this.#byColumn.fill(undefined)
  }

  /** True where so many NULLs of a column are not too many values to be encoded in one go. */
  takesNulls(encoder: ColumnEncoder, rows: number): boolean {
    return rows * encoder.rowSize.values <= MAX_CHUNK_VALUES
  }

  /** Forgets the rows from this one on. */
  truncate(row: number): void {
    for (const encoder of this.encoders) encoder.truncate(row)
  }

  /** Bytes of so many rows. */
  heldBytes(rows: number): number {
    let bytes = rows * this.#rowBytes
    for (const encoder of this.#variable) bytes += encoder.variableBytes
    return bytes
  }

  /** What there is of every vector of the table, those of columns that are not written left out. */
  blocks(rowCount: number): (VectorBlock | undefined)[] {
    const blocks: (VectorBlock | undefined)[] = []
    for (const [column, encoder] of this.#byColumn.entries()) {
      if (encoder === undefined) continue
      while (blocks.length < (this.#firstSlots[column] as number)) blocks.push(undefined)
      encoder.appendBlocks(rowCount, blocks)
    }
    while (blocks.length < this.vectorCount) blocks.push(undefined)
    return blocks
  }

  #resize({ rowSize }: ColumnEncoder, sign: 1 | -1): void {
    this.#rowBytes += sign * rowSize.bytes
    this.#rowValues += sign * rowSize.values
    const rows = Math.floor(MAX_CHUNK_VALUES / Math.max(1, this.#rowValues))
    this.#maxChunkRows = Math.max(64, Math.min(MAX_CHUNK_ROWS, rows))
  }
}
