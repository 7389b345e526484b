import type { DuckDBConnection } from '@duckdb/node-api'
import { type LogicalType, parseLogicalType } from '@ducksink/worker'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { textFormOf } from '../src/encoder/literal.ts'
import { Refusal } from '../src/encoder/refusal.ts'
import { castByDuckDB, connect } from './read-back.ts'
import { isCarried, nestedType, type Sample, samplesOf, scalarType } from './typed-values.ts'

let connection: DuckDBConnection

beforeAll(async () => {
  connection = await connect()
})

async function expectExact(type: LogicalType, samples: readonly Sample[]): Promise<void> {
  const form = textFormOf(type)
  const texts = samples.map(({ given }) => {
    const text = form(given)
    if (text instanceof Refusal) throw new Error(`refused: ${text.expected}`)
    return text
  })
  expect(await castByDuckDB(connection, type, texts)).toEqual(samples.map(({ expected }) => expected))
}

const typed = (types: fc.Arbitrary<LogicalType>, count: number) =>
  types
    .filter((type) => isCarried(type))
    .chain((type) =>
      fc.record({
        type: fc.constant(type),
        samples: fc.array(samplesOf(type), { minLength: count, maxLength: count }),
      }),
    )

describe('a value comes back from DuckDB as itself', () => {
  it.each([
    ...[
      'BOOLEAN',
      'TINYINT',
      'SMALLINT',
      'INTEGER',
      'BIGINT',
      'HUGEINT',
      'UTINYINT',
      'USMALLINT',
      'UINTEGER',
    ],
    ...[
      'UBIGINT',
      'UHUGEINT',
      'BIGNUM',
      'FLOAT',
      'DOUBLE',
      'VARCHAR',
      'JSON',
      'BLOB',
      'BIT',
      'UUID',
      'DATE',
      'TIME',
    ],
    ...[
      'TIME_NS',
      'TIMETZ',
      'TIMESTAMP',
      'TIMESTAMP_S',
      'TIMESTAMP_MS',
      'TIMESTAMP_NS',
      'TIMESTAMPTZ',
      'INTERVAL',
    ],
    ...['DECIMAL(1,0)', 'DECIMAL(4,4)', 'DECIMAL(18,3)', 'DECIMAL(38,0)', 'DECIMAL(38,10)', 'DECIMAL(38,38)'],
    ...[`ENUM('a', 'A', '', 'NULL', 'b''c', '"]}')`],
  ])('%s, alone and in a list', async (name) => {
    const type = parseLogicalType(name)
    const property = fc.asyncProperty(
      fc.array(samplesOf(type), { minLength: 60, maxLength: 60 }),
      async (samples) => {
        await expectExact(type, samples)
        const given = samples.map((sample) => sample.given)
        const list: LogicalType = { id: 'LIST', element: type }
        await expectExact(list, [{ given, expected: samples.map((sample) => sample.expected) }])
      },
    )
    await fc.assert(property, { numRuns: 10 })
  })

  it('random scalar types', async () => {
    const property = fc.asyncProperty(typed(scalarType, 5), ({ type, samples }) => expectExact(type, samples))
    await fc.assert(property, { numRuns: 200 })
  })

  it('random nested types', async () => {
    const property = fc.asyncProperty(typed(nestedType, 3), ({ type, samples }) => expectExact(type, samples))
    await fc.assert(property, { numRuns: 600 })
  })
})

