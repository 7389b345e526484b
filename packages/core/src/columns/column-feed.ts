import {
  type LogicalType,
  MAX_CHUNK_ROWS,
  STRING_ENTRY_BYTES,
  type VectorBlock,
  validityBytes,
  type WholeColumn,
  writeStringEntries,
} from '@ducksink/worker'
import { type ColumnEncoder, fillError, MAX_CHUNK_BYTES } from '../encoder/column-encoder.ts'
import { createColumnEncoder } from '../encoder/columns.ts'
import { RefusedValue } from '../encoder/refused-value.ts'
import {
  type ColumnArray,
  type ColumnPlace,
  type FixedArray,
  isNull,
  type PackedArray,
  type Validity,
  widthOf,
} from './column-array.ts'
import { checkFixed, checkOffsets, checkText, type Rows, requireRows } from './column-content.ts'
import { plainValues, type ReadRow, rowReader } from './column-values.ts'

type Blocks = (VectorBlock | undefined)[]

/** Gives one column's values to chunks. */
export interface ColumnFeed {
  /**
   * Looks at rows, and gives the end of those that a chunk takes of them; `from` and `to` count in the segment.
   * @throws {@link ValueError} at the first value that does not fit.
   */
  take(rows: Rows): number
  /** Appends what a chunk of these rows has of the column, which are taken and perhaps fewer. */
  append(from: number, to: number, blocks: Blocks): void
  /** The column as it travels beside the part; absent where the part has its values. */
  readonly whole: WholeColumn | undefined
  /** Values of a row, those of vectors below included, that are encoded one by one. */
  readonly rowValues: number
}

/** One column that is written. */
export interface FedColumn {
  readonly table: string
  readonly name: string
  readonly type: LogicalType
  readonly takesScalars: boolean
  readonly slot: number
  readonly array: ColumnArray
  /** How many rows of the batch come before those of the array. */
  readonly base: number
  /** True where its arrays may be given away. */
  readonly isWhole: boolean
}

/** True where a column's arrays are what DuckDB has in a vector of the type. */
export function isDirect(array: ColumnArray, type: LogicalType): boolean {
  switch (array.kind) {
    case 'fixed':
      return array.type.id === type.id
    case 'packed':
      return (type.id === 'VARCHAR' || type.id === 'BLOB') && (array.type ?? type).id === type.id
    case 'values':
      return false
    default:
      return array satisfies never
  }
}

/** Makes what feeds a column: its arrays themselves where they are what DuckDB has, or else value by value. */
export function createFeed(column: FedColumn): ColumnFeed {
  const { array, type } = column
  if (array.kind === 'fixed' && isDirect(array, type)) return new FixedFeed(column, array)
  if (array.kind === 'packed' && isDirect(array, type)) return new PackedFeed(column, array)
  return new EncodedFeed(column)
}

const placeOf = ({ table, name, base }: FedColumn): ColumnPlace => ({ table, column: name, base })

const NO_BYTES = new Uint8Array(0)

/** The validity of a chunk's rows. */
class ChunkMask {
  readonly bits: Uint8Array = new Uint8Array(validityBytes(MAX_CHUNK_ROWS))

  /** Copies the bits of some rows; gives how many are NULL. */
  fill({ bits: source, offset }: Validity, from: number, to: number): number {
    const first = (offset + from) >> 3
    const shift = (offset + from) & 7
    const rowCount = to - from
    const { bits } = this
    let nullCount = rowCount
    for (let byte = 0; byte < (rowCount + 7) >> 3; byte++) {
      const low = (source[first + byte] as number) >> shift
      const high = shift === 0 ? 0 : (source[first + byte + 1] ?? 0) << (8 - shift)
      const left = rowCount - byte * 8
      const value = (low | high) & (left < 8 ? (1 << left) - 1 : 255)
      bits[byte] = value
      nullCount -= ONES[value] as number
    }
    return nullCount
  }
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1
  return count
})

/** Numbers and the like. */
class FixedFeed implements ColumnFeed {
  readonly rowValues = 0
  readonly whole: WholeColumn | undefined
  readonly #place: ColumnPlace
  readonly #array: FixedArray
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #width: number
  readonly #mask = new ChunkMask()

