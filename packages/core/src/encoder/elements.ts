import { isProxy } from 'node:util/types'
import type { LogicalType } from '@ducksink/worker'
import { type ColumnEncoder, MAX_CHUNK_BYTES, type MutableSpan } from './column-encoder.ts'
import { RefusedValue } from './refused-value.ts'

// Elements are given to their encoder as they are, in place of records, so that the one hot loop of each type serves
// columns and elements alike. Those of short lists are put together first, as a call takes 20 to 40 ns. Records around
// them, one for each, took 13 ns an element where this takes 4.

/** Elements that are given to their encoder at a time. */
const WINDOW = 512
/** The same where an element holds lists of its own, whose elements are all taken. */
const NESTED_WINDOW = 64
/** From so many elements on, a list is worth a call. */
const LONG = 48

/** Values of elements in one chunk beyond which it takes no more rows: they would hold up the event loop. */
const MAX_CHUNK_VALUES = 1 << 17

/** An element that was refused, by its row among all elements; the column whose element it is knows where that is. */
export class RefusedElement extends Error {
  readonly refused: RefusedValue

  constructor(refused: RefusedValue) {
    super(refused.message)
    this.refused = refused
  }
}

/** The elements of all rows of a list, one after another, on their way into the vector below it. */
export class Elements {
  readonly encoder: ColumnEncoder
  /** What an element is called behind its place, such as `.key`. */
  readonly #step: string
  /** Elements that wait to be given; it begins with numbers, so that V8 keeps doubles in it as they are. */
  readonly #window: unknown[]
  readonly #maxRows: number
  readonly #span: MutableSpan
  /** Rows of the vector. */
  #rows = 0
  /** How many wait. */
  #waiting = 0
  #hasManyBytes = false

  constructor(encoder: ColumnEncoder, step = '') {
    encoder.field = null
    this.encoder = encoder
    this.#step = step
    const length = holdsLists(encoder.column.type) ? NESTED_WINDOW : WINDOW
    this.#window = Array.from({ length }, () => 0)
    this.#maxRows = Math.ceil(MAX_CHUNK_VALUES / encoder.rowSize.values)
    this.#span = { records: NOTHING, from: 0, to: 0, startRow: 0, whole: true }
  }

  /** Elements of all rows, those that wait included. */
  get rowCount(): number {
    return this.#rows + this.#waiting
  }

  /** Bytes of all that was given to the encoder. */
  get byteLength(): number {
    return this.#rows * this.encoder.rowSize.bytes + this.encoder.variableBytes
  }

  /** True where a chunk takes no more rows. */
  get isFull(): boolean {
    return this.rowCount >= this.#maxRows || this.#hasManyBytes
  }

  /**
   * Takes the first `count` of some values.
   * @throws {@link RefusedElement} at the first that is refused.
   */
  push(values: ArrayLike<unknown>, count: number): void {
    // a Proxy is read once, as its second answer may be another
    if (count >= LONG && !isProxy(values)) {
      this.flush()
      this.#pushLong(values, count)
      return
    }
    const window = this.#window
    const end = window.length
    let waiting = this.#waiting
    for (let i = 0; i < count; i++) {
      const value = values[i]
      if (value === undefined) this.#refuseUndefined(this.#rows + waiting)
      window[waiting++] = value
      if (waiting === end) {
        this.#waiting = waiting
        this.flush()
        waiting = 0
      }
    }
    this.#waiting = waiting
  }

  /** Takes so many NULLs. */
  pushNulls(count: number): void {
    for (let i = 0; i < count; i++) this.push(ONE_NULL, 1)
  }

  /**
   * Gives the encoder what waits.
   * @throws {@link RefusedElement} at the first that is refused.
   */
  flush(): void {
    const count = this.#waiting
    this.#waiting = 0
    if (count > 0) this.#give(this.#window, 0, count)
  }

  /** Forgets all elements from `rowCount` on. */
  truncate(rowCount: number): void {
    this.#waiting = 0
    this.#rows = rowCount
    this.#hasManyBytes = false
    this.encoder.truncate(rowCount)
    // what belongs to the app is not kept
    if (rowCount === 0) this.#window.fill(0)
  }

  /** A text that runs of elements have in common exactly where DuckDB takes them for equal; nothing may wait. */
  identity(from: number, to: number): string {
    let text = ''
    for (let row = from; row < to; row++) text += elementIdentity(this.encoder, row)
    return text
  }

  #pushLong(values: ArrayLike<unknown>, count: number): void {
    const step = this.#window.length
    for (let from = 0; from < count; from += step) {
      const to = Math.min(count, from + step)
      const nullCount = this.encoder.nullCount
      this.#give(values, from, to)
      if (this.encoder.nullCount > nullCount) this.#requireNulls(values, from, to)
    }
  }

  /** What the encoder has just taken for NULL must be null, and no hole; an array with getters may say otherwise now. */
  #requireNulls(values: ArrayLike<unknown>, from: number, to: number): void {
    const firstRow = this.#rows - to
    for (let i = from; i < to; i++) {
      if (this.encoder.isNull(firstRow + i) && values[i] !== null) this.#refuseUndefined(firstRow + i)
    }
  }

  #give(values: ArrayLike<unknown>, from: number, to: number): void {
    const span = this.#span
    span.records = values
    span.from = from
    span.to = to
    span.startRow = this.#rows
    this.encoder.reserve(this.#rows + to - from)
    try {
      this.encoder.fill(span)
    } catch (error) {
      throw error instanceof RefusedValue ? this.#named(error, this.#rows + error.index - from) : error
    } finally {
      span.records = NOTHING
    }
    this.#rows += to - from
    this.#hasManyBytes = this.byteLength >= MAX_CHUNK_BYTES
  }

  #refuseUndefined(row: number): never {
    const because = 'it is undefined, or a hole in an array; NULL is null'
    const found = { value: undefined, type: this.encoder.column.type, because, cause: undefined }
    throw this.#named(new RefusedValue(0, found), row)
  }

  #named(refused: RefusedValue, row: number): RefusedElement {
    return new RefusedElement(refused.within(row, this.#step))
  }
}

const NOTHING: ArrayLike<unknown> = []
const ONE_NULL: ArrayLike<unknown> = [null]

/** The same for one value that stands beside others, NULL among them. */
export function elementIdentity(encoder: ColumnEncoder, row: number): string {
  if (encoder.isNull(row)) return 'N'
  const identity = encoder.identity(row)
  return `${identity.length}:${identity}`
}

function holdsLists(type: LogicalType): boolean {
  switch (type.id) {
    case 'LIST':
    case 'MAP':
      return true
    case 'ARRAY':
      return holdsLists(type.element)
    case 'STRUCT':
      return type.fields.some((field) => holdsLists(field.type))
    case 'UNION':
      return type.members.some((member) => holdsLists(member.type))
    default:
      return false
  }
}
