import type { DatasetName } from '../datasets.ts'
import type { DeliveryMode, PeerName, StreamJob, WriteJob, WritesWaiting } from '../job.ts'

/** A peer and the way it is used: what is put beside another. */
export interface Contender {
  readonly title: string
  readonly peer: PeerName
  /** How many writes wait at a time where the scenario does not say it. */
  readonly writesWaiting?: WritesWaiting
  /** At least once where it is left out. */
  readonly deliveryMode?: DeliveryMode
}

/** Everyone who can take part. */
export const CONTENDERS = {
  ducksink: { title: 'ducksink', peer: 'ducksink' },
  'ducksink-32': { title: 'ducksink, 32 writes waiting', peer: 'ducksink', writesWaiting: 32 },
  'ducksink-1-caller': { title: 'ducksink, a single caller', peer: 'ducksink', writesWaiting: 1 },
  'ducksink-64-callers': { title: 'ducksink, 64 callers', peer: 'ducksink', writesWaiting: 64 },
  'exactly-once': { title: 'ducksink, exactly once', peer: 'ducksink', deliveryMode: 'exactly-once' },
  'exactly-once-32': {
    title: 'ducksink, exactly once, 32 writes waiting',
    peer: 'ducksink',
    writesWaiting: 32,
    deliveryMode: 'exactly-once',
  },
  'exactly-once-1-caller': {
    title: 'ducksink, exactly once, a single caller',
    peer: 'ducksink',
    writesWaiting: 1,
    deliveryMode: 'exactly-once',
  },
  sqlite: { title: 'node:sqlite, prepared, WAL, FULL', peer: 'sqlite', writesWaiting: 1 },
  appender: { title: 'appender on the main thread', peer: 'appender', writesWaiting: 1 },
  cloned: { title: 'records cloned to a worker, appender', peer: 'cloned' },
  'insert-select': {
    title: 'the limit: INSERT ... SELECT, threads=1',
    peer: 'insert-select',
    writesWaiting: 1,
  },
  bytewax: { title: 'bytewax-duckdb, write_batch', peer: 'bytewax', writesWaiting: 1 },
} as const satisfies Record<string, Contender>

export type ContenderName = keyof typeof CONTENDERS

interface CommonScenario {
  readonly name: string
  readonly title: string
  readonly target: 'memory' | 'file'
  readonly batchRows: number
  /** Whether it runs when no scenario is named. */
  readonly byDefault: boolean
}

/** The same rows from every contender; throughput and ratios. */
export interface WriteScenario extends CommonScenario {
  readonly kind: 'write'
  /** The shape of the records. */
  readonly dataset: DatasetName
  readonly warmupBatches: number
  readonly iterations: number
  readonly batchesPerIteration: number
  /** For the contenders that do not say it themselves. */
  readonly writesWaiting: WritesWaiting
  readonly contenders: readonly ContenderName[]
}

/** Many rows from ducksink alone; memory over time. */
export interface StreamScenario extends CommonScenario, Pick<StreamJob, StreamShape> {
  readonly kind: 'stream'
}

type StreamShape = 'batchRows' | 'batches' | 'records' | 'distinctBatches'

export type Scenario = WriteScenario | StreamScenario

const NODE_PEERS = ['ducksink', 'sqlite', 'appender', 'cloned', 'insert-select'] as const

/** DuckDB's own row group: the batch at which everyone is at full speed. */
const LARGE = {
  kind: 'write',
  dataset: 'flat',
  batchRows: 122_880,
  byDefault: true,
  warmupBatches: 1,
  iterations: 2,
  batchesPerIteration: 5,
  writesWaiting: 'ready',
} as const

const MEDIUM = {
  ...LARGE,
  batchRows: 1_000,
  warmupBatches: 40,
  batchesPerIteration: 150,
  writesWaiting: 1,
} as const

const SMALL = { ...MEDIUM, batchRows: 100, warmupBatches: 100, batchesPerIteration: 400 } as const

