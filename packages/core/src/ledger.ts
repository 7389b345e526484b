import {
  type ChannelOffset,
  errorFromData,
  InvalidOptionsError,
  LEDGER_NAMES,
  qualifiedName,
} from '@ducksink/worker'
import type { Admission } from './admission.ts'
import type { BatchSource } from './batch-source.ts'
import { Channels } from './channels.ts'
import { type Delivery, type FindWrite, KeyedDelivery } from './delivery.ts'
import { isDate } from './encoder/native-date.ts'
import type { RecordsContext } from './encoders.ts'
import { type ClaimedChannel, OffsetClaim, precedingBatchFailed } from './offset-claim.ts'
import { OptionsCheck } from './options-check.ts'
import { PayloadHasher } from './payload-hash.ts'
import { unlessAborted } from './race.ts'
import { firstFigures, NO_FIGURES, type Receipt, type WriteOutcome } from './receipt.ts'
import { RecordsSource } from './records-source.ts'
import type { TableState } from './table-state.ts'
import { unlessWorkerDied, type WorkerClient } from './worker-client.ts'
import { checkChannel, checkKey, type WriteOptions } from './write-options.ts'

/** What becomes of what was refused in a channel: it is left out for good, or the caller sends it again. */
export type FailureResolution = 'skip' | 'retry'

/** How much of the ledger is forgotten. */
export interface PruneOptions {
  /** What was committed before this time, in milliseconds since 1970 where it is a number. */
  readonly olderThan: Date | number
}

/** What the ledger has forgotten: of that, what comes again is written again. */
export interface PruneSummary {
  readonly keyCount: number
  /** Offsets that are not the newest of their channel, which is never forgotten. */
  readonly offsetCount: number
}

/** A batch that has no source yet. */
export interface EnteredBatch {
  readonly rowCount: number
  /** Makes its source; `keyed` where it is known again by the hash of its payload. */
  source(keyed?: KeyedBatch): BatchSource
}

/** What a batch with a key is made with. */
interface KeyedBatch {
  readonly hasher: PayloadHasher
  /** Called before the table is made or altered; rejects where the batch is not to be written. */
  readonly beforeDdl: () => Promise<void>
}

/** What the ledger does its work with. */
export interface LedgerContext {
  readonly client: WorkerClient
  readonly records: RecordsContext
  readonly admission: Admission
  /** The catalog that the ledger's tables are in. */
  readonly catalog: () => string
  /** The ledger's own table, for batches that are no more than an offset. */
  readonly offsets: () => TableState
  /** Takes a batch in, or throws where there is no room. */
  readonly write: (source: BatchSource, options: WriteOptions, delivery: Delivery) => Promise<Receipt>
  /** Commits the offsets of a batch that is left out; it is no batch of the app's. */
  readonly leaveOut: (source: BatchSource, delivery: Delivery) => Promise<Receipt>
  /** Has whoever waits for all batches wait for this as well. */
  readonly track: (ended: Promise<unknown>) => void
  /** The greatest sequence of a receipt so far. */
  readonly lastSequence: () => number
  /** Sends what waits for others to share its message. */
  readonly sendWaiting: () => void
  /** Sends what collectors have gathered. */
  readonly sendGathered: () => void
  readonly query: (sql: string, parameters: readonly unknown[]) => Promise<readonly object[]>
  readonly onSettled: (outcome: WriteOutcome) => void
}

/** What makes each batch of an engine be there exactly once: by its key, or by its channel and offset. */
export class Ledger {
  readonly channels: Channels = new Channels()
  readonly #context: LedgerContext
  /** When the last failure of each channel is resolved, as one is at a time. */
  readonly #resolved = new WeakMap<ClaimedChannel, Promise<void>>()
  #hasher: PayloadHasher | undefined

  constructor(context: LedgerContext) {
    this.#context = context
  }

  /** Takes over what the target has. */
  async begin(committedOffsets: readonly ChannelOffset[]): Promise<void> {
    this.channels.learn(committedOffsets)
    this.#hasher = await PayloadHasher.load()
  }

