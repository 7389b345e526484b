import { SinkError } from '@ducksink/worker'
import { type BatchSource, beginBatch, type JointShape, type TableEncoder } from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { RecordsContext } from './encoders.ts'

// To set an encoder up, and to send a buffer and get it back, cost more than the rows of a small batch do: those that
// wait together share both. The worker knows which rows are whose, and can still write each by itself.

const MAX_BATCH_ROWS = 64
const MAX_BATCH_BYTES = 2 ** 14
// well below what goes into one message
const MAX_JOINT_BYTES = 2 ** 17

/** Batches of one table with the same columns, and their records one after another. */
interface JointBatches {
  readonly rows: TableEncoder
  readonly sources: BatchSource[]
  readonly records: FieldRecord[]
  shape: JointShape | undefined
  bytes: number
}

/** True where setting an encoder up costs more than encoding the batch. */
export function isSmall({ table, rowCount }: Pick<BatchSource, 'table' | 'rowCount'>): boolean {
  return rowCount > 0 && rowCount <= MAX_BATCH_ROWS && table.expectedBytes(rowCount) <= MAX_BATCH_BYTES
}

/**
 * Encodes the small batches at the head of a line into one part, up to the first that is not for the same table and
 * columns, or cannot be written as it is; gives how many were.
 */
export function encodeTogether(
  line: readonly { readonly source: BatchSource }[],
  maxCount: number,
  { encoders }: RecordsContext,
): number {
  const table = line[0]?.source.table
  if (table?.layout === undefined || line[0]?.source.smallRecords === undefined) return 0
  const rows = encoders.of(table, table.layout)
  const batches: JointBatches = { rows, sources: [], records: [], shape: undefined, bytes: 0 }
  for (const { source } of line) {
    if (source.table !== table || batches.sources.length === maxCount || !join(batches, source)) break
  }
  rows.begun = undefined
  for (;;) {
    try {
      return encode(batches)
    } catch (error) {
      // the batch at fault will fail by itself, after those before it
      if (cutBefore(batches, error)) continue
      rows.encoder.abort()
      return 0
    }
  }
}

/** Lets a batch join those before it, whose fields it must have. */
function join(batches: JointBatches, source: BatchSource): boolean {
  const { rows, sources, records } = batches
  const own = source.smallRecords
  if (own === undefined) return false
  batches.bytes += source.table.expectedBytes(own.length)
  const from = records.length
  const to = from + own.length
  if (from > 0 && (to > rows.encoder.maxChunkRows || batches.bytes > MAX_JOINT_BYTES)) return false
  for (const record of own) records.push(record)
  const shape = from === 0 ? beginShape(rows, records) : batches.shape
  if (shape === undefined || (from > 0 && !isAlike(rows, shape, records, from))) {
    records.length = from
    return false
  }
  batches.shape = shape
  sources.push(source)
  return true
}

/** Begins the columns that all of these records have a field for, unless they are begun; nothing where they differ. */
function beginShape(rows: TableEncoder, records: readonly FieldRecord[]): JointShape | undefined {
  const { begun, fields, encoder } = rows
  if (begun !== undefined && isAlike(rows, begun, records, 0)) return begun
  beginBatch(rows)
  try {
    const added = fields.observe(records, 0, records.length)
    const shape = fields.shapeSince(0)
    const isPlain = fields.unplaced.size === 0 && fields.discardedCount === 0 && fields.boundCount > 0
    if (shape === undefined || !isPlain) return undefined
    for (const { column, field } of added) encoder.activate(column, field)
    return { fields: shape, columns: fields.columns }
  } catch {
    // it will be told when the batch has its turn
    return undefined
  }
}

/** True where the records from `from` on have just these fields. */
function isAlike(
  { fields }: TableEncoder,
  shape: JointShape,
  records: readonly FieldRecord[],
  from: number,
): boolean {
  if (fields.shapeSince(0) !== shape.fields) return false
  try {
    fields.observe(records, from, records.length)
  } catch {
    return false
  }
  return fields.shapeSince(0) === shape.fields && fields.discardedCount === 0
}

/** Leaves out the batch that an error is about, and those after it; false where it is not known, or the first. */
function cutBefore({ sources, records }: JointBatches, error: unknown): boolean {
  const row = error instanceof SinkError ? error.row : undefined
  if (row === undefined || row >= records.length) return false
  let start = 0
  let count = 0
  for (const { rowCount } of sources) {
    if (start + rowCount > row) break
    start += rowCount
    count++
  }
  sources.length = count
  records.length = start
  return count > 0
}

/** Encodes all of them into one chunk, or none. */
function encode({ rows, sources, records, shape }: JointBatches): number {
  const { layout, encoder } = rows
  const { length: total } = records
  if (shape === undefined || total === 0) return 0
  // strings that are much longer than those before may need more chunks
  if (encoder.encode(records, 0, total) < total) {
    encoder.abort()
    return 0
  }
  const whole = encoder.finishPart()
  rows.begun = shape
  const { columns } = shape
  const { buffer, byteLength } = whole
  let from = 0
  for (const source of sources) {
    const { rowCount } = source
    const share = Math.ceil((byteLength * rowCount) / total)
    const part = { buffer, byteLength: share, rowCount, rows: { from, to: from + rowCount } }
    source.takeEncoded?.({ layout, columns, part: sources.length === 1 ? whole : part })
    from += rowCount
  }
  sources[0]?.table.measured(total, byteLength)
  return sources.length
}
