/** Longest key or channel in UTF-8 bytes: the ledger keeps each of them, and its index as well. */
export const MAX_LEDGER_KEY_BYTES = 65_536

/** Says what makes a text no key of a write, and no name of a channel, or gives `undefined` where nothing does. */
export function ledgerKeyProblem(key: unknown): string | undefined {
  if (typeof key !== 'string') return `must be a string, got ${key === null ? 'null' : typeof key}`
  if (key === '') return 'must not be empty'
  // DuckDB ends a statement at a NUL
  if (key.includes('\0')) return 'must not hold a NUL character'
  // UTF-8 has no lone surrogates: two different keys would become the same one
  if (!key.isWellFormed()) return 'must not hold a lone surrogate'
  const bytes = Buffer.byteLength(key)
  if (bytes > MAX_LEDGER_KEY_BYTES)
    return `must be at most ${MAX_LEDGER_KEY_BYTES} bytes of UTF-8, got ${bytes}`
  return undefined
}
