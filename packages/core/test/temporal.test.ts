import { type DuckDBConnection, DuckDBInstance, listValue } from '@duckdb/node-api'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { writeInt64 } from '../src/encoder/integer-words.ts'
import {
  daysOfDate,
  parseDate,
  parseTime,
  parseTimeNanos,
  timestampDateWriter,
  timestampTextWriter,
} from '../src/encoder/temporal.ts'
import { dateValue, timestampText, timestampValue } from '../src/encoder/temporal-text.ts'
import { writeTimeWithZone } from '../src/encoder/time-writers.ts'

const TIMESTAMP_IDS = ['TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS', 'TIMESTAMPTZ'] as const
const INFINITY = 2n ** 63n - 1n

let connection: DuckDBConnection

beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:')
  connection = await instance.connect()
  // what is written must not depend on the session's zone
  await connection.run("SET TimeZone = 'America/New_York'")
})

/** What DuckDB reads each text as, in the type's own units; undefined where it refuses. */
async function readByDuckDB(texts: readonly string[], type: string): Promise<(bigint | undefined)[]> {
  const sql = `SELECT TRY_CAST(x AS ${type}) FROM (SELECT unnest($1::VARCHAR[]) AS x)`
  const reader = await connection.runAndReadAll(sql, [listValue([...texts])])
  return reader.getRows().map(([value]) => {
    const units = Object.values(value ?? {}).find(
      (part) => typeof part === 'bigint' || typeof part === 'number',
    )
    return units === undefined ? undefined : BigInt(units as bigint | number)
  })
}

function unitsOf<T>(
  write: (value: T, words: Int32Array, at: number) => boolean,
  value: T,
): bigint | undefined {
  const units = new BigInt64Array(3).fill(7n)
  const written = write(value, new Int32Array(units.buffer), 2)
  expect([units[0], units[2]]).toEqual([7n, 7n])
  if (!written) expect(units[1]).toBe(7n)
  return written ? units[1] : undefined
}

const zonedTime = (text: string): bigint | undefined =>
  unitsOf((value: string, words, at) => writeTimeWithZone(value, words, at) === undefined, text)

const digits = (length: number) =>
  fc.nat(10 ** length - 1).map((value) => String(value).padStart(length, '0'))
const often = <T>(common: fc.Arbitrary<T>, ...rare: fc.Arbitrary<T>[]) =>
  fc.oneof({ arbitrary: common, weight: 8 }, ...rare.map((arbitrary) => ({ arbitrary, weight: 1 })))
const word = (...words: string[]) => fc.constantFrom(...words)
const joined = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(''))

const year = often(
  fc.integer({ min: 1600, max: 2300 }).map(String),
  digits(4),
  fc.integer({ min: 10_000, max: 6_000_000 }).map(String),
  word(
    '-',
    '-0001',
    '-290308',
    '0000',
    '290309',
    '294247',
    '5881580',
    '5877642',
    '1677',
    '2262',
    '12',
    '+2020',
  ),
)
const twoDigits = often(
  fc.integer({ min: 1, max: 30 }).map((n) => String(n).padStart(2, '0')),
  digits(2),
  word('1', ''),
)
const era = often(word(''), word(' (BC)', '(BC)', ' (bc)'))
const date = joined(year, word('-', '-', '-', '/'), twoDigits, word('-'), twoDigits, era)
const fraction = often(
  word(''),
  digits(1).map((text) => `.${text}`),
  digits(3).map((text) => `.${text}`),
  digits(6).map((text) => `.${text}`),
  digits(9).map((text) => `.${text}`),
  word('.', '.5000000', '.1234567890', '.1234567891', '.999999999', ',5'),
)
const hours = often(
  fc.integer({ min: 0, max: 23 }).map((n) => String(n).padStart(2, '0')),
  word('24', '25', '1'),
)
const sixty = often(
  fc.integer({ min: 0, max: 59 }).map((n) => String(n).padStart(2, '0')),
  word('60', '1'),
)
const time = often(
  joined(hours, word(':'), sixty, word(':'), sixty, fraction),
  joined(hours, word(':'), sixty),
)
const offset = often(
  word('', 'Z'),
  word('+00', '-00:00', ' Z', 'z', '+2', ' UTC', '+16', '+0230', '-02:3', '+02:30:15', '-15:59:59'),
  joined(word('+', '-'), digits(2)),
  joined(word('+', '-'), digits(2), word(':'), digits(2)),
)
const named = word('infinity', '-infinity', 'epoch', 'today', '', ' ')
const timestamp = often(joined(date, word(' ', 'T', 'T', 't', '  '), time, offset), date, named)

