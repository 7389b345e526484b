import type { ContenderName } from './scenarios/contenders.ts'
import { LONG_STREAMS } from './scenarios/long-streams.ts'
import { SHAPE_SCENARIOS } from './scenarios/shapes.ts'
import { quantileAt } from './statistics.ts'
import type { StreamSummary } from './stream-summary.ts'
import type { ContenderSummary, Summary, WriteSummary } from './summary.ts'

/** A figure that must be shown: where it is read and what it must be. */
type Goal = WriteGoal | OpenGoal | StreamGoal

interface Place {
  readonly scenario: string
  readonly what: string
}

type WriteGoal = Place &
  (
    | RatioGoal
    | LatencyRatioGoal
    /** The main thread's CPU, us a record; the event loop's delay, or a write's latency, p99 in ms. */
    | { readonly kind: 'cpu' | 'delay' | 'latency'; readonly of: ContenderName; readonly atMost: number }
  )

/** How many times as many rows a second. */
interface RatioGoal {
  readonly kind: 'ratio'
  readonly of: ContenderName
  readonly over: ContenderName
  readonly atLeast: number
}

/** How many times as long a write takes. */
interface LatencyRatioGoal {
  readonly kind: 'latency-ratio'
  readonly of: ContenderName
  readonly over: ContenderName
  readonly share: 'p50' | 'p99'
  readonly atMost: number
}

/** How many ms longer than DuckDB itself. */
type OpenGoal = Place & { readonly kind: 'open'; readonly atMost: number }

type StreamGoal = Place &
  (
    | { readonly kind: 'bound' | 'growth'; readonly atMost: number }
    /** Rows a second of the last tenth against the first. */
    | { readonly kind: 'scale'; readonly atLeast: number }
  )

const MEMORY = 'memory-122880'
const FILE = 'file-122880'

/** Growth below this is the noise of allocators, not a leak. */
const LEVEL_MIB = 32

const TITLES = {
  cpu: 'main-thread CPU, us a record',
  delay: 'event-loop delay p99, ms',
  latency: 'latency p99, ms',
} as const

/** Who must be how many times as fast as whom, and where. */
const RATIOS: readonly (readonly [
  scenario: string,
  of: ContenderName,
  over: ContenderName,
  atLeast: number,
])[] = [
  [MEMORY, 'ducksink', 'bytewax', 3],
  [MEMORY, 'ducksink', 'sqlite', 2.5],
  [MEMORY, 'ducksink', 'appender', 3.5],
  [MEMORY, 'ducksink', 'cloned', 8],
  [MEMORY, 'ducksink', 'insert-select', 0.55],
  [MEMORY, 'ducksink-columns', 'insert-select', 0.7],
  [FILE, 'ducksink', 'bytewax', 1.9],
  [FILE, 'ducksink', 'sqlite', 1.45],
  [FILE, 'ducksink', 'insert-select', 0.85],
  ['file-1000', 'ducksink-ungrouped', 'bytewax', 2],
  ['file-100', 'ducksink-ungrouped', 'bytewax', 2.5],
  ['file-1000', 'ducksink-32', 'bytewax', 3.5],
  ['file-100', 'ducksink-32', 'bytewax', 10],
  ['callers', 'ducksink-64-callers', 'ducksink-1-caller', 20],
  ...SHAPE_SCENARIOS.map(
    ({ name, target }) => [name, 'ducksink', 'bytewax', target === 'memory' ? 1.5 : 1.2] as const,
  ),
  ['exactly-once-122880', 'exactly-once', 'ducksink', 0.9],
  ['exactly-once-1000', 'exactly-once-32', 'ducksink-32', 0.75],
]

