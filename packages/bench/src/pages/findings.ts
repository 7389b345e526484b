import type { GoalOutcome, Open, ReportFile, Stream, Write } from './report-file.ts'

/** What a scenario showed, and the run of the bench that it comes from. */
export type Finding<T = Write | Open | Stream> = T & { readonly report: ReportFile }

/** The newest figures of every scenario. */
export interface Findings {
  /** Those that anything is taken from, the newest first. */
  readonly reports: readonly ReportFile[]
  readonly writes: readonly Finding<Write>[]
  readonly opens: readonly Finding<Open>[]
  readonly streams: readonly Finding<Stream>[]
  readonly goals: readonly GoalOutcome[]
}

/** The family of scenarios so short that they only serve to notice when something became slower. */
const GUARD = 'quick'

/** Merges reports: the newest of a scenario wins, as a whole, for its ratios are those of one run. */
export function mergeReports(reports: readonly ReportFile[]): Findings {
  const oldestFirst = reports.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))
  const newest = new Map<string, Finding>()
  for (const report of oldestFirst) {
    for (const summary of report.summaries) {
      if (summary.scenario.family !== GUARD) newest.set(summary.scenario.name, { ...summary, report })
    }
  }
  const order = scenarioOrder(oldestFirst)
  const all = order.flatMap((name) => newest.get(name) ?? [])
  const used = new Set(all.map(({ report }) => report))
  return {
    reports: oldestFirst.filter((report) => used.has(report)).reverse(),
    writes: all.filter((finding) => finding.kind === 'write'),
    opens: all.filter((finding) => finding.kind === 'open'),
    streams: all.filter((finding) => finding.kind === 'stream'),
    goals: order.flatMap((name) =>
      (newest.get(name)?.report.goals ?? []).filter(({ goal }) => goal.scenario === name),
    ),
  }
}

/** That of the longest report, then whatever the others have besides. */
function scenarioOrder(reports: readonly ReportFile[]): string[] {
  const longestFirst = reports.toSorted((a, b) => b.summaries.length - a.summaries.length)
  return [...new Set(longestFirst.flatMap(({ summaries }) => summaries.map(({ scenario }) => scenario.name)))]
}

/** The command that takes the figures of a scenario again. */
export function commandOf(finding: Finding): string {
  const command = `-- --scenario ${finding.scenario.name}`
  switch (finding.kind) {
    case 'write': {
      const withSeed = finding.contenders.some(({ contender }) => contender === 'bytewax')
      const rounds = finding.contenders[0]?.rounds ?? 1
      return `npm run ${withSeed ? 'bench:seed' : 'bench'} ${command} --rounds ${rounds}`
    }
    case 'open':
      return `npm run bench ${command} --rounds ${finding.rounds}`
    case 'stream':
      return `npm run bench ${command}`
    default:
      return finding satisfies never
  }
}
