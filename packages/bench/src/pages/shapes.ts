import { formatFigure } from '../text-table.ts'
import { zeroScale } from './axis.ts'
import type { Chart } from './chart.ts'
import { formatMib, formatRate } from './figure-text.ts'
import { commandOf, type Finding, type Findings } from './findings.ts'
import type { Contender, Write } from './report-file.ts'
import { rowChart } from './row-chart.ts'
import { commandLines, formatRatio, markdownTable, type Section } from './section.ts'

const MARKS = [
  { name: 'memory', colour: 'var(--blue)', shape: 'circle', filled: true },
  { name: 'file', colour: 'var(--rust)', shape: 'square', filled: true },
] as const

const OTHER = 'bytewax'

/** Tables of many kinds: how many times as fast ducksink is. */
export function shapesSection({ writes }: Findings): Section | undefined {
  const findings = writes.filter(({ scenario }) => scenario.family === 'shape')
  if (findings.length === 0) return undefined
  const compared = findings.filter((finding) => ratioOf(finding) !== undefined)
  return {
    id: 'shapes',
    title: 'Tables of other shapes',
    text: 'Few and many columns, short and long strings, nulls, texts of several alphabets, nested values: rows a second, and how many times as fast as bytewax-duckdb that is, pair by pair in each round.',
    charts: compared.length > 0 ? [ratioChart(compared)] : [],
    tables: [shapesTable(findings), commandLines(findings.map(commandOf))].join('\n\n'),
  }
}

function ducksinkOf({ contenders, references }: Write): Contender | undefined {
  return contenders.find(({ contender }) => references.includes(contender))
}

function otherOf({ contenders }: Write): Contender | undefined {
  return contenders.find(({ contender }) => contender === OTHER)
}

function ratioOf(finding: Write): Contender['ratios'][string] | undefined {
  return otherOf(finding)?.ratios[ducksinkOf(finding)?.contender ?? '']
}

function shapesTable(findings: readonly Write[]): string {
  const header = ['scenario', 'what', 'ducksink', OTHER, 'ducksink is', 'CPU us/record', 'peak MiB']
  const rows = findings.map((finding) => {
    const [own, other] = [ducksinkOf(finding), otherOf(finding)]
    return [
      finding.scenario.name,
      finding.scenario.title,
      ...[own, other].map((one) => (one === undefined ? '' : formatRate(one.rowsPerSecond.median))),
      formatRatio(ratioOf(finding)),
      formatFigure(own?.cpuUsPerRecord ?? Number.NaN),
      formatMib(own?.peakRssBytes ?? Number.NaN),
    ]
  })
  return markdownTable(header, rows)
}

function ratioChart(findings: readonly Finding<Write>[]): Chart {
  const points = findings.map((finding) => {
    const { name, target } = finding.scenario
    const ratio = ratioOf(finding)
    const label = `${name}: ${formatRatio(ratio)} as fast as ${OTHER}`
    return { row: name.replace(`-${target}`, ''), mark: target, x: ratio?.median ?? Number.NaN, label }
  })
  const ratios = points.map(({ x }) => x)
  const rows = [...new Set(points.map(({ row }) => row))]
  return {
    id: 'shapes',
    title: 'How many times as fast as bytewax-duckdb',
    description: `For each of ${rows.join(', ')}: the ratio in memory and to a file, from 0 on. The table below has the same figures.`,
    spec: rowChart({
      marks: MARKS,
      points,
      x: { title: 'times as fast; dot in memory, square to a file', ...zeroScale(ratios, String) },
    }),
  }
}
