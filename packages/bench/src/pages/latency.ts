import { formatFigure } from '../text-table.ts'
import { type Axis, logScale } from './axis.ts'
import type { Chart } from './chart.ts'
import { shortMs } from './figure-text.ts'
import { commandOf, type Finding, type Findings } from './findings.ts'
import { lineChart, type Point } from './line-chart.ts'
import type { Quantiles, Write } from './report-file.ts'
import { commandLines, markdownTable, plain, type Section } from './section.ts'
import { seriesOfContenders } from './series.ts'

const FAMILIES: readonly string[] = ['batch-size', 'small-writes', 'single-record']

/** Of fewer writes the quantiles say little. */
const LEAST_WRITES = 100

/** The shares that have a place on the axis. */
const NAMED_SHARES = [0.5, 0.9, 0.99, 0.999]

/** How long writes take: the quantiles of each contender. */
export function latencySection({ writes }: Findings): Section | undefined {
  const findings = writes.filter(
    ({ scenario, contenders }) =>
      FAMILIES.includes(scenario.family) &&
      countWrites(scenario) >= LEAST_WRITES &&
      contenders.some((contender) => contender.latencyMs.length > 1),
  )
  if (findings.length === 0) return undefined
  return {
    id: 'latency',
    title: 'How long a write takes',
    text: [
      'From the call of a write to its end: half of the writes took no longer than the line at 50%, 99 of 100 no longer',
      'than at 99%. Each figure is the median of the rounds. A line ends where a round has too few writes to say more.',
      'Contenders with many writes waiting (see their titles below) trade latency for throughput.',
    ].join('\n'),
    charts: findings.map(latencyChart),
    tables: [
      ...findings.map(({ scenario, contenders }) => {
        const count = countWrites(scenario)
        const title = `\`${scenario.name}\`: ${plain(scenario.title)}; ${count.toLocaleString('en')} writes a round, ms`
        return `${title}\n\n${quantilesTable(count, contenders)}`
      }),
      commandLines(findings.map(commandOf)),
    ].join('\n\n'),
  }
}

function countWrites({ iterations, batchesPerIteration }: Write['scenario']): number {
  return iterations * batchesPerIteration
}

/** The quantiles that so many writes can show: of 100 writes, none beyond 99 %. */
function told(quantiles: Quantiles, count: number): Quantiles {
  return quantiles.filter(({ q, ms }) => q > 0 && q <= 1 - 1 / count && ms > 0)
}

function latencyChart({ scenario, references, contenders }: Finding<Write>): Chart {
  const count = countWrites(scenario)
  const series = seriesOfContenders(
    contenders.map(({ contender }) => contender),
    references,
  )
  const points = contenders.flatMap(({ contender, latencyMs }) =>
    told(latencyMs, count).map(
      ({ q, ms }): Point => ({
        series: contender,
        x: nines(q),
        y: ms,
        label: `${contender}: ${formatShare(q)} of the writes within ${formatFigure(ms)} ms`,
      }),
    ),
  )
  const shares = [...new Set(contenders.flatMap(({ latencyMs }) => told(latencyMs, count).map(({ q }) => q)))]
  const times = points.map(({ y }) => y)
  return {
    id: `latency-${scenario.name}`,
    title: `${scenario.name}: how long a write takes`,
    description: `${scenario.title}. A line for each of ${series.map(({ name }) => name).join(', ')} over the shares ${shares.map(formatShare).join(', ')} of the writes; milliseconds on a logarithmic scale. The table below has the same figures.`,
    spec: lineChart({
      series,
      points,
      x: shareAxis(shares),
      y: { title: 'time of a write', ...logScale(times, shortMs) },
      symbols: true,
    }),
  }
}

/** Each further nine takes the same room: 90 % is at 1, 99 % at 2. */
function nines(share: number): number {
  return -Math.log10(1 - share)
}

/** From the first share to the last. */
function shareAxis(shares: readonly number[]): Axis {
  const places = shares.map(nines)
  const ticks = NAMED_SHARES.filter((share) => shares.includes(share))
  return {
    title: 'share of the writes',
    scale: 'linear',
    domain: [Math.min(...places), Math.max(...places)],
    ticks: ticks.map((share) => ({ value: nines(share), text: formatShare(share) })),
  }
}

function formatShare(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`
}

function quantilesTable(count: number, contenders: Write['contenders']): string {
  const shares = [...new Set(contenders.flatMap(({ latencyMs }) => latencyMs.map(({ q }) => q)))]
    .filter((share) => share === 1 || share <= 1 - 1 / count)
    .sort((a, b) => a - b)
  const rows = contenders.map(({ contender, latencyMs }) => [
    contender,
    ...shares.map((share) => formatFigure(latencyMs.find(({ q }) => q === share)?.ms ?? Number.NaN)),
  ])
  return markdownTable(
    ['who', ...shares.map((share) => (share === 1 ? 'longest' : formatShare(share)))],
    rows,
  )
}
