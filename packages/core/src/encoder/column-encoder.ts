import {
  fixedWidth,
  type LogicalType,
  logicalTypeName,
  MAX_CHUNK_ROWS,
  SinkError,
  ValueError,
  type VectorBlock,
  validityBytes,
} from '@ducksink/worker'
import type { GivenValues } from './given-values.ts'
import { RefusedValue } from './refused-value.ts'

/** A record as the encoder sees it. */
export type FieldRecord = Readonly<Record<string, unknown>>

/** Which records of a batch an encoder is to take, never more than a chunk has rows, and where they go. */
export interface Span {
  /** Records, or for an encoder without a field the values themselves. */
  readonly records: ArrayLike<unknown>
  readonly from: number
  readonly to: number
  /** The row of the vector where the first of them goes. */
  readonly startRow: number
  /** True where all must be taken, however much they hold: they are elements of lists, which are not cut. */
  readonly whole: boolean
}

/** A span that is used again for others. */
export type MutableSpan = { -readonly [K in keyof Span]: Span[K] }

/** What a column is, as errors name it, or what is inside one: then the name is still the column's. */
export interface ColumnInfo {
  readonly table: string
  readonly name: string
  readonly type: LogicalType
  /** Whether a VARCHAR takes numbers, booleans and dates as their text. */
  readonly takesScalars?: boolean | undefined
}

/** What every row takes, in a vector and those below it. */
export interface RowSize {
  readonly bytes: number
  readonly values: number
  /** True where a row may take more, as strings and lists do. */
  readonly isVariable: boolean
}

/** Bytes of strings and elements in one chunk beyond which it takes no more rows: DuckDB gets them in one piece. */
export const MAX_CHUNK_BYTES: number = 8 * 2 ** 20

// These names are found on every record, own or not; only own fields count.
const isInherited = (field: string): boolean => field in Object.prototype

/**
 * Gathers one vector's values, of one chunk at a time, in the layout of DuckDB; a type that holds others has an encoder
 * for each vector below it.
 *
 * The buffers are made once and copied into each part: they stay in the processor's cache, and the loops that
 * write them always see the same typed arrays. One method call a column a chunk, no closure a row.
 */
export abstract class ColumnEncoder {
  readonly column: ColumnInfo
  #field: string | null
  /** True where the field must be looked up as an own property. */
  protected guarded: boolean
  /** Room for the values of so many rows: those of a chunk, and more only for elements of lists. */
  #capacity: number = MAX_CHUNK_ROWS
  protected buffer: ArrayBuffer
  /** Bytes of a value, or of the entry of a string or list; 0 where there are only those of other vectors. */
  readonly width: number
  readonly rowSize: RowSize
  #values: Uint8Array
  #validity: Uint8Array = newMask(MAX_CHUNK_ROWS)
  #nullCount = 0
  /** True where a value came in another form than most of its type do, as a number's text. */
  protected hasConverted = false

  constructor(column: ColumnInfo, width: number = fixedWidth(column.type), rowSize?: RowSize) {
    this.column = column
    this.#field = column.name
    this.guarded = isInherited(column.name)
    this.width = width
    this.rowSize = rowSize ?? { bytes: width, values: 1, isVariable: false }
    this.buffer = new ArrayBuffer(MAX_CHUNK_ROWS * this.width)
    this.#values = new Uint8Array(this.buffer)
  }

  /** The field that values are read from, as the records of the batch at hand spell it; null where they are values. */
  get field(): string | null {
    return this.#field
  }

  set field(field: string | null) {
    this.#field = field
    this.guarded = field !== null && isInherited(field)
  }

  /** How many of its rows are NULL. */
  get nullCount(): number {
    return this.#nullCount
  }

  /** Bytes beside those of the rows: of strings, and of the elements of lists. */
  get variableBytes(): number {
    return 0
  }

  /**
   * Takes the field's values of a span of records; returns how many rows it took, which is fewer than asked for only
   * where the strings or elements of a chunk grow too many.
   * @throws {@link RefusedValue} at the first value that cannot become the type exactly; its index counts from the
   * start of `records`.
   */
  abstract fill(span: Span): number

  /** Appends what was gathered of each vector, in pre-order; `undefined` where every row is NULL. */
  appendBlocks(rowCount: number, blocks: (VectorBlock | undefined)[]): void {
    blocks.push(this.ownBlock(rowCount))
  }