  constructor(column: FedColumn, array: FixedArray) {
    const { slot, isWhole } = column
    const { buffer, byteOffset, byteLength } = array.values
    this.#place = placeOf(column)
    this.#array = array
    this.#bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
    this.#width = widthOf(array)
    this.whole = isWhole ? { slot, values: this.#bytes, offsets: undefined } : undefined
  }

  take(rows: Rows): number {
    requireRows(this.#place, this.#array, rows.to)
    checkFixed(this.#place, this.#array, rows)
    return rows.to
  }

  append(from: number, to: number, blocks: Blocks): void {
    const { validity } = this.#array
    const nullCount = validity === undefined ? 0 : this.#mask.fill(validity, from, to)
    const width = this.whole === undefined ? this.#width : 0
    const values = this.#bytes.subarray(from * width, to * width)
    const rowCount = to - from
    blocks.push(
      nullCount === rowCount
        ? undefined
        : {
            rowCount,
            values,
            width,
            validity: this.#mask.bits,
            nullCount,
            extent: undefined,
            heap: undefined,
          },
    )
  }
}

/** Strings and bytes. */
class PackedFeed implements ColumnFeed {
  readonly rowValues = 0
  readonly whole: WholeColumn | undefined
  readonly #place: ColumnPlace
  readonly #array: PackedArray
  readonly #isText: boolean
  readonly #data: DataView
  readonly #entries: Uint32Array
  readonly #mask = new ChunkMask()

  constructor(column: FedColumn, array: PackedArray) {
    const { type, slot, isWhole } = column
    const { data, offsets } = array
    this.#place = placeOf(column)
    this.#array = array
    this.#isText = type.id === 'VARCHAR'
    this.#data = new DataView(data.buffer, data.byteOffset, data.byteLength)
    this.#entries = new Uint32Array(isWhole ? 0 : (MAX_CHUNK_ROWS * STRING_ENTRY_BYTES) / 4)
    this.whole = isWhole ? { slot, values: data as Uint8Array<ArrayBuffer>, offsets } : undefined
  }

  take(rows: Rows): number {
    const { from, to } = rows
    const { offsets } = this.#array
    requireRows(this.#place, this.#array, to)
    checkOffsets(this.#place, this.#array, rows)
    let end = to
    const first = offsets[from] as number
    // DuckDB gets the bytes of a chunk in one piece
    while (end > from + 1 && (offsets[end] as number) - first > MAX_CHUNK_BYTES)
      end = from + ((end - from) >> 1)
    if (this.#isText) checkText(this.#place, this.#array, { from, to: end })
    return end
  }

  append(from: number, to: number, blocks: Blocks): void {
    const { validity } = this.#array
    const rowCount = to - from
    const nullCount = validity === undefined ? 0 : this.#mask.fill(validity, from, to)
    const rows = { rowCount, validity: this.#mask.bits, nullCount }
    if (nullCount === rowCount) blocks.push(undefined)
    else if (this.whole !== undefined)
      blocks.push({ ...rows, values: NO_BYTES, width: 0, extent: undefined, heap: undefined })
    else blocks.push({ ...rows, ...this.#values(from, to) })
  }

  #values(from: number, to: number): Pick<VectorBlock, 'values' | 'width' | 'extent' | 'heap'> {
    const { data, offsets, validity } = this.#array
    const entries = this.#entries
    const hasLong = writeStringEntries(entries, { data: this.#data, offsets, from, to })
    if (validity !== undefined)
      for (let row = from; row < to; row++)
        if (isNull(validity, row)) entries.fill(0, (row - from) * 4, (row - from + 1) * 4)
    const heap = hasLong ? data.subarray(offsets[from], offsets[to]) : NO_BYTES
    return {
      values: new Uint8Array(entries.buffer),
      width: STRING_ENTRY_BYTES,
      extent: heap.byteLength,
      heap,
    }
  }
}

/** All that goes through the encoder that records go through, by the same rules. */
class EncodedFeed implements ColumnFeed {
  readonly whole = undefined
  readonly rowValues: number
  readonly #place: ColumnPlace
  readonly #array: ColumnArray
  readonly #base: number
  readonly #encoder: ColumnEncoder
  /** Reads values that the array does not have as they are. */
  readonly #read: ReadRow | undefined
  #taken = 0

  constructor(column: FedColumn) {
    const { array, base } = column
    this.#place = placeOf(column)
    this.#base = base
    this.#array = array
    this.#encoder = createColumnEncoder(column)
    this.#encoder.field = null
    this.#read = plainValues(array) === undefined ? rowReader(this.#place, array) : undefined
    this.rowValues = this.#encoder.rowSize.values
  }

  take({ from, to }: Rows): number {
    requireRows(this.#place, this.#array, to)
    const encoder = this.#encoder
    encoder.truncate(0)
    const span =
      this.#read === undefined
        ? { records: plainValues(this.#array) as ArrayLike<unknown>, from, to, startRow: 0, whole: false }
        : { records: readRows(this.#read, from, to), from: 0, to: to - from, startRow: 0, whole: false }
    try {
      this.#taken = encoder.fill(span)
    } catch (error) {
      encoder.truncate(0)
      // errors count rows from the start of the batch
      const shift = this.#base + from - span.from
      const isShifted = error instanceof RefusedValue && shift > 0
      throw fillError(
        encoder,
        span,
        isShifted ? new RefusedValue(error.index + shift, error.found, error.path) : error,
      )
    }
    return from + this.#taken
  }

  append(from: number, to: number, blocks: Blocks): void {
    if (to - from < this.#taken) this.#encoder.truncate(to - from)
    this.#encoder.appendBlocks(to - from, blocks)
  }
}

function readRows(read: ReadRow, from: number, to: number): unknown[] {
  const values = new Array<unknown>(to - from)
  for (let row = from; row < to; row++) values[row - from] = read(row)
  return values
}
