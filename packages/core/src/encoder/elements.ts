import type { LogicalType } from '@ducksink/worker'
import { type ColumnEncoder, MAX_CHUNK_BYTES, type Span } from './column-encoder.ts'
import { RefusedValue } from './refused-value.ts'

// Elements are given to their encoder as records with one field, so that the one hot loop of each type serves columns
// and elements alike. The records are boxes that are used again and again, few enough to stay in the cache: filling
// and reading them takes 2 to 4 ns an element.

const FIELD = 'value'

/** Elements that are given to their encoder at a time. */
const WINDOW = 512
/** The same where an element holds lists of its own, whose elements are all taken. */
const NESTED_WINDOW = 64

/** Values of elements in one chunk beyond which it takes no more rows: they would hold up the event loop. */
const MAX_CHUNK_VALUES = 1 << 17

type MutableSpan = { -readonly [K in keyof Span]: Span[K] }

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
  readonly #boxes: { value: unknown }[]
  readonly #maxRows: number
  readonly #span: MutableSpan
  /** Rows of the vector. */
  #rows = 0
  /** Boxes that wait to be given to it. */
  #waiting = 0
  #hasManyBytes = false

  constructor(encoder: ColumnEncoder, step = '') {
    encoder.field = FIELD
    this.encoder = encoder
    this.#step = step
    const length = holdsLists(encoder.column.type) ? NESTED_WINDOW : WINDOW
    this.#boxes = Array.from({ length }, () => ({ value: null }))
    this.#maxRows = Math.ceil(MAX_CHUNK_VALUES / encoder.rowSize.values)
    this.#span = { records: this.#boxes, from: 0, to: 0, startRow: 0, whole: true }
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
  push(values: readonly unknown[], count: number): void {
    const boxes = this.#boxes
    const end = boxes.length
    let waiting = this.#waiting
    for (let i = 0; i < count; i++) {
      const value = values[i]
      if (value === undefined) this.#refuseUndefined(waiting)
      ;(boxes[waiting++] as { value: unknown }).value = value
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
    if (count === 0) return
    this.#waiting = 0
    this.encoder.reserve(this.#rows + count)
    this.#span.to = count
    this.#span.startRow = this.#rows
    try {
      this.encoder.fill(this.#span)
    } catch (error) {
      throw error instanceof RefusedValue ? this.#named(error) : error
    }
    this.#rows += count
    this.#hasManyBytes = this.byteLength >= MAX_CHUNK_BYTES
  }

  /** Forgets all elements from `rowCount` on. */
  truncate(rowCount: number): void {
    this.#waiting = 0
    this.#rows = rowCount
    this.#hasManyBytes = false
    this.encoder.truncate(rowCount)
    // what belongs to the app is not kept
    if (rowCount === 0) for (const box of this.#boxes) box.value = null
  }

  /** A text that runs of elements have in common exactly where DuckDB takes them for equal; nothing may wait. */
  identity(from: number, to: number): string {
    let text = ''
    for (let row = from; row < to; row++) text += elementIdentity(this.encoder, row)
    return text
  }

  #refuseUndefined(waiting: number): never {
    const because = 'it is undefined, or a hole in an array; NULL is null'
    const found = { value: undefined, type: this.encoder.column.type, because, cause: undefined }
    throw this.#named(new RefusedValue(waiting, found))
  }

  #named(refused: RefusedValue): RefusedElement {
    return new RefusedElement(refused.within(this.#rows + refused.index, this.#step))
  }
}

const ONE_NULL: readonly unknown[] = [null]

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
