import {
  type Allocate,
  MAX_CHUNK_ROWS,
  type Part,
  PartWriter,
  parseLogicalType,
  type TableLayout,
  type VectorBlock,
  type VectorTrees,
  vectorTreesOf,
  wholeBytes,
} from '@ducksink/worker'
import type { ColumnArray } from './column-array.ts'
import { type ColumnFeed, createFeed, isDirect } from './column-feed.ts'

// values that are encoded in one go, as of records
const MAX_CHUNK_VALUES = 1 << 16
const MIN_CHUNK_ROWS = 64

/** A column of a table, and the place of what is written to it among the columns of a call. */
export interface PlacedColumn {
  readonly column: number
  readonly index: number
}

/** What is encoded: the rows of one segment, of which `base` others come before. */
export interface EncodedSegment {
  readonly columns: readonly ColumnArray[]
  readonly rowCount: number
  readonly base: number
  /** Whether the arrays of a column may travel beside the part. */
  readonly isLent: (array: ColumnArray) => boolean
}

const readsValues = ({ rowValues }: ColumnFeed): boolean => rowValues > 0

/** Lays columns out into parts, a chunk at a time. */
export class ColumnsEncoder {
  readonly #table: string
  readonly #layout: TableLayout
  readonly #placed: readonly PlacedColumn[]
  readonly #takesScalars: (column: string) => boolean
  readonly #trees: VectorTrees
  readonly #writer: PartWriter
  #feeds: readonly { readonly slot: number; readonly feed: ColumnFeed }[] = []
  /** The same in the order in which they look at rows. */
  #takers: readonly ColumnFeed[] = []
  #maxChunkRows = MAX_CHUNK_ROWS

  /** @param placed - the columns to be written, in the table's order */
  constructor(
    table: string,
    layout: TableLayout,
    placed: readonly PlacedColumn[],
    { allocate, takesScalars }: { allocate: Allocate; takesScalars: (column: string) => boolean },
  ) {
    this.#table = table
    this.#layout = layout
    this.#placed = placed
    this.#takesScalars = takesScalars
    this.#trees = vectorTreesOf(layout.columns.map((column) => parseLogicalType(column.type)))
    this.#writer = new PartWriter(this.#trees.vectorCount, allocate)
  }

  get partRows(): number {
    return this.#writer.rowCount
  }

  get partBytes(): number {
    return this.#writer.byteLength
  }

  /** True where columns of the segment travel beside the part. */
  get hasWhole(): boolean {
    return this.#feeds.some(({ feed }) => feed.whole !== undefined)
  }

  /** Goes on with another segment. */
  begin({ columns, base, isLent }: EncodedSegment): void {
    this.#feeds = this.#placed.map(({ column, index }) => {
      const { name, type: typeName } = this.#layout.columns[column] as { name: string; type: string }
      const type = parseLogicalType(typeName)
      const slot = this.#trees.trees[column]?.slot as number
      const array = columns[index] as ColumnArray
      const isWhole = isDirect(array, type) && isLent(array)
      const takesScalars = this.#takesScalars(name)
      return {
        slot,
        feed: createFeed({ table: this.#table, name, type, takesScalars, slot, array, base, isWhole }),
      }
    })
    // to read a value may run code of the app, which may write to an array: those that are copied as they are checked
    // are checked after all of it
    const feeds = this.#feeds.map(({ feed }) => feed)
    this.#takers = [...feeds.filter(readsValues), ...feeds.filter((feed) => !readsValues(feed))]
    const rowValues = this.#feeds.reduce((values, { feed }) => values + feed.rowValues, 0)
    const rows = Math.floor(MAX_CHUNK_VALUES / Math.max(1, rowValues))
    this.#maxChunkRows = Math.max(MIN_CHUNK_ROWS, Math.min(MAX_CHUNK_ROWS, rows))
  }

  /** Appends a chunk of the segment's rows from `from` on, at most up to `to`; gives the row after its last. */
  encode(from: number, to: number, expectedBytes: number): number {
    let end = Math.min(to, from + this.#maxChunkRows)
    for (const feed of this.#takers) end = feed.take({ from, to: end })
    const blocks: (VectorBlock | undefined)[] = []
    for (const { slot, feed } of this.#feeds) {
      while (blocks.length < slot) blocks.push(undefined)
      feed.append(from, end, blocks)
    }
    while (blocks.length < this.#trees.vectorCount) blocks.push(undefined)
    this.#writer.appendChunk(end - from, blocks, expectedBytes)
    return end
  }

  /** Ends the part under way, with the columns that travel beside it. */
  finishPart(): Part {
    const part = this.#writer.finish()
    const whole = this.#feeds.flatMap(({ feed }) => feed.whole ?? [])
    if (whole.length === 0) return part
    return { ...part, whole, byteLength: part.byteLength + wholeBytes(whole) }
  }

  /** Forgets the part under way. */
  abort(): void {
    this.#writer.discard()
  }
}
