/** Offsets of one channel, both ends included. */
export interface OffsetSpan {
  readonly first: bigint
  last: bigint
}

/** Offsets that were not written. */
interface RefusedSpan {
  readonly first: bigint
  readonly last: bigint
  /** True where they were not even tried, because of what comes before them. */
  readonly isBehind: boolean
  /** True where what it began with has come again, or has failed by itself: it goes on somewhere from `first` on. */
  readonly isBegun: boolean
}

/** The offsets that a batch under way has of one channel; `last` grows while its records are gathered. */
export interface HeldSpan extends OffsetSpan {
  readonly generation: number
}

/** Where an offset stands in its channel. */
export type Standing =
  | 'committed'
  /** A batch under way has it, or has a greater one. */
  | 'under-way'
  | 'next'
  /** Something that comes before it was not written. */
  | 'refused'

// What is refused beyond this is remembered as one span.
const MAX_REFUSED = 1_024

/**
 * One ordered source, as far as this engine has seen it: the offset that is committed, what is under way behind it, and
 * what was refused since. No offset is committed past one that was refused, so that a restart finds no hole.
 */
export class Channel<Held extends HeldSpan> {
  readonly name: string
  #committed: bigint | undefined
  #generation = 0
  /** In the order of their offsets. */
  readonly #underWay: Held[] = []
  /** What was not written and must come again before anything greater; in order, and no offset twice. */
  readonly #refused: RefusedSpan[] = []
  /** True while it is not known whether a batch was committed. */
  #isUncertain = false

  constructor(name: string) {
    this.name = name
  }

  get committed(): bigint | undefined {
    return this.#committed
  }

  /** What the next batch is sent with; one greater after each failure. */
  get generation(): number {
    return this.#generation
  }

  get oldest(): Held | undefined {
    return this.#underWay[0]
  }

  get newest(): Held | undefined {
    return this.#underWay[this.#underWay.length - 1]
  }

  get isUncertain(): boolean {
    return this.#isUncertain
  }

  /** True where something was refused, and nothing greater is written until it is there or the failure resolved. */
  get hasFailed(): boolean {
    return this.#refused.length > 0 || this.#isUncertain
  }

  /** The first of what was refused. */
  get lowestRefused(): bigint | undefined {
    return this.#refused[0]?.first
  }

  /** What failed by itself, where nothing that was never tried comes before it. */
  get failed(): Readonly<OffsetSpan> | undefined {
    const first = this.#refused[0]
    return first?.isBehind === false ? first : undefined
  }

  /** All that was refused, as it is now. */
  get refused(): readonly Readonly<OffsetSpan>[] {
    return [...this.#refused]
  }

  /** Everything that is under way. */
  get underWay(): readonly Held[] {
    return this.#underWay
  }

  judge(offset: bigint): Standing {
    if (this.#committed !== undefined && offset <= this.#committed) return 'committed'
    const { newest } = this
    if (newest !== undefined && offset <= newest.last) return 'under-way'
    return !this.hasFailed || this.#comesAgain(offset) ? 'next' : 'refused'
  }

  /** The batch under way that has the offset, or comes right after it. */
  holderOf(offset: bigint): Held | undefined {
    return this.#underWay.find(({ last }) => offset <= last)
  }

  /** Takes a batch in, behind the others. */
  hold(held: Held): void {
    this.#underWay.push(held)
  }

  commit(held: Held): void {
    this.#remove(held)
    this.learn(held.last, this.#isUncertain)
  }

  /** Learns from the ledger which offset is committed. */
  learn(committed: bigint | undefined, isUncertain = false): void {
    this.#isUncertain = isUncertain
    if (committed === undefined || (this.#committed !== undefined && committed <= this.#committed)) return
    this.#committed = committed
    const left = this.#refused
      .filter(({ last }) => last > committed)
      .map((span) => (span.first > committed ? span : { ...span, first: committed + 1n, isBegun: true }))
    this.#refused.splice(0, this.#refused.length, ...left)
  }

  /** A batch was not written, perhaps because it is behind one that was not; gives those behind it. */
  release(held: Held, isBehind: boolean): readonly Held[] {
    const index = this.#remove(held)
    if (index === -1) return []
    // what is sent from now on does not fall with those that are in the worker's queue already
    this.#generation = Math.max(this.#generation, held.generation + 1)
    const { first, last } = held
    this.#refuse({ first, last, isBehind, isBegun: false })
    return this.#underWay.slice(index)
  }

  /** An offset was refused before its batch was under way. */
  refuse(offset: bigint): void {
    const standing = this.judge(offset)
    if (standing !== 'next' && standing !== 'refused') return
    const isBehind = standing === 'refused'
    const isKnown = this.#refused.some(({ first, last }) => first <= offset && offset <= last)
    if (!isBehind || !isKnown) this.#refuse({ first: offset, last: offset, isBehind, isBegun: false })
  }

  /** A record was refused; the records of a source that goes on all the same are remembered as one batch. */
  refuseRecord(offset: bigint): void {
    const last = this.#refused.at(-1)
    const isNext = last?.isBehind === true && offset > last.last && this.judge(offset) === 'refused'
    if (isNext) this.#refused[this.#refused.length - 1] = { ...last, last: offset }
    else this.refuse(offset)
  }

  /** What was refused need not come again, or of that what has not changed since it was read. */
  forget(refused: readonly object[] = this.#refused): void {
    const forgotten = new Set(refused)
    const left = this.#refused.filter((span) => !forgotten.has(span))
    this.#refused.splice(0, this.#refused.length, ...left)
  }

  /** Lets nothing in until the ledger was asked. */
  doubt(): void {
    this.#isUncertain = true
  }

  /** True where no offset that was refused, and is not under way again, comes before this one. */
  #comesAgain(offset: bigint): boolean {
    if (this.#isUncertain) return false
    const reach = this.#reach
    for (const { first, last, isBegun } of this.#refused) {
      if (reach !== undefined && last <= reach) continue
      // records come again one by one, perhaps in other batches than before
      const hasBegun = isBegun || (reach !== undefined && first <= reach)
      if (offset > (hasBegun ? last : first)) return false
    }
    return true
  }

  /** The greatest offset that is committed or under way. */
  get #reach(): bigint | undefined {
    const last = this.newest?.last
    const committed = this.#committed
    return last === undefined || (committed !== undefined && last < committed) ? committed : last
  }

  #remove(held: Held): number {
    const index = this.#underWay.indexOf(held)
    if (index !== -1) this.#underWay.splice(index, 1)
    return index
  }

  /** What is said of an offset last counts, and what was before it in its span has come again. */
  #refuse(refused: RefusedSpan): void {
    const { first, last } = refused
    const spans = this.#refused
    const from = spans.findIndex((other) => other.last >= first)
    const start = from === -1 ? spans.length : from
    let end = start
    while (end < spans.length && (spans[end] as RefusedSpan).first <= last) end++
    const cut = end > start ? (spans[end - 1] as RefusedSpan) : undefined
    spans.splice(start, end - start, refused)
    if (cut !== undefined && cut.last > last)
      spans.splice(start + 1, 0, { first: last + 1n, last: cut.last, isBehind: true, isBegun: true })
    while (spans.length > MAX_REFUSED) this.#mergeLast()
  }

  /** Remembers the last two spans as one. */
  #mergeLast(): void {
    const [before, last] = this.#refused.splice(-2) as [RefusedSpan, RefusedSpan]
    this.#refused.push({ ...before, last: last.last, isBehind: true })
  }
}
