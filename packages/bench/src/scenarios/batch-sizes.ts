import type { ContenderName } from './contenders.ts'
import type { WriteScenario } from './scenario.ts'
import { LARGE, MEDIUM, SMALL } from './sizes.ts'

const NODE_PEERS: readonly ContenderName[] = ['ducksink', 'sqlite', 'appender', 'cloned', 'insert-select']

/** One transaction a write, and 32 writes that wait and share commits, beside the others' transaction a batch. */
const SMALL_WRITE_PEERS: readonly ContenderName[] = [
  'ducksink',
  'ducksink-ungrouped',
  'ducksink-32',
  'sqlite',
  'appender',
  'insert-select',
]

/** The same rows in batches from small to large: throughput against batch size. */
export const BATCH_SIZES: readonly WriteScenario[] = [
  inMemory({ ...SMALL }),
  inMemory({ ...MEDIUM }),
  inMemory({
    ...LARGE,
    batchRows: 8_192,
    warmupBatches: 5,
    iterations: 1,
    batchesPerIteration: 40,
    rounds: 3,
  }),
  inMemory({
    ...LARGE,
    batchRows: 32_768,
    warmupBatches: 2,
    iterations: 1,
    batchesPerIteration: 10,
    rounds: 3,
  }),
  inMemory({ ...LARGE }, [...NODE_PEERS, 'ducksink-columns']),
  toFile({ ...SMALL }, SMALL_WRITE_PEERS),
  toFile({ ...MEDIUM }, SMALL_WRITE_PEERS),
  toFile({ ...LARGE }, NODE_PEERS),
]

function inMemory(size: typeof LARGE, contenders = NODE_PEERS): WriteScenario {
  return {
    ...size,
    name: `memory-${size.batchRows}`,
    title: `memory, batches of ${size.batchRows.toLocaleString('en')}`,
    family: 'batch-size',
    target: 'memory',
    contenders,
  }
}

function toFile(size: typeof LARGE, contenders: readonly ContenderName[]): WriteScenario {
  return {
    ...size,
    name: `file-${size.batchRows}`,
    title: `file, batches of ${size.batchRows.toLocaleString('en')}`,
    family: 'batch-size',
    target: 'file',
    contenders,
  }
}
