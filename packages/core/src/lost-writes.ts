import {
  type ChannelOffset,
  type CommittedWrite,
  errorFromData,
  keyConflict,
  type LedgerEntry,
  OutcomeUnknownError,
  WorkerDiedError,
  type WriteIdentity,
} from '@ducksink/worker'
import type { WorkerThread } from './worker-thread.ts'

/** A write whose last part was sent, and whose answer will not come or does not say whether it is committed. */
export interface LostWrite {
  readonly identity?: WriteIdentity
  readonly entry?: LedgerEntry
}

/** What became of such a write. */
export type LostOutcome =
  | {
      readonly status: 'committed'
      readonly sequence: number
      /** Present where the batch was there before, and nothing was written now. */
      readonly duplicateOf?: CommittedWrite
    }
  | { readonly status: 'not-written' }
  | { readonly status: 'unknown' }

// every call that is pending when a worker dies settles within one second
const MAX_SETTLE_MS = 900

interface Question {
  readonly identity: WriteIdentity
  readonly entry: LedgerEntry | undefined
  /** That of the last receipt. */
  readonly before: number
  /** That of the write, where those before it were committed as well. */
  readonly sequence: number
  readonly settle: (outcome: LostOutcome) => void
}

/** The writes that were under way when a worker died. */
export class LostWrites {
  /** Gives the sequence of the last receipt. */
  readonly #sequence: () => number
  #questions: Question[] = []
  #deadline: NodeJS.Timeout | undefined
  #count = 0
  #outcomes = { committed: 0, 'not-written': 0, unknown: 0 }

  constructor(sequence: () => number) {
    this.#sequence = sequence
  }

  /** How many there are of each outcome, since {@link forget}. */
  get outcomes(): Readonly<Record<LostOutcome['status'], number>> {
    return this.#outcomes
  }

  /** The last sequence that the worker can have given. */
  get lastSequence(): number {
    return this.#sequence() + this.#count
  }

  /** What became of a write, as soon as {@link settle} finds out; `unknown` when that has taken too long. */
  ask({ identity, entry }: LostWrite, canFindOut: boolean): Promise<LostOutcome> {
    this.#count++
    return new Promise((resolve) => {
      const settle = (outcome: LostOutcome): void => {
        this.#outcomes[outcome.status]++
        resolve(outcome)
      }
      if (identity === undefined || !canFindOut) {
        settle({ status: 'unknown' })
        return
      }
      this.#deadline ??= setTimeout(() => this.giveUp(), MAX_SETTLE_MS)
      this.#questions.push({ identity, entry, before: this.#sequence(), sequence: this.lastSequence, settle })
    })
  }

  /** Looks up what a worker that has opened the target anew finds committed. */
  async settle(thread: Pick<WorkerThread, 'call'>, offsets: readonly ChannelOffset[]): Promise<void> {
    const keys = this.#questions.flatMap(({ identity }) => (identity.kind === 'key' ? identity.key : []))
    const committed = new Committed(offsets, await readLedger(thread, keys))
    for (const question of this.#take()) question.settle(committed.outcomeOf(question))
  }

  /** Leaves open what is not known by now. */
  giveUp(): void {
    for (const { settle } of this.#take()) settle({ status: 'unknown' })
  }

  /** Begins to count anew: the next worker has taken over. */
  forget(): void {
    this.#count = 0
    this.#outcomes = { committed: 0, 'not-written': 0, unknown: 0 }
  }

  #take(): readonly Question[] {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    return this.#questions.splice(0)
  }
}

/** What the ledger has. */
class Committed {
  readonly #offsets: ReadonlyMap<string, bigint>
  readonly #writes: ReadonlyMap<string, CommittedWrite>
  readonly #told = new Set<string>()

  constructor(offsets: readonly ChannelOffset[], writes: ReadonlyMap<string, CommittedWrite>) {
    this.#offsets = new Map(offsets.map(({ channel, offset }) => [channel, offset]))
    this.#writes = writes
  }

  outcomeOf({ identity, entry, before, sequence }: Question): LostOutcome {
    switch (identity.kind) {
      case 'key': {
        const write = this.#writes.get(identity.key)
        if (write === undefined || entry === undefined) return { status: 'not-written' }
        // another batch of that key was there before, and this one is not
        if (keyConflict(identity.key, write, entry) !== undefined) return { status: 'not-written' }
        const isFirst = write.sequence > before && !this.#told.has(identity.key)
        this.#told.add(identity.key)
        const { sequence } = write
        return { status: 'committed', sequence, ...(isFirst ? undefined : { duplicateOf: write }) }
      }
      case 'offsets': {
        const isIt = identity.offsets.every(({ channel, offset }) => {
          const last = this.#offsets.get(channel)
          return last !== undefined && offset <= last
        })
        return isIt ? { status: 'committed', sequence } : { status: 'not-written' }
      }
      default:
        return identity satisfies never
    }
  }
}

async function readLedger(
  thread: Pick<WorkerThread, 'call'>,
  keys: readonly string[],
): Promise<ReadonlyMap<string, CommittedWrite>> {
  const writes = new Map<string, CommittedWrite>()
  if (keys.length === 0) return writes
  const reply = await thread.call('readLedger', keys)
  if (reply.status === 'failed') throw errorFromData(reply.error)
  for (const [index, key] of keys.entries()) {
    const write = reply.writes[index]
    if (write !== undefined) writes.set(key, write)
  }
  return writes
}

/** What a batch is rejected with of which nothing tells what became of it. */
export function outcomeUnknown(table: string, key: string | undefined, cause: Error): OutcomeUnknownError {
  const message = `the worker ended before it answered: the batch for table "${table}" may be written or not; read the table`
  return new OutcomeUnknownError(message, { table, key, cause })
}

/** What a batch is rejected with that a worker's death has left out. */
export function notWritten(table: string, key: string | undefined, cause: Error): WorkerDiedError {
  const message = `the worker ended before the batch for table "${table}" was committed: it is not written`
  return new WorkerDiedError(message, { table, key, cause })
}
