import { formatFigure } from '../text-table.ts'
import type { Findings } from './findings.ts'
import type { ReportFile } from './report-file.ts'
import { commandLines, markdownTable, plain, type Section } from './section.ts'

/** How the figures were taken, and how to take them again. */
export function introductionSection(): Section {
  return {
    id: 'reading',
    title: 'How to read this',
    text: [
      '- Every contender writes the same rows, in a process of its own, one after another: A B C, A B C, as often as the',
      '  scenario has rounds. Row counts and checksums of what each wrote are compared after each run.',
      '- Absolute figures are those of one machine, described at the end, and of its mood. What carries over to another machine are the',
      '  ratios: they are taken within each round, run against run, and the median of those is shown.',
      '- Rows are staged before the clock runs: no contender pays for making its input.',
      '- Each figure stands beside the command that takes it again. All of them, and both pages:',
      '',
      commandLines([
        'npm run bench        # against the Node peers',
        'npm run bench:seed   # after it: with bytewax-duckdb beside them, and tables of other shapes',
        'npm run bench:scale  # the long runs',
        'npm run bench:pages  # docs/benchmarks.md and docs/benchmarks.html, from the newest figures',
      ]),
    ].join('\n'),
    charts: [],
    tables: '',
  }
}

/** The runs of the bench that the figures come from. */
export function runsSection({ reports }: Findings): Section {
  return {
    id: 'runs',
    title: 'Where and when',
    text: 'Where a scenario ran more than once, the newest run counts.',
    charts: [],
    tables: reports.map(runText).join('\n\n'),
  }
}

/** One run of the bench: when, where and with what. */
function runText({ startedAt, durationMs, machine, versions, summaries }: ReportFile): string {
  const minutes = formatFigure(durationMs / 60_000)
  const names = summaries.map(({ scenario }) => `\`${scenario.name}\``)
  return [
    `### The run of ${startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    `${plain(machine.cpu)}, ${machine.cores} cores, ${formatFigure(machine.memoryGiB)} GiB, ${plain(machine.system)}; load before it began ${machine.loadBefore.toFixed(2)}; it took ${minutes} minutes. Scenarios: ${names.join(', ')}.`,
    markdownTable(
      ['peer', 'versions'],
      Object.entries(versions).map(([peer, parts]) => [
        peer,
        Object.entries(parts)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
      ]),
    ),
  ].join('\n\n')
}
