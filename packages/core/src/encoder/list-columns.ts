import { isTypedArray } from 'node:util/types'
import { type ArrayType, LIST_ENTRY_BYTES, type VectorBlock } from '@ducksink/worker'
import { isLength, NO_LENGTH } from './array-length.ts'
import { ColumnEncoder, type ColumnInfo, type FieldRecord, fieldValue, type Span } from './column-encoder.ts'
import { Elements, RefusedElement } from './elements.ts'
import { plainValue } from './plain-value.ts'

const ENTRY_WORDS = LIST_ENTRY_BYTES / 4

/** What LIST, ARRAY and MAP have in common: rows that hold as many elements as they like. */
abstract class RepeatedColumn extends ColumnEncoder {
  override fill({ records, from, to, startRow, whole }: Span): number {
    const { field, guarded } = this
    let row = startRow
    try {
      for (let i = from; i < to; i++, row++) {
        if (row > 0 && !whole && this.isFull) break
        const record = records[i] as FieldRecord
        const value = fieldValue(record, field, guarded)
        if (value === null || value === undefined) {
          this.setNull(row)
          this.fillNullRow(row)
        } else {
          this.fillRow(value, row, i)
        }
      }
      this.flush()
    } catch (error) {
      throw error instanceof RefusedElement ? this.#located(error, startRow, from) : error
    }
    return row - startRow
  }

  override fillNulls(from: number, to: number): void {
    super.fillNulls(from, to)
    for (let row = from; row < to; row++) this.fillNullRow(row)
    this.flush()
  }

  override truncate(rowCount: number): void {
    // before the entries go
    this.truncateElements(rowCount === 0 ? 0 : this.elementsBefore(rowCount))
    super.truncate(rowCount)
  }

  protected abstract get isFull(): boolean
  protected abstract fillRow(value: unknown, row: number, index: number): void
  protected abstract fillNullRow(row: number): void
  protected abstract flush(): void
  protected abstract truncateElements(elementCount: number): void
  /** How many elements the rows before this one have. */
  protected abstract elementsBefore(row: number): number

  #located({ refused }: RefusedElement, startRow: number, from: number): Error {
    let row = startRow
    while (this.elementsBefore(row + 1) <= refused.index) row++
    return refused.within(from + row - startRow, `[${refused.index - this.elementsBefore(row)}]`)
  }
}

/** LIST and MAP: entries that say where each row's elements are. */
export abstract class EntriesColumn extends RepeatedColumn {
  #entries: Uint32Array = new Uint32Array(this.buffer)

  constructor(column: ColumnInfo) {
    super(column, LIST_ENTRY_BYTES, { bytes: LIST_ENTRY_BYTES, values: 1, isVariable: true })
  }

  protected override mapBuffer(): void {
    this.#entries = new Uint32Array(this.buffer)
  }

  protected override elementsBefore(row: number): number {
    if (row === 0) return 0
    const word = (row - 1) * ENTRY_WORDS
    return (this.#entries[word] as number) + (this.#entries[word + 2] as number)
  }

  protected setEntry(row: number, offset: number, length: number): void {
    const entries = this.#entries
    const word = row * ENTRY_WORDS
    entries[word] = offset
    entries[word + 1] = 0
    entries[word + 2] = length
    entries[word + 3] = 0
  }
}

/** LIST, from an array or what stands for one: a typed array, a Set, node-api's value, the text of one. */
export class ListColumn extends EntriesColumn {
  readonly #elements: Elements

  constructor(column: ColumnInfo, encoder: ColumnEncoder) {
    super(column)
    this.#elements = new Elements(encoder)
  }

  override get variableBytes(): number {
    return this.#elements.byteLength
  }

  override appendBlocks(rowCount: number, blocks: (VectorBlock | undefined)[]): void {
    const elementCount = this.#elements.rowCount
    blocks.push(this.ownBlock(rowCount, elementCount))
    this.#elements.encoder.appendBlocks(elementCount, blocks)
  }

  override identity(row: number): string {
    return this.#elements.identity(this.elementsBefore(row), this.elementsBefore(row + 1))
  }

  protected override get isFull(): boolean {
    return this.#elements.isFull
  }

  protected override fillRow(value: unknown, row: number, index: number): void {
    const values = elementsOf(value) ?? this.refuse(index, value, 'only an array can')
    const { length } = values
    // a Proxy may say any
    if (!isLength(length)) this.refuse(index, value, NO_LENGTH)
    this.setEntry(row, this.#elements.rowCount, length)
    this.#elements.push(values, length)
  }

  protected override fillNullRow(row: number): void {
    this.setEntry(row, this.#elements.rowCount, 0)
  }

  protected override flush(): void {
    this.#elements.flush()
  }

  protected override truncateElements(elementCount: number): void {
    this.#elements.truncate(elementCount)
  }
}

/** ARRAY: as many elements a row as its type says, also where the row is NULL. */
export class ArrayColumn extends RepeatedColumn {
  readonly #length: number
  readonly #elements: Elements

  constructor(column: ColumnInfo, { length }: ArrayType, encoder: ColumnEncoder) {
    const { bytes, values, isVariable } = encoder.rowSize
    super(column, 0, { bytes: length * bytes, values: 1 + length * values, isVariable })
    this.#length = length
    this.#elements = new Elements(encoder)
  }

  override get variableBytes(): number {
    return this.#elements.encoder.variableBytes
  }

  override appendBlocks(rowCount: number, blocks: (VectorBlock | undefined)[]): void {
    blocks.push(this.ownBlock(rowCount))
    this.#elements.encoder.appendBlocks(rowCount * this.#length, blocks)
  }

  override identity(row: number): string {
    return this.#elements.identity(this.elementsBefore(row), this.elementsBefore(row + 1))
  }

  protected override get isFull(): boolean {
    return this.#elements.isFull
  }

  protected override fillRow(value: unknown, _row: number, index: number): void {
    const values = elementsOf(value) ?? this.refuse(index, value, 'only an array can')
    if (values.length !== this.#length) this.refuse(index, value, `it needs ${this.#length} elements`)
    this.#elements.push(values, this.#length)
  }

  protected override fillNullRow(): void {
    this.#elements.pushNulls(this.#length)
  }

  protected override flush(): void {
    this.#elements.flush()
  }

  protected override truncateElements(elementCount: number): void {
    this.#elements.truncate(elementCount)
  }

  protected override elementsBefore(row: number): number {
    return row * this.#length
  }

  protected override mapBuffer(): void {
    // it has no values of its own
  }
}

/** The elements of a value; those of typed arrays where they are. */
function elementsOf(value: unknown): ArrayLike<unknown> | undefined {
  if (Array.isArray(value)) return value
  // one whose buffer was transferred has no elements either
  if (isTypedArray(value) && value.length > 0) return value
  const plain = plainValue('LIST', value)
  return Array.isArray(plain) ? plain : undefined
}
