import {
  type ChannelOffset,
  ClosedError,
  InvalidOptionsError,
  SinkError,
  type TableLayout,
} from '@ducksink/worker'
import type { Admission } from './admission.ts'
import { BadRecords } from './bad-records.ts'
import { beginBatch, createTableEncoder, MAX_PART_BYTES, MAX_PART_ROWS } from './batch-source.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Channels } from './channels.ts'
import { type CollectOptions, type FlushReason, resolveCollectOptions } from './collect-options.ts'
import { CollectedSource } from './collected-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { RecordsContext } from './encoders.ts'
import { copyOf, type EncodingBatch, type HoldingBatch, noteOrigin } from './gathered-batch.ts'
import { OffsetGate } from './offset-gate.ts'
import { encodePushed } from './record-encoding.ts'
import { recordJson } from './record-json.ts'
import { RecordsSource } from './records-source.ts'
import { type SendContext, SentBatches } from './sent-batches.ts'
import { type Verdict, validateRecord } from './standard-schema.ts'
import type { TableState } from './table-state.ts'
import { checkChannelOffset } from './write-options.ts'

/** Gathers records one by one into batches. */
export interface Collector<T extends object> extends AsyncDisposable {
  /**
   * Takes a record: it is encoded at once and may be changed after. Until the table's columns are known, which for an
   * absent table are inferred from its first batch, and while the schema follows the records, a shallow copy is held
   * instead.
   *
   * Where delivery is `exactly-once`, `at` says which offset of which channel the record has. One that is committed
   * already, or under way, is dropped. Where a record or a batch was not taken, later ones of its channel are not
   * either; see {@link SinkEngine.resolveFailure}.
   * @returns false where it was taken but the caller should wait for {@link ready}.
   * @throws {@link ValueError} or {@link SchemaError} where the record does not fit; it is then not taken, and `row`
   * is 0, for the one record that was pushed. Not so where `badRecords` has it set aside with the batch.
   * @throws {@link InvalidOptionsError} where the table's `schema` answers with a promise; `writeFrom` waits for it.
   * @throws {@link BackpressureError} at the engine's bound, {@link ClosedError} after `close`.
   * @throws {@link PrecedingBatchFailedError} where something before it in its channel was not written.
   */
  push(record: T, at?: ChannelOffset): boolean
  /** Settled while there is room. */
  readonly ready: Promise<void>
  /** Sends what was gathered; resolves when all that was pushed before is settled. */
  flush(): Promise<void>
  /** Flushes, and refuses further records. */
  close(): Promise<void>
}

/** A collector that can also wait for a table's schema. */
export interface PatientCollector<T extends object> extends Collector<T> {
  /** Takes a record as {@link Collector.push} does, later where the schema answers later. */
  take(record: T, at: ChannelOffset | undefined): boolean | Promise<boolean>
  /** True where each record must say where it is from. */
  readonly needsOffsets: boolean
  /** Records that were dropped, because their offset had come before. */
  readonly duplicateCount: number
}

/** What a collector does its work with. */
export interface CollectorContext extends SendContext {
  readonly admission: Admission
  readonly pool: BufferPool
  /** Present where delivery is exactly-once. */
  readonly channels: Channels | undefined
  readonly records: RecordsContext
  readonly maxBufferedBytes: number
  readonly onDuplicateRecord: () => void
  readonly onClose: () => void
}

/** The {@link Collector} of one table. */
export class RecordCollector<T extends object> implements PatientCollector<T> {
  readonly #table: TableState
  readonly #context: CollectorContext
  readonly #options: ReturnType<typeof resolveCollectOptions>
  readonly #sent: SentBatches
  /** Present where delivery is exactly-once. */
  readonly #gate: OffsetGate | undefined
  /** The channel of the last record, where it is no more than a label. */
  #label: string | undefined
  /** The record at hand, in the form the encoder takes. */
  readonly #one: FieldRecord[] = []
  #state: 'open' | 'closed' = 'open'
  #batch: EncodingBatch | HoldingBatch
  #rowCount = 0
  #heldBytes = 0
  /** Batches under way for which the table is altered: what comes after them waits for its new columns. */
  #evolving = 0
  #timer: NodeJS.Timeout | undefined
  duplicateCount = 0

  constructor(table: TableState, options: CollectOptions, context: CollectorContext) {
    this.#table = table
    this.#context = context
    this.#options = resolveCollectOptions(options, context.maxBufferedBytes)
    this.#sent = new SentBatches(this.#options, context)
    if (context.channels !== undefined)
      this.#gate = new OffsetGate(context.channels, table.name, () => this.#onDuplicate())
    this.#batch = this.#holdingBatch()
    this.#begin()
  }

  get ready(): Promise<void> {
    return this.#context.admission.ready
  }

  get needsOffsets(): boolean {
    return this.#gate !== undefined
  }

  push(record: T, at?: ChannelOffset): boolean {
    return this.#offer(record, at, false) as boolean
  }

  take(record: T, at: ChannelOffset | undefined): boolean | Promise<boolean> {
    return this.#offer(record, at, true)
  }

