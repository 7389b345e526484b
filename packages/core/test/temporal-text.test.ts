import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Int64Writer,
  parseDate,
  parseTime,
  type TimestampTypeId,
  timestampDateWriter,
  timestampTextWriter,
} from '../src/encoder/temporal.ts'
import { dateText, timestampText, timestampValue, timeText } from '../src/encoder/temporal-text.ts'

const TIMESTAMP_IDS = ['TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS', 'TIMESTAMPTZ'] as const
const INFINITY = 2n ** 63n - 1n

function unitsOf<T>(write: Int64Writer<T>, value: T): bigint | undefined {
  const units = new BigInt64Array(1)
  return write(value, new Int32Array(units.buffer), 0) ? units[0] : undefined
}

describe('what a column holds', () => {
  it('becomes a Date or text that means the same: timestamps', () => {
    const micros = fc.bigInt({ min: -9_223_372_022_400_000_000n, max: INFINITY - 1n })
    const nanos = fc.bigInt({ min: -9_223_286_400_000_000_000n, max: INFINITY - 1n })
    const any: Record<TimestampTypeId, fc.Arbitrary<bigint>> = {
      TIMESTAMP: micros,
      TIMESTAMPTZ: micros,
      TIMESTAMP_MS: micros.map((value) => value / 1_000n),
      TIMESTAMP_S: micros.map((value) => value / 1_000_000n),
      TIMESTAMP_NS: nanos,
    }
    for (const id of TIMESTAMP_IDS) {
      const units = fc.oneof(any[id], fc.constantFrom(0n, -1n, 1n, INFINITY, -INFINITY))
      fc.assert(
        fc.property(units, (value) => {
          const back = timestampValue(id, value)
          const written =
            typeof back === 'string'
              ? unitsOf(timestampTextWriter(id), back)
              : unitsOf(timestampDateWriter(id), back)
          expect([back, written]).toEqual([back, value])
          expect(unitsOf(timestampTextWriter(id), timestampText(id, value))).toBe(value)
        }),
        { numRuns: 300 },
      )
    }
  })

  it('becomes text that means the same: dates and times', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -2_147_483_647, max: 2_147_483_647 }),
        fc.nat(86_400e6),
        (days, micros) => {
          expect(parseDate(dateText(days))).toBe(days)
          expect(parseTime(timeText(BigInt(micros)))).toBe(micros)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