describe('text', () => {
  const numbers = fc
    .tuple(
      fc.constantFrom('', '-', '+', ' '),
      fc.oneof(fc.stringMatching(/^\d{0,3}$/), fc.stringMatching(/^\d{0,20}$/)),
      fc.constantFrom('', '.', '.5', '.00', '.123456', '.00000000000000000001', '.99999999999999999999'),
      fc.constantFrom('', '', '', 'e3', 'e-3', '_1', ' '),
    )
    .map((parts) => parts.join(''))
  const intervals = fc
    .tuple(
      fc.array(
        fc
          .tuple(
            fc.constantFrom(
              '1',
              '-1',
              '0',
              '2147483647',
              '2147483648',
              '1.5',
              '-0.5',
              '1.123456',
              '1.1234567',
            ),
            fc.constantFrom(
              'year',
              'mons',
              'day',
              'weeks',
              'hours',
              'minute',
              'seconds',
              'microsecond',
              ...'s sec ms msecs us usec m min mins h hr hrs d w weeks quarter y yr yrs mon months'.split(
                ' ',
              ),
              ...'DECADE decs century centuries cent c millennium mil mils'.split(' '),
            ),
          )
          .map((parts) => parts.join(' ')),
        { maxLength: 3 },
      ),
      fc.constantFrom(
        '',
        '04:05:06',
        '-04:05:06.789',
        '25:00:00',
        '1:2:3',
        '04:60:00',
        '00:00:00.1234567',
        '04:05',
      ),
    )
    .map(([amounts, clock]) => [...amounts, clock].filter((part) => part !== '').join(' '))
  const uuids = fc.tuple(fc.uuid(), fc.nat(5)).map(([id, form]) => {
    return [id, id.toUpperCase(), id.replaceAll('-', ''), `{${id}}`, id.replace('-', ''), `{${id}`][
      form
    ] as string
  })

  const blobs = fc
    .array(fc.constantFrom('a', '\\xff', '\\x0A', '\\', '\\x', '\\n', 'é', '\0', "'", '\x7f'), {
      maxLength: 4,
    })
    .map((parts) => parts.join(''))

  it.each([
    ...[
      'DECIMAL(5,2)',
      'DECIMAL(38,10)',
      'HUGEINT',
      'BIGNUM',
      'UBIGINT[]',
      'DOUBLE[]',
      'FLOAT[]',
      'TINYINT[]',
    ].map((name): [string, fc.Arbitrary<string>] => [name, numbers]),
    ['INTERVAL', intervals] as const,
    ['UUID', uuids] as const,
    [
      'BOOLEAN',
      fc.constantFrom(...'true T yes Y 1 FALSE f No n 0 on off 2'.split(' '), '', ' true'),
    ] as const,
    ['BLOB', blobs] as const,
    ['BIT', fc.stringMatching(/^[012 ]{0,4}$/)] as const,
  ])('as %s means what DuckDB takes it for, or is refused', async (name, texts) => {
    const type = parseLogicalType(name)
    const form = textFormOf(type)
    let compared = 0
    const property = fc.asyncProperty(fc.array(texts, { minLength: 40, maxLength: 40 }), async (batch) => {
      const inList = (text: string): unknown => (type.id === 'LIST' ? [text] : text)
      const accepted = batch.filter((text) => typeof form(inList(text)) === 'string')
      const ours = await castByDuckDB(
        connection,
        type,
        accepted.map((text) => form(inList(text)) as string),
      )
      const literals = accepted.map((text) => (type.id === 'LIST' ? `[${text}]` : text))
      const theirs = await castByDuckDB(connection, type, literals, 'TRY_CAST')
      for (const [i, value] of theirs.entries()) {
        // DuckDB reads no 7000e-3 as DECIMAL(5,2), and no -.00 as UBIGINT
        if (value === null || (Array.isArray(value) && value[0] === null)) continue
        compared++
        expect([accepted[i], ours[i]]).toEqual([accepted[i], value])
      }
    })
    await fc.assert(property, { numRuns: 15 })
    expect(compared).toBeGreaterThan(0)
  })
})

describe('any value at all', () => {
  it('is carried or refused, and never breaks', async () => {
    const any = fc.anything({
      ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true },
      ...{ withSparseArray: true, withNullPrototype: true, withBoxedValues: true },
    })
    const property = fc.asyncProperty(
      fc.oneof(scalarType, nestedType),
      fc.array(any),
      async (type, values) => {
        const texts = values.filter((value) => value !== null).map(textFormOf(type))
        const carried = texts.filter((text) => typeof text === 'string')
        expect(texts.every((text) => typeof text === 'string' || text.expected !== '')).toBe(true)
        if (carried.length > 0)
          expect(await castByDuckDB(connection, type, carried)).toHaveLength(carried.length)
      },
    )
    await fc.assert(property, { numRuns: 500 })
  })
})
