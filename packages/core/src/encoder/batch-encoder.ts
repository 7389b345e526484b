import {
  type Allocate,
  type LogicalType,
  MAX_CHUNK_ROWS,
  type Part,
  PartWriter,
  parseLogicalType,
  type TableLayout,
  ValueError,
  type VectorBlock,
  type VectorNode,
  vectorTreesOf,
} from '@ducksink/worker'
import {
  type ColumnEncoder,
  type FieldRecord,
  fillError,
  type MutableSpan,
  type Span,
} from './column-encoder.ts'
import { createColumnEncoder } from './columns.ts'
import { WIDE_COLUMNS, WIDE_ROWS, WideRecords } from './wide-records.ts'

// A chunk of a very wide table takes long to encode in one go: fewer rows a chunk keep the event loop free.
const MAX_CHUNK_VALUES = 1 << 16

// One batch of huge rows must not make the buffers of later ones huge; a part ends soon after 4 MiB anyway.
const MAX_EXPECTED_BYTES = 5 * 2 ** 20

/** Records that were encoded together, in the memory of the encoders until these take others. */
export interface EncodedChunk {
  readonly records: readonly unknown[]
  readonly from: number
  /** Excluded; all records before it are there. */
  readonly to: number
  readonly encoders: readonly ColumnEncoder[]
  /** The fields that each of them has, in this order, where that is known. */
  readonly shape: readonly string[] | undefined
}

/** Turns records into the parts of a batch, a chunk at a time. */
export class BatchEncoder {
  readonly layout: TableLayout
  readonly #table: string
  readonly #types: readonly LogicalType[]
  readonly #takesScalars: (column: string) => boolean
  readonly #writer: PartWriter
  readonly #encoders: (ColumnEncoder | undefined)[]
  /** The encoders of the columns that the batch at hand writes. */
  readonly #active: ColumnEncoder[] = []
  /** Those of them that have strings or lists, and what a row takes in all of them beside those. */
  readonly #variable: ColumnEncoder[] = []
  #rowBytes = 0
  #rowValues = 0
  /** All of them, each at its column's place in the layout. */
  readonly #activeByColumn: (ColumnEncoder | undefined)[]
  /** The place of each column's first vector in a part, and how many there are in all. */
  readonly #firstSlots: readonly number[]
  readonly #vectorCount: number
  /** Told of the records of each chunk, unless some of them were left out. */
  onChunk: ((chunk: Omit<EncodedChunk, 'shape'>) => void) | undefined
  #chunkRow = 0
  /** The first record of the chunk, and where it is from; none where they are not one after another. */
  #chunkFrom = 0
  #chunkRecords: readonly unknown[] | undefined
  #maxChunkRows = MAX_CHUNK_ROWS
  /** Bytes of the last part: about as much as the next will take. */
  #expectedBytes = 0
  #expectedRows = 1
  #wide: WideRecords | undefined
  readonly #span: MutableSpan = { records: [], from: 0, to: 0, startRow: 0, whole: false }

