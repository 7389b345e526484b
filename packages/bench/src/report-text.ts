import type { GoalOutcome } from './goals.ts'
import type { Report } from './report.ts'
import { isDucksink } from './scenarios/contenders.ts'
import { quantileAt, type Spread } from './statistics.ts'
import type { StreamSummary } from './stream-summary.ts'
import type { ContenderSummary, OpenSummary, Summary, WriteSummary } from './summary.ts'
import { formatFigure, formatTable } from './text-table.ts'

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
  switch (summary.kind) {
    case 'write':
      return formatWrites(summary)
    case 'open':
      return formatOpens(summary)
    case 'stream':
      return formatStream(summary)
    default:
      return summary satisfies never
  }
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
    ...(scenario.target === 'file' ? ['closed'] : []),
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
    ...(scenario.target === 'file' ? [formatFigure(row.closedRowsPerSecond / scale)] : []),
    ...references.map((name) => formatRatio(row.ratios[name])),
    formatFigure(quantileAt(row.latencyMs, 0.5) ?? Number.NaN),
    formatFigure(quantileAt(row.latencyMs, 0.99) ?? Number.NaN),
    formatFigure(row.cpuUsPerRecord),
    formatDelay(row),
    formatFigure(row.peakRssBytes / 2 ** 20),
  ])
  const batches = scenario.iterations * scenario.batchesPerIteration
  const rounds = formatRounds(summary.contenders[0]?.rounds ?? 0)
  const title = `${scenario.name}: ${scenario.title} (${batches.toLocaleString('en')} timed, medians of ${rounds})`
  const latencies = summary.contenders.flatMap((row) => formatLatencyRatios(summary, row))
  return [title, formatTable(header, rows), ...latencies].join('\n')
}

function formatRounds(rounds: number): string {
  return rounds === 1 ? '1 round' : `${rounds} rounds`
}

function formatRatio(ratio: Spread | undefined): string {
  if (ratio === undefined) return ''
  return `${formatFigure(ratio.median)} times ${formatRange(ratio)}`
}

function formatRange({ min, max }: Spread): string {
  return `(${formatFigure(min)} - ${formatFigure(max)})`
}

/** How long a write takes beside another's is told where each is awaited alone; elsewhere it is the queue's length. */
function formatLatencyRatios({ scenario }: WriteSummary, row: ContenderSummary): string[] {
  if (scenario.family !== 'single-record') return []
  return Object.entries(row.latencyRatios).map(([name, { p50, p99 }]) => {
    const times = [p50, p99].map((ratio) => `${formatFigure(ratio.median)} times ${formatRange(ratio)}`)
    return `a write of ${name} takes as long as of ${row.contender}: p50 ${times[0]}, p99 ${times[1]}`
  })
}

/** Peers that never let the event loop run between two writes would only show the length of an iteration. */
function formatDelay(row: ContenderSummary): string {
  const delay = quantileAt(row.delayMs ?? [], 0.99)
  return !isDucksink(row.contender) || delay === undefined ? '' : formatFigure(delay)
}

function formatOpens(summary: OpenSummary): string {
  const { scenario, rounds } = summary
  const rows = (
    [
      ['ducksink, up to its first receipt', summary.ducksinkMs],
      ['DuckDB itself, up to a connection', summary.duckdbMs],
      ['how much more', summary.moreMs],
    ] as const
  ).map(([what, ms]) => [what, formatFigure(ms.median), `${formatFigure(ms.min)} - ${formatFigure(ms.max)}`])
  const title = `${scenario.name}: ${scenario.title} (medians of ${formatRounds(rounds)})`
  return `${title}\n${formatTable(['what', 'ms', 'min - max'], rows)}`
}

function formatStream(summary: StreamSummary): string {
  const { scenario } = summary
  const mebibytes = (bytes: number): string => `${formatFigure(bytes / 2 ** 20)} MiB`
  const millions = (rate: number): string => formatFigure(rate / 1e6)
  const rows = [
    ['rows a second', `${millions(summary.rowsPerSecond)} M`],
    ['of each tenth', `${summary.rowsPerSecondByTenth.map(millions).join(' ')} M`],
    ['RSS before open', mebibytes(summary.startRssBytes)],
    ['highest RSS', mebibytes(summary.peakRssBytes)],
    ['its bound: start + maxBufferedBytes + memory_limit', mebibytes(summary.boundBytes)],
    ['growth after the first 10 million rows', mebibytes(summary.growthBytes)],
    ["of which DuckDB's own, its cache of the file", mebibytes(summary.duckdbGrowthBytes)],
    ['most that DuckDB held', mebibytes(summary.duckdbPeakBytes)],
    [
      scenario.records === 'fresh' ? 'main-thread CPU, records made as it goes' : 'main-thread CPU',
      `${formatFigure(summary.cpuUsPerRecord)} us a record`,
    ],
  ]
  return `${scenario.name}: ${scenario.title}\n${formatTable(['what', 'figure'], rows)}`
}

function formatGoals(goals: readonly GoalOutcome[]): string {
  const rows = goals.map(({ goal, figure, met }) => [
    goal.scenario,
    goal.what,
    'atLeast' in goal ? `at least ${goal.atLeast}` : `at most ${goal.atMost}`,
    formatFigure(figure),
    met ? 'met' : 'MISSED',
  ])
  return formatTable(['goals', 'what', 'wanted', 'shown', ''], rows)
}
