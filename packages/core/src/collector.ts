import { ClosedError, type Part, SinkError, type TableLayout, ValueError } from '@ducksink/worker'
import type { Admission } from './admission.ts'
import {
  type BatchSource,
  createTableEncoder,
  MAX_PART_BYTES,
  MAX_PART_ROWS,
  type TableEncoder,
} from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import {
  type CollectOptions,
  type FlushReason,
  resolveCollectOptions,
  type SinkRecord,
} from './collect-options.ts'
import { CollectedSource } from './collected-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { isPlainRecord, notPlain, unreadable } from './encoder/plain-record.ts'
import type { Receipt } from './receipt.ts'
import { type RecordsContext, RecordsSource } from './records-source.ts'
import type { TableState } from './table-state.ts'

/** Gathers records one by one into batches. */
export interface Collector<T extends object> extends AsyncDisposable {
  /**
   * Takes a record: it is encoded at once and may be changed after. Until the table's columns are known, which for an
   * absent table are inferred from its first batch, a shallow copy is held instead.
   * @returns false where it was taken but the caller should wait for {@link ready}.
   * @throws {@link ValueError} or {@link SchemaError} where the record does not fit; it is then not taken, and `row`
   * is 0, for the one record that was pushed.
   * @throws {@link BackpressureError} at the engine's bound, {@link ClosedError} after `close`.
   */
  push(record: T): boolean
  /** Settled while there is room. */
  readonly ready: Promise<void>
  /** Sends what was gathered; resolves when all that was pushed before is settled. */
  flush(): Promise<void>
  /** Flushes, and refuses further records. */
  close(): Promise<void>
}

/** What a collector does its work with. */
export interface CollectorContext {
  readonly admission: Admission
  readonly pool: BufferPool
  readonly records: RecordsContext
  readonly maxBufferedBytes: number
  readonly send: (source: BatchSource) => Promise<Receipt>
  readonly onUnhandledFailure: (error: SinkError) => void
  readonly onClose: () => void
}

/** A batch that is gathered in encoded form. */
interface EncodingBatch {
  readonly kind: 'encoding'
  readonly rows: TableEncoder
  readonly parts: Part[]
  /** Bytes of the parts that are finished. */
  partBytes: number
}

/** Records that wait until their table's columns are known. */
interface HoldingBatch {
  readonly kind: 'holding'
  readonly records: FieldRecord[]
}

