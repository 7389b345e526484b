/** The tables of the target that exactly-once delivery keeps what was committed in, in schema `main`. */
export const LEDGER_NAMES = { keys: 'ducksink_ledger', offsets: 'ducksink_offsets' } as const
