import type { ChannelOffset, Part } from '@ducksink/worker'
import type { BadRecords } from './bad-records.ts'
import type { TableEncoder } from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { isPlainRecord, notPlain, unreadable } from './encoder/plain-record.ts'
import { RecordOrigins } from './record-origins.ts'

/** A batch that is gathered in encoded form. */
export interface EncodingBatch {
  readonly kind: 'encoding'
  readonly rows: TableEncoder
  readonly parts: Part[]
  /** Bytes of the parts that are finished. */
  partBytes: number
  readonly badRecords: BadRecords
  /** Where each record is from, once one has said so that may become a dead letter. */
  origins: RecordOrigins | undefined
}

/** Records that wait until their table's columns are known, or follow the records. */
export interface HoldingBatch {
  readonly kind: 'holding'
  /** Those that are set aside are `{}` here. */
  readonly records: FieldRecord[]
  readonly badRecords: BadRecords
  origins: RecordOrigins | undefined
}

/** Takes down where the record at this row is from, which only its dead letter will say. */
export function noteOrigin(
  batch: EncodingBatch | HoldingBatch,
  row: number,
  at: ChannelOffset | undefined,
): void {
  if (batch.badRecords.mode !== 'dead-letter' || (at === undefined && batch.origins === undefined)) return
  batch.origins ??= new RecordOrigins()
  batch.origins.note(row, at)
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
