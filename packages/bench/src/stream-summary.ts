import type { MemorySample, StreamResult } from './job.ts'
import type { StreamScenario } from './scenarios/scenario.ts'

/** The engine's default `maxBufferedBytes`, which the stream runs with. */
const MAX_BUFFERED_BYTES = 64 * 2 ** 20

/** Rows after which memory must not grow any more. */
const SETTLED_ROWS = 10_000_000

/** Into so many parts of the same number of rows a stream is cut to show its rate over time. */
const PARTS = 10

/** What a long stream did to memory, and how its rate went as the table grew. */
export interface StreamSummary {
  readonly kind: 'stream'
  readonly scenario: StreamScenario
  readonly rows: number
  readonly durationMs: number
  readonly rowsPerSecond: number
  /** The rate in each tenth of the rows, in their order. */
  readonly rowsPerSecondByTenth: readonly number[]
  readonly cpuUsPerRecord: number
  readonly startRssBytes: number
  readonly peakRssBytes: number
  /** Start, `maxBufferedBytes` and `memory_limit` together: what the peak must stay under. */
  readonly boundBytes: number
  /** How much higher the highest sample after the first 10 million rows is than the highest before. */
  readonly growthBytes: number
  /** How much of that is what DuckDB says it holds more, within its `memory_limit`. */
  readonly duckdbGrowthBytes: number
  /** The most that DuckDB said it held. */
  readonly duckdbPeakBytes: number
  /** In the order of time. */
  readonly samples: readonly MemorySample[]
  readonly versions: Readonly<Record<string, string>>
}

/** Sums up the samples of a long stream. */
export function summarizeStream(scenario: StreamScenario, result: StreamResult): StreamSummary {
  const { rows, durationMs, samples, startRssBytes } = result
  const settledRows = Math.min(SETTLED_ROWS, rows / 3)
  const early = samples.filter((sample) => sample.rows <= settledRows)
  const late = samples.filter((sample) => sample.rows > settledRows)
  return {
    kind: 'stream',
    scenario,
    rows,
    durationMs,
    rowsPerSecond: (rows / durationMs) * 1_000,
    rowsPerSecondByTenth: ratesByPart(result),
    cpuUsPerRecord: result.mainThread.cpuUsPerRecord,
    startRssBytes,
    peakRssBytes: Math.max(startRssBytes, highest(samples, 'rssBytes')),
    boundBytes: startRssBytes + MAX_BUFFERED_BYTES + result.memoryLimitBytes,
    growthBytes: highest(late, 'rssBytes') - highest(early, 'rssBytes'),
    duckdbGrowthBytes: highest(late, 'duckdbBytes') - highest(early, 'duckdbBytes'),
    duckdbPeakBytes: highest(samples, 'duckdbBytes'),
    samples,
    versions: result.versions,
  }
}

/** Rows a second in each part of the stream, its ends interpolated between the samples on either side. */
function ratesByPart({ rows, samples }: StreamResult): number[] {
  const ends = Array.from({ length: PARTS + 1 }, (_, part) => elapsedAt(samples, (part / PARTS) * rows))
  return ends.slice(1).map((end, part) => (rows / PARTS / (end - (ends[part] ?? Number.NaN))) * 1_000)
}

/** When so many rows were committed, in milliseconds. */
function elapsedAt(samples: readonly MemorySample[], rows: number): number {
  if (rows === 0) return 0
  const after = samples.findIndex((sample) => sample.rows >= rows)
  const to = samples[after]
  if (to === undefined) return Number.NaN
  const from = samples[after - 1] ?? { rows: 0, elapsedMs: 0 }
  return from.elapsedMs + ((rows - from.rows) / (to.rows - from.rows)) * (to.elapsedMs - from.elapsedMs)
}

function highest(samples: readonly MemorySample[], part: 'rssBytes' | 'duckdbBytes'): number {
  return samples.reduce((max, sample) => Math.max(max, sample[part]), 0)
}
