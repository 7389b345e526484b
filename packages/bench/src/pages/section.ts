import { formatFigure } from '../text-table.ts'
import type { Chart } from './chart.ts'
import type { Spread } from './report-file.ts'

/** A part of the pages: both have its text and tables, one has its charts too. */
export interface Section {
  readonly id: string
  readonly title: string
  /** Markdown. */
  readonly text: string
  readonly charts: readonly Chart[]
  /** Markdown. */
  readonly tables: string
}

/** A Markdown table, columns of figures to the right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const isFigure = (cell = ''): boolean => /^(-?\d.*|-|)$/.test(cell)
  const rule = header.map((_, i) => (i > 0 && rows.every((row) => isFigure(row[i])) ? '---:' : ':---'))
  return [line(header), line(rule), ...rows.map((row) => line(row.map(plain)))].join('\n')
}

/** Text that means itself in Markdown, in a table as well. */
export function plain(text: string): string {
  return text.replaceAll(/[\\|<>*_[\]]/g, (character) => `\\${character}`)
}

/** The commands that take figures again, each once. */
export function commandLines(commands: readonly string[]): string {
  return ['```sh', ...new Set(commands), '```'].join('\n')
}

/** A ratio with its spread. */
export function formatRatio(ratio: Spread | undefined): string {
  if (ratio === undefined) return ''
  return `${formatFigure(ratio.median)} times (${formatFigure(ratio.min)} - ${formatFigure(ratio.max)})`
}
