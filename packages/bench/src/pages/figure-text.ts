import { formatFigure } from '../text-table.ts'

/** A count as short as an axis wants it: `500`, `20k`, `1.5M`. */
export function shortCount(value: number): string {
  if (value >= 1e6) return `${trim(value / 1e6)}M`
  return value >= 1e3 ? `${trim(value / 1e3)}k` : trim(value)
}

/** A duration in milliseconds with its unit. */
export function shortMs(value: number): string {
  if (value >= 1e3) return `${trim(value / 1e3)} s`
  return `${trim(value)} ms`
}

/** At most three digits, and no zeros at the end. */
function trim(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** A rate in millions or thousands of rows a second. */
export function formatRate(rowsPerSecond: number): string {
  return rowsPerSecond >= 1e5
    ? `${formatFigure(rowsPerSecond / 1e6)} M`
    : `${formatFigure(rowsPerSecond / 1e3)} k`
}

export function formatMib(bytes: number): string {
  return formatFigure(bytes / 2 ** 20)
}
