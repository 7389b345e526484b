/** Offsets of one channel, both ends included. */
export interface OffsetSpan {
  readonly first: bigint
  last: bigint
}

/** Offsets that were not written. */
interface RefusedSpan extends OffsetSpan {
  /** True where they were not even tried, because of what comes before them. */
  readonly isBehind: boolean
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

// What is refused beyond this is forgotten, and the channel goes on only when its failure is resolved.
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
  /** What was not written and must come again before anything greater, by their first offsets. */
  readonly #refused: RefusedSpan[] = []
  /** True while it is not known whether a batch was committed. */
  #isUncertain = false
  /** True where more was refused than is remembered. */
  #isOverfull = false

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
    return this.#refused.length > 0 || this.#isUncertain || this.#isOverfull
  }

  /** The first of what was refused. */
  get lowestRefused(): OffsetSpan | undefined {
    return this.#refused[0]
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
    const left = this.#refused.filter(({ last }) => last > committed)
    this.#refused.splice(0, this.#refused.length, ...left)
  }

  /** A batch was not written; gives those behind it, which will not be either. */
  release(held: Held): readonly Held[] {
    const index = this.#remove(held)
    if (index === -1) return []
    // what is sent from now on does not fall with those that are in the worker's queue already
    this.#generation = Math.max(this.#generation, held.generation + 1)
    const { first, last } = held
    this.#refuse({ first, last, isBehind: false })
    return this.#underWay.slice(index)
  }

  /** An offset was refused before its batch was under way. */
  refuse(offset: bigint): void {
    const standing = this.judge(offset)
    if (standing !== 'next' && standing !== 'refused') return
    this.#refuse({ first: offset, last: offset, isBehind: standing === 'refused' })
  }

  /** A record was refused; the records of a source that goes on all the same are remembered as one batch. */
  refuseRecord(offset: bigint): void {
    const last = this.#refused.at(-1)
    const isNext = last?.isBehind === true && offset > last.last && this.judge(offset) === 'refused'
    if (isNext) last.last = offset
    else this.refuse(offset)
  }

  /** Nothing that was refused need come again. */
  forget(): void {
    this.#refused.length = 0
    this.#isOverfull = false
  }

  /** Lets nothing in until the ledger was asked. */
  doubt(): void {
    this.#isUncertain = true
  }

  /** True where no offset that was refused, and is not under way again, comes before this one. */
  #comesAgain(offset: bigint): boolean {
    if (this.#isUncertain || this.#isOverfull) return false
    const reach = this.#reach
    for (const { first, last } of this.#refused) {
      const isBegun = reach !== undefined && first <= reach
      if (isBegun && last <= reach) continue
      // records come again one by one, perhaps in other batches than before
      if (offset > (isBegun ? last : first)) return false
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

  #refuse(refused: RefusedSpan): void {
    const { first, last } = refused
    const index = this.#refused.findIndex((other) => other.first >= first)
    const known = this.#refused[index]
    if (known?.first === first) {
      if (last > known.last) known.last = last
    } else if (this.#refused.length === MAX_REFUSED) this.#isOverfull = true
    else this.#refused.splice(index === -1 ? this.#refused.length : index, 0, refused)
  }
}
