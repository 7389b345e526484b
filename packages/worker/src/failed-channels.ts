import type { WrittenOffset } from './protocol/ledger-messages.ts'

/** A write that was not written, and the number that its channel had then. */
interface Failure {
  readonly writeId: number
  readonly generation: number
}

/**
 * The channels of which a write failed, so that what is under way behind it is not written either: a restart would
 * resume past the hole.
 */
export class FailedChannels {
  readonly #failures = new Map<string, Failure>()

  /** Remembers that a write of these offsets failed; one that was taken back may have done so before its turn. */
  add(writeId: number, offsets: readonly WrittenOffset[]): void {
    for (const { channel, generation } of offsets) {
      const known = this.#failures.get(channel)
      const isEarlier = known?.generation === generation && writeId < known.writeId
      if (known === undefined || known.generation < generation || isEarlier)
        this.#failures.set(channel, { writeId, generation })
    }
  }

  /** Forgets the failure of a write that comes again: main had only taken it back. */
  forget(writeId: number, offsets: readonly WrittenOffset[]): void {
    for (const { channel } of offsets)
      if (this.#failures.get(channel)?.writeId === writeId) this.#failures.delete(channel)
  }

  /** The channel for which a write of these offsets must be refused: ids count up in the order of the calls. */
  find(writeId: number, offsets: readonly WrittenOffset[]): string | undefined {
    return offsets.find(({ channel, generation }) => {
      const failure = this.#failures.get(channel)
      return failure !== undefined && generation <= failure.generation && writeId > failure.writeId
    })?.channel
  }
}