describe.each([
  ['DATE', often(date, named, timestamp), (text: string) => parseDate(text)],
  ['TIME', often(time, joined(time, offset), named), (text: string) => parseTime(text)],
  ['TIME_NS', often(time, joined(time, offset), named), (text: string) => parseTimeNanos(text)],
])('text as %s', (type, texts, parse) => {
  it('means what DuckDB takes it for, or is refused', async () => {
    let accepted = 0
    const property = fc.asyncProperty(fc.array(texts, { minLength: 50, maxLength: 50 }), async (batch) => {
      const theirs = await readByDuckDB(batch, type)
      for (const [i, text] of batch.entries()) {
        const ours = parse(text)
        if (ours === undefined) continue
        accepted++
        expect([text, BigInt(ours)]).toEqual([text, theirs[i]])
      }
    })
    await fc.assert(property, { numRuns: 30 })
    expect(accepted).toBeGreaterThan(300)
  })
})

describe.each(TIMESTAMP_IDS)('text as %s', (id) => {
  const write = timestampTextWriter(id)

  it('means what DuckDB takes it for, or is refused', async () => {
    let accepted = 0
    const property = fc.asyncProperty(
      fc.array(timestamp, { minLength: 50, maxLength: 50 }),
      async (batch) => {
        const theirs = await readByDuckDB(batch, id)
        for (const [i, text] of batch.entries()) {
          const ours = unitsOf(write, text)
          if (ours === undefined) continue
          accepted++
          expect([text, ours]).toEqual([text, theirs[i]])
        }
      },
    )
    await fc.assert(property, { numRuns: 60 })
    expect(accepted).toBeGreaterThan(150)
  })

  it('is refused where it has more digits than the column', () => {
    const zone = id === 'TIMESTAMPTZ' ? 'Z' : ''
    const most = { TIMESTAMP: 6, TIMESTAMP_S: 0, TIMESTAMP_MS: 3, TIMESTAMP_NS: 9, TIMESTAMPTZ: 6 }[id]
    const second = '2026-11-22 12:34:56.'
    expect(unitsOf(write, `${second}${'0'.repeat(most)}1${zone}`)).toBeUndefined()
    expect(unitsOf(write, `${second}${'1'.repeat(most)}0000000000${zone}`)).toBeDefined()
  })

  it('reaches to both ends of what DuckDB reads, and no further', async () => {
    const zone = id === 'TIMESTAMPTZ' ? '+00' : ''
    const ends = [
      '290309-12-22 (BC) 00:00:00',
      '1677-09-22 00:00:00',
      '2262-04-11 23:47:16',
      '294247-01-10 04:00:54',
    ]
    const fractions = ['', '.7', '.775', '.775806', '.775807', '.854', '.854775', '.854775806', '.854775807']
    const beyond = [
      '290309-12-21 (BC) 23:59:59',

      '2262-04-11 23:47:17',
      '294247-01-10 04:00:55',
    ]
    const most = { TIMESTAMP: 7, TIMESTAMP_S: 0, TIMESTAMP_MS: 4, TIMESTAMP_NS: 10, TIMESTAMPTZ: 7 }[id]
    const texts = [...ends, ...beyond]
      .flatMap((text) => fractions.filter((part) => part.length <= most).map((part) => text + part))
      .map((text) => text + zone)
    const theirs = await readByDuckDB(texts, id)
    expect(texts.map((text) => [text, unitsOf(write, text)])).toEqual(
      texts.map((text, i) => [text, theirs[i]]),
    )
  })

  it('holds no nanoseconds that DuckDB reads and cannot print', () => {
    const written = unitsOf(write, `1677-09-21 23:59:59${id === 'TIMESTAMPTZ' ? 'Z' : ''}`)
    expect(written !== undefined).toBe(id !== 'TIMESTAMP_NS')
  })

  it('knows infinity', async () => {
    const texts = ['infinity', '-infinity', 'epoch']
    expect(texts.map((text) => unitsOf(write, text))).toEqual([INFINITY, -INFINITY, 0n])
    expect(await readByDuckDB(texts, id)).toEqual([INFINITY, -INFINITY, 0n])
  })
})

