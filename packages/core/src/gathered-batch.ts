import type { Part } from '@ducksink/worker'
import type { BadRecords } from './bad-records.ts'
import type { TableEncoder } from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { isPlainRecord, notPlain, unreadable } from './encoder/plain-record.ts'

/** A batch that is gathered in encoded form. */
export interface EncodingBatch {
  readonly kind: 'encoding'
  readonly rows: TableEncoder
  readonly parts: Part[]
  /** Bytes of the parts that are finished. */
  partBytes: number
  readonly badRecords: BadRecords
}

/** Records that wait until their table's columns are known, or follow the records. */
export interface HoldingBatch {
  readonly kind: 'holding'
  /** Those that are set aside are `{}` here. */
  readonly records: FieldRecord[]
  readonly badRecords: BadRecords
}

/** A shallow copy of a record that is to be held. */
export function copyOf(table: string, record: object): FieldRecord {
  try {
    if (!isPlainRecord(record)) throw notPlain({ table }, record)
    return { ...record }
  } catch (error) {
    throw unreadable({ table }, error)
  }
}
