import { type ChannelOffset, ClosedError, InvalidOptionsError } from '@ducksink/worker'
import type { Admission } from './admission.ts'
import type { Channels } from './channels.ts'
import { type CollectOptions, type FlushReason, resolveCollectOptions } from './collect-options.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import { Gathering, type GatheringContext } from './gathering.ts'
import { OffsetGate } from './offset-gate.ts'
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
export interface CollectorContext extends SendContext, GatheringContext {
  readonly admission: Admission
  /** Present where delivery is exactly-once. */
  readonly channels: Channels | undefined
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
  readonly #gathering: Gathering
  #state: 'open' | 'closed' = 'open'
  /** Batches under way for which the table is altered: what comes after them waits for its new columns. */
  #evolving = 0
  #timer: NodeJS.Timeout | undefined
  /** True while a record is read, whose getters and schema are the app's and may call anything. */
  #isReading = false
  /** Why the batch is to be sent as soon as the record at hand is in it. */
  #due: FlushReason | undefined
  duplicateCount = 0

  constructor(table: TableState, options: CollectOptions, context: CollectorContext) {
    this.#table = table
    this.#context = context
    this.#options = resolveCollectOptions(options, context.maxBufferedBytes)
    this.#sent = new SentBatches(this.#options, context)
    if (context.channels !== undefined)
      this.#gate = new OffsetGate(context.channels, table.name, () => this.#onDuplicate())
    this.#gathering = new Gathering(table, context)
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
    if (this.#isReading) await undefined
    await this.#sent.settled()
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closed'
      this.#send('close')
    }
    if (this.#isReading) await undefined
    await this.#sent.settled()
    this.#context.onClose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #offer(record: T, at: ChannelOffset | undefined, isPatient: boolean): boolean | Promise<boolean> {
    const { name } = this.#table
    if (this.#state === 'closed') throw new ClosedError(`the collector of table "${name}" is closed`)
    if (this.#isReading) throw this.#whileReading(at)
    this.#see(at)
    try {
      this.#context.admission.requireRoom(name)
      const verdict = this.#validate(record)
      if (!(verdict instanceof Promise)) return this.#accept(record, verdict, at)
      if (isPatient) return this.#acceptLater(record, verdict, at)
    } catch (error) {
      this.#gate?.refuse()
      throw error
    } finally {
      this.#sendDue()
    }
    this.#gate?.refuse()
    const message = `the schema of table "${name}" answers with a promise, for which push() cannot wait: use write() or writeFrom()`
    throw new InvalidOptionsError(message, { table: name }, 'INVALID_ARGUMENT')
  }

  /** Refuses a record that another one pushes while that is read: it would be mixed with it. */
  #whileReading(at: ChannelOffset | undefined): InvalidOptionsError {
    const { name } = this.#table
    if (at !== undefined) this.#gate?.refuseOther(at)
    const message = `a getter or the schema of a record for table "${name}" pushes another one into the same collector: push it after that record`
    return new InvalidOptionsError(message, { table: name }, 'INVALID_ARGUMENT')
  }

  async #acceptLater(record: T, verdict: Promise<Verdict>, at: ChannelOffset | undefined): Promise<boolean> {
    try {
      return this.#accept(record, await verdict, at)
    } catch (error) {
      this.#gate?.refuse()
      throw error
    } finally {
      this.#sendDue()
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
    if (schema === undefined) return { record }
    this.#isReading = true
    try {
      return validateRecord(schema, record, { table: this.#table.name, row: 0 })
    } finally {
      this.#isReading = false
    }
  }

  #accept(record: T, verdict: Verdict, at: ChannelOffset | undefined): boolean {
    const { admission } = this.#context
    const gate = this.#gate
    if (gate !== undefined && !gate.admits()) return !admission.underPressure
    // what was gathered is refused with a batch before it, and this record comes again
    if (gate?.isRefused === true) this.#send('flush')
    if (this.#gathering.isStale) this.#beginAnew()
    this.#take(record, verdict, at)
    gate?.add()
    if (this.#gathering.rowCount >= this.#options.maxBatchRows) this.#send('rows')
    else if (this.#gathering.heldBytes >= this.#options.maxBatchBytes) this.#send('bytes')
    return !admission.underPressure
  }

  #gather(record: T, verdict: Verdict, at: ChannelOffset | undefined): boolean {
    this.#isReading = true
    try {
      return this.#gathering.take(record, verdict, at)
    } finally {
      this.#isReading = false
    }
  }

  /** Begins a batch: encoded where the table's columns are known, held as it is where they are not. */
  #begin(): void {
    const { layout } = this.#table
    if (layout !== undefined && this.#evolving === 0) {
      this.#gathering.encode(layout)
      return
    }
    this.#gathering.hold()
    if (layout === undefined) void this.#learnColumns()
  }

  #take(record: T, verdict: Verdict, at: ChannelOffset | undefined): void {
    if (!this.#gather(record, verdict, at)) {
      // the table must follow the record: a batch of this one and the next will see to that
      this.#send('schema')
      this.#gathering.hold()
      this.#gather(record, verdict, at)
    }
    this.#timer ??= setTimeout(() => this.#send('delay'), this.#options.maxDelayMs)
  }

  /** The table may have been altered: what was gathered goes as it is, the next batch has the new columns. */
  #beginAnew(): void {
    if (this.#gathering.rowCount === 0) this.#begin()
    else this.#send('schema')
  }

  /** Asks for the table's columns; where it has any, what was held is encoded. */
  async #learnColumns(): Promise<void> {
    // an error here is met again, and told, when the batch is sent
    await this.#table.describe().catch(() => undefined)
    this.#encodeHeld()
  }

  #encodeHeld(): void {
    const { layout } = this.#table
    const { held, rowCount } = this.#gathering
    if (layout === undefined || held === undefined || this.#evolving > 0) return
    if (this.#gate !== undefined && rowCount > 0) {
      // its offsets are one batch's: it stays whole, even where one of its records cannot be encoded
      this.#sendBatch('schema', false)
      return
    }
    this.#gathering.encode(layout)
    const known = new Map(held.badRecords.records.map((bad) => [bad.row, bad]))
    const refused: { readonly record: FieldRecord; readonly error: unknown }[] = []
    for (const [row, record] of held.records.entries()) {
      const bad = known.get(row)
      const at = held.origins?.of(row)
      try {
        if (bad === undefined) this.#take(record as T, { record }, at)
        else this.#gathering.adopt(bad, at)
      } catch (error) {
        refused.push({ record, error })
      }
    }
    this.#gathering.recount()
    if (this.#gathering.rowCount === 0) this.#stopTimer()
    this.#sendDue()
    // told only now: the app may flush or close in its answer
    for (const { record, error } of refused) this.#sent.fail(error, () => [record])
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #send(reason: FlushReason): void {
    if (this.#isReading) {
      this.#due = reason
      return
    }
    this.#stopTimer()
    if (this.#gathering.rowCount === 0) return
    this.#sendBatch(reason, this.#gathering.held !== undefined && this.#table.layout !== undefined)
  }

  /** Sends what something that a record called was to send. */
  #sendDue(): void {
    const due = this.#due
    this.#due = undefined
    if (due !== undefined) this.#send(due)
  }

  /** Sends what was gathered; `isEvolving` where the table has to follow it. */
  #sendBatch(reason: FlushReason, isEvolving: boolean): void {
    this.#stopTimer()
    if (isEvolving) this.#evolving++
    const delivery = this.#gate?.send()
    const onSettled = (): void => this.#onSettled(isEvolving)
    this.#sent.send({ ...this.#gathering.finish(), delivery, reason, onSettled })
    this.#begin()
  }

  #onSettled(isEvolving: boolean): void {
    if (isEvolving) this.#evolving--
    // the batch may have made the table or altered it, and the next one waits for its columns
    if (this.#gathering.held === undefined || this.#state !== 'open') return
    if (this.#table.layout === undefined) void this.#learnColumns()
    else this.#encodeHeld()
  }
}
