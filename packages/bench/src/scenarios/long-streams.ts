import type { StreamScenario } from './scenario.ts'

const COMMON = {
  kind: 'stream',
  family: 'stream',
  suites: ['scale'],
  target: 'file',
  rounds: 1,
  batchRows: 122_880,
  batches: 245,
  records: 'reused',
  distinctBatches: 5,
} as const satisfies Partial<StreamScenario>

/** Streams so long that what grows with them shows. */
export const LONG_STREAMS: readonly StreamScenario[] = [
  { ...COMMON, name: 'stream', title: '100 million records to a file, batches of 122,880', batches: 815 },
  {
    ...COMMON,
    name: 'stream-small-batches',
    title: '30 million records to a file, batches of 8,192',
    batchRows: 8_192,
    batches: 3_675,
    distinctBatches: 75,
  },
  {
    ...COMMON,
    name: 'stream-fresh-records',
    title: '30 million records to a file, batches of 122,880, all made as it goes',
    records: 'fresh',
  },
]