describe('an offset', () => {
  it('is needed by TIMESTAMPTZ, whatever the zone of the session', () => {
    const write = timestampTextWriter('TIMESTAMPTZ')
    expect(unitsOf(write, '2026-11-22T12:00:00+02:30')).toBe(BigInt(Date.UTC(2026, 10, 22, 9, 30)) * 1_000n)
    expect(unitsOf(write, '2026-11-22T12:00:00')).toBeUndefined()
    expect(unitsOf(write, '2026-11-22')).toBeUndefined()
  })

  it('other than zero is refused where DuckDB would drop it (TIMESTAMP) or apply it (TIMESTAMP_NS)', async () => {
    const texts = ['2026-11-22T12:00:00Z', '2026-11-22T12:00:00+02:00']
    for (const id of ['TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS'] as const) {
      const [utc, ahead] = texts.map((text) => unitsOf(timestampTextWriter(id), text))
      const [theirUtc, theirAhead] = await readByDuckDB(texts, id)
      expect([utc, ahead]).toEqual([theirUtc, undefined])
      expect(theirAhead === theirUtc).toBe(id !== 'TIMESTAMP_NS')
    }
  })

  it('is needed by TIMETZ', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(joined(time, offset), { minLength: 50, maxLength: 50 }), async (batch) => {
        const accepted = batch.filter((text) => zonedTime(text) !== undefined)
        const theirs = await readByDuckDB(
          accepted.map((text) => text.replace('Z', '+00')),
          'TIMETZ',
        )
        expect(accepted.map(zonedTime)).toEqual(theirs)
      }),
      { numRuns: 20 },
    )
    const refused = ['12:00:00', '12:00+02', '12:00:00.1234567Z', '12:00:00+16']
    expect(refused.map(zonedTime)).toEqual(refused.map(() => undefined))
  })
})

describe.each(TIMESTAMP_IDS)('a Date as %s', (id) => {
  const write = timestampDateWriter(id)
  const perSecond = {
    TIMESTAMP: 1_000_000n,
    TIMESTAMP_S: 1n,
    TIMESTAMP_MS: 1_000n,
    TIMESTAMP_NS: 1_000_000_000n,
  }
  const units = id === 'TIMESTAMPTZ' ? perSecond.TIMESTAMP : perSecond[id]

  it('is written exactly, or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.date(), fc.date({ min: new Date(-1e13), max: new Date(1e13) })), (value) => {
        const exact = BigInt.asIntN(64, (BigInt(value.getTime() || 0) * units) / 1_000n)
        const isWhole = id !== 'TIMESTAMP_S' || value.getTime() % 1_000 === 0
        const isInside = id !== 'TIMESTAMP_NS' || Math.abs(value.getTime()) < 9.22e12
        const written = unitsOf(write, value)
        if (Number.isNaN(value.getTime()) || !isWhole) expect(written).toBeUndefined()
        else if (isInside) expect(written).toBe(exact)
      }),
      { numRuns: 1_000 },
    )
  })

  it('comes back as itself', () => {
    const dates = [0, -1_000, 8.64e15, -8.64e15, 1.7e12, -62_167_219_201_000].map(
      (millis) => new Date(millis),
    )
    for (const value of dates) {
      const written = unitsOf(write, value)
      if (written !== undefined) expect(timestampValue(id, written)).toEqual(value)
      if (written !== undefined) {
        expect(unitsOf(timestampTextWriter(id), timestampText(id, written))).toBe(written)
      }
    }
  })

  it('is refused when it is invalid', () => {
    expect(unitsOf(write, new Date(Number.NaN))).toBeUndefined()
  })
})

describe('a Date as DATE', () => {
  it('is its day where it is midnight in UTC, else refused', () => {
    expect(daysOfDate(new Date('2026-11-22'))).toBe(20_779)
    expect(daysOfDate(new Date('1969-12-31'))).toBe(-1)
    expect(daysOfDate(new Date('2026-11-22T00:00:00.001Z'))).toBeUndefined()
    expect(daysOfDate(new Date(Number.NaN))).toBeUndefined()
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        expect(daysOfDate(new Date(days * 86_400_000))).toBe(days)
        expect(dateValue(days)).toEqual(new Date(days * 86_400_000))
      }),
    )
  })
})

describe('a safe integer', () => {
  it('is written as an int64', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const units = new BigInt64Array(1)
        writeInt64(value, new Int32Array(units.buffer), 0)
        expect(units[0]).toBe(BigInt(value))
      }),
    )
  })
})

it('a Date in the last second of TIMESTAMP_NS is refused where its milliseconds do not fit', () => {
  const write = timestampDateWriter('TIMESTAMP_NS')
  const words = new Int32Array(2)
  expect(write(new Date('2262-04-11T23:47:16.854Z'), words, 0)).toBe(true)
  expect(write(new Date('2262-04-11T23:47:16.855Z'), words, 0)).toBe(false)
})
