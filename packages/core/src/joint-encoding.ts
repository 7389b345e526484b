import { type BatchSource, beginBatch, type JointShape, type TableEncoder } from './batch-source.ts'
import type { BatchEncoder } from './encoder/batch-encoder.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { RecordsContext } from './encoders.ts'

// To set an encoder up, and to send a buffer and get it back, cost more than the rows of a small batch do: those that
// wait together share both. The worker knows which rows are whose, and can still write each by itself.

const MAX_BATCH_ROWS = 64
const MAX_BATCH_BYTES = 2 ** 14
// well below what goes into one message
const MAX_JOINT_BYTES = 2 ** 17
// about one message (outbox.ts): a part that is shared is copied with each that it goes in
const MAX_SHARED_BYTES = 2 ** 18

/** Batches of one table with the same columns, and their records one after another. */
interface JointBatches {
  readonly rows: TableEncoder
  readonly sources: BatchSource[]
  readonly records: FieldRecord[]
  shape: JointShape | undefined
  expectedBytes: number
}

/** True where setting an encoder up costs more than encoding the batch. */
export function isSmall({ table, rowCount }: Pick<BatchSource, 'table' | 'rowCount'>): boolean {
  return rowCount > 0 && rowCount <= MAX_BATCH_ROWS && table.expectedBytes(rowCount) <= MAX_BATCH_BYTES
}

/**
 * Encodes the small batches at the head of a line into one part, up to the first that is not for the same table and
 * columns, or cannot be written as it is. Never throws: what is wrong with a batch will be told in its turn.
 */
export function encodeTogether(
  line: readonly { readonly source: BatchSource }[],
  maxCount: number,
  { encoders }: RecordsContext,
): void {
  const table = line[0]?.source.table
  if (table?.layout === undefined || line[0]?.source.smallRecords === undefined) return
  try {
    const rows = encoders.of(table, table.layout)
    const batches: JointBatches = { rows, sources: [], records: [], shape: undefined, expectedBytes: 0 }
    for (const { source } of line) {
      if (source.table !== table || batches.sources.length === maxCount || !join(batches, source)) break
    }
    rows.begun = undefined
    encode(batches)
    share(batches)
  } catch {
    // the first of them will fail by itself
  }
}

/** Lets a batch join those before it, whose fields it must have. */
function join(batches: JointBatches, source: BatchSource): boolean {
  const { rows, sources, records } = batches
  const { rowCount, smallRecords } = source
  if (smallRecords === undefined) return false
  const from = records.length
  const expectedBytes = batches.expectedBytes + source.table.expectedBytes(rowCount)
  if (from > 0 && (from + rowCount > rows.encoder.maxChunkRows || expectedBytes > MAX_JOINT_BYTES))
    return false
  try {
    // as many as there were at the call, whatever has become of the array
    for (let row = 0; row < rowCount; row++) records.push(smallRecords[row] as FieldRecord)
    const shape = from === 0 ? beginShape(rows, records) : batches.shape
    if (shape !== undefined && (from === 0 || isAlike(rows, shape, records, from))) {
      batches.shape = shape
      batches.expectedBytes = expectedBytes
      sources.push(source)
      return true
    }
  } catch {
    // it will be told when the batch has its turn
  }
  records.length = from
  return false
}

/** Begins the columns that all of these records have a field for, unless they are begun; nothing where they differ. */
function beginShape(rows: TableEncoder, records: readonly FieldRecord[]): JointShape | undefined {
  const { begun, fields, encoder } = rows
  if (begun !== undefined && isAlike(rows, begun, records, 0)) return begun
  beginBatch(rows)
  const added = fields.observe(records, 0, records.length)
  const shape = fields.shapeSince(0)
  const isPlain = fields.unplaced.size === 0 && fields.discardedCount === 0 && fields.boundCount > 0
  if (shape === undefined || !isPlain) return undefined
  for (const { column, field } of added) encoder.activate(column, field)
  return { fields: shape, columns: fields.columns }
}

/** True where the records from `from` on have just these fields. */
function isAlike(
  { fields }: TableEncoder,
  shape: JointShape,
  records: readonly FieldRecord[],
  from: number,
): boolean {
  if (fields.shapeSince(0) !== shape.fields) return false
  fields.observe(records, from, records.length)
  return fields.shapeSince(0) === shape.fields && fields.discardedCount === 0
}

/** Encodes them into one chunk, in steps that double, up to what does not go into it; leaves out the rest. */
function encode({ rows: { encoder }, sources, records }: JointBatches): void {
  let count = 0
  let from = 0
  for (let step = 1; count < sources.length; step *= 2) {
    const next = sources.slice(count, count + step)
    const to = next.reduce((row, { rowCount }) => row + rowCount, from)
    if (!encodeStep(encoder, records, from, to)) break
    count += next.length
    from = to
  }
  sources.length = count
  records.length = from
}

/** Encodes records into the chunk that has those before them; only these stay where one cannot be, or all are too large. */
function encodeStep(
  encoder: BatchEncoder,
  records: readonly FieldRecord[],
  from: number,
  to: number,
): boolean {
  try {
    const isWhole = encoder.encode(records, from, to) === to
    // a batch that is large by itself shares its part with none
    if (isWhole && (from === 0 || encoder.heldBytes <= MAX_SHARED_BYTES)) return true
  } catch {
    return false
  }
  encoder.abort()
  if (from > 0 && encoder.encode(records, 0, from) < from) throw new Error('records are read as others now')
  return false
}

/** Gives each of them its rows of the part. */
function share({ rows, sources, records, shape }: JointBatches): void {
  const { layout, encoder } = rows
  const { length: total } = records
  const [first] = sources
  if (shape === undefined || first === undefined) return
  const whole = encoder.finishPart()
  rows.begun = shape
  first.table.measured(total, whole.byteLength)
  const { columns } = shape
  const { buffer, byteLength } = whole
  let from = 0
  for (const source of sources) {
    const { rowCount } = source
    const to = from + rowCount
    const part = {
      buffer,
      byteLength: Math.ceil((byteLength * rowCount) / total),
      rowCount,
      rows: { from, to },
    }
    source.takeEncoded?.({ layout, columns, part: sources.length === 1 ? whole : part })
    from = to
  }
}
