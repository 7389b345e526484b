import type { ChannelOffset } from '@ducksink/worker'
import { Channel } from './channel.ts'
import { type ClaimedChannel, OffsetClaim, precedingBatchFailed } from './offset-claim.ts'

/** The channels of an engine whose delivery is exactly-once. */
export class Channels {
  readonly #byName = new Map<string, ClaimedChannel>()

  /** A channel by its name. */
  of(name: string): ClaimedChannel {
    let channel = this.#byName.get(name)
    if (channel === undefined) {
      channel = new Channel(name)
      this.#byName.set(name, channel)
    }
    return channel
  }

  /** Learns what the ledger has, when it was read as a whole. */
  learn(offsets: readonly ChannelOffset[]): void {
    for (const channel of this.#byName.values()) channel.learn(undefined)
    for (const { channel, offset } of offsets) this.of(channel).learn(offset)
  }

  /**
   * Takes in a batch of one offset.
   * @throws {@link PrecedingBatchFailedError} where something before it was not written.
   */
  claim(at: ChannelOffset, table: string): OffsetClaim {
    const channel = this.of(at.channel)
    if (channel.judge(at.offset) === 'refused') {
      channel.refuse(at.offset)
      throw precedingBatchFailed(channel, table)
    }
    const claim = new OffsetClaim()
    claim.add(channel, at.offset, at.offset)
    claim.send()
    return claim
  }
}
