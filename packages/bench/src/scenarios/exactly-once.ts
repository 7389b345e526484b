import type { WriteScenario } from './scenario.ts'
import { LARGE, MEDIUM, SINGLE, SMALL } from './sizes.ts'

const COMMON = { family: 'exactly-once', target: 'file', withBytewax: false } as const

const TITLE = 'exactly once, to a file'

/** Batches with a key, a hash and a row in the ledger each, beside the same without. */
export const EXACTLY_ONCE: readonly WriteScenario[] = [
  {
    ...LARGE,
    ...COMMON,
    name: 'exactly-once-122880',
    title: `${TITLE}, batches of 122,880`,
    contenders: ['ducksink', 'exactly-once'],
  },
  {
    ...LARGE,
    ...COMMON,
    name: 'exactly-once-memory',
    rounds: 3,
    title: 'exactly once, in memory, batches of 122,880',
    target: 'memory',
    contenders: ['ducksink', 'exactly-once'],
  },
  {
    ...MEDIUM,
    ...COMMON,
    name: 'exactly-once-1000',
    title: `${TITLE}, batches of 1,000`,
    batchesPerIteration: 600,
    contenders: ['ducksink-32', 'exactly-once-32'],
  },
  {
    ...SMALL,
    ...COMMON,
    name: 'exactly-once-100',
    rounds: 3,
    title: `${TITLE}, batches of 100`,
    batchesPerIteration: 2_000,
    contenders: ['ducksink-32', 'exactly-once-32'],
  },
  {
    ...SINGLE,
    ...COMMON,
    name: 'exactly-once-1',
    rounds: 3,
    title: `${TITLE}, one write of one record after another: the price of a row in the ledger`,
    batchesPerIteration: 1_000,
    contenders: ['ducksink-1-caller', 'exactly-once-1-caller'],
  },
]