/** The {@link Collector} of one table. */
export class RecordCollector<T extends object> implements Collector<T> {
  readonly #table: TableState
  readonly #context: CollectorContext
  readonly #options: ReturnType<typeof resolveCollectOptions>
  readonly #unsettled = new Set<Promise<void>>()
  /** The record at hand, in the form the encoder takes. */
  readonly #one: FieldRecord[] = []
  #state: 'open' | 'closed' = 'open'
  #batch: EncodingBatch | HoldingBatch = { kind: 'holding', records: [] }
  #rowCount = 0
  #heldBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(table: TableState, options: CollectOptions, context: CollectorContext) {
    this.#table = table
    this.#context = context
    this.#options = resolveCollectOptions(options, context.maxBufferedBytes)
    this.#begin()
  }

  get ready(): Promise<void> {
    return this.#context.admission.ready
  }

  push(record: T): boolean {
    const { admission } = this.#context
    const table = this.#table
    if (this.#state === 'closed') throw new ClosedError(`the collector of table "${table.name}" is closed`)
    admission.requireRoom(table.name)
    if (this.#batch.kind === 'encoding' && this.#batch.rows.layout !== table.layout) this.#beginAnew()
    if (this.#batch.kind === 'encoding') this.#encode(this.#batch, record as FieldRecord)
    else this.#keep(this.#batch, record)
    this.#rowCount++
    if (this.#rowCount === 1) this.#timer = setTimeout(() => this.#send('delay'), this.#options.maxDelayMs)
    if (this.#rowCount >= this.#options.maxBatchRows) this.#send('rows')
    else if (this.#heldBytes >= this.#options.maxBatchBytes) this.#send('bytes')
    return !admission.underPressure
  }

  /** Sends what was gathered, as the engine has no room for more of it. */
  relieve(): void {
    this.#send('bytes')
  }

  async flush(): Promise<void> {
    this.#send('flush')
    await Promise.all(this.#unsettled)
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closed'
      this.#send('close')
    }
    await Promise.all(this.#unsettled)
    this.#context.onClose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Begins a batch: encoded where the table's columns are known, held as it is where they are not. */
  #begin(): void {
    const { layout } = this.#table
    this.#rowCount = 0
    this.#heldBytes = 0
    if (layout !== undefined) {
      this.#batch = this.#encodingBatch(layout)
      return
    }
    this.#batch = { kind: 'holding', records: [] }
    void this.#learnColumns()
  }

  /** The table may have been altered: what was gathered goes as it is, the next batch has the new columns. */
  #beginAnew(): void {
    if (this.#rowCount === 0) this.#begin()
    else this.#send('schema')
  }

  #encodingBatch(layout: TableLayout): EncodingBatch {
    const { pool } = this.#context
    const table = this.#table
    const last = this.#batch
    const isSame = last.kind === 'encoding' && last.rows.layout === layout
    const rows = isSame ? last.rows : createTableEncoder(table, layout, (bytes) => pool.take(bytes))
    rows.encoder.begin()
    rows.fields.begin()
    return { kind: 'encoding', rows, parts: [], partBytes: 0 }
  }

  #encode(batch: EncodingBatch, record: FieldRecord): void {
    const { encoder } = batch.rows
    this.#one[0] = record
    try {
      encodeOne(batch.rows, this.#one)
    } finally {
      this.#one.length = 0
    }
    if (encoder.partRows >= MAX_PART_ROWS || encoder.partBytes >= MAX_PART_BYTES) this.#finishPart(batch)
    this.#hold(batch.partBytes + encoder.heldBytes)
  }

  #finishPart(batch: EncodingBatch): void {
    const part = batch.rows.encoder.finishPart()
    this.#table.measured(part.rowCount, part.byteLength)
    batch.parts.push(part)
    batch.partBytes += part.byteLength
  }

  #keep(batch: HoldingBatch, record: object): void {
    const table = this.#table
    batch.records.push(copyOf(table.name, record))
    this.#hold(table.expectedBytes(batch.records.length))
  }

  #hold(bytes: number): void {
    if (bytes === this.#heldBytes) return
    this.#context.admission.hold(bytes - this.#heldBytes)
    this.#heldBytes = bytes
  }

  /** Asks for the table's columns; where it has any, what was held is encoded. */
  async #learnColumns(): Promise<void> {
    // an error here is met again, and told, when the batch is sent
    const layout = await this.#table.describe().catch(() => undefined)
    const held = this.#batch
    if (layout === undefined || held.kind !== 'holding') return
    const batch = this.#encodingBatch(layout)
    this.#batch = batch
    const refused: { readonly record: FieldRecord; readonly error: unknown }[] = []
    for (const record of held.records) {
      try {
        this.#encode(batch, record)
      } catch (error) {
        refused.push({ record, error })
      }
    }
    this.#rowCount -= refused.length
    this.#hold(batch.partBytes + batch.rows.encoder.heldBytes)
    if (this.#rowCount === 0) clearTimeout(this.#timer)
    // told only now: the app may flush or close in its answer
    for (const { record, error } of refused) this.#fail(error, () => [record])
  }

  #send(reason: FlushReason): void {
    clearTimeout(this.#timer)
    if (this.#rowCount === 0) return
    const batch = this.#batch
    const source =
      batch.kind === 'holding'
        ? new RecordsSource(this.#table, batch.records, this.#context.records)
        : this.#collectedSource(batch)
    const settled = this.#settle(source, this.#heldBytes, reason)
    this.#unsettled.add(settled)
    void settled.then(() => this.#unsettled.delete(settled))
    this.#begin()
  }

  #collectedSource(batch: EncodingBatch): CollectedSource {
    const { admission } = this.#context
    const table = this.#table
    const { rows, parts } = batch
    if (rows.encoder.partRows > 0) this.#finishPart(batch)
    admission.hold(batch.partBytes - this.#heldBytes)
    this.#heldBytes = batch.partBytes
    return new CollectedSource(
      table,
      { layout: rows.layout, columns: rows.fields.columns },
      parts,
      this.#context,
    )
  }

  async #settle(
    source: CollectedSource | RecordsSource,
    heldBytes: number,
    reason: FlushReason,
  ): Promise<void> {
    const { admission, send } = this.#context
    try {
      const receipt = await send(source)
      admission.hold(-heldBytes)
      source.release()
      this.#tell(() => this.#options.onReceipt?.({ ...receipt, reason }))
    } catch (error) {
      admission.hold(-heldBytes)
      // not released: the records may be asked for at any time
      this.#fail(error, () => source.records())
    }
    // the batch may have made the table, for whose columns the next one waits
    if (this.#batch.kind === 'holding' && this.#state === 'open') void this.#learnColumns()
  }

  #fail(cause: unknown, records: () => SinkRecord[]): void {
    const { onFailure } = this.#options
    const error = cause instanceof SinkError ? cause : new ValueError(String(cause), { cause })
    if (onFailure === undefined) this.#context.onUnhandledFailure(error)
    else this.#tell(() => onFailure(error, records))
  }

  /** Calls back; what the app throws there is no failure of the batch, and ends as it would in an event listener. */
  #tell(callBack: () => void): void {
    try {
      callBack()
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}

function copyOf(table: string, record: object): FieldRecord {
  try {
    if (!isPlainRecord(record)) throw notPlain({ table }, record)
    return { ...record }
  } catch (error) {
    throw unreadable({ table }, error)
  }
}

/** Encodes one record, or nothing of it. */
function encodeOne({ encoder, fields }: TableEncoder, one: readonly FieldRecord[]): void {
  const added = fields.observe(one, 0, 1)
  for (const { column, field } of added) encoder.activate(column, field)
  try {
    // none is taken where the strings of the chunk have no room left; the next chunk has
    while (encoder.encode(one, 0, 1, MAX_PART_ROWS) === 0);
  } catch (error) {
    // a column that only this record had a field for is left to its DEFAULT again
    for (const { column } of added) encoder.deactivate(column)
    fields.forget(added)
    throw error
  }
}
