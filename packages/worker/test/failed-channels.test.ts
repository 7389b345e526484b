import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FailedChannels } from '../src/failed-channels.ts'
import type { WrittenOffset } from '../src/protocol/ledger-messages.ts'

// The writes of a worker against one that keeps every write that failed. Main sends nothing of a channel's next
// generation while something of the one before is under way.

interface Write {
  readonly writeId: number
  readonly offsets: readonly WrittenOffset[]
}

const CHANNELS = ['a', 'b'] as const
type Channel = (typeof CHANNELS)[number]

const ENDS = ['committed', 'failed', 'failed, to be run again', 'to be run again'] as const

class World {
  readonly #channels = new FailedChannels()
  readonly #failed = new Set<Write>()
  readonly #generations = { a: 0, b: 0 }
  /** In the order of their calls; the first may be one that is to be run again. */
  readonly #underWay: Write[] = []
  #nextId = 1

  call(channels: readonly Channel[]): void {
    const offsets = channels.map((channel) => ({
      ...{ channel, offset: BigInt(this.#nextId), generation: this.#generations[channel] },
    }))
    const waits = this.#underWay.some((before) => before.offsets.some((offset) => isOlder(offset, offsets)))
    if (!waits) this.#underWay.push({ writeId: this.#nextId++, offsets })
  }

  /** Main has heard of a failure. */
  turn(channel: Channel): void {
    this.#generations[channel]++
  }

  /** The first write has its turn, perhaps not for the first time. */
  run(end: (typeof ENDS)[number]): void {
    const write = this.#underWay[0]
    if (write === undefined) return
    this.#channels.forget(write.writeId, write.offsets)
    this.#failed.delete(write)
    if (this.#refusing(write) !== undefined) this.#fail(this.#underWay.shift())
    else {
      if (end.startsWith('failed')) this.#fail(write)
      if (!end.endsWith('run again')) this.#underWay.shift()
    }
  }

  /** A write is taken back, whatever is before it. */
  takeBack(index: number): void {
    this.#fail(this.#underWay.splice(index % Math.max(1, this.#underWay.length), 1)[0])
  }

  expectSame(): void {
    for (const write of this.#underWay)
      expect(this.#channels.find(write.writeId, write.offsets)).toBe(this.#refusing(write))
  }

  #fail(write: Write | undefined): void {
    if (write === undefined) return
    this.#channels.add(write.writeId, write.offsets)
    this.#failed.add(write)
  }

  /** The channel of which something failed that was called before this write, and is of no older generation. */
  #refusing({ writeId, offsets }: Write): string | undefined {
    const before = [...this.#failed].filter((failed) => failed.writeId < writeId)
    return offsets.find((offset) =>
      before.some((failed) =>
        failed.offsets.some(
          ({ channel, generation }) => channel === offset.channel && generation >= offset.generation,
        ),
      ),
    )?.channel
  }
}

const isOlder = (offset: WrittenOffset, than: readonly WrittenOffset[]): boolean =>
  than.some(({ channel, generation }) => channel === offset.channel && offset.generation < generation)

type Command = (world: World) => void

const channels = fc.constantFrom<readonly Channel[]>(['a'], ['b'], ['a', 'b'], ['b', 'a'])
const command = fc.oneof(
  {
    weight: 4,
    arbitrary: channels.map(
      (of): Command =>
        (world) =>
          world.call(of),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...ENDS).map(
      (end): Command =>
        (world) =>
          world.run(end),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.nat(5).map(
      (index): Command =>
        (world) =>
          world.takeBack(index),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...CHANNELS).map(
      (channel): Command =>
        (world) =>
          world.turn(channel),
    ),
  },
)

it('what comes after any write that failed is refused, until that write comes again', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40, size: 'max' }), (commands) => {
      const world = new World()
      for (const run of commands) {
        run(world)
        world.expectSame()
      }
    }),
    { numRuns: 1_000 },
  )
})
