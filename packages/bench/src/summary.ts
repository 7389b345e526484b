import type { Run } from './harness.ts'
import type { WriteResult } from './job.ts'
import { CONTENDERS, type ContenderName, type WriteScenario } from './scenarios/catalog.ts'
import { median, pairRatios, type Spread, spread } from './statistics.ts'

/** One contender's figures over all rounds of a scenario. */
export interface ContenderSummary {
  readonly contender: ContenderName
  readonly title: string
  readonly rounds: number
  readonly rowsPerSecond: Spread
  /** How many times as fast each way to use ducksink was, pair by pair; its own is left out. */
  readonly ratios: Readonly<Partial<Record<ContenderName, Spread>>>
  /** Medians over the rounds. */
  readonly latencyMs: { readonly p50: number; readonly p99: number }
  readonly cpuUsPerRecord: number
  readonly delayP99Ms?: number
  readonly delayMaxMs?: number
  /** The highest of all rounds. */
  readonly peakRssBytes: number
}

/** All that one scenario showed. */
export interface WriteSummary {
  readonly kind: 'write'
  readonly scenario: WriteScenario
  /** The ways to use ducksink that took part. */
  readonly references: readonly ContenderName[]
  readonly contenders: readonly ContenderSummary[]
  readonly runs: readonly Run[]
}

/** Sums up the rounds of one scenario: medians, spreads and the ratios within each round. */
export function summarizeRuns(scenario: WriteScenario, runs: readonly Run[]): WriteSummary {
  const byContender = new Map<ContenderName, WriteResult[]>()
  for (const { contender, result } of runs) {
    byContender.set(contender, [...(byContender.get(contender) ?? []), result])
  }
  const references = [...byContender.keys()].filter((name) => CONTENDERS[name].peer === 'ducksink')
  const rates = new Map([...byContender].map(([name, results]) => [name, results.map(rowsPerSecond)]))
  const contenders = [...byContender].map(([contender, results]): ContenderSummary => {
    const own = rates.get(contender) ?? []
    const ratios: Partial<Record<ContenderName, Spread>> = {}
    for (const name of references) {
      if (name !== contender) ratios[name] = spread(pairRatios(rates.get(name) ?? [], own))
    }
    return { contender, title: CONTENDERS[contender].title, ratios, ...summarizeResults(results) }
  })
  return { kind: 'write', scenario, references, contenders, runs }
}

function summarizeResults(
  results: readonly WriteResult[],
): Omit<ContenderSummary, 'contender' | 'title' | 'ratios'> {
  const delays = results.flatMap(({ mainThread }) => mainThread.delayP99Ms ?? [])
  const longest = results.flatMap(({ mainThread }) => mainThread.delayMaxMs ?? [])
  return {
    rounds: results.length,
    rowsPerSecond: spread(results.map(rowsPerSecond)),
    latencyMs: {
      p50: median(results.map(({ latencyMs }) => latencyMs.p50)),
      p99: median(results.map(({ latencyMs }) => latencyMs.p99)),
    },
    cpuUsPerRecord: median(results.map(({ mainThread }) => mainThread.cpuUsPerRecord)),
    ...(delays.length > 0 && { delayP99Ms: median(delays), delayMaxMs: Math.max(...longest) }),
    peakRssBytes: Math.max(...results.map(({ rssBytes }) => rssBytes.peak)),
  }
}

function rowsPerSecond(result: WriteResult): number {
  return (result.rows / result.durationMs) * 1_000
}
