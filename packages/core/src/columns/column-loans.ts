import type { WholeColumn } from '@ducksink/worker'
import { WorkerGoneError } from '../worker-thread.ts'
import { movesOf, remember, viewsOf } from './buffer-moves.ts'
import type { ColumnArray, Segment } from './column-array.ts'

/** Columns whose arrays are with the worker, and how they are got hold of again. */
interface Loan {
  readonly segment: number
  readonly whole: readonly WholeColumn[]
  readonly restore: ReturnType<typeof remember>
}

/** The buffers of a batch that travel to the worker beside its parts, and come back with the answers. */
export class ColumnLoans {
  /** The buffers that may travel: they are the batch's own, and each is of one segment. */
  readonly #lendable: ReadonlySet<ArrayBufferLike>
  readonly #lent: Loan[] = []
  /** That of the last part, which is none where the part is not sent after all. */
  #prepared: Loan | undefined
  /** Settled when none is left. */
  #home: PromiseWithResolvers<void> = Promise.withResolvers()
  /** True where the worker has ended that had one. */
  #isLost = false

  constructor(lendable: ReadonlySet<ArrayBufferLike>) {
    this.#lendable = lendable
  }

  /** True where an array may travel; its validity is copied, so that may lie wherever it does. */
  mayLend({ validity: _, ...array }: ColumnArray): boolean {
    return viewsOf({ ...array, validity: undefined } as ColumnArray).every(({ buffer }) =>
      this.#lendable.has(buffer),
    )
  }

  /** Remembers the columns of a segment of which some travel beside the part that was made last, if any do. */
  prepare(whole: readonly WholeColumn[] | undefined, segments: readonly Segment[], segment: number): void {
    this.#prepared = whole && { segment, whole, restore: remember((segments[segment] as Segment).columns) }
  }

  /** The part that was made last is sent. */
  lend(): void {
    if (this.#prepared === undefined) return
    if (this.#lent.length === 0) this.#home = Promise.withResolvers()
    this.#lent.push(this.#prepared)
    this.#prepared = undefined
  }

  /** Takes back what was lent first, or its loss; gives the segments with the arrays that have come back. */
  takeBack(whole: readonly WholeColumn[] | undefined, segments: readonly Segment[]): readonly Segment[] {
    const loan = this.#lent.shift()
    if (this.#lent.length === 0) this.#home.resolve()
    if (loan === undefined) return segments
    if (whole === undefined) {
      this.#isLost = true
      return segments
    }
    const columns = loan.restore(movesOf(loan.whole, whole))
    return segments.map((segment, index) => (index === loan.segment ? { ...segment, columns } : segment))
  }

  /**
   * Waits until nothing is lent.
   * @throws {@link WorkerGoneError} where some of it does not come back.
   */
  async home(): Promise<void> {
    if (this.#lent.length > 0) await this.#home.promise
    if (this.#isLost) throw new WorkerGoneError('the worker ended, and the columns that it had with it', true)
  }
}
