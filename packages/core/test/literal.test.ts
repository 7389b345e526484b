import { type DuckDBConnection, DuckDBInstance, listValue } from '@duckdb/node-api'
import { castsThroughJson, type LogicalType, logicalTypeName, parseLogicalType } from '@ducksink/worker'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { textFormOf } from '../src/encoder/literal.ts'
import { Refusal } from '../src/encoder/refusal.ts'
import { comparable, isCarried, nestedType, type Sample, samplesOf, scalarType } from './typed-values.ts'

let connection: DuckDBConnection

beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:')
  connection = await instance.connect()
  await connection.run("SET TimeZone = 'America/New_York'")
})

/** What DuckDB makes of the texts of a type. */
async function castByDuckDB(type: LogicalType, texts: readonly string[]): Promise<unknown[]> {
  const text = castsThroughJson(type) ? 'CAST(x AS JSON)' : 'x'
  const sql = `SELECT CAST(${text} AS ${logicalTypeName(type)}) FROM (SELECT unnest($1::VARCHAR[]) AS x)`
  const reader = await connection.runAndReadAll(sql, [listValue([...texts])])
  return reader.getRows().map(([value]) => comparable(type, value))
}

async function expectExact(type: LogicalType, samples: readonly Sample[]): Promise<void> {
  const form = textFormOf(type)
  const texts = samples.map(({ given }) => {
    const text = form(given)
    if (text instanceof Refusal) throw new Error(`refused: ${text.expected}`)
    return text
  })
  expect(await castByDuckDB(type, texts)).toEqual(samples.map(({ expected }) => expected))
}

function refusalOf(type: string, value: unknown): string | undefined {
  const text = textFormOf(parseLogicalType(type))(value)
  return text instanceof Refusal ? text.expected : undefined
}

async function cast(type: string, value: unknown): Promise<unknown> {
  const tree = parseLogicalType(type)
  const text = textFormOf(tree)(value)
  if (text instanceof Refusal) throw new Error(text.expected)
  return (await castByDuckDB(tree, [text]))[0]
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
