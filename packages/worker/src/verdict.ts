import { committed, duplicate, inserted, rolledBack } from './insert-reply.ts'
import { keyConflict } from './key-conflict.ts'
import type { SinkError } from './protocol/errors.ts'
import type { InsertReply, InsertRequest } from './protocol/insert-messages.ts'
import type { CommittedWrite, LedgerEntry } from './protocol/ledger-messages.ts'

/** What becomes of a write that may have been committed before. */
export type Verdict =
  | { readonly kind: 'write'; readonly sequence: number }
  | { readonly kind: 'duplicate'; readonly of: CommittedWrite }
  | { readonly kind: 'refused'; readonly error: SinkError }

/** What becomes of a write whose key is in the ledger. */
export function judge(key: string, before: CommittedWrite, entry: LedgerEntry): Verdict {
  const error = keyConflict(key, before, entry)
  return error === undefined ? { kind: 'duplicate', of: before } : { kind: 'refused', error }
}

/** The answer to a last part of which it is known what becomes of its write. */
export function settled(request: InsertRequest, verdict: Verdict): InsertReply {
  switch (verdict.kind) {
    case 'write':
      return committed(request, verdict.sequence)
    case 'duplicate':
      return duplicate(request, verdict.of)
    case 'refused':
      return rolledBack(request, verdict.error)
    default:
      return verdict satisfies never
  }
}

/** The answers to parts of a write that was committed before: of the last one on it is known whether it is the same. */
export function drained(requests: readonly InsertRequest[], before: CommittedWrite): readonly InsertReply[] {
  const { last, identity, entry } = requests.at(-1) as InsertRequest
  if (!last) return requests.map((request) => inserted(request))
  const key = identity?.kind === 'key' ? identity.key : ''
  const verdict = judge(key, before, entry as LedgerEntry)
  return requests.map((request) =>
    request.last || verdict.kind === 'refused' ? settled(request, verdict) : inserted(request),
  )
}
