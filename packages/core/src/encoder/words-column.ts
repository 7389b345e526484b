import { ColumnEncoder, type ColumnInfo, type FieldRecord, fieldValue, type Span } from './column-encoder.ts'
import type { Refusal } from './refusal.ts'

/** Writes a value's bits as 32-bit words from `words[at]` on; nothing is written where it is refused. */
export type WordWriter = (value: unknown, words: Int32Array, at: number) => Refusal | undefined

/** Gives a text that two values have in common exactly where DuckDB takes them for equal. */
export type WordsIdentity = (words: Int32Array, at: number) => string

/** The types of 8 and 16 bytes whose values take more work than a loop around them. */
export class WordsColumn extends ColumnEncoder {
  #words: Int32Array = new Int32Array(this.buffer)
  readonly #write: WordWriter
  readonly #identityOf: WordsIdentity | undefined

  /** Without `identityOf`, values are equal where their bits are. */
  constructor(column: ColumnInfo, write: WordWriter, identityOf?: WordsIdentity) {
    super(column)
    this.#write = write
    this.#identityOf = identityOf
  }

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded, width } = this
    const words = this.#words
    const write = this.#write
    for (let i = from, row = startRow; i < to; i++, row++) {
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value === null || value === undefined) {
        this.setNull(row)
        continue
      }
      const refusal = write(value, words, (row * width) >> 2)
      if (refusal !== undefined) this.refuse(i, value, refusal.expected, refusal.cause)
    }
    return to - from
  }

  override identity(row: number): string {
    return this.#identityOf?.(this.#words, (row * this.width) >> 2) ?? super.identity(row)
  }

  protected override mapBuffer(): void {
    this.#words = new Int32Array(this.buffer)
  }
}
