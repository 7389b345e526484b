import {
  DuckDBDateValue,
  DuckDBIntervalValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
} from '@duckdb/node-api'
import { Temporal, type TypeSamples } from './kinds.ts'

const AT = '2026-11-22 12:34:56'
const plain = (text: string) => Temporal.PlainDateTime.from(text)
const instant = (text: string) => Temporal.Instant.from(text)

/** A timestamp type without a zone, with so many digits of a second; `finer` has one more than it holds. */
function timestamp(type: string, digits: 0 | 3 | 6 | 9, isNanos = false): TypeSamples {
  const fraction = digits === 0 ? '' : `.${'0'.repeat(digits - 1)}1`
  const finer = `.${'0'.repeat(digits)}1`
  const units = (perSecond: bigint): bigint =>
    (BigInt(Date.UTC(2026, 10, 22, 12, 34, 56)) / 1_000n) * perSecond
  const early = isNanos ? '1677-09-22 00:00:00' : '290309-12-22 (BC) 00:00:00'
  return {
    type,
    cells: {
      Date: {
        takes: [
          [new Date(`${AT}Z`), AT],
          [new Date(-1_000), '1969-12-31 23:59:59'],
          ...(digits > 0 ? ([[new Date(`${AT}.5Z`), `${AT}.5`]] as const) : []),
          ...(isNanos ? [] : ([[new Date(-8.64e15), '271822-04-20 (BC) 00:00:00']] as const)),
        ],
        refuses: [
          new Date(Number.NaN),
          ...(digits === 0 ? [new Date(1)] : []),
          ...(isNanos ? [new Date(8.64e15)] : []),
        ],
      },
      string: {
        takes: [
          ...[AT, AT.replace(' ', 'T'), `${AT}Z`, `${AT}+00`, `${AT}.000000000000`].map(
            (text) => [text, AT] as const,
          ),
          [AT + fraction, AT + fraction],
          ['2026-11-22', '2026-11-22 00:00:00'],
          [early, early],
          ['infinity', 'infinity'],
          ['-infinity', '-infinity'],
          ['epoch', '1970-01-01 00:00:00'],
        ],
        refuses: [AT + finer, `${AT}+02`, '2026-02-30', `${AT} UTC`, 'now', '', '1', '294248-01-01 00:00:00'],
      },
      'Temporal.Instant': {
        takes: [
          [instant(`${AT}Z`), AT],
          [instant(`${AT}${fraction}+02:00`), `2026-11-22 10:34:56${fraction}`],
        ],
        refuses: [...(digits < 9 ? [instant(`${AT}${finer}Z`)] : [instant('-002000-01-01T00:00:00Z')])],
      },
      'Temporal.PlainDateTime': {
        takes: [
          [plain(AT + fraction), AT + fraction],
          ...(isNanos
            ? []
            : ([
                [plain('-000043-03-15T12:00'), '0044-03-15 (BC) 12:00:00'],
                [plain('+012026-11-22T00:00'), '12026-11-22 00:00:00'],
              ] as const)),
        ],
        refuses: [
          plain(AT).withCalendar('hebrew'),
          ...(digits < 9 ? [plain(AT + finer)] : [plain('-002000-01-01T00:00')]),
        ],
      },
      DuckDBTimestampValue: {
        takes: [
          [new DuckDBTimestampValue(units(1_000_000n)), AT],
          [DuckDBTimestampValue.PosInf, 'infinity'],
          [DuckDBTimestampValue.NegInf, '-infinity'],
        ],
        refuses: [
          new DuckDBTimestampValue(-(2n ** 63n)),
          ...(digits < 6 ? [new DuckDBTimestampValue(1n)] : []),
          ...(isNanos ? [DuckDBTimestampValue.Max] : []),
        ],
      },
      DuckDBTimestampSecondsValue: {
        takes: [
          [new DuckDBTimestampSecondsValue(units(1n)), AT],
          [DuckDBTimestampSecondsValue.PosInf, 'infinity'],
        ],
        refuses: [new DuckDBTimestampSecondsValue(10n ** 15n)],
      },
      DuckDBTimestampMillisecondsValue: {
        takes: [[new DuckDBTimestampMillisecondsValue(units(1_000n)), AT]],
        refuses: [
          new DuckDBTimestampMillisecondsValue(10n ** 18n),
          ...(digits < 3 ? [new DuckDBTimestampMillisecondsValue(1n)] : []),
        ],
      },
      DuckDBTimestampNanosecondsValue: {
        takes: [[new DuckDBTimestampNanosecondsValue(units(1_000_000_000n)), AT]],
        refuses:
          digits < 9
            ? [new DuckDBTimestampNanosecondsValue(1n)]
            : [new DuckDBTimestampNanosecondsValue(-(2n ** 63n))],
      },
    },
  }
}

