import type { WrittenOffset } from './protocol/ledger-messages.ts'

/** The writes of a channel that were not written, and the number that the channel had then. */
interface Failures {
  readonly writeIds: Set<number>
  readonly generation: number
}

/**
 * The channels of which a write failed, so that what is under way behind it is not written either: a restart would
 * resume past the hole.
 */
export class FailedChannels {
  readonly #failures = new Map<string, Failures>()

  /** Remembers that a write of these offsets failed; one that was taken back may have done so before its turn. */
  add(writeId: number, offsets: readonly WrittenOffset[]): void {
    for (const { channel, generation } of offsets) {
      const known = this.#failures.get(channel)
      if (known === undefined || known.generation < generation)
        this.#failures.set(channel, { writeIds: new Set([writeId]), generation })
      else if (known.generation === generation) known.writeIds.add(writeId)
    }
  }

  /** Forgets the failure of a write that comes again, and no other. */
  forget(writeId: number, offsets: readonly WrittenOffset[]): void {
    for (const { channel } of offsets) this.#failures.get(channel)?.writeIds.delete(writeId)
  }

  /** The channel for which a write of these offsets must be refused: ids count up in the order of the calls. */
  find(writeId: number, offsets: readonly WrittenOffset[]): string | undefined {
    return offsets.find(({ channel, generation }) => {
      const failures = this.#failures.get(channel)
      return failures !== undefined && generation <= failures.generation && hasBefore(failures, writeId)
    })?.channel
  }
}

function hasBefore({ writeIds }: Failures, writeId: number): boolean {
  for (const failed of writeIds) if (failed < writeId) return true
  return false
}
