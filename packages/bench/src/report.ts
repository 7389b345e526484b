import { compareWithGoals, type GoalOutcome, type Summary } from './goals.ts'
import type { Machine } from './machine.ts'
import type { MemorySummary } from './memory-summary.ts'
import { CONTENDERS } from './scenarios/catalog.ts'
import type { Spread } from './statistics.ts'
import type { ContenderSummary, WriteSummary } from './summary.ts'
import { formatFigure, formatTable } from './text-table.ts'

/** All that one run of the bench found: what is printed, and what goes into the JSON file. */
export interface Report {
  readonly startedAt: string
  readonly durationMs: number
  readonly rounds: number
  readonly machine: Machine
  /** Versions of everything measured, by contender. */
  readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly summaries: readonly Summary[]
  readonly goals: readonly GoalOutcome[]
}

/** Puts a report together from what the scenarios showed. */
export function createReport(
  base: Pick<Report, 'startedAt' | 'durationMs' | 'rounds' | 'machine'>,
  summaries: readonly Summary[],
): Report {
  const versions: Record<string, Readonly<Record<string, string>>> = {}
  for (const summary of summaries) {
    if (summary.kind === 'stream') versions.ducksink ??= summary.result.versions
    else
      for (const { contender, result } of summary.runs)
        versions[CONTENDERS[contender].peer] ??= result.versions
  }
  return { ...base, versions, summaries, goals: compareWithGoals(summaries) }
}

/** The whole report as text. */
export function formatReport(report: Report): string {
  const { machine } = report
  const versions = Object.entries(report.versions).map(([peer, parts]) => {
    const names = Object.entries(parts).map(([name, version]) => `${name} ${version}`)
    return `  ${peer}: ${names.join(', ')}`
  })
  return [
    ...report.summaries.map(formatSummary),
    ...(report.goals.length > 0 ? [formatGoals(report.goals)] : []),
    [
      `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}`,
      `load before: ${machine.loadBefore.toFixed(2)}; took ${Math.round(report.durationMs / 1_000)} s`,
      ...versions,
    ].join('\n'),
  ].join('\n\n')
}

/** One scenario as a table. */
function formatSummary(summary: Summary): string {
  return summary.kind === 'write' ? formatWrites(summary) : formatStream(summary)
}

function formatWrites(summary: WriteSummary): string {
  const { scenario } = summary
  const references = summary.contenders.length > 1 ? summary.references : []
  const single = scenario.batchRows === 1
  const unit = single ? 'k writes/s' : 'M rows/s'
  const scale = single ? 1e3 : 1e6
  const header = [
    'who',
    unit,
    'min - max',
    ...references.map((name) => `${name} is`),
    'write p50 ms',
    'p99 ms',
    'CPU us/record',
    'loop p99 ms',
    'peak MiB',
  ]
  const rows = summary.contenders.map((row) => [
    row.title,
    formatFigure(row.rowsPerSecond.median / scale),
    `${formatFigure(row.rowsPerSecond.min / scale)} - ${formatFigure(row.rowsPerSecond.max / scale)}`,
    ...references.map((name) => formatRatio(row.ratios[name])),
    formatFigure(row.latencyMs.p50),
    formatFigure(row.latencyMs.p99),
    formatFigure(row.cpuUsPerRecord),
    formatDelay(row),
    formatFigure(row.peakRssBytes / 2 ** 20),
  ])
  const batches = scenario.iterations * scenario.batchesPerIteration
  const rounds = summary.contenders[0]?.rounds ?? 0
  const title = `${scenario.name}: ${scenario.title} (${batches.toLocaleString('en')} timed, medians of ${rounds === 1 ? '1 round' : `${rounds} rounds`})`
  return `${title}\n${formatTable(header, rows)}`
}

function formatRatio(ratio: Spread | undefined): string {
  if (ratio === undefined) return ''
  return `${formatFigure(ratio.median)} times (${formatFigure(ratio.min)} - ${formatFigure(ratio.max)})`
}

/** Peers that never let the event loop run between two writes would only show the length of an iteration. */
function formatDelay(row: ContenderSummary): string {
  const blocking = CONTENDERS[row.contender].peer !== 'ducksink' || row.delayP99Ms === undefined
  return blocking ? '' : formatFigure(row.delayP99Ms ?? 0)
}

function formatStream(summary: MemorySummary): string {
  const { scenario, result } = summary
  const mebibytes = (bytes: number): string => `${formatFigure(bytes / 2 ** 20)} MiB`
  const rows = [
    ['rows a second', `${formatFigure(summary.rowsPerSecond / 1e6)} M`],
    ['RSS before open', mebibytes(summary.startRssBytes)],
    ['highest RSS', mebibytes(summary.peakRssBytes)],
    ['its bound: start + maxBufferedBytes + memory_limit', mebibytes(summary.boundBytes)],
    ['growth in the last two thirds', mebibytes(summary.growthBytes)],
    ["of which DuckDB's own, its cache of the file", mebibytes(summary.duckdbGrowthBytes)],
    ['most that DuckDB held', mebibytes(summary.duckdbPeakBytes)],
    [
      scenario.records === 'fresh' ? 'main-thread CPU, records made as it goes' : 'main-thread CPU',
      `${formatFigure(result.mainThread.cpuUsPerRecord)} us a record`,
    ],
  ]
  return `${scenario.name}: ${scenario.title}\n${formatTable(['what', 'figure'], rows)}`
}

function formatGoals(goals: readonly GoalOutcome[]): string {
  const rows = goals.map(({ goal, figure, met }) => [
    goal.scenario,
    goal.what,
    goal.kind === 'ratio' ? `at least ${goal.atLeast}` : `at most ${goal.atMost}`,
    formatFigure(figure),
    met ? 'met' : 'MISSED',
  ])
  return formatTable(['goals', 'what', 'wanted', 'shown', ''], rows)
}
