import { isUint8Array } from 'node:util/types'
import { bytesOf } from './bytes.ts'
import {
  type ColumnInfo,
  type FieldRecord,
  fieldValue,
  MAX_CHUNK_BYTES,
  type Span,
} from './column-encoder.ts'
import { HeapColumn } from './heap-column.ts'
import { Refusal, type TextForm } from './refusal.ts'
import { byteLengthOf } from './view-bytes.ts'

/** The columns of strings whose values take more work than a loop around them. */
abstract class ValueByValueColumn extends HeapColumn {
  override fill({ records, from, to, startRow, whole }: Span): number {
    const { field, guarded } = this
    for (let i = from, row = startRow; i < to; i++, row++) {
      if (row > 0 && !whole && this.used >= MAX_CHUNK_BYTES) return i - from
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value === null || value === undefined) this.setNullEntry(row)
      else this.append(value, row, i)
    }
    return to - from
  }

  /** Appends a value that is not NULL; `index` is that of its record. */
  protected abstract append(value: unknown, row: number, index: number): void
}

/** BLOB. */
export class BlobColumn extends ValueByValueColumn {
  protected override append(value: unknown, row: number, index: number): void {
    // a buffer that was transferred has no bytes either
    const bytes = isUint8Array(value) && byteLengthOf(value) > 0 ? value : bytesOf(value)
    if (bytes instanceof Refusal) this.refuse(index, value, bytes.expected)
    this.appendBytes(bytes, row)
  }
}

/** A column whose values travel as text, which the worker has DuckDB cast. */
export class TextFormColumn extends ValueByValueColumn {
  readonly #textForm: TextForm

  constructor(column: ColumnInfo, textForm: TextForm) {
    super(column)
    this.#textForm = textForm
  }

  protected override append(value: unknown, row: number, index: number): void {
    const text = this.#textForm(value)
    if (typeof text !== 'string') this.refuse(index, value, text.expected, text.cause)
    if (!text.isWellFormed()) this.refuse(index, value, 'it has a lone surrogate, which UTF-8 cannot hold')
    this.appendString(text, row)
  }
}

/** Gives the bytes of a value as DuckDB stores it, or why there are none. */
export type BytesForm = (value: unknown) => Uint8Array | Refusal

/** BIT and BIGNUM, which DuckDB stores as strings of bytes. */
export class BytesFormColumn extends ValueByValueColumn {
  readonly #bytesForm: BytesForm

  constructor(column: ColumnInfo, bytesForm: BytesForm) {
    super(column)
    this.#bytesForm = bytesForm
  }

  protected override append(value: unknown, row: number, index: number): void {
    const bytes = this.#bytesForm(value)
    if (bytes instanceof Refusal) this.refuse(index, value, bytes.expected, bytes.cause)
    this.appendBytes(bytes, row)
  }
}
