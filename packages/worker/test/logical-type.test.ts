import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { SchemaError } from '../src/protocol/errors.ts'
import {
  type LogicalType,
  logicalTypeName,
  type PlainTypeId,
  parseLogicalType,
} from '../src/protocol/logical-type.ts'

const PLAIN_IDS: readonly PlainTypeId[] = [
  ...(['BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT'] as const),
  ...([
    'UINTEGER',
    'UBIGINT',
    'UHUGEINT',
    'BIGNUM',
    'FLOAT',
    'DOUBLE',
    'VARCHAR',
    'JSON',
    'BLOB',
    'BIT',
  ] as const),
  ...(['UUID', 'DATE', 'TIME', 'TIME_NS', 'TIMETZ', 'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS'] as const),
  ...(['TIMESTAMP_NS', 'TIMESTAMPTZ', 'INTERVAL', 'GEOMETRY', 'VARIANT'] as const),
]

const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => !text.includes('\0'))
const unlike = <T>(key: (item: T) => string) => ({ selector: (item: T) => key(item).toLowerCase() })

const { type: anyType } = fc.letrec<{ type: LogicalType; fields: { name: string; type: LogicalType }[] }>(
  (tie) => ({
    fields: fc.uniqueArray(fc.record({ name, type: tie('type') }), {
      minLength: 1,
      maxLength: 4,
      ...unlike((field) => field.name),
    }),
    type: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(...PLAIN_IDS).map((id): LogicalType => ({ id })),
      fc.tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38)).map(([width, scale]): LogicalType => {
        return { id: 'DECIMAL', width, scale: Math.min(width, scale) }
      }),
      fc
        .uniqueArray(fc.string({ unit: 'grapheme', maxLength: 6 }), { minLength: 1, maxLength: 4 })
        .map(
          (values): LogicalType => ({
            id: 'ENUM',
            values: values.map((value) => value.replaceAll('\0', '')),
          }),
        )
        .filter((type) => type.id === 'ENUM' && new Set(type.values).size === type.values.length),
      tie('type').map((element): LogicalType => ({ id: 'LIST', element })),
      fc.tuple(tie('type'), fc.integer({ min: 1, max: 9 })).map(([element, length]): LogicalType => {
        return { id: 'ARRAY', element, length }
      }),
      fc.tuple(tie('type'), tie('type')).map(([key, value]): LogicalType => ({ id: 'MAP', key, value })),
      tie('fields').map((fields): LogicalType => ({ id: 'STRUCT', fields })),
      tie('fields').map((members): LogicalType => ({ id: 'UNION', members })),
    ),
  }),
)

let connection: DuckDBConnection

beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:')
  connection = await instance.connect()
})

async function nameInDuckDB(type: string): Promise<string> {
  const reader = await connection.runAndReadAll(`SELECT typeof(CAST(NULL AS ${type}))`)
  return String(reader.getRows()[0]?.[0])
}

describe('a type that is printed', () => {
  it('is parsed as the same tree', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        expect(parseLogicalType(logicalTypeName(type))).toEqual(type)
      }),
      { numRuns: 500 },
    )
  })

  it('is parsed as the same tree again from what DuckDB makes of it', async () => {
    await fc.assert(
      fc.asyncProperty(anyType, async (type) => {
        expect(parseLogicalType(await nameInDuckDB(logicalTypeName(type)))).toEqual(type)
      }),
      { numRuns: 300 },
    )
  })
})

