import { formatFigure } from '../text-table.ts'
import { fittedScale, zeroScale } from './axis.ts'
import type { Chart } from './chart.ts'
import { formatMib } from './figure-text.ts'
import { commandOf, type Finding, type Findings } from './findings.ts'
import { lineChart, type Point } from './line-chart.ts'
import type { Stream } from './report-file.ts'
import { commandLines, markdownTable, plain, type Section } from './section.ts'
import type { Series } from './series.ts'

const SERIES: readonly Series[] = [
  { name: 'RSS', colour: 'var(--blue)', shape: 'circle', dash: [] },
  { name: 'DuckDB', colour: 'var(--rust)', shape: 'square', dash: [] },
  { name: 'bound', colour: 'var(--ink)', shape: 'diamond', dash: [6, 3] },
]

/** Memory while many millions of records are written. */
export function memorySection({ streams }: Findings): Section | undefined {
  if (streams.length === 0) return undefined
  return {
    id: 'memory',
    title: 'Memory over time',
    text: [
      'One app writes as fast as the engine lets it, at the defaults, to a file. The RSS of its process and what DuckDB',
      'holds of that, its cache of the file among it, beside the bound that it must stay under: the RSS before the engine is',
      'opened, `maxBufferedBytes` and `memory_limit` together. Growth is what the highest RSS after the first 10 million rows',
      '(a third of a shorter run) is above the highest before.',
    ].join('\n'),
    charts: streams.map(memoryChart),
    tables: [
      streams.map(({ scenario }) => `- \`${scenario.name}\`: ${plain(scenario.title)}`).join('\n'),
      memoryTable(streams),
      commandLines(streams.map(commandOf)),
    ].join('\n\n'),
  }
}

function memoryTable(streams: readonly Stream[]): string {
  const header = ['MiB', 'before', 'highest', 'bound', 'growth', 'DuckDB, highest', 'CPU us/record']
  const rows = streams.map((stream) => [
    stream.scenario.name,
    ...[stream.startRssBytes, stream.peakRssBytes, stream.boundBytes].map(formatMib),
    ...[stream.growthBytes, stream.duckdbPeakBytes].map(formatMib),
    formatFigure(stream.cpuUsPerRecord),
  ])
  return markdownTable(header, rows)
}

function memoryChart({ scenario, samples, boundBytes, rows }: Finding<Stream>): Chart {
  const line = (series: string, bytesOf: (sample: Stream['samples'][number]) => number): Point[] =>
    samples.map((sample) => ({ series, x: sample.elapsedMs / 1_000, y: bytesOf(sample) / 2 ** 20 }))
  const points = [
    ...line('RSS', ({ rssBytes }) => rssBytes),
    ...line('DuckDB', ({ duckdbBytes }) => duckdbBytes),
    ...line('bound', () => boundBytes),
  ]
  const seconds = samples.map(({ elapsedMs }) => elapsedMs / 1_000)
  const mebibytes = points.map(({ y }) => y)
  return {
    id: `memory-over-time-${scenario.name}`,
    title: `${scenario.name}: memory over time`,
    description: `${scenario.title}: the RSS of the process and what DuckDB holds of it, in MiB over the seconds in which ${rows.toLocaleString('en')} rows were written, and the bound. The table below has the highest of each.`,
    spec: lineChart({
      series: SERIES,
      points,
      x: { title: 'time', ...fittedScale(seconds, (value) => `${value} s`) },
      y: { title: 'MiB', ...zeroScale(mebibytes, (value) => value.toLocaleString('en')) },
      symbols: false,
    }),
  }
}
