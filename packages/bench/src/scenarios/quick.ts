import type { WriteScenario } from './scenario.ts'
import { LARGE, MEDIUM, SINGLE, SMALL } from './sizes.ts'

const COMMON = { family: 'quick', suites: ['quick'], withBytewax: false, rounds: 3, iterations: 1 } as const

/** A minute's worth of what must not become slower; the guard compares their ratios with the committed ones. */
export const QUICK: readonly WriteScenario[] = [
  {
    ...LARGE,
    ...COMMON,
    name: 'quick-memory-122880',
    title: 'memory, batches of 122,880',
    target: 'memory',
    contenders: ['ducksink', 'sqlite', 'insert-select'],
  },
  {
    ...LARGE,
    ...COMMON,
    name: 'quick-file-122880',
    title: 'file, batches of 122,880',
    target: 'file',
    contenders: ['ducksink', 'sqlite', 'insert-select'],
  },
  {
    ...MEDIUM,
    ...COMMON,
    name: 'quick-memory-1000',
    title: 'memory, batches of 1,000',
    target: 'memory',
    contenders: ['ducksink', 'sqlite', 'insert-select'],
  },
  {
    ...SMALL,
    ...COMMON,
    name: 'quick-file-100',
    title: 'file, batches of 100',
    target: 'file',
    warmupBatches: 50,
    batchesPerIteration: 300,
    contenders: ['ducksink-32', 'ducksink-ungrouped', 'sqlite'],
  },
  {
    ...SINGLE,
    ...COMMON,
    name: 'quick-callers',
    title: 'file, writes of one record',
    target: 'file',
    warmupBatches: 300,
    batchesPerIteration: 600,
    contenders: ['ducksink-64-callers', 'ducksink-1-caller', 'autocommit'],
  },
]
