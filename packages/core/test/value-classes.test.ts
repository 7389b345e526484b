import {
  DuckDBBitValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  DuckDBUUIDValue,
} from '@duckdb/node-api'
import { parseLogicalType } from '@ducksink/worker'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Temporal } from './coercion-samples/kinds.ts'
import { writeAndReadBack } from './read-back.ts'
import type { Sample } from './typed-values.ts'

const MICROS = { min: -9_223_372_022_400_000_000n, max: 2n ** 63n - 2n }
const micros = fc.oneof(fc.bigInt(MICROS), fc.constantFrom(0n, -1n, MICROS.min, MICROS.max, 2n ** 63n - 1n))
const within = (min: bigint, max: bigint) => fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max))
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const int64 = within(-(2n ** 63n), 2n ** 63n - 1n)
const day = within(0n, 86_400_000_000n)

const of = <T>(
  values: fc.Arbitrary<T>,
  given: (value: T) => unknown,
  expected: (value: T) => unknown = String,
) => values.map((value): Sample => ({ given: given(value), expected: expected(value) }))

/** Nanoseconds since 1970 that Temporal reaches, of so many nanoseconds each. */
const instants = (unit: bigint) =>
  within(-8_640_000_000_000_000_000_000n / unit, 8_640_000_000_000_000_000_000n / unit)
const instant = (nanos: bigint) => Temporal.Instant.fromEpochNanoseconds(nanos)
const dateTime = (nanos: bigint) => instant(nanos).toZonedDateTimeISO('UTC').toPlainDateTime()

