import {
  type ColumnBlock,
  type LogicalType,
  logicalTypeName,
  MAX_CHUNK_ROWS,
  NATIVE_WIDTHS,
  SinkError,
  ValueError,
  validityBytes,
  wireTypeOf,
} from '@ducksink/worker'

/** A record as the encoder sees it. */
export type FieldRecord = Readonly<Record<string, unknown>>

/** Which records of a batch an encoder is to take, and where they go. */
export interface Span {
  readonly records: readonly FieldRecord[]
  readonly from: number
  readonly to: number
  /** The row of the chunk where the first of them goes. */
  readonly startRow: number
}

/** What a column is, as errors name it. */
export interface ColumnInfo {
  readonly table: string
  readonly name: string
  readonly type: LogicalType
}

const VALIDITY_BYTES = validityBytes(MAX_CHUNK_ROWS)

// These names are found on every record, own or not; only own fields count.
const isInherited = (field: string): boolean => field in Object.prototype

/**
 * Gathers one column's values, of one chunk at a time, in the layout of a DuckDB vector.
 *
 * The buffers are made once and copied into each part: they stay in the processor's cache, and the loops that
 * write them always see the same typed arrays. One method call a column a chunk, no closure a row.
 */
export abstract class ColumnEncoder {
  readonly column: ColumnInfo
  /** The field that this column is read from, as the records of the batch at hand spell it. */
  #field: string
  /** True where the field must be looked up as an own property. */
  protected guarded: boolean
  /** Room for the values of one chunk. */
  protected readonly buffer: ArrayBuffer
  /** Bytes of a value, or of a string's entry. */
  readonly width: number
  readonly #values: Uint8Array
  readonly #validity = new Uint8Array(new ArrayBuffer(VALIDITY_BYTES)).fill(255)
  #nullCount = 0

  constructor(column: ColumnInfo) {
    this.column = column
    this.#field = column.name
    this.guarded = isInherited(column.name)
    this.width = NATIVE_WIDTHS[wireTypeOf(column.type)]
    this.buffer = new ArrayBuffer(MAX_CHUNK_ROWS * this.width)
    this.#values = new Uint8Array(this.buffer)
  }

  get field(): string {
    return this.#field
  }

  set field(field: string) {
    this.#field = field
    this.guarded = isInherited(field)
  }

  /**
   * Takes the field's values of a span of records; returns how many rows it took, at least one, which is fewer than
   * asked for only where the strings of a chunk grow too long.
   * @throws {@link ValueError} at the first value that cannot become the column's type exactly; `row` counts from
   * the start of `records`.
   */
  abstract fill(span: Span): number

  /** What was gathered, `undefined` where every row is NULL. */
  block(rowCount: number): ColumnBlock | undefined {
    if (this.#nullCount === rowCount) return undefined
    return {
      values: this.#values,
      width: this.width,
      validity: this.#validity,
      nullCount: this.#nullCount,
      heap: this.heap,
      heapBytes: this.heapBytes,
    }
  }

  /** Forgets all rows from `rowCount` on. */
  truncate(rowCount: number): void {
    if (this.#nullCount === 0) return
    this.#nullCount = 0
    if (rowCount === 0) {
      this.#validity.fill(255)
      return
    }
    for (let row = 0; row < MAX_CHUNK_ROWS; row++) {
      const bit = 1 << (row & 7)
      const byte = this.#validity[row >> 3] as number
      if ((byte & bit) !== 0) continue
      if (row < rowCount) this.#nullCount++
      else this.#validity[row >> 3] = byte | bit
    }
  }

  /** Marks rows as NULL; `from` to `to`, excluded. */
  fillNulls(from: number, to: number): void {
    for (let row = from; row < to; row++) this.setNull(row)
  }

  /** The bytes that string entries point into; only columns of strings have them. */
  get heap(): Uint8Array | undefined {
    return undefined
  }

  /** How many of them are in use. */
  get heapBytes(): number {
    return 0
  }

  protected setNull(row: number): void {
    this.#validity[row >> 3] = (this.#validity[row >> 3] as number) & ~(1 << (row & 7))
    this.#nullCount++
  }

  protected refuse(row: number, value: unknown, because: string, cause?: unknown): never {
    throw valueError(this.column, row, value, because, cause)
  }
}

/** The field's own value; `undefined` where the record has none. */
export function ownValue(record: FieldRecord, field: string): unknown {
  return Object.hasOwn(record, field) ? record[field] : undefined
}

/** A {@link ValueError} for a value that its column cannot hold; the value itself stays out of it. */
function valueError(
  column: ColumnInfo,
  row: number,
  value: unknown,
  because: string,
  cause?: unknown,
): ValueError {
  const { table, name, type } = column
  const expected = logicalTypeName(type)
  const found = kindOf(value)
  const message = `row ${row}, column "${name}" of table "${table}": ${found} cannot become ${expected}: ${because}`
  return new ValueError(message, { table, column: name, row, expected, found, cause })
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

/** Names the record that could not be read: a getter threw, or a Proxy. */
export function readError(encoder: ColumnEncoder, span: Span, cause: unknown): SinkError {
  if (cause instanceof SinkError) return cause
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
