import { PrecedingBatchFailedError, type SinkError, type WriteIdentity } from '@ducksink/worker'
import type { Channel, HeldSpan } from './channel.ts'
import type { Delivery } from './delivery.ts'

/** What a batch has of one of its channels. */
interface ClaimedSpan extends HeldSpan {
  readonly claim: OffsetClaim
  readonly channel: ClaimedChannel
}

export type ClaimedChannel = Channel<ClaimedSpan>

/** What a batch has of its channels, from its first record until the batch is settled. */
export class OffsetClaim implements Delivery {
  readonly #spans: ClaimedSpan[] = []
  readonly #spanByChannel = new Map<ClaimedChannel, ClaimedSpan>()
  readonly #settled: PromiseWithResolvers<void> = Promise.withResolvers()
  #state: 'gathering' | 'sent' | 'committed' | 'refused' = 'gathering'

  get spans(): readonly ClaimedSpan[] {
    return this.#spans
  }

  /** True while a collector adds to it. */
  get isGathering(): boolean {
    return this.#state === 'gathering'
  }

  get isCommitted(): boolean {
    return this.#state === 'committed'
  }

  /** True where the batch was not written, or will not be, because one before it was not. */
  get isRefused(): boolean {
    return this.#state === 'refused'
  }

  /** Resolves when it is committed or refused. */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  refusal(table: string): SinkError | undefined {
    if (!this.isRefused) return undefined
    const failed = this.#spans.find(({ channel }) => channel.hasFailed) ?? this.#spans[0]
    return failed && precedingBatchFailed(failed.channel, table)
  }

  /** Which offsets are there is known without asking. */
  recall(): undefined {}

  /** What the worker knows the batch by. */
  get identity(): WriteIdentity {
    const offsets = this.#spans.map(({ channel, last, generation }) => ({
      ...{ channel: channel.name, offset: last, generation },
    }))
    return { kind: 'offsets', offsets }
  }

  /**
   * A batch that must be settled before this one may be sent, because it is of an older generation: its failure would
   * not be this one's in the worker.
   */
  get predecessor(): Promise<void> | undefined {
    if (this.isRefused) return undefined
    for (const { channel, generation } of this.#spans) {
      const { oldest } = channel
      if (oldest !== undefined && oldest.generation < generation) return oldest.claim.settled
    }
    return undefined
  }

  /** Takes an offset in, which must be greater than those that it has of the channel. */
  add(channel: ClaimedChannel, first: bigint, last: bigint): void {
    const known = this.#spans.length === 1 ? this.#spans[0] : undefined
    const span = known?.channel === channel ? known : this.#spanByChannel.get(channel)
    if (span !== undefined) {
      span.last = last
      return
    }
    const added: ClaimedSpan = { claim: this, channel, generation: channel.generation, first, last }
    this.#spans.push(added)
    this.#spanByChannel.set(channel, added)
    channel.hold(added)
  }

  /** Takes no more offsets. */
  send(): void {
    if (this.#state === 'gathering') this.#state = 'sent'
  }

  /** The batch is committed. */
  commit(): void {
    this.#state = 'committed'
    for (const span of this.#spans) span.channel.commit(span)
    this.#settled.resolve()
  }

  /** The batch was not written, and neither are those that have offsets behind its own. */
  refuse(): void {
    const due: OffsetClaim[] = [this]
    // those that come after them are added as it goes on
    for (const claim of due) for (const behind of claim.#release(claim !== this)) due.push(behind)
  }

  /** The batch was written or not: its channels let nothing in until the ledger is asked. */
  doubt(): void {
    this.refuse()
    for (const { channel } of this.#spans) channel.doubt()
  }

  /** Gives its offsets back; says who comes after it. */
  #release(isBehind: boolean): readonly OffsetClaim[] {
    if (this.#state === 'committed' || this.#state === 'refused') return []
    this.#state = 'refused'
    this.#settled.resolve()
    return this.#spans.flatMap((span) => span.channel.release(span, isBehind).map(({ claim }) => claim))
  }
}

/** What is refused in a channel that has failed. */
export function precedingBatchFailed({ name, lowestRefused }: ClaimedChannel, table: string): SinkError {
  const channel = JSON.stringify(name)
  const where = lowestRefused === undefined ? '' : ` (from offset ${lowestRefused} on)`
  const message = `nothing more of channel ${channel} is written to table "${table}", because what comes before it${where} was not: write that again, or call resolveFailure(${channel}, 'skip' or 'retry')`
  return new PrecedingBatchFailedError(message, { table, channel: name })
}