const CLASSES: readonly (readonly [name: string, type: string, samples: fc.Arbitrary<Sample>])[] = [
  [
    'DuckDBDecimalValue',
    'DECIMAL(38,10)',
    of(within(-(10n ** 38n) + 1n, 10n ** 38n - 1n), (n) => new DuckDBDecimalValue(n, 38, 10)),
  ],
  [
    'DuckDBDecimalValue',
    'HUGEINT',
    of(within(-(10n ** 37n), 10n ** 37n), (n) => new DuckDBDecimalValue(n * 10n, 38, 1)),
  ],
  ['DuckDBUUIDValue', 'UUID', of(within(0n, 2n ** 128n - 1n).map(DuckDBUUIDValue.fromUint128), (id) => id)],
  ['DuckDBBitValue', 'BIT', of(fc.stringMatching(/^[01]{1,40}$/), DuckDBBitValue.fromString)],
  [
    'DuckDBDateValue',
    'DATE',
    of(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), (days) => new DuckDBDateValue(days)),
  ],
  ['DuckDBTimeValue', 'TIME', of(day, (n) => new DuckDBTimeValue(n))],
  ['DuckDBTimeNSValue', 'TIME_NS', of(within(0n, 86_399_999_999_999n), (n) => new DuckDBTimeNSValue(n))],
  ['DuckDBTimestampValue', 'TIMESTAMP', of(micros, (n) => new DuckDBTimestampValue(n))],
  ['DuckDBTimestampTZValue', 'TIMESTAMPTZ', of(micros, (n) => new DuckDBTimestampTZValue(n))],
  [
    'DuckDBTimestampMillisecondsValue',
    'TIMESTAMP_MS',
    of(within(MICROS.min / 1_000n, MICROS.max / 1_000n), (n) => new DuckDBTimestampMillisecondsValue(n)),
  ],
  [
    'DuckDBTimestampSecondsValue',
    'TIMESTAMP',
    of(
      within(MICROS.min / 1_000_000n, 9_223_372_036_854n),
      (n) => new DuckDBTimestampSecondsValue(n),
      (n) => `${n * 1_000_000n}`,
    ),
  ],
  [
    'DuckDBTimestampNanosecondsValue',
    'TIMESTAMP_NS',
    of(within(-9_223_286_400_000_000_000n, 2n ** 63n - 1n), (n) => new DuckDBTimestampNanosecondsValue(n)),
  ],
  [
    'DuckDBIntervalValue',
    'INTERVAL',
    of(
      fc.tuple(int32, int32, int64),
      (parts) => new DuckDBIntervalValue(...parts),
      (parts) => parts.join(' '),
    ),
  ],
  ['Temporal.Instant', 'TIMESTAMPTZ', of(instants(1_000n), (n) => instant(n * 1_000n))],
  ['Temporal.Instant', 'TIMESTAMP_S', of(instants(1_000_000_000n), (n) => instant(n * 1_000_000_000n))],
  [
    'Temporal.ZonedDateTime',
    'TIMESTAMPTZ',
    of(instants(1_000n), (n) => instant(n * 1_000n).toZonedDateTimeISO('+02:30')),
  ],
  ['Temporal.PlainDateTime', 'TIMESTAMP', of(instants(1_000n), (n) => dateTime(n * 1_000n))],
  [
    'Temporal.PlainDateTime',
    'TIMESTAMP_NS',
    of(within(-9_223_286_400_000_000_000n, 2n ** 63n - 2n), dateTime),
  ],
  [
    'Temporal.PlainDate',
    'DATE',
    of(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) =>
      dateTime(BigInt(days) * 86_400_000_000_000n).toPlainDate(),
    ),
  ],
  ['Temporal.PlainTime', 'TIME', of(within(0n, 86_399_999_999n), (n) => dateTime(n * 1_000n).toPlainTime())],
  ['Temporal.PlainTime', 'TIME_NS', of(within(0n, 86_399_999_999_999n), (n) => dateTime(n).toPlainTime())],
  [
    'Temporal.Duration',
    'INTERVAL',
    of(
      fc.tuple(
        fc.nat(1e8),
        fc.nat(1e8),
        fc.nat(1e8),
        fc.nat(1e8),
        fc.nat(1e8),
        fc.nat(1e12),
        fc.constantFrom(1, -1),
      ),
      ([years, months, weeks, days, hours, microseconds, sign]) => {
        const duration = Temporal.Duration.from({ years, months, weeks, days, hours, microseconds })
        return sign > 0 ? duration : duration.negated()
      },
      ([years, months, weeks, days, hours, microseconds, sign]) => {
        const micros = BigInt(hours) * 3_600_000_000n + BigInt(microseconds)
        return `${sign * (years * 12 + months)} ${sign * (weeks * 7 + days)} ${micros * BigInt(sign)}`
      },
    ),
  ],
]

describe('what stands for a value of DuckDB is that value:', () => {
  it('500 of each class', async () => {
    const batches = fc.tuple(
      ...CLASSES.map(([, , samples]) => fc.array(samples, { minLength: 500, maxLength: 500 })),
    )
    const property = fc.asyncProperty(batches, async (all) => {
      const columns = all.map((samples, i) => ({
        type: parseLogicalType((CLASSES[i] as (typeof CLASSES)[number])[1]),
        values: samples.map(({ given }) => given),
      }))
      expect(await writeAndReadBack(columns)).toEqual(
        all.map((samples) => samples.map(({ expected }) => expected)),
      )
    })
    await fc.assert(property, { numRuns: 1 })
  })

  it('a DuckDBTimeTZValue keeps its offset', async () => {
    const offsets = fc.oneof(fc.integer({ min: -57_599, max: 57_599 }), fc.constantFrom(0, -1, 57_599))
    const times = fc.array(fc.tuple(day, offsets), { minLength: 500, maxLength: 500 })
    const property = fc.asyncProperty(times, async (given) => {
      const values = given.map((parts) => DuckDBTimeTZValue.fromMicrosAndOffset(...parts))
      const [bits] = await writeAndReadBack([{ type: { id: 'TIMETZ' }, values }])
      expect(bits).toEqual(values.map((value) => String(value.bits)))
    })
    await fc.assert(property, { numRuns: 1 })
  })
})