/** What the bench must show. */
const GOALS: readonly Goal[] = [
  ...RATIOS.map(([scenario, of, over, atLeast]): Goal => {
    return { kind: 'ratio', scenario, what: `${of} against ${over}`, of, over, atLeast }
  }),
  ...[MEMORY, FILE].flatMap((scenario) => [
    atMost(scenario, 'cpu', 'ducksink', 0.15),
    atMost(scenario, 'delay', 'ducksink', 8),
  ]),
  atMost('callers', 'latency', 'ducksink-64-callers', 10),
  singleRecord('p50', 1.5),
  singleRecord('p99', 2),
  ...LONG_STREAMS.flatMap(({ name }): Goal[] => [
    // Without the 100 MB on top that would be allowed: what is not needed is not given.
    { kind: 'bound', scenario: name, what: 'highest RSS against its bound', atMost: 1 },
    {
      kind: 'growth',
      scenario: name,
      what: 'growth after the first 10 million rows, MiB',
      atMost: LEVEL_MIB,
    },
  ]),
  { kind: 'open', scenario: 'open', what: 'ms more than DuckDB itself', atMost: 60 },
  { kind: 'scale', scenario: 'stream', what: 'rows a second, last tenth against first', atLeast: 0.9 },
]

function atMost(scenario: string, kind: keyof typeof TITLES, of: ContenderName, most: number): Goal {
  return { kind, scenario, what: TITLES[kind], of, atMost: most }
}

function singleRecord(share: 'p50' | 'p99', most: number): Goal {
  const what = `latency ${share} against DuckDB's own autocommit`
  const pair = { of: 'ducksink-1-caller', over: 'autocommit' } as const
  return { kind: 'latency-ratio', scenario: 'single-record', what, ...pair, share, atMost: most }
}

/** A goal beside the figure that was reached. */
export interface GoalOutcome {
  readonly goal: Goal
  readonly figure: number
  readonly met: boolean
}

/** Compares what was shown with the goals; those of scenarios or peers that did not run are left out. */
export function compareWithGoals(summaries: readonly Summary[]): GoalOutcome[] {
  return GOALS.flatMap((goal) => {
    const summary = summaries.find(({ scenario }) => scenario.name === goal.scenario)
    const figure = summary && readFigure(goal, summary)
    if (figure === undefined) return []
    return { goal, figure, met: 'atLeast' in goal ? figure >= goal.atLeast : figure <= goal.atMost }
  })
}

function readFigure(goal: Goal, summary: Summary): number | undefined {
  switch (goal.kind) {
    case 'open':
      return summary.kind === 'open' ? summary.moreMs.median : undefined
    case 'bound':
    case 'growth':
    case 'scale':
      return summary.kind === 'stream' ? readStream(goal, summary) : undefined
    default:
      return summary.kind === 'write' ? readWrites(goal, summary) : undefined
  }
}

function readStream(goal: StreamGoal, summary: StreamSummary): number {
  switch (goal.kind) {
    case 'bound':
      return summary.peakRssBytes / summary.boundBytes
    case 'growth':
      return summary.growthBytes / 2 ** 20
    case 'scale': {
      const rates = summary.rowsPerSecondByTenth
      return (rates.at(-1) ?? Number.NaN) / (rates[0] ?? Number.NaN)
    }
    default:
      return goal satisfies never
  }
}

function readWrites(goal: WriteGoal, summary: WriteSummary): number | undefined {
  const find = (name: ContenderName): ContenderSummary | undefined =>
    summary.contenders.find(({ contender }) => contender === name)
  switch (goal.kind) {
    case 'ratio':
      return find(goal.over)?.ratios[goal.of]?.median
    case 'latency-ratio':
      return find(goal.over)?.latencyRatios[goal.of]?.[goal.share].median
    case 'cpu':
      return find(goal.of)?.cpuUsPerRecord
    case 'delay':
      return quantileAt(find(goal.of)?.delayMs ?? [], 0.99)
    case 'latency':
      return quantileAt(find(goal.of)?.latencyMs ?? [], 0.99)
    default:
      return goal satisfies never
  }
}
