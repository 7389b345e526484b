import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Channels } from '../src/channels.ts'
import { OffsetClaim } from '../src/offset-claim.ts'

// The channels of a main thread against a worker that does what the real one does: it takes batches in the order in
// which they are sent, asks for some once more, and refuses those of a channel that come after one that failed and are
// of its generation.

interface Batch {
  readonly claim: OffsetClaim
  readonly offsets: Map<string, Set<bigint>>
  readonly onCommitted?: () => void
}

interface Sent {
  readonly batch: Batch
  readonly id: number
  readonly generations: ReadonlyMap<string, number>
}

interface Answered {
  readonly batch: Batch
  readonly status: 'committed' | 'failed' | 'behind'
}

/** A main thread, a worker, what lies between them, and the offsets that must not be missing. */
class World {
  readonly channels = new Channels()
  readonly committed = new Map<string, bigint>()
  /** Offsets that were given to the engine, are not committed, and that nobody has given up. */
  readonly #owed = new Map<string, Set<bigint>>()
  readonly #cursors = new Map<string, bigint>()
  readonly #waiting: Batch[] = []
  readonly #sent: Sent[] = []
  #nextId = 1
  readonly #replies: Answered[] = []
  /** All that the worker has not written, but what comes again. */
  readonly #failed = new Set<Sent>()
  /** Failures that the app is resolving: it sends nothing of their channels meanwhile. */
  readonly #skipping = new Map<string, OffsetClaim>()
  /** By channel and offset, the batch that it was in when that was not written for its own sake. */
  readonly #failedIn = new Map<string, object>()
  #gathered: Batch | undefined

