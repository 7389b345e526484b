import type { MemorySummary } from './memory-summary.ts'
import type { ContenderName } from './scenarios/catalog.ts'
import type { ContenderSummary, WriteSummary } from './summary.ts'

/** What a scenario showed. */
export type Summary = WriteSummary | MemorySummary

/** A figure that must be shown: where it is read and what it must be. */
type Goal = { readonly scenario: string; readonly what: string } & (
  | {
      readonly kind: 'ratio'
      readonly of: ContenderName
      readonly over: ContenderName
      readonly atLeast: number
    }
  | { readonly kind: 'cpu' | 'delay'; readonly of: ContenderName; readonly atMost: number }
  | { readonly kind: 'bound' | 'growth'; readonly atMost: number }
)

const MEMORY = 'memory-122880'
const FILE = 'file-122880'

/** Growth below this is the noise of allocators, not a leak. */
const LEVEL_MIB = 32

/** What the bench must show. */
const GOALS: readonly Goal[] = [
  ahead(MEMORY, 'bytewax', 2),
  ahead(MEMORY, 'sqlite', 1),
  ahead(MEMORY, 'appender', 1),
  ahead(MEMORY, 'cloned', 1),
  ahead(FILE, 'bytewax', 1.5),
  { kind: 'cpu', scenario: MEMORY, what: 'main-thread CPU, us a record', of: 'ducksink', atMost: 0.3 },
  { kind: 'cpu', scenario: FILE, what: 'main-thread CPU, us a record', of: 'ducksink', atMost: 0.3 },
  { kind: 'delay', scenario: MEMORY, what: 'event-loop delay p99, ms', of: 'ducksink', atMost: 20 },
  { kind: 'delay', scenario: FILE, what: 'event-loop delay p99, ms', of: 'ducksink', atMost: 20 },
  {
    kind: 'ratio',
    scenario: 'callers',
    what: '64 callers against one by one',
    of: 'ducksink-64-callers',
    over: 'ducksink-1-caller',
    atLeast: 15,
  },
  shared('file-100', 8),
  shared('file-1000', 3),
  exactlyOnce('exactly-once-122880', 'exactly-once', 'ducksink', 0.9),
  exactlyOnce('exactly-once-1000', 'exactly-once-32', 'ducksink-32', 0.75),
  ...['memory', 'memory-small-batches', 'memory-fresh-records'].flatMap((scenario): Goal[] => [
    { kind: 'bound', scenario, what: 'peak RSS against its bound', atMost: 1 },
    { kind: 'growth', scenario, what: 'growth in the last 20 million rows, MiB', atMost: LEVEL_MIB },
  ]),
]

function ahead(scenario: string, over: ContenderName, atLeast: number): Goal {
  return { kind: 'ratio', scenario, what: `ducksink against ${over}`, of: 'ducksink', over, atLeast }
}

/** Writes that wait and share commits, against one commit a batch. */
function shared(scenario: string, atLeast: number): Goal {
  const what = '32 writes waiting against bytewax'
  return { kind: 'ratio', scenario, what, of: 'ducksink-32', over: 'bytewax', atLeast }
}

function exactlyOnce(scenario: string, of: ContenderName, over: ContenderName, atLeast: number): Goal {
  return { kind: 'ratio', scenario, what: 'exactly once against at least once', of, over, atLeast }
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
    return { goal, figure, met: goal.kind === 'ratio' ? figure >= goal.atLeast : figure <= goal.atMost }
  })
}

function readFigure(goal: Goal, summary: Summary): number | undefined {
  if (summary.kind === 'stream') {
    if (goal.kind === 'bound') return summary.peakRssBytes / summary.boundBytes
    return goal.kind === 'growth' ? summary.growthBytes / 2 ** 20 : undefined
  }
  const find = (name: ContenderName): ContenderSummary | undefined =>
    summary.contenders.find(({ contender }) => contender === name)
  switch (goal.kind) {
    case 'ratio':
      return find(goal.over)?.ratios[goal.of]?.median
    case 'cpu':
      return find(goal.of)?.cpuUsPerRecord
    case 'delay':
      return find(goal.of)?.delayP99Ms
    case 'bound':
    case 'growth':
      return undefined
    default:
      return goal satisfies never
  }
}
