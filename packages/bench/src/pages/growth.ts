import { formatFigure } from '../text-table.ts'
import { fittedScale, zeroScale } from './axis.ts'
import type { Chart } from './chart.ts'
import { formatRate, shortCount } from './figure-text.ts'
import { commandOf, type Finding, type Findings } from './findings.ts'
import { lineChart, type Point } from './line-chart.ts'
import type { Stream } from './report-file.ts'
import { commandLines, markdownTable, type Section } from './section.ts'
import { seriesOf } from './series.ts'

/** Rows a second as the table grows. */
export function growthSection({ streams }: Findings): Section | undefined {
  if (streams.length === 0) return undefined
  return {
    id: 'growth',
    title: 'Rows a second as the table grows',
    text: 'The rate in each tenth of the rows of the same runs, from an empty file on.',
    charts: [growthChart(streams)],
    tables: [growthTable(streams), commandLines(streams.map(commandOf))].join('\n\n'),
  }
}

function growthTable(streams: readonly Stream[]): string {
  const tenths = Array.from({ length: 10 }, (_, i) => [
    `${i * 10}-${(i + 1) * 10}%`,
    ...streams.map((stream) => formatRate(stream.rowsPerSecondByTenth[i] ?? Number.NaN)),
  ])
  return markdownTable(
    ['rows of the run', ...streams.map(({ scenario }) => scenario.name)],
    [
      ...tenths,
      ['last against first', ...streams.map((stream) => `${formatFigure(lastAgainstFirst(stream))} times`)],
      ['all rows', ...streams.map(({ rows }) => rows.toLocaleString('en'))],
    ],
  )
}

function lastAgainstFirst({ rowsPerSecondByTenth: rates }: Stream): number {
  return (rates.at(-1) ?? Number.NaN) / (rates[0] ?? Number.NaN)
}

function growthChart(streams: readonly Finding<Stream>[]): Chart {
  const names = streams.map(({ scenario }) => scenario.name)
  const points = streams.flatMap(({ scenario, rows, rowsPerSecondByTenth }) =>
    rowsPerSecondByTenth.map((rate, i, { length }): Point => {
      const until = (rows * (i + 1)) / length
      return {
        series: scenario.name,
        x: until,
        y: rate,
        label: `${scenario.name}, up to ${shortCount(until)} rows: ${formatRate(rate)} rows a second`,
      }
    }),
  )
  const rows = points.map(({ x }) => x)
  const rates = points.map(({ y }) => y)
  return {
    id: 'growth',
    title: 'Rows a second as the table grows',
    description: `A line for each of ${names.join(', ')} over the rows that the table has by then; rows a second from 0 on. The table below has the same figures.`,
    spec: lineChart({
      series: seriesOf(names),
      points,
      x: { title: 'rows in the table', ...fittedScale(rows, shortCount) },
      y: { title: 'rows a second', ...zeroScale(rates, shortCount) },
      symbols: true,
    }),
  }
}
