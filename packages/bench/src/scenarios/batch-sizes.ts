import type { ContenderName } from './contenders.ts'
import type { WriteScenario } from './scenario.ts'
import { LARGE, MEDIUM, SMALL } from './sizes.ts'

const NODE_PEERS: readonly ContenderName[] = ['ducksink', 'sqlite', 'appender', 'cloned', 'insert-select']

const WITH_COLUMNS: readonly ContenderName[] = [...NODE_PEERS, 'ducksink-columns']

/** One transaction a write, and 32 writes that wait and share commits, beside the others' transaction a batch. */
const SMALL_WRITE_PEERS: readonly ContenderName[] = [
  'ducksink',
  'ducksink-ungrouped',
  'ducksink-32',
  'sqlite',
  'appender',
  'cloned',
  'insert-select',
]

/** Between the small batches and those of DuckDB's row group; without them the everyday suite has its ten minutes. */
const BETWEEN = { ...LARGE, suites: ['seed'], iterations: 1, rounds: 3 } as const
const BATCHES_OF_8192 = { ...BETWEEN, batchRows: 8_192, warmupBatches: 5, batchesPerIteration: 40 } as const
const BATCHES_OF_32768 = { ...BETWEEN, batchRows: 32_768, warmupBatches: 2, batchesPerIteration: 10 } as const

/** The same rows in batches from small to large: throughput against batch size. */
export const BATCH_SIZES: readonly WriteScenario[] = [
  inMemory(SMALL),
  inMemory(MEDIUM),
  inMemory(BATCHES_OF_8192),
  inMemory(BATCHES_OF_32768),
  inMemory(LARGE),
  toFile(SMALL, SMALL_WRITE_PEERS),
  toFile(MEDIUM, SMALL_WRITE_PEERS),
  toFile(BATCHES_OF_8192, NODE_PEERS),
  toFile(BATCHES_OF_32768, NODE_PEERS),
  toFile(LARGE, NODE_PEERS),
]

function inMemory(size: typeof LARGE): WriteScenario {
  return {
    ...size,
    name: `memory-${size.batchRows}`,
    title: `memory, batches of ${size.batchRows.toLocaleString('en')}`,
    family: 'batch-size',
    target: 'memory',
    contenders: WITH_COLUMNS,
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