export const TEMPORAL_SAMPLES: Readonly<
  Record<
    | 'DATE'
    | 'TIME'
    | 'TIME_NS'
    | 'TIMETZ'
    | 'TIMESTAMP'
    | 'TIMESTAMP_S'
    | 'TIMESTAMP_MS'
    | 'TIMESTAMP_NS'
    | 'TIMESTAMPTZ'
    | 'INTERVAL',
    TypeSamples
  >
> = {
  DATE: {
    type: 'DATE',
    cells: {
      Date: {
        takes: [
          [new Date(0), '1970-01-01'],
          [new Date(-8.64e15), '271822-04-20 (BC)'],
          [new Date('9999-12-31'), '9999-12-31'],
        ],
        refuses: [new Date(1), new Date(Number.NaN), new Date('2026-11-22T12:00:00Z')],
      },
      string: {
        takes: [
          ['2026-11-22', '2026-11-22'],
          ['0044-03-15 (BC)', '0044-03-15 (BC)'],
          ['-0043-03-15', '0044-03-15 (BC)'],
          ['5881580-07-10', '5881580-07-10'],
          ['infinity', 'infinity'],
          ['-infinity', '-infinity'],
          ['epoch', '1970-01-01'],
        ],
        refuses: ['', '2026-02-30', '2026-11-22 00:00:00', 'today', '22.11.2026', '5881580-07-12'],
      },
      'Temporal.PlainDate': {
        takes: [
          [Temporal.PlainDate.from('2026-11-22'), '2026-11-22'],
          [Temporal.PlainDate.from('-000043-03-15'), '0044-03-15 (BC)'],
          [Temporal.PlainDate.from('+012026-11-22'), '12026-11-22'],
        ],
        refuses: [Temporal.PlainDate.from('2026-11-22').withCalendar('japanese')],
      },
      DuckDBDateValue: {
        takes: [
          [new DuckDBDateValue(20_779), '2026-11-22'],
          [DuckDBDateValue.Min, '5877642-06-25 (BC)'],
          [DuckDBDateValue.PosInf, 'infinity'],
        ],
        refuses: [new DuckDBDateValue(0.5), new DuckDBDateValue(2 ** 40)],
      },
    },
  },
  TIME: {
    type: 'TIME',
    cells: {
      string: {
        takes: [
          ['12:34', '12:34:00'],
          ['12:34:56.789012', '12:34:56.789012'],
          ['24:00:00', '24:00:00'],
        ],
        refuses: ['', '12', '25:00:00', '12:34:56.7890123', '12:34:56+02', '12:34 PM'],
      },
      'Temporal.PlainTime': {
        takes: [
          [Temporal.PlainTime.from('12:34:56.789012'), '12:34:56.789012'],
          [new Temporal.PlainTime(), '00:00:00'],
        ],
        refuses: [Temporal.PlainTime.from('12:34:56.789012345')],
      },
      DuckDBTimeValue: {
        takes: [
          [new DuckDBTimeValue(1n), '00:00:00.000001'],
          [DuckDBTimeValue.Max, '24:00:00'],
        ],
        refuses: [new DuckDBTimeValue(-1n), new DuckDBTimeValue(86_400_000_001n)],
      },
      DuckDBTimeNSValue: {
        takes: [[new DuckDBTimeNSValue(1_000n), '00:00:00.000001']],
        refuses: [new DuckDBTimeNSValue(1n)],
      },
    },
  },
  TIME_NS: {
    type: 'TIME_NS',
    cells: {
      string: {
        takes: [
          ['12:34', '12:34:00'],
          ['12:34:56.789012345', '12:34:56.789012345'],
        ],
        refuses: ['', '12', '12:34:56.7890123456', '12:34:56+02'],
      },
      'Temporal.PlainTime': {
        takes: [[Temporal.PlainTime.from('12:34:56.789012345'), '12:34:56.789012345']],
      },
      DuckDBTimeValue: {
        takes: [[new DuckDBTimeValue(1n), '00:00:00.000001']],
        refuses: [new DuckDBTimeValue(-1n)],
      },
      DuckDBTimeNSValue: {
        takes: [[new DuckDBTimeNSValue(1n), '00:00:00.000000001']],
        refuses: [new DuckDBTimeNSValue(-1n)],
      },
    },
  },
  TIMETZ: {
    type: 'TIMETZ',
    cells: {
      string: {
        takes: [
          ['12:34:56Z', '12:34:56+00'],
          ['12:34:56.789012+02:30', '12:34:56.789012+02:30'],
          ['24:00:00-15:59:59', '24:00:00-15:59:59'],
        ],
        refuses: ['', '12:34:56', '12:34+02', '12:34:56+16', '12:34:56.7890123Z'],
      },
      DuckDBTimeTZValue: {
        takes: [
          [DuckDBTimeTZValue.fromMicrosAndOffset(45_296_000_001n, 9_000), '12:34:56.000001+02:30'],
          [DuckDBTimeTZValue.Max, '24:00:00-15:59:59'],
          [DuckDBTimeTZValue.Min, '00:00:00+15:59:59'],
        ],
        refuses: [DuckDBTimeTZValue.fromMicrosAndOffset(0n, 57_600), new DuckDBTimeTZValue(0n, 0n, 0.5)],
      },
    },
  },
  TIMESTAMP: timestamp('TIMESTAMP', 6),
  TIMESTAMP_S: timestamp('TIMESTAMP_S', 0),
  TIMESTAMP_MS: timestamp('TIMESTAMP_MS', 3),
  TIMESTAMP_NS: timestamp('TIMESTAMP_NS', 9, true),
  TIMESTAMPTZ: {
    type: 'TIMESTAMPTZ',
    printed: `(value AT TIME ZONE 'UTC')::VARCHAR`,
    cells: {
      Date: {
        takes: [
          [new Date(`${AT}Z`), AT],
          [new Date(1), '1970-01-01 00:00:00.001'],
        ],
        refuses: [new Date(Number.NaN)],
      },
      string: {
        takes: [
          [`${AT}Z`, AT],
          [`${AT}.000001+02:30`, '2026-11-22 10:04:56.000001'],
          ['infinity', 'infinity'],
          ['-infinity', '-infinity'],
        ],
        refuses: ['', AT, '2026-11-22', `${AT}.0000001Z`, `${AT}+16`, `${AT} UTC`],
      },
      'Temporal.Instant': {
        takes: [[instant(`${AT}.000001Z`), `${AT}.000001`]],
        refuses: [instant(`${AT}.000000001Z`)],
      },
      'Temporal.ZonedDateTime': {
        takes: [[Temporal.ZonedDateTime.from('2026-11-22T12:34:56[Europe/Vienna]'), '2026-11-22 11:34:56']],
        refuses: [Temporal.ZonedDateTime.from('2026-11-22T12:34:56.000000001[UTC]')],
      },
      DuckDBTimestampTZValue: {
        takes: [
          [new DuckDBTimestampTZValue(1n), '1970-01-01 00:00:00.000001'],
          [DuckDBTimestampTZValue.NegInf, '-infinity'],
        ],
        refuses: [new DuckDBTimestampTZValue(-(2n ** 63n))],
      },
    },
  },
  INTERVAL: {
    type: 'INTERVAL',
    cells: {
      object: {
        takes: [
          [{ months: 14, days: -3, micros: 1n }, '1 year 2 months -3 days 00:00:00.000001'],
          [{ days: 1 }, '1 day'],
        ],
        refuses: [{}, { days: 1.5 }, { years: 1 }, { days: 2 ** 31 }, { micros: 2n ** 63n }],
      },
      string: {
        takes: [
          ['1 year 2 days 03:04:05.678', '1 year 2 days 03:04:05.678'],
          ['-1 Day', '-1 day'],
          ['1 century 3 quarters', '100 years 9 months'],
          ['2 ms 1.5s', '00:00:01.502'],
          ['01:02', '01:02:00'],
        ],
        refuses: ['', 'soon', '1', '1.5 days', '1.0000001 seconds', 'P1D', '1 fortnight', '1 day ago'],
      },
      'Temporal.Duration': {
        takes: [
          [Temporal.Duration.from('P1Y2M1W3DT4H5M6.789012S'), '1 year 2 months 10 days 04:05:06.789012'],
          [Temporal.Duration.from('-PT1.5S'), '-00:00:01.5'],
          [Temporal.Duration.from({ seconds: 1, nanoseconds: 1_000_000 }), '00:00:01.001'],
        ],
        refuses: [Temporal.Duration.from({ nanoseconds: 1 }), Temporal.Duration.from({ days: 2 ** 31 })],
      },
      DuckDBIntervalValue: {
        takes: [[new DuckDBIntervalValue(14, -3, 1n), '1 year 2 months -3 days 00:00:00.000001']],
      },
    },
  },
}
