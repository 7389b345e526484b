import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Channels } from '../src/channels.ts'
import { OffsetClaim } from '../src/offset-claim.ts'

// The channels of a main thread against a worker that does what the real one does: it takes batches in the order in
// which they are sent, and refuses those of a channel whose generation has failed.

interface Batch {
  readonly claim: OffsetClaim
  readonly offsets: Map<string, Set<bigint>>
}

/** A main thread, a worker, what lies between them, and the offsets that must not be missing. */
class World {
  readonly channels = new Channels()
  readonly committed = new Map<string, bigint>()
  /** Offsets that were given to the engine, are not committed, and that nobody has given up. */
  readonly #owed = new Map<string, Set<bigint>>()
  readonly #cursors = new Map<string, bigint>()
  readonly #waiting: Batch[] = []
  readonly #sent: { readonly batch: Batch; readonly generations: ReadonlyMap<string, number> }[] = []
  readonly #replies: { readonly claim: OffsetClaim; readonly isCommitted: boolean }[] = []
  readonly #failed = new Map<string, number>()
  #gathered: Batch | undefined

  /** An app calls `write`, which may be refused at the door. */
  write(name: string, offset: bigint, isRefusedAtDoor: boolean): void {
    const channel = this.channels.of(name)
    const standing = channel.judge(offset)
    if (standing === 'committed' || standing === 'under-way') return
    this.#owe(name, offset)
    if (standing === 'refused') {
      expect(() => this.channels.claim({ channel: name, offset }, 't')).toThrow('nothing more of channel')
      return
    }
    const claim = this.channels.claim({ channel: name, offset }, 't')
    if (isRefusedAtDoor) claim.refuse()
    else this.#waiting.push({ claim, offsets: new Map([[name, new Set([offset])]]) })
  }

