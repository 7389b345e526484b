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

/** BLOB. */
export class BlobColumn extends HeapColumn {
  override fill({ records, from, to, startRow, whole }: Span): number {
    const { field, guarded } = this
    for (let i = from, row = startRow; i < to; i++, row++) {
      if (row > 0 && !whole && this.used >= MAX_CHUNK_BYTES) return i - from
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value === null || value === undefined) {
        this.setNullEntry(row)
        continue
      }
      // a buffer that was transferred has no bytes either
      const bytes = isUint8Array(value) && value.byteLength > 0 ? value : this.#otherBytes(value, i)
      this.appendBytes(bytes, row)
    }
    return to - from
  }

  #otherBytes(value: unknown, index: number): Uint8Array {
    const bytes = bytesOf(value)
    if (bytes instanceof Refusal) this.refuse(index, value, bytes.expected)
    return bytes
  }
}

/** A column whose values travel as text, which the worker has DuckDB cast. */
export class TextFormColumn extends HeapColumn {
  readonly #textForm: TextForm

  constructor(column: ColumnInfo, textForm: TextForm) {
    super(column)
    this.#textForm = textForm
  }

  override fill({ records, from, to, startRow, whole }: Span): number {
    const { field, guarded } = this
    for (let i = from, row = startRow; i < to; i++, row++) {
      if (row > 0 && !whole && this.used >= MAX_CHUNK_BYTES) return i - from
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value === null || value === undefined) {
        this.setNullEntry(row)
        continue
      }
      const text = this.#textForm(value)
      if (typeof text !== 'string') this.refuse(i, value, text.expected, text.cause)
      if (!text.isWellFormed()) this.refuse(i, value, 'it has a lone surrogate, which UTF-8 cannot hold')
      this.appendString(text, row)
    }
    return to - from
  }
}

/** Gives the bytes of a value as DuckDB stores it, or why there are none. */
export type BytesForm = (value: unknown) => Uint8Array | Refusal

/** BIT and BIGNUM, which DuckDB stores as strings of bytes. */
export class BytesFormColumn extends HeapColumn {
  readonly #bytesForm: BytesForm

  constructor(column: ColumnInfo, bytesForm: BytesForm) {
    super(column)
    this.#bytesForm = bytesForm
  }

  override fill({ records, from, to, startRow, whole }: Span): number {
    const { field, guarded } = this
    for (let i = from, row = startRow; i < to; i++, row++) {
      if (row > 0 && !whole && this.used >= MAX_CHUNK_BYTES) return i - from
      const record = records[i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value === null || value === undefined) {
        this.setNullEntry(row)
        continue
      }
      const bytes = this.#bytesForm(value)
      if (bytes instanceof Refusal) this.refuse(i, value, bytes.expected, bytes.cause)
      this.appendBytes(bytes, row)
    }
    return to - from
  }
}