/** 30 million rows, whatever the batch. */
const LONG = {
  kind: 'stream',
  target: 'file',
  byDefault: false,
  batchRows: 122_880,
  batches: 245,
  records: 'reused',
  distinctBatches: 5,
} as const

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [
  {
    ...LARGE,
    name: 'memory-122880',
    title: 'memory, batches of 122,880',
    target: 'memory',
    contenders: NODE_PEERS,
  },
  {
    ...LARGE,
    name: 'file-122880',
    title: 'file, batches of 122,880',
    target: 'file',
    contenders: NODE_PEERS,
  },
  {
    ...MEDIUM,
    name: 'memory-1000',
    title: 'memory, batches of 1,000',
    target: 'memory',
    contenders: NODE_PEERS,
  },
  {
    ...MEDIUM,
    name: 'file-1000',
    title: 'file, batches of 1,000',
    target: 'file',
    contenders: ['ducksink', 'ducksink-32', 'sqlite', 'appender', 'cloned', 'insert-select'],
  },
  { ...SMALL, name: 'memory-100', title: 'memory, batches of 100', target: 'memory', contenders: NODE_PEERS },
  {
    ...SMALL,
    name: 'file-100',
    title: 'file, batches of 100',
    target: 'file',
    contenders: ['ducksink', 'ducksink-32', 'sqlite', 'appender', 'cloned', 'insert-select'],
  },
  {
    ...SMALL,
    name: 'callers',
    title: 'file, callers that each await writes of one record',
    target: 'file',
    batchRows: 1,
    warmupBatches: 500,
    batchesPerIteration: 2_000,
    contenders: ['ducksink-64-callers', 'ducksink-1-caller'],
  },
  ...exactlyOnceScenarios(),
  ...nestedScenarios(),
  { ...LONG, name: 'memory', title: '30 million records to a file, batches of 122,880' },
  {
    ...LONG,
    name: 'memory-small-batches',
    title: '30 million records to a file, batches of 8,192',
    batchRows: 8_192,
    batches: 3_675,
    distinctBatches: 75,
  },
  {
    ...LONG,
    name: 'memory-fresh-records',
    title: '30 million records to a file, batches of 122,880, all made as it goes',
    records: 'fresh',
  },
]

/** Batches with a key, a hash and a row in the ledger each, beside the same without. */
function exactlyOnceScenarios(): WriteScenario[] {
  const file = 'exactly once, to a file'
  return [
    {
      ...LARGE,
      name: 'exactly-once-122880',
      title: `${file}, batches of 122,880`,
      target: 'file',
      contenders: ['ducksink', 'exactly-once'],
    },
    {
      ...LARGE,
      name: 'exactly-once-memory',
      title: 'exactly once, in memory, batches of 122,880',
      target: 'memory',
      contenders: ['ducksink', 'exactly-once'],
    },
    {
      ...MEDIUM,
      name: 'exactly-once-1000',
      title: `${file}, batches of 1,000`,
      target: 'file',
      batchesPerIteration: 600,
      contenders: ['ducksink-32', 'exactly-once-32'],
    },
    {
      ...SMALL,
      name: 'exactly-once-100',
      title: `${file}, batches of 100`,
      target: 'file',
      batchesPerIteration: 2_000,
      contenders: ['ducksink-32', 'exactly-once-32'],
    },
    {
      ...SMALL,
      name: 'exactly-once-1',
      title: `${file}, one write of one record after another: the price of a row in the ledger`,
      target: 'file',
      batchRows: 1,
      batchesPerIteration: 1_000,
      contenders: ['ducksink-1-caller', 'exactly-once-1-caller'],
    },
  ]
}

function nestedScenarios(): WriteScenario[] {
  const titles = {
    list: 'a LIST of 10 DOUBLE in place of a DOUBLE',
    struct: 'four of the columns in a STRUCT',
    'list-of-struct': 'four of the columns in a LIST of 3 STRUCT',
  } as const
  return Object.entries(titles).map(([dataset, title]) => ({
    ...LARGE,
    name: `nested-${dataset}`,
    title: `memory, batches of 122,880, ${title}`,
    target: 'memory',
    dataset: dataset as DatasetName,
    contenders: ['ducksink'],
  }))
}

/** The contenders of a scenario, bytewax among them where it is asked for and can take part. */
export function contendersOf(scenario: WriteScenario, withSeed: boolean): ContenderName[] {
  const first = scenario.contenders[0]
  const compares = scenario.contenders.some((name) => CONTENDERS[name].peer !== 'ducksink')
  return withSeed && compares && first !== undefined
    ? [first, 'bytewax', ...scenario.contenders.slice(1)]
    : [...scenario.contenders]
}

/** Turns a scenario into the job of one contender's process. */
export function toWriteJob(
  scenario: WriteScenario,
  contender: Contender,
  job: Pick<WriteJob, 'path' | 'checksumSql'>,
): WriteJob {
  const { dataset, batchRows, warmupBatches, iterations, batchesPerIteration } = scenario
  const writesWaiting = contender.writesWaiting ?? scenario.writesWaiting
  const deliveryMode = contender.deliveryMode ?? 'at-least-once'
  const shape = { dataset, batchRows, warmupBatches, iterations, batchesPerIteration }
  return { kind: 'write', peer: contender.peer, writesWaiting, deliveryMode, ...shape, ...job }
}

/** All rows that a contender writes, those of the warm-up among them. */
export function countRows(scenario: WriteScenario): number {
  return (scenario.warmupBatches + scenario.iterations * scenario.batchesPerIteration) * scenario.batchRows
}
