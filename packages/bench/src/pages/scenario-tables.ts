import { formatFigure } from '../text-table.ts'
import { formatMib, formatRate } from './figure-text.ts'
import { commandOf, type Finding, type Findings } from './findings.ts'
import type { Contender, GoalOutcome, Open, Spread, Write } from './report-file.ts'
import { commandLines, formatRatio, markdownTable, plain, type Section } from './section.ts'

/** What was wanted beside what was shown. */
export function goalsSection({ goals }: Findings): Section | undefined {
  if (goals.length === 0) return undefined
  const missed = goals.filter(({ met }) => !met).length
  return {
    id: 'goals',
    title: 'Goals',
    text: `${goals.length - missed} of ${goals.length} met. Ratios are medians of the rounds, in each of which two runs make a pair.`,
    charts: [],
    tables: markdownTable(
      ['scenario', 'what', 'wanted', 'shown', 'outcome'],
      goals.map((outcome) => [
        outcome.goal.scenario,
        outcome.goal.what,
        wanted(outcome),
        formatFigure(outcome.figure),
        outcome.met ? 'met' : 'missed',
      ]),
    ),
  }
}

function wanted({ goal }: GoalOutcome): string {
  return goal.atLeast === undefined ? `at most ${goal.atMost}` : `at least ${goal.atLeast}`
}

/** All figures of every scenario in which contenders write the same rows, and of the cold opens. */
export function scenariosSection({ writes, opens }: Findings): Section | undefined {
  const others = writes.filter(({ scenario }) => scenario.family !== 'shape')
  if (others.length + opens.length === 0) return undefined
  return {
    id: 'scenarios',
    title: 'Every scenario',
    text: [
      'Medians of the rounds, with the slowest and the fastest round behind them. A ratio says how many times as fast',
      'ducksink was, pair by pair in each round; its own spread stands behind it. CPU is that of the main thread. Of',
      'batches to a file, "closed" is the same where closing counts as well: whoever puts off the checkpoint of its log pays',
      'for it then.',
    ].join('\n'),
    charts: [],
    tables: [...others.map(writeTable), ...opens.map(openTable)].join('\n\n'),
  }
}

function writeTable(finding: Finding<Write>): string {
  const { scenario, contenders } = finding
  const references = contenders.length > 1 ? finding.references : []
  const count = scenario.iterations * scenario.batchesPerIteration
  const rounds = contenders[0]?.rounds ?? 0
  const timed = `${counted(rounds, 'round')} of ${counted(count, 'write')}, ${counted(scenario.batchRows, 'row')} each.`
  // what else is written to a file is too little for a checkpoint to count
  const countsClosing = scenario.target === 'file' && scenario.family === 'batch-size'
  const header = [
    'who',
    'rows/s',
    ...(countsClosing ? ['closed'] : []),
    ...references.map((name) => `${name} is`),
    'p50 ms',
    'p99 ms',
    'CPU us/record',
    'loop p99 ms',
    'peak MiB',
  ]
  const rows = contenders.map((row) => [
    row.title,
    `${formatRate(row.rowsPerSecond.median)} (${formatRate(row.rowsPerSecond.min)} - ${formatRate(row.rowsPerSecond.max)})`,
    ...(countsClosing ? [formatRate(row.closedRowsPerSecond ?? Number.NaN)] : []),
    ...references.map((name) => formatRatio(row.ratios[name])),
    formatQuantile(row.latencyMs, 0.5),
    formatQuantile(row.latencyMs, 0.99),
    formatFigure(row.cpuUsPerRecord),
    // Whoever never lets the event loop run between two writes would only show the length of all.
    finding.references.includes(row.contender) ? formatQuantile(row.delayMs ?? [], 0.99) : '',
    formatMib(row.peakRssBytes),
  ])
  return [heading(finding), timed, markdownTable(header, rows), commandLines([commandOf(finding)])].join(
    '\n\n',
  )
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`
}

function formatQuantile(quantiles: Contender['latencyMs'], share: number): string {
  return formatFigure(quantiles.find(({ q }) => q === share)?.ms ?? Number.NaN)
}

function openTable(finding: Finding<Open>): string {
  const row = (what: string, { median, min, max }: Spread): string[] => [
    what,
    ...[median, min, max].map(formatFigure),
  ]
  const table = markdownTable(
    ['what, ms', 'median', 'shortest', 'longest'],
    [
      row('ducksink, up to the receipt of a first record', finding.ducksinkMs),
      row('DuckDB itself, up to a connection', finding.duckdbMs),
      row('how much longer, pair by pair', finding.moreMs),
    ],
  )
  return [
    heading(finding),
    `${counted(finding.rounds, 'round')}.`,
    table,
    commandLines([commandOf(finding)]),
  ].join('\n\n')
}

function heading({ scenario }: Finding): string {
  return `### ${scenario.name}\n\n${plain(scenario.title)}.`
}
