import type { OpenRun, WriteRun } from './harness.ts'
import type { WriteResult } from './job.ts'
import { CONTENDERS, type ContenderName, isDucksink } from './scenarios/contenders.ts'
import type { OpenScenario, WriteScenario } from './scenarios/scenario.ts'
import {
  median,
  medianQuantiles,
  pairRatios,
  type Quantile,
  quantileAt,
  type Spread,
  spread,
} from './statistics.ts'
import type { StreamSummary } from './stream-summary.ts'

/** Figures of each way to use ducksink against another contender, by the name of that way. */
type ByReference<T> = Readonly<Partial<Record<ContenderName, T>>>

/** One contender's figures over all rounds of a scenario. */
export interface ContenderSummary {
  readonly contender: ContenderName
  readonly title: string
  readonly rounds: number
  readonly rowsPerSecond: Spread
  /** The same where closing counts as well, and so what was put off until then; the median of the rounds. */
  readonly closedRowsPerSecond: number
  /** How many times as fast each way to use ducksink was, pair by pair; its own is left out. */
  readonly ratios: ByReference<Spread>
  /** From the call of one write to its end: the distribution, medians over the rounds, shares ascending. */
  readonly latencyMs: readonly Quantile[]
  /** How many times as long a write of each way to use ducksink took, pair by pair; its own is left out. */
  readonly latencyRatios: ByReference<LatencyRatios>
  /** Of the main thread; the median of the rounds. */
  readonly cpuUsPerRecord: number
  /** The event loop's delay, medians over the rounds; only of Node peers, and blocking ones show their writes. */
  readonly delayMs?: readonly Quantile[]
  /** The highest of all rounds. */
  readonly peakRssBytes: number
}

/** Latencies against those of another contender. */
interface LatencyRatios {
  readonly p50: Spread
  readonly p99: Spread
}

/** All that a scenario showed in which the contenders write the same rows. */
export interface WriteSummary {
  readonly kind: 'write'
  readonly scenario: WriteScenario
  /** The ways to use ducksink that took part. */
  readonly references: readonly ContenderName[]
  readonly contenders: readonly ContenderSummary[]
  readonly runs: readonly WriteRun[]
}

/** How long ducksink takes to open, up to its first receipt, and how long DuckDB itself. */
export interface OpenSummary {
  readonly kind: 'open'
  readonly scenario: OpenScenario
  readonly rounds: number
  readonly ducksinkMs: Spread
  readonly duckdbMs: Spread
  /** How much longer ducksink took, pair by pair. */
  readonly moreMs: Spread
  readonly runs: readonly OpenRun[]
}

/** What a scenario showed. */
export type Summary = WriteSummary | OpenSummary | StreamSummary

/** Sums up the rounds of one scenario: medians, spreads and the ratios within each round. */
export function summarizeWrites(scenario: WriteScenario, runs: readonly WriteRun[]): WriteSummary {
  const byContender = new Map<ContenderName, WriteResult[]>()
  for (const { contender, result } of runs) {
    byContender.set(contender, [...(byContender.get(contender) ?? []), result])
  }
  const references = [...byContender.keys()].filter(isDucksink)
  const contenders = [...byContender].map(([contender, results]): ContenderSummary => {
    const others = references.filter((name) => name !== contender)
    const compare = <T>(
      how: (of: readonly WriteResult[], over: readonly WriteResult[]) => T,
    ): ByReference<T> =>
      Object.fromEntries(others.map((name) => [name, how(byContender.get(name) ?? [], results)]))
    return {
      contender,
      title: CONTENDERS[contender].title,
      ratios: compare(compareRates),
      latencyRatios: compare(compareLatencies),
      ...summarizeResults(results),
    }
  })
  return { kind: 'write', scenario, references, contenders, runs }
}

/** Sums up the rounds in which ducksink and DuckDB itself were opened in turn. */
export function summarizeOpens(scenario: OpenScenario, runs: readonly OpenRun[]): OpenSummary {
  const durations = (peer: OpenRun['peer']): number[] =>
    runs.filter((run) => run.peer === peer).map(({ result }) => result.durationMs)
  const ducksinkMs = durations('ducksink')
  const duckdbMs = durations('duckdb')
  return {
    kind: 'open',
    scenario,
    rounds: ducksinkMs.length,
    ducksinkMs: spread(ducksinkMs),
    duckdbMs: spread(duckdbMs),
    moreMs: spread(ducksinkMs.map((ms, i) => ms - (duckdbMs[i] ?? Number.NaN))),
    runs,
  }
}

function summarizeResults(
  results: readonly WriteResult[],
): Omit<ContenderSummary, 'contender' | 'title' | 'ratios' | 'latencyRatios'> {
  const delays = results.flatMap(({ mainThread }) => (mainThread.delayMs ? [mainThread.delayMs] : []))
  return {
    rounds: results.length,
    rowsPerSecond: spread(results.map(rowsPerSecond)),
    closedRowsPerSecond: median(
      results.map(({ rows, durationMs, closeMs }) => (rows / (durationMs + closeMs)) * 1_000),
    ),
    latencyMs: medianQuantiles(results.map(({ latencyMs }) => latencyMs)),
    cpuUsPerRecord: median(results.map(({ mainThread }) => mainThread.cpuUsPerRecord)),
    ...(delays.length > 0 && { delayMs: medianQuantiles(delays) }),
    peakRssBytes: Math.max(...results.map(({ rssBytes }) => rssBytes.peak)),
  }
}

function compareRates(of: readonly WriteResult[], over: readonly WriteResult[]): Spread {
  return spread(pairRatios(of.map(rowsPerSecond), over.map(rowsPerSecond)))
}

function compareLatencies(of: readonly WriteResult[], over: readonly WriteResult[]): LatencyRatios {
  const compareAt = (share: number): Spread => {
    const latencies = (results: readonly WriteResult[]): number[] =>
      results.map(({ latencyMs }) => quantileAt(latencyMs, share) ?? Number.NaN)
    return spread(pairRatios(latencies(of), latencies(over)))
  }
  return { p50: compareAt(0.5), p99: compareAt(0.99) }
}

function rowsPerSecond(result: WriteResult): number {
  return (result.rows / result.durationMs) * 1_000
}
