import { logScale } from './axis.ts'
import type { Chart } from './chart.ts'
import { formatRate, shortCount } from './figure-text.ts'
import { commandOf, type Finding, type Findings } from './findings.ts'
import { lineChart, type Point } from './line-chart.ts'
import type { Write } from './report-file.ts'
import { commandLines, markdownTable, type Section } from './section.ts'
import { seriesOfContenders } from './series.ts'

const TARGETS = [
  { target: 'memory', title: 'In memory' },
  { target: 'file', title: 'To a file' },
] as const

/** Rows a second against the rows of a batch, a line for each contender. */
export function throughputSection({ writes }: Findings): Section | undefined {
  const sizes = writes
    .filter(({ scenario }) => scenario.family === 'batch-size')
    .sort((a, b) => a.scenario.batchRows - b.scenario.batchRows)
  if (sizes.length === 0) return undefined
  const targets = TARGETS.map(({ target, title }) => ({
    target,
    title,
    findings: sizes.filter(({ scenario }) => scenario.target === target),
  })).filter(({ findings }) => findings.length > 0)
  return {
    id: 'throughput',
    title: 'Throughput against batch size',
    text: [
      'Rows a second: the median of all rounds, with a whisker from the slowest round to the fastest. Both scales are',
      'logarithmic, so that the same distance is the same ratio everywhere. `insert-select` writes rows that are in a',
      'table of DuckDB already; it is the limit, not a rival.',
    ].join('\n'),
    charts: targets.map(({ target, title, findings }) =>
      throughputChart(`throughput-${target}`, title, findings),
    ),
    tables: [
      ...targets.map(
        ({ title, findings }) => `${title}, rows a second by the rows of a batch:\n\n${ratesTable(findings)}`,
      ),
      commandLines(targets.flatMap(({ findings }) => findings.map(commandOf))),
    ].join('\n\n'),
  }
}

function throughputChart(id: string, title: string, findings: readonly Finding<Write>[]): Chart {
  const series = seriesOfContenders(contendersOf(findings), [
    ...new Set(findings.flatMap(({ references }) => references)),
  ])
  const points = findings.flatMap(({ scenario: { batchRows }, contenders }) =>
    contenders.map(
      ({ contender, rowsPerSecond: { median, min, max } }): Point => ({
        series: contender,
        x: batchRows,
        y: median,
        low: min,
        high: max,
        label: `${contender}, batches of ${batchRows.toLocaleString('en')}: ${formatRate(median)} rows a second (${formatRate(min)} to ${formatRate(max)})`,
      }),
    ),
  )
  const batchSizes = findings.map(({ scenario }) => scenario.batchRows)
  const x = { ...logScale(batchSizes, shortCount), title: 'rows of a batch' }
  const rates = points.flatMap(({ low, high }) => [low ?? Number.NaN, high ?? Number.NaN])
  const y = { ...logScale(rates, shortCount), title: 'rows a second' }
  const sizes = batchSizes.map((rows) => rows.toLocaleString('en')).join(', ')
  return {
    id,
    title: `${title}: rows a second against the rows of a batch`,
    description: `A line for each of ${series.map(({ name }) => name).join(', ')} over batches of ${sizes} rows, both scales logarithmic. The table below has the same figures.`,
    spec: lineChart({ series, points, x, y, symbols: true }),
  }
}

function ratesTable(findings: readonly Finding<Write>[]): string {
  const header = ['who', ...findings.map(({ scenario }) => scenario.batchRows.toLocaleString('en'))]
  const rows = contendersOf(findings).map((name) => [
    name,
    ...findings.map(({ contenders }) => {
      const own = contenders.find(({ contender }) => contender === name)
      return own === undefined ? '' : formatRate(own.rowsPerSecond.median)
    }),
  ])
  return markdownTable(header, rows)
}

function contendersOf(findings: readonly Finding<Write>[]): string[] {
  return [...new Set(findings.flatMap(({ contenders }) => contenders.map(({ contender }) => contender)))]
}