  /** Sends what was gathered, as the engine has no room for more of it. */
  relieve(): void {
    this.#send('bytes')
  }

  async flush(): Promise<void> {
    this.#send('flush')
    await this.#sent.settled()
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closed'
      this.#send('close')
    }
    await this.#sent.settled()
    this.#context.onClose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #offer(record: T, at: ChannelOffset | undefined, isPatient: boolean): boolean | Promise<boolean> {
    const { name } = this.#table
    if (this.#state === 'closed') throw new ClosedError(`the collector of table "${name}" is closed`)
    this.#see(at)
    try {
      this.#context.admission.requireRoom(name)
      const verdict = this.#validate(record)
      if (!(verdict instanceof Promise)) return this.#accept(record, verdict, at)
      if (isPatient) return this.#acceptLater(record, verdict, at)
    } catch (error) {
      this.#gate?.refuse()
      throw error
    }
    this.#gate?.refuse()
    const message = `the schema of table "${name}" answers with a promise, for which push() cannot wait: use write() or writeFrom()`
    throw new InvalidOptionsError(message, { table: name }, 'INVALID_ARGUMENT')
  }

  async #acceptLater(record: T, verdict: Promise<Verdict>, at: ChannelOffset | undefined): Promise<boolean> {
    try {
      return this.#accept(record, await verdict, at)
    } catch (error) {
      this.#gate?.refuse()
      throw error
    }
  }

  #see(at: ChannelOffset | undefined): void {
    if (this.#gate !== undefined) {
      this.#gate.see(at)
    } else if (at !== undefined) {
      checkChannelOffset(at, this.#label)
      this.#label = at.channel
    }
  }

  #onDuplicate(): void {
    this.duplicateCount++
    this.#context.onDuplicateRecord()
  }

  #validate(record: T): Verdict | Promise<Verdict> {
    const { schema } = this.#table.options
    return schema === undefined
      ? { record }
      : validateRecord(schema, record, { table: this.#table.name, row: 0 })
  }

  #accept(record: T, verdict: Verdict, at: ChannelOffset | undefined): boolean {
    const { admission } = this.#context
    const gate = this.#gate
    if (gate !== undefined && !gate.admits()) return !admission.underPressure
    // what was gathered is refused with a batch before it, and this record comes again
    if (gate?.isRefused === true) this.#send('flush')
    if (this.#batch.kind === 'encoding' && this.#batch.rows.layout !== this.#table.layout) this.#beginAnew()
    this.#take(record, verdict, at)
    gate?.add()
    if (this.#rowCount >= this.#options.maxBatchRows) this.#send('rows')
    else if (this.#heldBytes >= this.#options.maxBatchBytes) this.#send('bytes')
    return !admission.underPressure
  }

  /** Keeps a record that cannot be written as the table's option says, or throws. */
  #setAside(record: unknown, error: unknown): void {
    const { badRecords, kind } = this.#batch
    // an error of the encoder that names no record is about the batch
    const isRecords = error instanceof SinkError && (error.row !== undefined || kind === 'holding')
    if (badRecords.mode === 'fail-batch' || !isRecords) throw error
    badRecords.refuseAlone(this.#rowCount, error, recordJson(record))
    if (this.#batch.kind === 'holding') this.#batch.records.push({})
    this.#holdBatch()
  }

  #holdBatch(): void {
    const batch = this.#batch
    const bytes =
      batch.kind === 'encoding'
        ? batch.partBytes + batch.rows.encoder.heldBytes
        : this.#table.expectedBytes(batch.records.length)
    this.#hold(bytes + batch.badRecords.jsonLength + (batch.origins?.byteLength ?? 0))
  }

  #holdingBatch(): HoldingBatch {
    return { kind: 'holding', records: [], badRecords: this.#noBadRecords(), origins: undefined }
  }

  #noBadRecords(): BadRecords {
    return new BadRecords(this.#table.name, this.#table.options.badRecords)
  }

  /** Begins a batch: encoded where the table's columns are known, held as it is where they are not. */
  #begin(): void {
    const { layout } = this.#table
    this.#rowCount = 0
    this.#heldBytes = 0
    if (layout !== undefined && this.#evolving === 0) {
      this.#batch = this.#encodingBatch(layout)
      return
    }
    this.#batch = this.#holdingBatch()
    if (layout === undefined) void this.#learnColumns()
  }

  /** Takes what is to be written for a record, or sets the record aside. */
  #take(record: T, verdict: Verdict, at: ChannelOffset | undefined): void {
    try {
      if ('error' in verdict) throw verdict.error
      if (this.#batch.kind === 'encoding' && !this.#encode(this.#batch, verdict.record as FieldRecord)) {
        // the table must follow the record: a batch of this one and the next will see to that
        this.#send('schema')
        this.#batch = this.#holdingBatch()
      }
      if (this.#batch.kind === 'holding') this.#keep(this.#batch, verdict.record as object)
    } catch (error) {
      this.#setAside(record, error)
    }
    noteOrigin(this.#batch, this.#rowCount, at)
    this.#rowCount++
    this.#timer ??= setTimeout(() => this.#send('delay'), this.#options.maxDelayMs)
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
    beginBatch(rows)
    const badRecords = this.#noBadRecords()
    return { kind: 'encoding', rows, parts: [], partBytes: 0, badRecords, origins: undefined }
  }

  /** Encodes a record; false, and nothing is done, where its table must follow it first. */
  #encode(batch: EncodingBatch, record: FieldRecord): boolean {
    const { encoder } = batch.rows
    this.#one[0] = record
    try {
      if (!encodePushed(batch.rows, this.#one, this.#table.options.contract.types)) return false
    } finally {
      this.#one.length = 0
    }
    if (encoder.partRows >= MAX_PART_ROWS || encoder.partBytes >= MAX_PART_BYTES) this.#finishPart(batch)
    this.#holdBatch()
    return true
  }

  #finishPart(batch: EncodingBatch): void {
    const part = batch.rows.encoder.finishPart()
    this.#table.measured(part.rowCount, part.byteLength)
    batch.parts.push(part)
    batch.partBytes += part.byteLength
  }

  #keep(batch: HoldingBatch, record: object): void {
    batch.records.push(copyOf(this.#table.name, record))
    this.#holdBatch()
  }

  #hold(bytes: number): void {
    if (bytes === this.#heldBytes) return
    this.#context.admission.hold(bytes - this.#heldBytes)
    this.#heldBytes = bytes
  }

  /** Asks for the table's columns; where it has any, what was held is encoded. */
  async #learnColumns(): Promise<void> {
    // an error here is met again, and told, when the batch is sent
    await this.#table.describe().catch(() => undefined)
    this.#encodeHeld()
  }

  #encodeHeld(): void {
    const { layout } = this.#table
    const held = this.#batch
    if (layout === undefined || held.kind !== 'holding' || this.#evolving > 0) return
    if (this.#gate !== undefined && this.#rowCount > 0) {
      // its offsets are one batch's: it stays whole, even where one of its records cannot be encoded
      this.#sendBatch('schema', false)
      return
    }
    this.#batch = this.#encodingBatch(layout)
    this.#rowCount = 0
    const known = new Map(held.badRecords.records.map((bad) => [bad.row, bad]))
    const refused: { readonly record: FieldRecord; readonly error: unknown }[] = []
    for (const [row, record] of held.records.entries()) {
      const bad = known.get(row)
      try {
        const at = held.origins?.of(row)
        if (bad === undefined) {
          this.#take(record as T, { record }, at)
          continue
        }
        this.#batch.badRecords.adopt(this.#rowCount, bad)
        noteOrigin(this.#batch, this.#rowCount++, at)
      } catch (error) {
        refused.push({ record, error })
      }
    }
    if (this.#rowCount === 0) {
      this.#hold(0)
      this.#stopTimer()
    } else this.#holdBatch()
    // told only now: the app may flush or close in its answer
    for (const { record, error } of refused) this.#sent.fail(error, () => [record])
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #send(reason: FlushReason): void {
    this.#stopTimer()
    if (this.#rowCount === 0) return
    this.#sendBatch(reason, this.#batch.kind === 'holding' && this.#table.layout !== undefined)
  }

  /** Sends what was gathered; `isEvolving` where the table has to follow it. */
  #sendBatch(reason: FlushReason, isEvolving: boolean): void {
    this.#stopTimer()
    if (isEvolving) this.#evolving++
    const source = this.#source(this.#batch)
    const delivery = this.#gate?.send()
    const onSettled = (): void => this.#onSettled(isEvolving)
    this.#sent.send({ source, delivery, heldBytes: this.#heldBytes, reason, onSettled })
    this.#begin()
  }

  #source(batch: EncodingBatch | HoldingBatch): CollectedSource | RecordsSource {
    if (batch.kind === 'encoding') return this.#collectedSource(batch)
    const { records, badRecords, origins } = batch
    const options = { badRecords, origins, isValidated: true }
    return new RecordsSource(this.#table, records, this.#context.records, options)
  }

  #collectedSource(batch: EncodingBatch): CollectedSource {
    const { rows, parts, badRecords, origins } = batch
    if (rows.encoder.partRows > 0) this.#finishPart(batch)
    this.#hold(batch.partBytes + badRecords.jsonLength + (origins?.byteLength ?? 0))
    const { layout, fields } = rows
    const head = { layout, columns: fields.columns }
    const discardedCount = fields.discardedCount + rows.discardedCount
    const collected = { head, parts, discardedCount, badRecords, origins }
    return new CollectedSource(this.#table, collected, this.#context)
  }

  #onSettled(isEvolving: boolean): void {
    if (isEvolving) this.#evolving--
    // the batch may have made the table or altered it, and the next one waits for its columns
    if (this.#batch.kind !== 'holding' || this.#state !== 'open') return
    if (this.#table.layout === undefined) void this.#learnColumns()
    else this.#encodeHeld()
  }
}