  /** Forgets all rows from `rowCount` on. */
  truncate(rowCount: number): void {
    if (rowCount === 0 && this.#capacity * Math.max(1, this.width) > MAX_CHUNK_BYTES) {
      // one huge list must not keep its room for ever
      this.#resize(MAX_CHUNK_ROWS)
    }
    if (rowCount === 0) this.hasConverted = false
    if (this.#nullCount === 0) return
    this.#nullCount = 0
    if (rowCount === 0) {
      this.#validity.fill(255)
      return
    }
    for (let row = 0; row < this.#capacity; row++) {
      const bit = 1 << (row & 7)
      const byte = this.#validity[row >> 3] as number
      if ((byte & bit) !== 0) continue
      if (row < rowCount) this.#nullCount++
      else this.#validity[row >> 3] = byte | bit
    }
  }

  /** What its rows were given as, but for those that are NULL; `undefined` where that is not known any more. */
  given(): GivenValues | undefined {
    return undefined
  }

  /** Marks rows as NULL; `from` to `to`, excluded. */
  fillNulls(from: number, to: number): void {
    for (let row = from; row < to; row++) this.setNull(row)
  }

  /** Makes room for so many rows, those that are there included. */
  reserve(rowCount: number): void {
    if (rowCount > this.#capacity) this.#resize(Math.max(rowCount, this.#capacity * 2))
  }

  /** A text that two rows have in common exactly where DuckDB takes their values for equal. */
  identity(row: number): string {
    return Buffer.from(this.buffer, row * this.width, this.width).toString('latin1')
  }

  isNull(row: number): boolean {
    return (((this.#validity[row >> 3] as number) >> (row & 7)) & 1) === 0
  }

  /** Makes the views of `buffer` anew, which has been replaced by a larger one. */
  protected abstract mapBuffer(): void

  protected ownBlock(rowCount: number, extent?: number, heap?: Uint8Array): VectorBlock | undefined {
    if (this.#nullCount === rowCount) return undefined
    return {
      rowCount,
      values: this.#values,
      width: this.width,
      validity: this.#validity,
      nullCount: this.#nullCount,
      extent,
      heap,
    }
  }

  protected setNull(row: number): void {
    this.#validity[row >> 3] = (this.#validity[row >> 3] as number) & ~(1 << (row & 7))
    this.#nullCount++
  }

  protected refuse(index: number, value: unknown, because: string, cause?: unknown): never {
    throw new RefusedValue(index, { value, type: this.column.type, because, cause })
  }

  #resize(capacity: number): void {
    const kept = this.#values.subarray(0, capacity * this.width)
    this.buffer = new ArrayBuffer(capacity * this.width)
    this.#values = new Uint8Array(this.buffer)
    this.#values.set(kept)
    const mask = newMask(capacity)
    mask.set(this.#validity.subarray(0, mask.byteLength))
    this.#validity = mask
    this.#capacity = capacity
    this.mapBuffer()
  }
}

const newMask = (rows: number): Uint8Array => new Uint8Array(new ArrayBuffer(validityBytes(rows))).fill(255)

/** What an encoder takes of a record: the field's own value, `undefined` where there is none, or the record itself. */
export function fieldValue(record: FieldRecord, field: string | null, isGuarded: boolean): unknown {
  if (field === null) return record
  return isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
}

/** The error of a value that its column cannot hold; the value itself stays out of it. */
function valueError({ table, name }: ColumnInfo, { index: row, path, found }: RefusedValue): ValueError {
  const expected = logicalTypeName(found.type)
  const kind = kindOf(found.value)
  const where = `row ${row}, column "${name}"${path} of table "${table}"`
  const message = `${where}: ${kind} cannot become ${expected}: ${found.because}`
  return new ValueError(message, { table, column: name, row, expected, found: kind, cause: found.cause })
}

/** The kind of a JS value, as errors name it. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return 'array'
  try {
    const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null
    const name = prototype?.constructor?.name
    return typeof name === 'string' && name !== '' ? name : 'object'
  } catch {
    return 'object'
  }
}

/** Names the record that was refused, or that could not be read: a getter threw, or a Proxy. */
export function fillError(encoder: ColumnEncoder, span: Span, cause: unknown): SinkError {
  if (cause instanceof SinkError) return cause
  if (cause instanceof RefusedValue) return valueError(encoder.column, cause)
  const { table, name, type } = encoder.column
  const row = rowThatThrows(encoder, span)
  const where = row === undefined ? `one of rows ${span.from} to ${span.to - 1}` : `row ${row}`
  const message = `${where}, column "${name}" of table "${table}": reading the field threw`
  return new ValueError(message, { table, column: name, row, expected: logicalTypeName(type), cause })
}

/** The first row that cannot be taken by itself; `undefined` where they all can, this time. */
function rowThatThrows(encoder: ColumnEncoder, span: Span): number | undefined {
  for (let row = span.from; row < span.to; row++) {
    encoder.truncate(span.startRow)
    try {
      encoder.fill({ ...span, from: row, to: row + 1 })
    } catch {
      return row
    }
  }
  return undefined
}
