import { nameProblem } from './identifier.ts'

/** Longest key or channel in UTF-8 bytes: the ledger keeps each of them, and its index as well. */
export const MAX_LEDGER_KEY_BYTES = 65_536

/** Says what makes a text no key of a write, and no name of a channel, or gives `undefined` where nothing does. */
export function ledgerKeyProblem(key: unknown): string | undefined {
  return nameProblem(key, MAX_LEDGER_KEY_BYTES)
}
