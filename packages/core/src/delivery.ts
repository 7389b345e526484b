import {
  type CommittedWrite,
  keyConflict,
  SinkError,
  type SinkErrorCode,
  type WriteIdentity,
} from '@ducksink/worker'
import type { BatchSource } from './batch-source.ts'

/** How a batch is there exactly once: by what it is known again, and who is told what became of it. */
export interface Delivery {
  readonly identity: WriteIdentity
  /** Settled before the batch may be sent. */
  readonly predecessor: Promise<void> | undefined
  /** Why it must not be sent: one before it was not written. */
  refusal(table: string): SinkError | undefined
  /**
   * The commit of a batch that failed now but is there already: what it was refused for may have come about since.
   * @throws {@link KeyConflictError} where what is there is another batch.
   */
  recall(error: unknown, source: BatchSource): Promise<CommittedWrite | undefined> | undefined
  /** It is committed. */
  commit(): void
  /** It was not written. */
  refuse(): void
  /** It was written or not. */
  doubt(): void
}

/** What a batch is refused with for what is in it, or for the table that it is for. */
const REFUSALS: ReadonlySet<SinkErrorCode> = new Set([
  ...(['INVALID_VALUE', 'CONSTRAINT_VIOLATED', 'INSERT_FAILED'] as const),
  ...(['SCHEMA_MISMATCH', 'TABLE_ABSENT', 'TABLE_CHANGED', 'DDL_FAILED'] as const),
])

/** Finds the write that a key names; `servesWrites` where a write may not go on before. */
export type FindWrite = (key: string, servesWrites: boolean) => Promise<CommittedWrite | undefined>

/** The key of a batch is in the ledger, so nothing is to be made for it. */
class CommittedBefore extends Error {
  readonly write: CommittedWrite

  constructor(write: CommittedWrite) {
    super('the key is in the ledger')
    this.write = write
  }
}

/** A batch that its key names; what becomes of it concerns no other. */
export class KeyedDelivery implements Delivery {
  readonly #key: string
  readonly #find: FindWrite
  /** True where it has turned out that nothing is committed under the key. */
  #isNew = false
  readonly predecessor: undefined

  /** @param find - asks the ledger */
  constructor(key: string, find: FindWrite) {
    this.#key = key
    this.#find = find
  }

  get identity(): WriteIdentity {
    return { kind: 'key', key: this.#key }
  }

  refusal(): undefined {}

  /** Asks the ledger, once: rejects with what {@link recall} takes where the batch, or another, is there already. */
  async requireNew(): Promise<void> {
    if (this.#isNew) return
    const before = await this.#find(this.#key, true)
    if (before !== undefined) throw new CommittedBefore(before)
    this.#isNew = true
  }

  recall(error: unknown, source: BatchSource): Promise<CommittedWrite | undefined> | undefined {
    if (error instanceof CommittedBefore) return this.#judge(error.write, source)
    return error instanceof SinkError && REFUSALS.has(error.code) ? this.#recall(source) : undefined
  }

  commit(): void {}

  refuse(): void {}

  doubt(): void {}

  async #recall(source: BatchSource): Promise<CommittedWrite | undefined> {
    // the error at hand is worth more than one of the ledger
    const before = await this.#find(this.#key, false).catch(() => undefined)
    return before === undefined ? undefined : this.#judge(before, source)
  }

  /** @throws {@link KeyConflictError} where it is another batch. */
  async #judge(before: CommittedWrite, source: BatchSource): Promise<CommittedWrite> {
    const { ledgerName: table, name: tableName } = source.table
    const conflict = keyConflict(this.#key, before, { table, tableName, digest: source.digest() })
    if (conflict !== undefined) throw conflict
    return before
  }
}