  /** Writes a batch that has a key, or a channel and an offset. */
  async write(table: TableState, batch: EnteredBatch, options: WriteOptions): Promise<Receipt> {
    const { key, channel, offset } = options
    if (key === undefined) return this.#writeAt({ channel, offset } as ChannelOffset, table, batch, options)
    const delivery = new KeyedDelivery(key, this.#find)
    const hasher = this.#hasher as PayloadHasher
    const source = batch.source({ hasher, beforeDdl: () => delivery.requireNew() })
    return this.#context.write(source, options, delivery)
  }

  /** The receipt of the batch that has this key, where it is committed. */
  async receipt(key: string): Promise<Receipt | undefined> {
    checkKey(key)
    const startedAt = performance.now()
    const write = await unlessWorkerDied(this.#find(key, false))
    if (write === undefined) return undefined
    const { sequence } = write
    const durationMs = performance.now() - startedAt
    return { key, ...firstFigures(write), duplicate: false, sequence, durationMs }
  }

  async committedOffset(name: string): Promise<bigint | undefined> {
    checkChannel(name)
    const channel = this.channels.of(name)
    await this.#settleDoubt(channel)
    return channel.committed
  }

  async resolveFailure(name: string, resolution: FailureResolution): Promise<void> {
    checkChannel(name)
    if (resolution !== 'skip' && resolution !== 'retry') {
      const message = `a failure is resolved by 'skip' or 'retry'`
      throw new InvalidOptionsError(message, { channel: name }, 'INVALID_ARGUMENT')
    }
    const channel = this.channels.of(name)
    const resolved = this.#resolve(channel, resolution, this.#resolved.get(channel))
    this.#resolved.set(
      channel,
      resolved.catch(() => undefined),
    )
    await resolved
  }

  async prune(options: PruneOptions): Promise<PruneSummary> {
    const check = new OptionsCheck()
    const { olderThan } = check.object('options', options, ['olderThan'])
    const beforeMs = isDate(olderThan) ? olderThan.getTime() : olderThan
    if (typeof beforeMs !== 'number' || Number.isNaN(new Date(beforeMs).getTime()))
      check.problem('olderThan must be a Date, or a number of milliseconds since 1970')
    check.done('wrong options of pruneLedger')
    this.#context.sendWaiting()
    const reply = await unlessWorkerDied(this.#context.client.call('pruneLedger', beforeMs as number))
    if (reply.status === 'failed') throw errorFromData(reply.error)
    const { keyCount, offsetCount } = reply
    return { keyCount, offsetCount }
  }

  readonly #find: FindWrite = async (key, servesWrites) => {
    this.#context.sendWaiting()
    const reply = await this.#context.client.call('readLedger', [key], servesWrites)
    if (reply.status === 'failed') throw errorFromData(reply.error)
    return reply.writes[0]
  }

  async #writeAt(
    at: ChannelOffset,
    table: TableState,
    batch: EnteredBatch,
    options: WriteOptions,
  ): Promise<Receipt> {
    const startedAt = performance.now()
    const channel = this.channels.of(at.channel)
    requireUngathered(channel, table.name)
    const holder = channel.holderOf(at.offset)
    if (channel.judge(at.offset) === 'under-way' && holder !== undefined) {
      const waited = this.#waitFor(holder.claim, table, batch.rowCount, options.signal)
      this.#context.track(waited)
      await waited
      if (!holder.claim.isCommitted) {
        channel.refuse(at.offset)
        throw precedingBatchFailed(channel, table.name)
      }
    }
    if (channel.judge(at.offset) === 'committed') return this.#duplicate(at, table.name, startedAt)
    const claim = this.channels.claim(at, table.name)
    return this.#send(claim, () => this.#context.write(batch.source(), options, claim))
  }

  /** Waits for the batch that has the offset already; what waits counts as any batch does. */
  async #waitFor(
    holder: OffsetClaim,
    table: TableState,
    rowCount: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    signal?.throwIfAborted()
    const { admission } = this.#context
    const expectedBytes = table.expectedBytes(rowCount)
    admission.enter(expectedBytes, table.name)
    try {
      await unlessAborted(holder.settled, signal)
    } finally {
      admission.expectLess(expectedBytes)
      admission.leave()
    }
  }

  #send(claim: OffsetClaim, send: () => Promise<Receipt>): Promise<Receipt> {
    try {
      return send()
    } catch (error) {
      claim.refuse()
      throw error
    }
  }

  #duplicate(at: ChannelOffset, table: string, startedAt: number): Receipt {
    const sequence = this.#context.lastSequence()
    const durationMs = performance.now() - startedAt
    const receipt: Receipt = { ...at, ...NO_FIGURES, duplicate: true, sequence, durationMs }
    this.#context.onSettled({ status: 'committed', table, receipt, byteLength: 0 })
    return receipt
  }

  async #resolve(
    channel: ClaimedChannel,
    resolution: FailureResolution,
    before: Promise<void> | undefined,
  ): Promise<void> {
    await before
    if (resolution === 'skip') {
      await this.#skip(channel)
      return
    }
    await this.#settleDoubt(channel)
    channel.forget()
  }

  /** Commits the offsets of the batch that failed without its rows; what was refused behind it was never tried. */
  async #skip(channel: ClaimedChannel): Promise<void> {
    // what was refused may be written again meanwhile
    do {
      this.#context.sendGathered()
      await Promise.all(channel.underWay.map(({ claim }) => claim.settled))
      await this.#settleDoubt(channel)
    } while (channel.hasFailed && channel.newest !== undefined)
    const { failed, refused } = channel
    if (failed !== undefined) {
      const claim = new OffsetClaim()
      claim.add(channel, failed.first, failed.last)
      claim.send()
      const source = new RecordsSource(this.#context.offsets(), [], this.#context.records)
      await this.#send(claim, () => this.#context.leaveOut(source, claim))
    }
    // not what has failed since
    channel.forget(refused)
  }

  /** Reads what is committed, where that is not known since the outcome of a batch was not. */
  async #settleDoubt(channel: ClaimedChannel): Promise<void> {
    if (!channel.isUncertain) return
    const table = { catalog: this.#context.catalog(), schema: 'main', name: LEDGER_NAMES.offsets }
    const sql = `SELECT system.main.max("offset") AS "offset" FROM ${qualifiedName(table)} WHERE channel = $1`
    const [row] = (await this.#context.query(sql, [channel.name])) as { offset: bigint | null }[]
    channel.learn(row?.offset ?? undefined)
  }
}

function requireUngathered({ name, newest }: ClaimedChannel, table: string): void {
  if (newest?.claim.isGathering !== true) return
  const message = `a collector gathers records of channel ${JSON.stringify(name)}: flush it before a batch of the same channel is written`
  throw new InvalidOptionsError(message, { table, channel: name }, 'INVALID_ARGUMENT')
}
