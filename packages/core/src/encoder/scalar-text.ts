import { isDate } from './native-date.ts'
import { timestampText } from './temporal-text.ts'

/** The text of a number, bigint, boolean or Date, which DuckDB's cast reads back as the same; of nothing else. */
export function scalarText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      return isDate(value) ? dateText(value) : undefined
  }
}

function dateText(date: Date): string | undefined {
  const millis = date.getTime()
  return Number.isNaN(millis) ? undefined : timestampText('TIMESTAMP', BigInt(millis) * 1_000n)
}
