import { type ChannelOffset, InvalidOptionsError } from '@ducksink/worker'
import type { Channels } from './channels.ts'
import { type ClaimedChannel, OffsetClaim, precedingBatchFailed } from './offset-claim.ts'
import { checkChannelOffset } from './write-options.ts'

/** Lets the records of one collector in, each offset once. */
export class OffsetGate {
  readonly #channels: Channels
  readonly #table: string
  readonly #onDuplicate: () => void
  /** Where the record at hand is from. */
  #channel: ClaimedChannel | undefined
  #offset = 0n
  /** What is gathered. */
  #claim: OffsetClaim = new OffsetClaim()

  constructor(channels: Channels, table: string, onDuplicate: () => void) {
    this.#channels = channels
    this.#table = table
    this.#onDuplicate = onDuplicate
  }

  /** True where what is gathered will not be written, because a batch before it was not. */
  get isRefused(): boolean {
    return this.#claim.isRefused
  }

  /**
   * Looks at where a record is from.
   * @throws {@link InvalidOptionsError} where that is no channel and offset.
   */
  see(at: ChannelOffset | undefined): void {
    const known = this.#channel
    if (at === undefined) {
      const message = `a record for table "${this.#table}" needs { channel, offset } where delivery is 'exactly-once'`
      throw new InvalidOptionsError(message, { table: this.#table }, 'INVALID_ARGUMENT')
    }
    checkChannelOffset(at, known?.name)
    this.#offset = at.offset
    if (known?.name !== at.channel) this.#channel = this.#channels.of(at.channel)
  }

  /**
   * True where the record is to be written; false where it is there already, or under way.
   * @throws {@link InvalidOptionsError} where another collector has the channel.
   * @throws {@link PrecedingBatchFailedError} where something before it was not written.
   */
  admits(): boolean {
    const channel = this.#channel as ClaimedChannel
    const standing = channel.judge(this.#offset)
    if (standing === 'next' || standing === 'under-way') this.#requireOwn(channel)
    if (standing === 'refused') throw precedingBatchFailed(channel, this.#table)
    if (standing === 'next') return true
    this.#onDuplicate()
    return false
  }

  /** The record is part of what is gathered. */
  add(): void {
    this.#claim.add(this.#channel as ClaimedChannel, this.#offset, this.#offset)
  }

  /** The record was not taken, so what comes after it must not be either. */
  refuse(): void {
    this.#channel?.refuseRecord(this.#offset)
  }

  /** The same of a record that is not the one at hand. */
  refuseOther({ channel, offset }: ChannelOffset): void {
    checkChannelOffset({ channel, offset }, undefined)
    this.#channels.of(channel).refuseRecord(offset)
  }

  /** What was gathered goes, as a batch; the next one begins. */
  send(): OffsetClaim {
    const claim = this.#claim
    claim.send()
    this.#claim = new OffsetClaim()
    return claim
  }

  #requireOwn({ name, newest }: ClaimedChannel): void {
    const claim = newest?.claim
    if (claim === undefined || claim === this.#claim || !claim.isGathering) return
    const message = `another collector gathers records of channel ${JSON.stringify(name)}: give the records of table "${this.#table}" a channel of their own`
    throw new InvalidOptionsError(message, { table: this.#table, channel: name }, 'INVALID_ARGUMENT')
  }
}
