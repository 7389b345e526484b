import { formatFigure } from '../text-table.ts'
import { logScale } from './axis.ts'
import type { Chart } from './chart.ts'
import { shortMs } from './figure-text.ts'
import { commandOf, type Findings } from './findings.ts'
import type { Quantiles } from './report-file.ts'
import { rowChart } from './row-chart.ts'
import { commandLines, markdownTable, type Section } from './section.ts'

/** The event loop's delay while one way to use ducksink writes. */
interface Row {
  readonly name: string
  readonly command: string
  readonly p50: number
  readonly p99: number
  readonly longest: number
}

const MARKS = [
  { name: 'p50', colour: 'var(--blue)', shape: 'circle', filled: false },
  { name: 'p99', colour: 'var(--blue)', shape: 'circle', filled: true },
  { name: 'longest', colour: 'var(--blue)', shape: 'triangle-left', filled: true },
] as const

/** How long the app's own thread is held up, for each way to use ducksink. */
export function eventLoopSection(findings: Findings): Section | undefined {
  const rows = rowsOf(findings)
  if (rows.length === 0) return undefined
  return {
    id: 'event-loop',
    title: "The event loop's delay",
    text: [
      'How late the event loop of the app was while ducksink wrote as fast as it could: the median, 99 % and the longest,',
      'medians over the rounds, with the 1 ms included at which the loop is looked at. Peers that write on the main thread',
      'hold it up for the whole of a write, so that only ducksink is shown.',
    ].join('\n'),
    charts: [delayChart(rows)],
    tables: [
      markdownTable(
        ['scenario', 'p50 ms', 'p99 ms', 'longest ms'],
        rows.map(({ name, p50, p99, longest }) => [name, ...[p50, p99, longest].map(formatFigure)]),
      ),
      commandLines(rows.map(({ command }) => command)),
    ].join('\n\n'),
  }
}

function rowsOf({ writes }: Findings): Row[] {
  return writes
    .filter(({ scenario }) => scenario.family !== 'shape')
    .flatMap((finding) =>
      finding.contenders.flatMap(({ contender, delayMs }) => {
        if (delayMs === undefined || !finding.references.includes(contender)) return []
        const name =
          contender === 'ducksink' ? finding.scenario.name : `${finding.scenario.name}, ${contender}`
        const [p50, p99, longest] = [at(delayMs, 0.5), at(delayMs, 0.99), at(delayMs, 1)]
        return [{ name, command: commandOf(finding), p50, p99, longest }]
      }),
    )
}

function at(quantiles: Quantiles, share: number): number {
  return quantiles.find(({ q }) => q === share)?.ms ?? Number.NaN
}

function delayChart(rows: readonly Row[]): Chart {
  const points = rows.flatMap((row) =>
    MARKS.map(({ name: mark }) => {
      const ms = row[mark]
      return { row: row.name, mark, x: ms, label: `${row.name}: ${mark} ${formatFigure(ms)} ms` }
    }),
  )
  const delays = points.map(({ x }) => x)
  return {
    id: 'event-loop-delay',
    title: "The event loop's delay while ducksink writes",
    description: `For each of ${rows.map(({ name }) => name).join('; ')}: the median, 99 % and the longest delay, in milliseconds on a logarithmic scale. The table below has the same figures.`,
    spec: rowChart({
      marks: MARKS,
      points,
      x: { title: 'circle p50, dot p99, triangle longest', ...logScale(delays, shortMs) },
    }),
  }
}