  /** @param takesScalars - whether a VARCHAR column takes numbers and the like as their text */
  constructor(
    table: string,
    layout: TableLayout,
    allocate: Allocate,
    takesScalars: (column: string) => boolean = () => false,
  ) {
    this.layout = layout
    this.#table = table
    this.#takesScalars = takesScalars
    this.#types = layout.columns.map((column) => parseLogicalType(column.type))
    const { trees, vectorCount } = vectorTreesOf(this.#types)
    this.#firstSlots = trees.map((tree: VectorNode) => tree.slot)
    this.#vectorCount = vectorCount
    this.#writer = new PartWriter(vectorCount, allocate)
    this.#encoders = layout.columns.map(() => undefined)
    this.#activeByColumn = layout.columns.map(() => undefined)
  }

  /** Rows of the part under way. */
  get partRows(): number {
    return this.#writer.rowCount + this.#chunkRow
  }

  /** Rows of the chunk that is being filled. */
  get chunkRows(): number {
    return this.#chunkRow
  }

  /** Rows of a chunk at most, by the columns of the batch. */
  get maxChunkRows(): number {
    return this.#maxChunkRows
  }

  /** Bytes of the part under way, but for the chunk that is being filled. */
  get partBytes(): number {
    return this.#writer.byteLength
  }

  /** Bytes of the part under way, with the chunk that is being filled. */
  get heldBytes(): number {
    let bytes = this.#writer.byteLength + this.#chunkRow * this.#rowBytes
    for (const encoder of this.#variable) bytes += encoder.variableBytes
    return bytes
  }

  /** Begins a batch that writes no column yet. */
  begin(): void {
    this.abort()
    this.onChunk = undefined
    this.#active.length = 0
    this.#variable.length = 0
    this.#rowBytes = 0
    this.#rowValues = 0
    this.#activeByColumn.fill(undefined)
  }

  /**
   * Makes a column part of the batch, read from `field`; rows already there get NULL.
   * @throws {@link ValueError} where there is no memory for those.
   */
  activate(column: number, field: string): void {
    const encoder = this.#encoderOf(column)
    // NULLs of a long ARRAY are many values each; a column that a chunk leaves out is NULL there for nothing
    if (this.#chunkRow * encoder.rowSize.values > MAX_CHUNK_VALUES)
      this.#sealOrForget(this.#chunkRow, this.partRows)
    encoder.field = field
    encoder.truncate(0)
    encoder.fillNulls(0, this.#chunkRow)
    this.#active.push(encoder)
    if (encoder.rowSize.isVariable) this.#variable.push(encoder)
    this.#rowBytes += encoder.rowSize.bytes
    this.#rowValues += encoder.rowSize.values
    this.#activeByColumn[column] = encoder
    this.#limitChunk()
  }

  /** Takes a column out of the batch again, which has had no value yet. */
  deactivate(column: number): void {
    const encoder = this.#activeByColumn[column]
    if (encoder === undefined) return
    this.#active.splice(this.#active.indexOf(encoder), 1)
    if (encoder.rowSize.isVariable) this.#variable.splice(this.#variable.indexOf(encoder), 1)
    this.#rowBytes -= encoder.rowSize.bytes
    this.#rowValues -= encoder.rowSize.values
    this.#activeByColumn[column] = undefined
    this.#limitChunk()
  }

  /**
   * Encodes records from `from` on, up to `to` or the end of the chunk; returns the index after the last one, which
   * is `from` itself where a chunk of long strings had no room left and the next call begins another.
   * @throws {@link ValueError} at the first value that does not fit; the rows of this call are then forgotten.
   */
  encode(
    records: readonly FieldRecord[],
    from: number,
    to: number,
    expectedRows: number = to - from,
  ): number {
    // a column that was activated since may have made chunks shorter
    if (this.#chunkRow >= this.#maxChunkRows) this.#sealChunk(this.#chunkRow + expectedRows)
    const startRow = this.#chunkRow
    if (startRow === 0) {
      this.#chunkFrom = from
      this.#chunkRecords = records
    } else if (records !== this.#chunkRecords || from !== this.#chunkFrom + startRow) {
      this.#chunkRecords = undefined
    }
    const span = this.#span
    span.records = records
    span.from = from
    span.to = Math.min(to, from + this.#maxChunkRows - startRow)
    span.startRow = startRow
    if (!this.#fillWide(span)) this.#fill(span)
    this.#chunkRow = startRow + span.to - from
    span.records = []
    // the strings of a chunk may end it before it has all its rows
    const isCutShort = span.to < to && this.#chunkRow < this.#maxChunkRows
    if (isCutShort || this.#chunkRow === this.#maxChunkRows)
      this.#sealOrForget(startRow, startRow + expectedRows)
    return span.to
  }

  /** Ends the part under way; there must be rows in it. */
  finishPart(): Part {
    if (this.#chunkRow > 0) this.#sealChunk(this.partRows)
    const part = this.#writer.finish()
    this.#expectedBytes = part.byteLength
    this.#expectedRows = part.rowCount
    return part
  }

  /** Forgets the part under way. */
  abort(): void {
    for (const encoder of this.#active) encoder.truncate(0)
    this.#chunkRow = 0
    this.#chunkRecords = undefined
    this.#writer.discard()
  }

  #encoderOf(column: number): ColumnEncoder {
    const known = this.#encoders[column]
    if (known !== undefined) return known
    const { name } = this.layout.columns[column] as { name: string }
    const type = this.#types[column] as LogicalType
    const encoder = createColumnEncoder({
      table: this.#table,
      name,
      type,
      takesScalars: this.#takesScalars(name),
    })
    this.#encoders[column] = encoder
    return encoder
  }

  #limitChunk(): void {
    const rows = Math.floor(MAX_CHUNK_VALUES / Math.max(1, this.#rowValues))
    this.#maxChunkRows = Math.max(64, Math.min(MAX_CHUNK_ROWS, rows))
  }

  #fill(span: MutableSpan): void {
    const active = this.#active
    for (let index = 0; index < active.length; index++) {
      const encoder = active[index] as ColumnEncoder
      const taken = this.#fillColumn(encoder, span)
      if (taken === span.to - span.from) continue
      // this column's strings are long, or its lists: those before it give the rest of the rows back
      span.to = span.from + taken
      for (let i = 0; i <= index; i++) (active[i] as ColumnEncoder).truncate(span.startRow + taken)
    }
  }

  /** False where the records are to be read field by field, of which nothing was taken then. */
  #fillWide(span: MutableSpan): boolean {
    const active = this.#active
    const { from, to, startRow } = span
    if (active.length < WIDE_COLUMNS || to - from < WIDE_ROWS) return false
    this.#wide ??= new WideRecords()
    const taken = this.#wide.fill(span, active)
    if (taken !== to - from) for (const encoder of active) encoder.truncate(startRow + (taken ?? 0))
    if (taken === undefined) return false
    span.to = from + taken
    return true
  }

  #fillColumn(encoder: ColumnEncoder, span: Span): number {
    try {
      return encoder.fill(span)
    } catch (error) {
      const named = fillError(encoder, span, error)
      for (const filled of this.#active) filled.truncate(span.startRow)
      throw named
    }
  }

  /** Seals the chunk, or forgets the rows of this call, which then were not taken. */
  #sealOrForget(startRow: number, expectedRows: number): void {
    try {
      this.#sealChunk(expectedRows)
    } catch (cause) {
      for (const filled of this.#active) filled.truncate(startRow)
      this.#chunkRow = startRow
      const table = this.#table
      throw new ValueError(`there is no memory for the rows of table "${table}"`, { table, cause })
    }
  }

  #sealChunk(expectedRows: number): void {
    const rowCount = this.#chunkRow
    const expected = (this.#expectedBytes / this.#expectedRows) * expectedRows * 1.1
    // what fails here leaves nothing in the part
    this.#tellChunk(rowCount)
    this.#writer.appendChunk(rowCount, this.#blocks(rowCount), Math.min(expected, MAX_EXPECTED_BYTES))
    for (const encoder of this.#active) encoder.truncate(0)
    this.#chunkRow = 0
    this.#chunkRecords = undefined
  }

  #tellChunk(rowCount: number): void {
    const records = this.#chunkRecords
    if (records === undefined || this.onChunk === undefined) return
    const from = this.#chunkFrom
    this.onChunk({ records, from, to: from + rowCount, encoders: this.#active })
  }

  /** What there is of every vector of the table, those of columns that are not written left out. */
  #blocks(rowCount: number): (VectorBlock | undefined)[] {
    const blocks: (VectorBlock | undefined)[] = []
    for (const [column, encoder] of this.#activeByColumn.entries()) {
      if (encoder === undefined) continue
      while (blocks.length < (this.#firstSlots[column] as number)) blocks.push(undefined)
      encoder.appendBlocks(rowCount, blocks)
    }
    while (blocks.length < this.#vectorCount) blocks.push(undefined)
    return blocks
  }
}