  /** A source's next record is pushed; a record that cannot be encoded is refused. */
  push(name: string, isBad: boolean): void {
    const channel = this.channels.of(name)
    const offset = (this.#cursors.get(name) ?? 0n) + 1n
    this.#cursors.set(name, offset)
    const standing = channel.judge(offset)
    if (standing === 'committed' || standing === 'under-way') return
    this.#owe(name, offset)
    if (standing === 'refused' || isBad) {
      channel.refuseRecord(offset)
      return
    }
    if (this.#gathered?.claim.isRefused === true) this.sendGathered()
    this.#gathered ??= { claim: new OffsetClaim(), offsets: new Map() }
    const { claim, offsets } = this.#gathered
    claim.add(channel, offset, offset)
    offsets.set(name, (offsets.get(name) ?? new Set()).add(offset))
  }

  sendGathered(): void {
    if (this.#gathered === undefined) return
    this.#gathered.claim.send()
    this.#waiting.push(this.#gathered)
    this.#gathered = undefined
  }

  /** The source is read again from the committed offset, or somewhere before it. */
  rewind(name: string, back: bigint): void {
    const committed = this.channels.of(name).committed ?? 0n
    const to = committed > back ? committed - back : 0n
    if (to < (this.#cursors.get(name) ?? 0n)) this.#cursors.set(name, to)
  }

  abort(index: number): void {
    const [batch] = this.#waiting.splice(index % Math.max(1, this.#waiting.length), 1)
    batch?.claim.refuse()
  }

  dispatch(): void {
    const batch = this.#waiting[0]
    if (batch === undefined) return
    const { claim } = batch
    if (claim.predecessor !== undefined && !claim.isRefused) return
    this.#waiting.shift()
    if (claim.isRefused) return
    const generations = claim.spans.map(({ channel, generation }) => [channel.name, generation] as const)
    this.#sent.push({ batch, generations: new Map(generations) })
  }

  work(fails: boolean): void {
    const next = this.#sent.shift()
    if (next === undefined) return
    const { batch, generations } = next
    const isRefused = [...generations].some(([name, number]) => number <= (this.#failed.get(name) ?? -1))
    if (fails || isRefused) for (const [name, number] of generations) this.#failed.set(name, number)
    else for (const { channel, last } of batch.claim.spans) this.#commit(batch, channel.name, last)
    this.#replies.push({ claim: batch.claim, isCommitted: !fails && !isRefused })
  }

  reply(): void {
    const next = this.#replies.shift()
    if (next?.isCommitted === true) next.claim.commit()
    else next?.claim.refuse()
  }

  retry(name: string): void {
    this.channels.of(name).forget()
    this.#giveUp(name)
  }

  skip(name: string): void {
    const channel = this.channels.of(name)
    const { lowestRefused: refused, newest } = channel
    if (refused === undefined || newest !== undefined) return
    const claim = new OffsetClaim()
    claim.add(channel, refused.first, refused.last)
    claim.send()
    const skipped = [...(this.#owed.get(name) ?? [])].filter((offset) => offset <= refused.last)
    this.#waiting.push({ claim, offsets: new Map([[name, new Set(skipped)]]) })
  }

  settleAll(): void {
    this.sendGathered()
    while (this.#waiting.length + this.#sent.length + this.#replies.length > 0) {
      this.dispatch()
      this.work(false)
      this.reply()
    }
  }

  #owe(name: string, offset: bigint): void {
    this.#owed.set(name, (this.#owed.get(name) ?? new Set()).add(offset))
  }

  /** The app takes it on itself to send again what was refused. */
  #giveUp(name: string): void {
    const underWay = [...this.#waiting, ...this.#sent.map(({ batch }) => batch), this.#gathered]
      .filter((batch) => batch?.claim.isRefused === false)
      .flatMap((batch) => [...(batch?.offsets.get(name) ?? [])])
    this.#owed.set(name, new Set(underWay))
  }

  #commit({ offsets }: Batch, name: string, last: bigint): void {
    // nothing twice
    for (const offset of offsets.get(name) ?? []) expect(offset > (this.committed.get(name) ?? 0n)).toBe(true)
    this.committed.set(name, last)
    const owed = this.#owed.get(name) ?? new Set()
    for (const offset of offsets.get(name) ?? []) owed.delete(offset)
    // no hole
    expect([...owed].filter((offset) => offset <= last)).toEqual([])
  }
}

const written = fc.constantFrom('w1', 'w2')
const gathered = fc.constantFrom('g1', 'g2')
const either = fc.oneof(written, gathered)
const command: fc.Arbitrary<(world: World) => void> = fc
  .oneof(
    { weight: 6, arbitrary: fc.tuple(written, fc.bigInt(1n, 15n), fc.integer({ min: 0, max: 9 })) },
    { weight: 8, arbitrary: fc.tuple(gathered, fc.integer({ min: 0, max: 19 })) },
  )
  .map((step) =>
    step.length === 3
      ? (world: World) => world.write(step[0], step[1], step[2] === 0)
      : (world: World) => world.push(step[0], step[1] === 0),
  )
const rare: fc.Arbitrary<(world: World) => void> = fc.oneof(
  { weight: 3, arbitrary: fc.constant((world: World) => world.sendGathered()) },
  { weight: 8, arbitrary: fc.constant((world: World) => world.dispatch()) },
  { weight: 8, arbitrary: fc.constant((world: World) => world.reply()) },
  {
    weight: 8,
    arbitrary: fc.integer({ min: 0, max: 4 }).map((chance) => (world: World) => world.work(chance === 0)),
  },
  { weight: 1, arbitrary: fc.nat(3).map((index) => (world: World) => world.abort(index)) },
  {
    weight: 2,
    arbitrary: fc.tuple(gathered, fc.bigInt(0n, 4n)).map(
      ([name, back]) =>
        (world: World) =>
          world.rewind(name, back),
    ),
  },
  { weight: 1, arbitrary: either.map((name) => (world: World) => world.retry(name)) },
  { weight: 1, arbitrary: either.map((name) => (world: World) => world.skip(name)) },
)

it('nothing is committed twice, nothing past what was refused, and no failure is forever', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(command, rare), { maxLength: 120 }), (commands) => {
      const world = new World()
      for (const run of commands) run(world)
      world.settleAll()
      for (const name of ['w1', 'w2', 'g1', 'g2']) {
        const channel = world.channels.of(name)
        expect(channel.committed).toBe(world.committed.get(name))
        expect(channel.newest).toBeUndefined()
        // part of what was refused may be there by now
        const next = [channel.lowestRefused?.first ?? 0n, (channel.committed ?? 0n) + 1n]
        expect(channel.judge(next.reduce((a, b) => (a > b ? a : b)))).toBe('next')
      }
    }),
    { numRuns: 3_000 },
  )
})
