import type { MemorySample, StreamResult } from './job.ts'
import type { StreamScenario } from './scenarios/catalog.ts'

/** The engine's default `maxBufferedBytes`, which the stream runs with. */
const MAX_BUFFERED_BYTES = 64 * 2 ** 20

/** Rows after which memory must not grow any more. */
const SETTLED_ROWS = 10_000_000

/** What a long stream did to memory. */
export interface MemorySummary {
  readonly kind: 'stream'
  readonly scenario: StreamScenario
  readonly rowsPerSecond: number
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
  readonly result: StreamResult
}

/** Sums up the samples of a long stream. */
export function summarizeStream(scenario: StreamScenario, result: StreamResult): MemorySummary {
  const settledRows = Math.min(SETTLED_ROWS, result.rows / 3)
  const early = result.samples.filter(({ rows }) => rows <= settledRows)
  const late = result.samples.filter(({ rows }) => rows > settledRows)
  const peakRssBytes = Math.max(result.startRssBytes, highest(result.samples, 'rssBytes'))
  return {
    kind: 'stream',
    scenario,
    rowsPerSecond: (result.rows / result.durationMs) * 1_000,
    startRssBytes: result.startRssBytes,
    peakRssBytes,
    boundBytes: result.startRssBytes + MAX_BUFFERED_BYTES + result.memoryLimitBytes,
    growthBytes: highest(late, 'rssBytes') - highest(early, 'rssBytes'),
    duckdbGrowthBytes: highest(late, 'duckdbBytes') - highest(early, 'duckdbBytes'),
    duckdbPeakBytes: highest(result.samples, 'duckdbBytes'),
    result,
  }
}

function highest(samples: readonly MemorySample[], part: 'rssBytes' | 'duckdbBytes'): number {
  return samples.reduce((max, sample) => Math.max(max, sample[part]), 0)
}
