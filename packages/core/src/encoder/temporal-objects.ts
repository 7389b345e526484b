import type { TemporalKind } from '@ducksink/worker'

/** What is read of a Temporal object; each kind has only some of it. */
interface TemporalObject {
  toString(): string
  toInstant(): TemporalObject
  readonly [unit: string]: unknown
}

const MONTHS = { years: 12n, months: 1n } as const
const DAYS = { weeks: 7n, days: 1n } as const
const NANOS = {
  hours: 3_600_000_000_000n,
  minutes: 60_000_000_000n,
  seconds: 1_000_000_000n,
  milliseconds: 1_000_000n,
  microseconds: 1_000n,
  nanoseconds: 1n,
} as const

/**
 * What a Temporal object stands for: text, which the column's type reads as any other, or the parts of an INTERVAL.
 *
 * Its text names its calendar unless that is ISO 8601, and no type reads that.
 * @see https://tc39.es/proposal-temporal/docs/
 */
export function plainTemporal(kind: TemporalKind, value: object): unknown {
  const temporal = value as TemporalObject
  switch (kind) {
    case 'Temporal.Instant':
    case 'Temporal.PlainDateTime':
    case 'Temporal.PlainDate':
    case 'Temporal.PlainTime':
      return isoText(temporal)
    case 'Temporal.ZonedDateTime':
      return isoText(temporal.toInstant())
    case 'Temporal.Duration':
      return durationParts(temporal) ?? value
    default:
      return value
  }
}

/** ISO 8601 has a plus before years after 9999, and DuckDB has none. */
function isoText(value: TemporalObject): string {
  return value.toString().replace(/^\+/, '')
}

/** The parts of an INTERVAL; undefined where the duration is finer than a microsecond. */
function durationParts(duration: TemporalObject): Record<string, bigint> | undefined {
  const nanos = sum(duration, NANOS)
  if (nanos % 1_000n !== 0n) return undefined
  return { months: sum(duration, MONTHS), days: sum(duration, DAYS), micros: nanos / 1_000n }
}

function sum(duration: TemporalObject, weights: Readonly<Record<string, bigint>>): bigint {
  let total = 0n
  for (const [unit, weight] of Object.entries(weights)) total += BigInt(duration[unit] as number) * weight
  return total
}