describe('DuckDB', () => {
  it('describes no type of test_all_types() that is not known', async () => {
    const sql = 'SELECT column_type FROM (DESCRIBE SELECT * FROM test_all_types())'
    const names = (await connection.runAndReadAll(sql)).getRows().map(([text]) => String(text))
    expect(names.length).toBeGreaterThanOrEqual(56)
    for (const text of names) {
      const type = parseLogicalType(text)
      expect(JSON.stringify(type)).not.toContain('OTHER')
      expect(await nameInDuckDB(logicalTypeName(type))).toBe(text)
    }
  })

  it('takes every alias that it lists for the same type', async () => {
    const sql = `SELECT DISTINCT type_name FROM duckdb_types() WHERE database_name = 'system'
      AND type_name NOT IN ('array', 'enum', 'list', 'map', 'null', 'row', 'struct', 'type', 'union')`
    for (const [alias] of (await connection.runAndReadAll(sql)).getRows()) {
      const ours = logicalTypeName(parseLogicalType(String(alias)))
      expect([alias, ours]).toEqual([alias, await nameInDuckDB(String(alias))])
    }
  })

  it.each([
    ...[
      'dec',
      'numeric( 5 )',
      'DECIMAL(10,2) []',
      'float(24)',
      'FLOAT(25)',
      'double  precision',
      'varchar(20)',
    ],
    ...['character varying(3)', 'timestamp(0)', 'TIMESTAMP(3)', 'timestamp(5)', 'timestamp(7)', 'int array'],
    ...['int array[3]', 'INT [ 3 ] [ ]', 'INT[][3]', 'time with time zone', 'timestamp without time zone'],
    ...[
      'interval day to second',
      '"int"',
      '"TIMESTAMP WITH TIME ZONE"',
      "enum('a' , 'b''c', '')",
      'row(a int)',
    ],
    ...['struct("a ""b" int, Ab map(text, json[]))', 'UNION(num INT, "s t" VARCHAR)[2]', 'bit(3)'],
  ])('reads %s as the same type', async (text) => {
    expect(await nameInDuckDB(logicalTypeName(parseLogicalType(text)))).toBe(await nameInDuckDB(text))
  })
})

describe('a name that is not known', () => {
  it.each(['mood', 'main.mood', '"my db"."my type"', 'vector(3)', "geometry('OGC:CRS84')", 'blob(3)'])(
    'is kept as it stands: %s',
    (text) => {
      expect(parseLogicalType(` ${text} `)).toEqual({ id: 'OTHER', name: text })
    },
  )

  it('is kept inside other types', () => {
    const element = { id: 'OTHER', name: 'mood' }
    expect(parseLogicalType('mood [ ]')).toEqual({ id: 'LIST', element })
  })

  it('is one of a collation no more', () => {
    expect(parseLogicalType('VARCHAR COLLATE de.NOCASE')).toEqual({ id: 'VARCHAR' })
  })
})

describe('text that is no type', () => {
  it.each([
    ...[
      '',
      ' ',
      'INT; DROP TABLE t',
      'INT)',
      'INT DEFAULT 1',
      'INT --',
      'INT[',
      'INT[0]',
      'INT[100001]',
      'x y',
    ],
    ...['DECIMAL(39)', 'DECIMAL(3,4)', 'STRUCT', 'STRUCT()', 'STRUCT(a INT', 'STRUCT(INT, INT)', 'MAP(INT)'],
    ...['ENUM()', "ENUM('a'", 'ENUM(a)', '"a', '""', 'timestamp(10)', 'float(54)'],
  ])('is refused: %s', (text) => {
    expect(() => parseLogicalType(text)).toThrow(SchemaError)
  })

  it.each([
    ['LIST', `INT${'[]'.repeat(10_000)}`],
    ['STRUCT', `${'STRUCT(a '.repeat(10_000)}INT${')'.repeat(10_000)}`],
    ['MAP', `${'MAP(INT, '.repeat(100_000)}INT`],
  ])('or nests deeper than DuckDB parses is refused: %s', (_, text) => {
    expect(() => parseLogicalType(text)).toThrow(/nests too deep/)
  })

  it('is read at any depth that DuckDB parses', () => {
    const text = `INTEGER${'[]'.repeat(990)}`
    expect(logicalTypeName(parseLogicalType(text))).toBe(text)
  })
})
