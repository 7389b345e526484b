import type { Connection } from './connection.ts'
import { FailedChannels } from './failed-channels.ts'
import { shown } from './identifier.ts'
import type { Ledger, LedgerWrite } from './ledger.ts'
import { ledgerKeyProblem } from './ledger-key.ts'
import { InvalidOptionsError, PrecedingBatchFailedError, type SinkError } from './protocol/errors.ts'
import type { InsertRequest } from './protocol/insert-messages.ts'
import type { CommittedWrite, LedgerEntry, WriteIdentity } from './protocol/ledger-messages.ts'
import { judge, type Verdict } from './verdict.ts'
import type { Writer } from './writer.ts'

/** By what a write is known, within a session and beyond. */
export interface NamedWrite {
  readonly writeId: number
  readonly identity?: WriteIdentity | undefined
}

/** Decides which writes are written, by what the ledger has of them and which channels have failed. */
export class ExactlyOnce {
  readonly ledger: Ledger
  readonly #channels = new FailedChannels()

  constructor(ledger: Ledger) {
    this.ledger = ledger
  }

  /** Takes the first part of a write: one that comes again takes back that it failed. */
  begin({ writeId, identity }: NamedWrite): void {
    if (identity?.kind === 'offsets') this.#channels.forget(writeId, identity.offsets)
  }

  /** Remembers that a write was not written, or may not have been. */
  fail({ writeId, identity }: NamedWrite): void {
    if (identity?.kind === 'offsets') this.#channels.add(writeId, identity.offsets)
  }

  /** Why a write cannot be written now, whatever the ledger has. */
  refusal({ writeId, identity, layoutId, entry }: InsertRequest, tableOf: TableOf): SinkError | undefined {
    if (identity === undefined) return undefined
    const table = tableOf(layoutId)
    if (identity.kind === 'key') {
      const problem = ledgerKeyProblem(identity.key)
      return problem === undefined ? undefined : invalid(`key of a batch: ${problem}`, table)
    }
    for (const { channel } of identity.offsets) {
      const problem = ledgerKeyProblem(channel)
      if (problem !== undefined) return invalid(`channel of a batch: ${problem}`, table)
    }
    const channel = this.#channels.find(writeId, identity.offsets)
    if (channel === undefined) return undefined
    const name = table ?? entry?.tableName
    const of = name === undefined ? '' : ` for table "${name}"`
    const message = `a batch${of} was not written, because an earlier one of channel ${shown(channel)} was not: resolve that failure, then write both again`
    return new PrecedingBatchFailedError(message, { table: name, channel })
  }

  /** The write that has this key already. */
  async find(connection: Connection, { identity }: InsertRequest): Promise<CommittedWrite | undefined> {
    if (identity?.kind !== 'key') return undefined
    return (await this.ledger.find(connection, [identity.key])).get(identity.key)
  }

  /**
   * Decides about whole writes that share a commit, in their order, by one look-up; `sequence` is that of the first
   * that is written. Of two equal ones the second is a duplicate of the first.
   */
  async decide(
    connection: Connection,
    requests: readonly InsertRequest[],
    { sequence, tableOf }: { readonly sequence: number; readonly tableOf: TableOf },
  ): Promise<readonly Verdict[]> {
    const keys = requests.flatMap(({ identity }) => (identity?.kind === 'key' ? identity.key : []))
    const known = new Map(await this.ledger.find(connection, keys))
    let next = sequence
    return requests.map((request): Verdict => {
      const { identity } = request
      this.begin(request)
      const error = this.refusal(request, tableOf)
      if (error !== undefined) {
        this.fail(request)
        return { kind: 'refused', error }
      }
      if (identity?.kind === 'key') {
        const before = known.get(identity.key)
        if (before !== undefined) return judge(identity.key, before, requireEntry(request))
        const { table, digest, figures } = requireEntry(request)
        known.set(identity.key, { ...figures, table, digest, sequence: next })
      }
      return { kind: 'write', sequence: next++ }
    })
  }

  /** Puts writes into the ledger, in the transaction that writes their rows. */
  async enter(writer: Writer, writes: readonly EnteredWrite[]): Promise<void> {
    const entered = writes.flatMap(({ request, sequence }): LedgerWrite | readonly LedgerWrite[] => {
      const { identity } = request
      return identity === undefined ? [] : { identity, entry: requireEntry(request), sequence }
    })
    if (entered.length > 0) await this.ledger.insert(writer, entered)
  }
}

/** A write with the sequence that its receipt will have; `request` is its last part. */
export interface EnteredWrite {
  readonly request: InsertRequest
  readonly sequence: number
}

/** The name of the table that a layout is of. */
export type TableOf = (layoutId: number) => string | undefined

function requireEntry({ writeId, entry }: InsertRequest): LedgerEntry {
  if (entry === undefined) throw new Error(`write ${writeId} has no entry for the ledger`)
  return entry
}

const invalid = (problem: string, table: string | undefined): InvalidOptionsError =>
  new InvalidOptionsError(problem, { table, problems: [problem] }, 'INVALID_ARGUMENT')
