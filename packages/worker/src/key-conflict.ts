import { foldIdentifier, shown } from './identifier.ts'
import { KeyConflictError } from './protocol/errors.ts'
import type { CommittedWrite, LedgerEntry } from './protocol/ledger-messages.ts'

/** Why a write is not the one that is committed under its key; `undefined` where it is the same, come again. */
export function keyConflict(
  key: string,
  before: CommittedWrite,
  { table, tableName, digest }: Pick<LedgerEntry, 'table' | 'tableName' | 'digest'>,
): KeyConflictError | undefined {
  const conflict = (what: string): KeyConflictError => {
    const message = `key ${shown(key)} names a batch for table ${before.table} that is committed already, and the one for table ${table} ${what}: it is not written; give it a key of its own`
    return new KeyConflictError(message, { table: tableName, key })
  }
  if (foldIdentifier(before.table) !== foldIdentifier(table)) return conflict('is not the same')
  // what another version of the rules has made of a payload says nothing of this one
  const isComparable = digest !== undefined && before.digest?.version === digest.version
  return isComparable && before.digest?.hash !== digest.hash ? conflict('has another payload') : undefined
}
