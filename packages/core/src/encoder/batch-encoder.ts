import {
  type Allocate,
  type LogicalType,
  type Part,
  PartWriter,
  parseLogicalType,
  type TableLayout,
  ValueError,
} from '@ducksink/worker'
import { ActiveColumns } from './active-columns.ts'
import {
  type ColumnEncoder,
  type FieldRecord,
  fillError,
  type MutableSpan,
  type Span,
} from './column-encoder.ts'
import { createColumnEncoder } from './columns.ts'
import { WIDE_COLUMNS, WIDE_ROWS, WideRecords } from './wide-records.ts'

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
  readonly #active: ActiveColumns
  /** Told of the records of each chunk, unless some of them were left out. */
  onChunk: ((chunk: Omit<EncodedChunk, 'shape'>) => void) | undefined
  #chunkRow = 0
  /** The first record of the chunk, and where it is from; none where they are not one after another. */
  #chunkFrom = 0
  #chunkRecords: readonly unknown[] | undefined
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
    this.#active = new ActiveColumns(this.#types)
    this.#writer = new PartWriter(this.#active.vectorCount, allocate)
    this.#encoders = layout.columns.map(() => undefined)
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
    return this.#active.maxChunkRows
  }

  /** Bytes of the part under way, but for the chunk that is being filled. */
  get partBytes(): number {
    return this.#writer.byteLength
  }

  /** Bytes of the part under way, with the chunk that is being filled. */
  get heldBytes(): number {
    return this.#writer.byteLength + this.#active.heldBytes(this.#chunkRow)
  }

  /** Begins a batch that writes no column yet. */
  begin(): void {
    this.abort()
    this.onChunk = undefined
    this.#active.clear()
  }

  /**
   * Makes a column part of the batch, read from `field`; rows already there get NULL.
   * @throws {@link ValueError} where there is no memory for those.
   */
  activate(column: number, field: string): void {
    const encoder = this.#encoderOf(column)
    // NULLs of a long ARRAY are many values each; a column that a chunk leaves out is NULL there for nothing
    if (!this.#active.takesNulls(encoder, this.#chunkRow)) this.#sealOrForget(this.#chunkRow, this.partRows)
    encoder.field = field
    encoder.truncate(0)
    encoder.fillNulls(0, this.#chunkRow)
    this.#active.add(column, encoder)
  }

  /** Takes a column out of the batch again, which has had no value yet. */
  deactivate(column: number): void {
    this.#active.remove(column)
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
    const { maxChunkRows } = this.#active
    // a column that was activated since may have made chunks shorter
    if (this.#chunkRow >= maxChunkRows) this.#sealChunk(this.#chunkRow + expectedRows)
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
    span.to = Math.min(to, from + maxChunkRows - startRow)
    span.startRow = startRow
    if (!this.#fillWide(span)) this.#fill(span)
    this.#chunkRow = startRow + span.to - from
    span.records = []
    // the strings of a chunk may end it before it has all its rows
    const isCutShort = span.to < to && this.#chunkRow < maxChunkRows
    if (isCutShort || this.#chunkRow === maxChunkRows) this.#sealOrForget(startRow, startRow + expectedRows)
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
    this.#active.truncate(0)
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

  #fill(span: MutableSpan): void {
    const active = this.#active.encoders
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
    const { encoders } = this.#active
    const { from, to, startRow } = span
    if (encoders.length < WIDE_COLUMNS || to - from < WIDE_ROWS) return false
    this.#wide ??= new WideRecords()
    const taken = this.#wide.fill(span, encoders)
    if (taken !== to - from) this.#active.truncate(startRow + (taken ?? 0))
    if (taken === undefined) return false
    span.to = from + taken
    return true
  }

  #fillColumn(encoder: ColumnEncoder, span: Span): number {
    try {
      return encoder.fill(span)
    } catch (error) {
      const named = fillError(encoder, span, error)
      this.#active.truncate(span.startRow)
      throw named
    }
  }

  /** Seals the chunk, or forgets the rows of this call, which then were not taken. */
  #sealOrForget(startRow: number, expectedRows: number): void {
    try {
      this.#sealChunk(expectedRows)
    } catch (cause) {
      this.#active.truncate(startRow)
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
    this.#writer.appendChunk(rowCount, this.#active.blocks(rowCount), Math.min(expected, MAX_EXPECTED_BYTES))
    this.#active.truncate(0)
    this.#chunkRow = 0
    this.#chunkRecords = undefined
  }

  #tellChunk(rowCount: number): void {
    const records = this.#chunkRecords
    if (records === undefined || this.onChunk === undefined) return
    const from = this.#chunkFrom
    this.onChunk({ records, from, to: from + rowCount, encoders: this.#active.encoders })
  }
}
