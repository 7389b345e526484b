import { type ChannelOffset, SinkError, type TableLayout } from '@ducksink/worker'
import type { Admission } from './admission.ts'
import { type BadRecord, BadRecords } from './bad-records.ts'
import { beginBatch, createTableEncoder, MAX_PART_BYTES, MAX_PART_ROWS } from './batch-source.ts'
import { type CollectedContext, CollectedSource } from './collected-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { copyOf, type EncodingBatch, type HoldingBatch, noteOrigin } from './gathered-batch.ts'
import { encodePushed } from './record-encoding.ts'
import { recordJson } from './record-json.ts'
import { RecordsSource } from './records-source.ts'
import type { Verdict } from './standard-schema.ts'
import type { TableState } from './table-state.ts'

/** What a batch is gathered with. */
export interface GatheringContext extends CollectedContext {
  readonly admission: Admission
}

/** The batch that a collector gathers: encoded where its table's columns are known, held as it is where they are not. */
export class Gathering {
  readonly #table: TableState
  readonly #context: GatheringContext
  /** The record at hand, in the form the encoder takes. */
  readonly #one: FieldRecord[] = []
  #batch: EncodingBatch | HoldingBatch
  #rowCount = 0
  #heldBytes = 0

  constructor(table: TableState, context: GatheringContext) {
    this.#table = table
    this.#context = context
    this.#batch = this.#holdingBatch()
  }

  /** Records, those that are set aside included. */
  get rowCount(): number {
    return this.#rowCount
  }

  /** Bytes that admission counts for the batch. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The batch, where it waits for its table's columns. */
  get held(): HoldingBatch | undefined {
    return this.#batch.kind === 'holding' ? this.#batch : undefined
  }

  /** True where the table may have been altered since the batch was begun. */
  get isStale(): boolean {
    return this.#batch.kind === 'encoding' && this.#batch.rows.layout !== this.#table.layout
  }

  /** Begins a batch whose records are encoded as they come. */
  encode(layout: TableLayout): void {
    const { pool } = this.#context
    const last = this.#batch
    const isSame = last.kind === 'encoding' && last.rows.layout === layout
    const rows = isSame ? last.rows : createTableEncoder(this.#table, layout, (bytes) => pool.take(bytes))
    beginBatch(rows)
    const badRecords = this.#noBadRecords()
    this.#rowCount = 0
    this.#batch = { kind: 'encoding', rows, parts: [], partBytes: 0, badRecords, origins: undefined }
  }

  /** Begins a batch whose records are held. */
  hold(): void {
    this.#rowCount = 0
    this.#batch = this.#holdingBatch()
  }

  /**
   * Takes what is to be written for a record, or sets the record aside; false, and nothing is done, where the table
   * must follow it first.
   */
  take(record: object, verdict: Verdict, at: ChannelOffset | undefined): boolean {
    const batch = this.#batch
    try {
      if ('error' in verdict) throw verdict.error
      if (batch.kind === 'holding') batch.records.push(copyOf(this.#table.name, verdict.record as object))
      else if (!this.#encode(batch, verdict.record as FieldRecord)) return false
      this.#countBatch()
    } catch (error) {
      this.#setAside(record, error)
    }
    noteOrigin(batch, this.#rowCount++, at)
    return true
  }

  /** Takes a record over that was set aside when it was held. */
  adopt(bad: BadRecord, at: ChannelOffset | undefined): void {
    this.#batch.badRecords.adopt(this.#rowCount, bad)
    noteOrigin(this.#batch, this.#rowCount++, at)
  }

  /** Has admission count what the batch takes after records were left out. */
  recount(): void {
    if (this.#rowCount === 0) this.#count(0)
    else this.#countBatch()
  }

  /** Hands the batch over with the bytes that are counted for it, which are no longer counted here. */
  finish(): { readonly source: CollectedSource | RecordsSource; readonly heldBytes: number } {
    const batch = this.#batch
    const source = batch.kind === 'encoding' ? this.#collectedSource(batch) : this.#recordsSource(batch)
    const heldBytes = this.#heldBytes
    this.#heldBytes = 0
    return { source, heldBytes }
  }

  /** Keeps a record that cannot be written as the table's option says, or throws. */
  #setAside(record: unknown, error: unknown): void {
    const { badRecords, kind } = this.#batch
    // an error of the encoder that names no record is about the batch
    const isRecords = error instanceof SinkError && (error.row !== undefined || kind === 'holding')
    if (badRecords.mode === 'fail-batch' || !isRecords) throw error
    badRecords.refuseAlone(this.#rowCount, error, recordJson(record))
    if (this.#batch.kind === 'holding') this.#batch.records.push({})
    this.#countBatch()
  }

  #encode(batch: EncodingBatch, record: FieldRecord): boolean {
    const { encoder } = batch.rows
    this.#one[0] = record
    try {
      if (!encodePushed(batch.rows, this.#one, this.#table.options.contract.types)) return false
    } finally {
      this.#one.length = 0
    }
    if (encoder.partRows >= MAX_PART_ROWS || encoder.partBytes >= MAX_PART_BYTES) this.#finishPart(batch)
    return true
  }

  #finishPart(batch: EncodingBatch): void {
    const part = batch.rows.encoder.finishPart()
    this.#table.measured(part.rowCount, part.byteLength)
    batch.parts.push(part)
    batch.partBytes += part.byteLength
  }

  #collectedSource(batch: EncodingBatch): CollectedSource {
    const { rows, parts, badRecords, origins } = batch
    if (rows.encoder.partRows > 0) this.#finishPart(batch)
    this.#count(batch.partBytes + asideBytes(batch))
    const { layout, fields } = rows
    const head = { layout, columns: fields.columns }
    const discardedCount = fields.discardedCount + rows.discardedCount
    const collected = { head, parts, discardedCount, badRecords, origins }
    return new CollectedSource(this.#table, collected, this.#context)
  }

  #recordsSource({ records, badRecords, origins }: HoldingBatch): RecordsSource {
    const options = { badRecords, origins, isValidated: true }
    return new RecordsSource(this.#table, records, this.#context.records, options)
  }

  #holdingBatch(): HoldingBatch {
    return { kind: 'holding', records: [], badRecords: this.#noBadRecords(), origins: undefined }
  }

  #noBadRecords(): BadRecords {
    return new BadRecords(this.#table.name, this.#table.options.badRecords)
  }

  #countBatch(): void {
    const batch = this.#batch
    const bytes =
      batch.kind === 'encoding'
        ? batch.partBytes + batch.rows.encoder.heldBytes
        : this.#table.expectedBytes(batch.records.length)
    this.#count(bytes + asideBytes(batch))
  }

  #count(bytes: number): void {
    if (bytes === this.#heldBytes) return
    this.#context.admission.hold(bytes - this.#heldBytes)
    this.#heldBytes = bytes
  }
}

/** What is kept beside the rows. */
const asideBytes = ({ badRecords, origins }: EncodingBatch | HoldingBatch): number =>
  badRecords.jsonLength + (origins?.byteLength ?? 0)