  /** An app calls `write` with the next offset, some steps on, which may be refused at the door. */
  writeNext(name: string, steps: bigint, isRefusedAtDoor: boolean): void {
    if (this.#isSkipping(name)) return
    const offset = (this.#cursors.get(name) ?? 0n) + steps
    this.#cursors.set(name, offset)
    this.#write(name, offset, isRefusedAtDoor)
  }

  #write(name: string, offset: bigint, isRefusedAtDoor: boolean): void {
    if (this.#isSkipping(name)) return
    const channel = this.channels.of(name)
    const standing = channel.judge(offset)
    if (standing === 'committed' || standing === 'under-way') return
    this.#owe(name, offset)
    if (standing === 'refused') {
      expect(() => this.channels.claim({ channel: name, offset }, 't')).toThrow('nothing more of channel')
      return
    }
    const claim = this.channels.claim({ channel: name, offset }, 't')
    const batch = { claim, offsets: new Map([[name, new Set([offset])]]) }
    if (isRefusedAtDoor) this.#fail(batch)
    else this.#waiting.push(batch)
  }

  /** A source's next record is pushed; a record that cannot be encoded is refused. */
  push(name: string, isBad: boolean): void {
    if (this.#isSkipping(name)) return
    const channel = this.channels.of(name)
    const offset = (this.#cursors.get(name) ?? 0n) + 1n
    this.#cursors.set(name, offset)
    const standing = channel.judge(offset)
    if (standing === 'committed' || standing === 'under-way') return
    this.#owe(name, offset)
    if (standing === 'refused' || isBad) {
      if (standing === 'next') this.#failedIn.set(`${name} ${offset}`, {})
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

  /** What is owed comes again, in order. */
  pay(name: string, count: number): void {
    const owed = [...(this.#owed.get(name) ?? [])].sort((a, b) => (a < b ? -1 : 1))
    for (const offset of owed.slice(0, count)) this.#write(name, offset, false)
  }

  owes(name: string): boolean {
    return (this.#owed.get(name)?.size ?? 0) > 0
  }

  abort(index: number): void {
    const [batch] = this.#waiting.splice(index % Math.max(1, this.#waiting.length), 1)
    if (batch !== undefined) this.#fail(batch)
  }

  dispatch(): void {
    const batch = this.#waiting[0]
    if (batch === undefined) return
    const { claim } = batch
    if (claim.predecessor !== undefined && !claim.isRefused) return
    this.#waiting.shift()
    if (claim.isRefused) return
    const generations = claim.spans.map(({ channel, generation }) => [channel.name, generation] as const)
    this.#sent.push({ batch, id: this.#nextId++, generations: new Map(generations) })
  }

  /** The worker takes the first batch; one that it asks for once more stays the first. */
  work(end: 'committed' | 'failed' | 'asked for again'): void {
    const next = this.#sent[0]
    if (next === undefined) return
    this.#failed.delete(next)
    const { batch } = next
    const status = this.#isBehind(next) ? 'behind' : end
    if (status === 'committed')
      for (const { channel, last } of batch.claim.spans) this.#commit(batch, channel.name, last)
    else this.#failed.add(next)
    if (status === 'asked for again') return
    this.#sent.shift()
    this.#replies.push({ batch, status })
  }

  /** A batch that waits in the worker is taken back, whatever waits before it. */
  cancel(index: number): void {
    const [taken] = this.#sent.splice(index % Math.max(1, this.#sent.length), 1)
    if (taken === undefined) return
    this.#failed.add(taken)
    this.#replies.push({ batch: taken.batch, status: 'failed' })
  }

  #isBehind({ id, generations }: Sent): boolean {
    const before = [...this.#failed].filter((failed) => failed.id < id)
    return [...generations].some(([name, number]) =>
      before.some((failed) => (failed.generations.get(name) ?? -1) >= number),
    )
  }

  reply(): void {
    const next = this.#replies.shift()
    // main knows already that it was refused for another's sake: 'skip' must not leave it out
    if (next?.status === 'behind') expect(next.batch.claim.isRefused).toBe(true)
    if (next?.status === 'committed') {
      next.batch.claim.commit()
      next.batch.onCommitted?.()
    } else if (next !== undefined) this.#fail(next.batch)
  }

  retry(name: string): void {
    if (this.#isSkipping(name)) return
    this.channels.of(name).forget()
    this.#giveUp(name)
  }

  /** The batch that failed is left out, and the source goes on with what comes after it. */
  skip(name: string): void {
    const channel = this.channels.of(name)
    const { failed, refused, newest } = channel
    if (newest !== undefined) return
    const goOn = (): void => {
      channel.forget(refused)
      this.#giveUp(name)
    }
    if (failed === undefined) {
      goOn()
      return
    }
    const skipped = [...(this.#owed.get(name) ?? [])].filter((offset) => offset <= failed.last)
    // of one batch that has failed, and nothing that was never tried
    const batches = new Set(skipped.map((offset) => this.#failedIn.get(`${name} ${offset}`)))
    expect([...batches]).toEqual([expect.any(Object)])
    const claim = new OffsetClaim()
    claim.add(channel, failed.first, failed.last)
    claim.send()
    this.#skipping.set(name, claim)
    this.#waiting.push({ claim, offsets: new Map([[name, new Set(skipped)]]), onCommitted: goOn })
  }

  settleAll(): void {
    this.sendGathered()
    while (this.#waiting.length + this.#sent.length + this.#replies.length > 0) {
      this.dispatch()
      this.work('committed')
      this.reply()
    }
  }

  #fail({ claim, offsets }: Batch): void {
    if (!claim.isRefused)
      for (const [name, ofChannel] of offsets)
        for (const offset of ofChannel) this.#failedIn.set(`${name} ${offset}`, claim)
    claim.refuse()
  }

  #isSkipping(name: string): boolean {
    const claim = this.#skipping.get(name)
    return claim !== undefined && !claim.isCommitted && !claim.isRefused
  }

  #owe(name: string, offset: bigint): void {
    this.#owed.set(name, (this.#owed.get(name) ?? new Set()).add(offset))
  }

  /** The app takes it on itself to send again what was refused. */
  #giveUp(name: string): void {
    const answered = this.#replies.filter(({ status }) => status !== 'committed')
    const sent = [...this.#sent, ...answered].map(({ batch }) => batch)
    const underWay = [...this.#waiting, ...sent, this.#gathered]
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

type Command = (world: World) => void

const written = fc.constantFrom('w1', 'w2')
const gathered = fc.constantFrom('g1', 'g2')
const either = fc.oneof(written, gathered)
/** True once in so many times. */
const once = (times: number): fc.Arbitrary<boolean> => fc.nat(times - 1).map((chance) => chance === 0)

const writeNext = fc.tuple(written, fc.bigInt(1n, 3n), once(10)).map(
  ([name, steps, isRefused]): Command =>
    (world) =>
      world.writeNext(name, steps, isRefused),
)
const push = fc.tuple(gathered, once(15)).map(
  ([name, isBad]): Command =>
    (world) =>
      world.push(name, isBad),
)
const work = fc
  .oneof(
    { weight: 7, arbitrary: fc.constant('committed' as const) },
    { weight: 2, arbitrary: fc.constant('failed' as const) },
    { weight: 1, arbitrary: fc.constant('asked for again' as const) },
  )
  .map(
    (end): Command =>
      (world) =>
        world.work(end),
  )
const abort = fc.nat(3).map(
  (index): Command =>
    (world) =>
      world.abort(index),
)
const cancel = fc.nat(3).map(
  (index): Command =>
    (world) =>
      world.cancel(index),
)
const rewind = fc.tuple(either, fc.bigInt(0n, 4n)).map(
  ([name, back]): Command =>
    (world) =>
      world.rewind(name, back),
)
const pay = fc.tuple(written, fc.integer({ min: 1, max: 4 })).map(
  ([name, count]): Command =>
    (world) =>
      world.pay(name, count),
)
const command = fc.oneof(
  { weight: 8, arbitrary: writeNext },
  { weight: 10, arbitrary: push },
  { weight: 3, arbitrary: fc.constant<Command>((world) => world.sendGathered()) },
  { weight: 8, arbitrary: fc.constant<Command>((world) => world.dispatch()) },
  { weight: 8, arbitrary: work },
  { weight: 8, arbitrary: fc.constant<Command>((world) => world.reply()) },
  { weight: 1, arbitrary: abort },
  { weight: 1, arbitrary: cancel },
  { weight: 2, arbitrary: rewind },
  { weight: 3, arbitrary: pay },
  {
    weight: 1,
    arbitrary: either.map(
      (name): Command =>
        (world) =>
          world.retry(name),
    ),
  },
  {
    weight: 1,
    arbitrary: either.map(
      (name): Command =>
        (world) =>
          world.skip(name),
    ),
  },
)

it('nothing is committed twice, nothing past what was refused, and no failure is forever', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200, size: 'max' }), (commands) => {
      const world = new World()
      for (const run of commands) run(world)
      world.settleAll()
      for (const name of ['w1', 'w2', 'g1', 'g2']) {
        const channel = world.channels.of(name)
        expect(channel.committed).toBe(world.committed.get(name))
        expect(channel.newest).toBeUndefined()
        world.pay(name, Number.POSITIVE_INFINITY)
        world.settleAll()
        expect(world.owes(name)).toBe(false)
        expect(channel.hasFailed).toBe(false)
      }
    }),
    { numRuns: 2_000 },
  )
})

it('after an unknown outcome nothing more is let in until the ledger was asked', () => {
  const channels = new Channels()
  const channel = channels.of('c')
  const claim = channels.claim({ channel: 'c', offset: 10n }, 't')
  const behind = channels.claim({ channel: 'c', offset: 20n }, 't')
  claim.doubt()
  expect(behind.isRefused).toBe(true)
  expect(channel.judge(10n)).toBe('refused')
  channels.learn([{ channel: 'c', offset: 10n }])
  expect([10n, 20n, 30n].map((offset) => channel.judge(offset))).toEqual(['committed', 'next', 'refused'])
})

it('what is refused without end need be written again only once, in order', () => {
  const channels = new Channels()
  const channel = channels.of('c')
  channel.refuse(1n)
  for (let offset = 2n; offset <= 1_500n; offset++) channel.refuse(offset)
  for (let offset = 1n; offset <= 1_500n; offset++) {
    expect([offset, offset + 1n].map((each) => channel.judge(each))).toEqual([
      'next',
      // the last of them are one span
      offset > 1_024n && offset < 1_500n ? 'next' : 'refused',
    ])
    channels.claim({ channel: 'c', offset }, 't').commit()
  }
  expect(channel.hasFailed).toBe(false)
})

it('no more is remembered of what is refused than there is room for', () => {
  const channel = new Channels().of('c')
  for (let offset = 1_500n; offset > 0n; offset--) channel.refuse(offset)
  expect(channel.refused).toHaveLength(1_024)
  expect([1n, 2n].map((offset) => channel.judge(offset))).toEqual(['next', 'refused'])
  channel.forget()
  expect(channel.judge(2n)).toBe('next')
})
