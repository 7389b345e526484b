import type { DuckDBConnection } from '@duckdb/node-api'
import { type LogicalType, parseLogicalType, ValueError } from '@ducksink/worker'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeColumn, encodeColumn, isAccepted } from './encoded-column.ts'
import { propertyRuns } from './property-runs.ts'
import { castByDuckDB, connect, type GivenColumn, writeAndReadBack } from './read-back.ts'
import { nestedType, type Sample, samplesOf, scalarType } from './typed-values.ts'

interface SampledColumn {
  readonly type: LogicalType
  readonly samples: readonly Sample[]
}

async function expectExact(columns: readonly SampledColumn[]): Promise<void> {
  const given = columns.map(
    ({ type, samples }): GivenColumn => ({ type, values: samples.map((sample) => sample.given) }),
  )
  const expected = columns.map(({ samples }) => samples.map((sample) => sample.expected))
  expect(await writeAndReadBack(given)).toEqual(expected)
}

const sampled = (type: LogicalType, count: number): fc.Arbitrary<SampledColumn> =>
  fc.array(samplesOf(type), { minLength: count, maxLength: count }).map((samples) => ({ type, samples }))

const columnsOf = (
  types: fc.Arbitrary<LogicalType>,
  columnCount: number,
  sampleCount: number,
): fc.Arbitrary<SampledColumn[]> =>
  fc.array(
    types.chain((type) => sampled(type, sampleCount)),
    { minLength: columnCount, maxLength: columnCount },
  )

/** The same values as elements of one list. */
function inList({ type, samples }: SampledColumn): SampledColumn {
  const given = samples.map((sample) => sample.given)
  const expected = samples.map((sample) => sample.expected)
  return { type: { id: 'LIST', element: type }, samples: [{ given, expected }] }
}

/** Every type without others inside, those with parameters in several forms. */
const SCALAR_TYPES = [
  ...['BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  ...['UBIGINT', 'UHUGEINT', 'BIGNUM', 'FLOAT', 'DOUBLE', 'VARCHAR', 'JSON', 'BLOB', 'BIT', 'UUID', 'DATE'],
  ...['TIME', 'TIME_NS', 'TIMETZ', 'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS', 'TIMESTAMPTZ'],
  ...['INTERVAL', 'DECIMAL(1,0)', 'DECIMAL(4,4)', 'DECIMAL(9,4)', 'DECIMAL(18,3)', 'DECIMAL(38,0)'],
  ...['DECIMAL(38,10)', 'DECIMAL(38,38)', `ENUM('a', 'A', '', 'NULL', 'b''c', '"]}')`],
  `ENUM(${Array.from({ length: 300 }, (_, i) => `'v${i}'`).join(', ')})`,
].map(parseLogicalType)

describe('a value is read from the file as itself', () => {
  it('500 of each type, alone and in a list', async () => {
    const all = fc.tuple(...SCALAR_TYPES.map((type) => sampled(type, 250)))
    const property = fc.asyncProperty(all, (columns) => expectExact([...columns, ...columns.map(inList)]))
    await fc.assert(property, { numRuns: 2, endOnFailure: true })
  })

  it('random types without others inside', async () => {
    await fc.assert(fc.asyncProperty(columnsOf(scalarType, 50, 5), expectExact), {
      numRuns: 4,
      endOnFailure: true,
    })
  })

  it('random nested types', async () => {
    await fc.assert(fc.asyncProperty(columnsOf(nestedType, 60, 4), expectExact), {
      numRuns: propertyRuns(4),
      endOnFailure: true,
    })
  })
})

describe('text', () => {
  let connection: DuckDBConnection
  beforeAll(async () => {
    connection = await connect()
  })

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
    const forms = [id, id.toUpperCase(), id.replaceAll('-', ''), `{${id}}`, id.replace('-', ''), `{${id}`]
    return forms[form] as string
  })
  const booleans = fc.constantFrom(...'true T yes Y 1 FALSE f No n 0 on off 2'.split(' '), '', ' true')
  const blobs = fc
    .array(fc.constantFrom('a', '\\xff', '\\x0A', '\\', '\\x', '\\n', 'é', '\0', "'", '\x7f'), {
      maxLength: 4,
    })
    .map((parts) => parts.join(''))

  const TEXTS: readonly (readonly [type: LogicalType, texts: fc.Arbitrary<string>])[] = [
    ...[
      'DECIMAL(5,2)',
      'DECIMAL(15,4)',
      'DECIMAL(38,10)',
      'HUGEINT',
      'BIGNUM',
      'UBIGINT',
      'DOUBLE',
      'FLOAT',
      'TINYINT',
    ].map((name) => [parseLogicalType(name), numbers] as const),
    [{ id: 'INTERVAL' }, intervals],
    [{ id: 'UUID' }, uuids],
    [{ id: 'BOOLEAN' }, booleans],
    [{ id: 'BLOB' }, blobs],
    [{ id: 'BIT' }, fc.stringMatching(/^[012 ]{0,4}$/)],
  ]

  it('means what DuckDB takes it for, or is refused', async () => {
    const compared = new Set<number>()
    const batches = fc.tuple(...TEXTS.map(([, texts]) => fc.array(texts, { minLength: 120, maxLength: 120 })))
    const property = fc.asyncProperty(batches, async (all) => {
      const columns = all.map((batch, i): GivenColumn => {
        const [type] = TEXTS[i] as (typeof TEXTS)[number]
        return { type, values: batch.filter((text) => isAccepted(type, text)) }
      })
      const ours = await writeAndReadBack(columns)
      for (const [i, { type, values }] of columns.entries()) {
        const theirs = await castByDuckDB(connection, type, values as string[])
        // DuckDB reads no 7000e-3 as DECIMAL(5,2), and no -.00 as UBIGINT
        const read = values.flatMap((text, row) =>
          theirs[row] === null ? [] : [[text, ours[i]?.[row], theirs[row]]],
        )
        expect(read.map(([text, own]) => [text, own])).toEqual(read.map(([text, , theirs]) => [text, theirs]))
        if (read.length > 0) compared.add(i)
      }
    })
    await fc.assert(property, { numRuns: 3, endOnFailure: true })
    expect(compared.size).toBe(TEXTS.length)
  })
})

describe('any value at all', () => {
  const any = fc.anything({
    ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true },
    ...{ withSparseArray: true, withNullPrototype: true, withBoxedValues: true },
  })

  it('is encoded or refused, and what was encoded is decoded to what is encoded alike', () => {
    const property = fc.property(fc.oneof(scalarType, nestedType), fc.array(any), (type, values) => {
      for (const value of values) {
        try {
          const part = encodeColumn(type, [value])
          expect(Buffer.from(encodeColumn(type, decodeColumn(type, part)).buffer)).toEqual(
            Buffer.from(part.buffer),
          )
        } catch (error) {
          expect(error).toBeInstanceOf(ValueError)
          expect(error).toMatchObject({ row: 0, column: 'c' })
        }
      }
    })
    fc.assert(property, { numRuns: 1_000 })
  })

  it('that is taken is decoded to one that is encoded to the same bytes', () => {
    const columns = fc.oneof(scalarType, nestedType).chain((type) => sampled(type, 6))
    const property = fc.property(columns, ({ type, samples }) => {
      const part = encodeColumn(type, [null, ...samples.map(({ given }) => given)])
      const again = encodeColumn(type, decodeColumn(type, part))
      expect(Buffer.from(again.buffer).equals(Buffer.from(part.buffer))).toBe(true)
    })
    fc.assert(property, { numRuns: 1_000 })
  })
})
