import { DuckDBConnection, type DuckDBValue } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BatchFunction } from '../src/batch-function.ts'
import { PartReader } from '../src/protocol/part-reader.ts'
import { PartWriter } from '../src/protocol/part-writer.ts'
import type { Part } from '../src/protocol/wire.ts'
import type { NativeTypeId } from '../src/protocol/wire-type.ts'
import { addAddress } from '../src/vectors/strings.ts'
import { batchColumns, encodePart, type PartColumn, type PhysicalValue } from './parts.ts'
import { openSession, type Session } from './session.ts'

const MEBIBYTE = 2 ** 20

function arm(batch: BatchFunction, parts: readonly Part[]): void {
  const readers = parts.map((part) => new PartReader(part.buffer))
  batch.arm(
    readers,
    readers.reduce((rows, part) => rows + part.rowCount, 0),
  )
}

/** Defines the columns `c0`, `c1`, ... and gives the SQL that scans them. */
function scanOf(batch: BatchFunction, types: readonly string[]): string {
  return `sink_batch(${batch.define(batchColumns(types))})`
}

/** What the function emits for parts, chunk by chunk, without a table between. */
async function emitted(
  { database, batch }: Session,
  types: readonly string[],
  parts: readonly Part[],
): Promise<DuckDBValue[][][]> {
  const connection = new DuckDBConnection(database.writer.raw)
  arm(batch, parts)
  const result = await connection.stream(`FROM ${scanOf(batch, types)}`)
  const chunks: DuckDBValue[][][] = []
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return chunks
    chunks.push(chunk.getRows().map((row) => row.map(physical)))
  }
}

/** What node-api reads a value as, as the vector holds it. */
function physical(value: DuckDBValue): DuckDBValue {
  if (typeof value !== 'object' || value === null) return value
  const parts = value as unknown as Readonly<Record<string, bigint | number | Uint8Array>>
  const bytes = parts.bytes ?? parts.data
  if (bytes instanceof Uint8Array) return Buffer.from(bytes).toString('latin1')
  if (parts.months !== undefined)
    return interval(Number(parts.months), Number(parts.days), BigInt(parts.micros as bigint))
  return (parts.bits ??
    parts.hugeint ??
    parts.days ??
    parts.micros ??
    parts.seconds ??
    parts.millis ??
    parts.nanos) as DuckDBValue
}

/** An INTERVAL's 16 bytes as one number. */
const interval = (months: number, days: number, micros: bigint): bigint =>
  (micros << 64n) | (BigInt.asUintN(32, BigInt(days)) << 32n) | BigInt.asUintN(32, BigInt(months))

const RANGES: Readonly<Record<Exclude<NativeTypeId, 'BIGNUM'>, readonly PhysicalValue[]>> = {
  BOOLEAN: [false, true],
  TINYINT: [-128, 127],
  SMALLINT: [-32_768, 32_767],
  INTEGER: [-(2 ** 31), 2 ** 31 - 1],
  BIGINT: [-(2n ** 63n), 2n ** 63n - 1n],
  HUGEINT: [-(2n ** 127n), 2n ** 127n - 1n],
  UTINYINT: [0, 255],
  USMALLINT: [0, 65_535],
  UINTEGER: [0, 2 ** 32 - 1],
  UBIGINT: [0n, 2n ** 64n - 1n],
  UHUGEINT: [0n, 2n ** 128n - 1n],
  FLOAT: [-3.4028234663852886e38, 3.4028234663852886e38, 1.401298464324817e-45, -0, Number.NaN, -Infinity],
  DOUBLE: [-Number.MAX_VALUE, Number.MAX_VALUE, Number.MIN_VALUE, -0, Number.NaN, Infinity],
  VARCHAR: ['', '\0', 'twelve bytes', 'thirteen byte', '🦆'.repeat(1000), 'é'],
  BLOB: ['', '\0\0', 'twelve bytes', 'thirteen byte', 'x'.repeat(5000)],
  BIT: ['\0U', '\0*\0'],
  UUID: [-(2n ** 127n), 2n ** 127n - 1n],
  DATE: [-2_147_483_646, 2_147_483_646, 2_147_483_647, -2_147_483_647],
  TIME: [0n, 86_400_000_000n],
  TIME_NS: [0n, 86_400_000_000_000n],
  TIMETZ: [0n, (86_400_000_000n << 24n) | 115_198n],
  TIMESTAMP: [-9_223_372_022_400_000_000n, 2n ** 63n - 2n, 2n ** 63n - 1n, -(2n ** 63n) + 1n],
  TIMESTAMP_S: [-9_223_372_022_400n, 9_223_372_036_854n],
  TIMESTAMP_MS: [-9_223_372_022_400_000n, 9_223_372_036_854_775n],
  TIMESTAMP_NS: [-9_223_286_400_000_000_000n, 2n ** 63n - 2n],
  TIMESTAMPTZ: [-9_223_372_022_400_000_000n, 2n ** 63n - 2n, 2n ** 63n - 1n, -(2n ** 63n) + 1n],
  INTERVAL: [
    interval(-(2 ** 31), 2 ** 31 - 1, -(2n ** 63n)),
    interval(2 ** 31 - 1, -(2 ** 31), 2n ** 63n - 1n),
  ],
}

const TYPES = Object.keys(RANGES) as (keyof typeof RANGES)[]

describe('every native type goes into a table as it is, with its least and greatest value and NULL:', () => {
  test.each(TYPES)('%s', async (type) => {
    const session = await openSession()
    const values = [...RANGES[type], null]
    await session.rows(`CREATE TABLE t (a ${type})`)
    arm(session.batch, [encodePart([{ type, values }])])
    await session.rows(`INSERT INTO t SELECT c0 FROM ${scanOf(session.batch, [type])}`)
    const connection = new DuckDBConnection(session.database.writer.raw)
    const rows = (await connection.runAndReadAll('SELECT a, typeof(a) FROM t')).getRows()
    expect(rows.map(([value]) => physical(value ?? null))).toEqual(values)
    const name = type.endsWith('TZ') ? `${type.slice(0, -2)} WITH TIME ZONE` : type
    expect(new Set(rows.map(([, found]) => found))).toEqual(new Set([name]))
  })
})

test('DuckDB reads the values as what was meant, not only back as the same bytes', async () => {
  const { batch, rows } = await openSession()
  const row: readonly PartColumn[] = [
    { type: 'DATE', values: [19_000] },
    { type: 'TIME', values: [3_661_000_001n] },
    { type: 'TIMESTAMP', values: [1_700_000_000_123_456n] },
    { type: 'TIMESTAMP_S', values: [1_700_000_000n] },
    { type: 'TIMESTAMP_MS', values: [1_700_000_000_123n] },
    { type: 'TIMESTAMP_NS', values: [1_700_000_000_123_456_789n] },
    { type: 'VARCHAR', values: ['ducks say: quack, quack, quack'] },
    { type: 'UBIGINT', values: [2n ** 64n - 1n] },
  ]
  arm(batch, [encodePart(row)])
  const scan = scanOf(
    batch,
    row.map((column) => column.type),
  )
  expect(
    Object.values(
      (
        await rows(`SELECT * REPLACE (c0::VARCHAR AS c0, c1::VARCHAR AS c1, c2::VARCHAR AS c2,
    c3::VARCHAR AS c3, c4::VARCHAR AS c4, c5::VARCHAR AS c5, length(c6) || right(c6, 5) AS c6, c7::VARCHAR AS c7)
    FROM ${scan}`)
      )[0] as object,
    ),
  ).toEqual([
    '2022-01-08',
    '01:01:01.000001',
    '2023-11-14 22:13:20.123456',
    '2023-11-14 22:13:20',
    '2023-11-14 22:13:20.123',
    '2023-11-14 22:13:20.123456789',
    '30quack',
    '18446744073709551615',
  ])
})

describe('rows at the border of a chunk', () => {
  test.each([1, 2047, 2048, 2049, 4096, 8192])('%i rows arrive in order and whole', async (rowCount) => {
    const session = await openSession()
    const numbers = Array.from({ length: rowCount }, (_, row) => (row % 7 === 3 ? null : row))
    const texts = Array.from({ length: rowCount }, (_, row) => (row % 5 === 2 ? null : `row number ${row}`))
    const part = encodePart([
      { type: 'INTEGER', values: numbers },
      { type: 'VARCHAR', values: texts },
    ])
    const chunks = await emitted(session, ['INTEGER', 'VARCHAR'], [part])
    expect(chunks.map((rows) => rows.length)).toEqual(
      Array.from({ length: Math.ceil(rowCount / 2048) }, (_, chunk) =>
        Math.min(2048, rowCount - chunk * 2048),
      ),
    )
    const rows = chunks.flat()
    expect(rows.map(([number]) => number)).toEqual(numbers)
    expect(rows.map(([, text]) => text)).toEqual(texts)
  })

  test('a chunk of more than 2,048 rows fails the statement and touches no memory', async () => {
    const { batch, rows } = await openSession()
    await rows('CREATE TABLE t (a INTEGER)')
    const values = Array.from({ length: 2049 }, (_, row) => row)
    arm(batch, [encodePart([{ type: 'INTEGER', values }], 2049)])
    const scan = scanOf(batch, ['INTEGER'])
    await expect(rows(`INSERT INTO t FROM ${scan}`)).rejects.toThrow('rows of the batch are missing')
    expect(await rows('FROM t')).toEqual([])
  })

  test('no rows are no error', async () => {
    const session = await openSession()
    expect(await emitted(session, ['INTEGER'], [])).toEqual([])
    expect(await emitted(session, ['INTEGER'], [encodePart([{ type: 'INTEGER' }])])).toEqual([])
    const writer = new PartWriter(1, (bytes) => new ArrayBuffer(bytes))
    writer.appendChunk(0, [undefined])
    expect(await emitted(session, ['INTEGER'], [writer.finish()])).toEqual([])
  })
})

describe('small parts', () => {
  const slices = fc.array(
    fc.record({
      rowCount: fc.integer({ min: 0, max: 70 }),
      nulls: fc.constantFrom('none', 'some', 'all'),
      text: fc.constantFrom(
        '',
        'short',
        'exactly 12 b',
        'thirteen byte',
        'a long string that lives in the heap 🦆',
      ),
    }),
    { minLength: 1, maxLength: 12 },
  )

  test('share a chunk, each with its own NULLs and strings, wherever its first row falls', async () => {
    const session = await openSession()
    await fc.assert(
      fc.asyncProperty(slices, async (shapes) => {
        const columns = shapes.map(({ rowCount, nulls, text }, slice) => {
          const rows = Array.from({ length: rowCount }, (_, row) => row)
          const isNull = (row: number): boolean =>
            nulls === 'all' || (nulls === 'some' && row % 3 === slice % 3)
          return {
            numbers: rows.map((row) => (isNull(row) ? null : slice * 100 + row)),
            texts: rows.map((row) => (isNull(row + 1) ? null : `${text}${text === '' ? '' : row}`)),
          }
        })
        const parts = columns.map(({ numbers, texts }) =>
          encodePart([
            { type: 'INTEGER', values: numbers },
            { type: 'VARCHAR', values: texts },
          ]),
        )
        const chunks = await emitted(session, ['INTEGER', 'VARCHAR'], parts)
        const expected = columns.flatMap(({ numbers, texts }) =>
          numbers.map((number, row) => [number, texts[row]]),
        )
        expect(chunks).toEqual(expected.length === 0 ? [] : [expected])
      }),
      { numRuns: 60 },
    )
  })

  const rowsOf = (rowCount: number): Part =>
    encodePart([{ type: 'INTEGER', values: Array.from({ length: rowCount }, (_, row) => row) }])

  test.each([
    ['fill a chunk to the last row', [1000, 1000, 48], [2048]],
    ['begin another where they do not fit', [1000, 1000, 49], [2000, 49]],
    ['follow a full chunk', [2048, 1, 1], [2048, 2]],
    ['come before a full chunk', [1, 2048], [1, 2048]],
    ['are skipped where they are empty', [0, 2, 0, 3, 0], [5]],
  ])('%s', async (_, sizes, expected) => {
    const chunks = await emitted(await openSession(), ['INTEGER'], sizes.map(rowsOf))
    expect(chunks.map((rows) => rows.length)).toEqual(expected)
  })

  test('share a chunk only up to 8 MiB', async () => {
    const part = (letter: string): Part =>
      encodePart([{ type: 'VARCHAR', values: [letter.repeat(3 * MEBIBYTE)] }])
    const chunks = await emitted(await openSession(), ['VARCHAR'], ['a', 'b', 'c'].map(part))
    expect(chunks.map((rows) => rows.map(([text]) => (text as string)[0]).join(''))).toEqual(['ab', 'c'])
    expect(chunks.flat(2).every((text) => (text as string).length === 3 * MEBIBYTE)).toBe(true)
  })

  test('of more than 8 MiB go alone', async () => {
    const part = (bytes: number): Part => encodePart([{ type: 'VARCHAR', values: ['x'.repeat(bytes)] }])
    const parts = [part(9 * MEBIBYTE), part(1), part(1)]
    const chunks = await emitted(await openSession(), ['VARCHAR'], parts)
    expect(chunks.map((rows) => rows.map(([text]) => (text as string).length))).toEqual([
      [9 * MEBIBYTE],
      [1, 1],
    ])
  })
})

test('strings of one chunk stay what they are while later chunks are filled', async () => {
  const session = await openSession()
  const values = Array.from({ length: 10_000 }, (_, row) => `${row} `.repeat(1 + (row % 20)))
  const { batch, rows } = session
  arm(batch, [encodePart([{ type: 'VARCHAR', values }], 333), encodePart([{ type: 'VARCHAR', values }])])
  await rows(`CREATE TABLE t AS FROM ${scanOf(batch, ['VARCHAR'])}`)
  const read = await rows('SELECT c0 FROM t ORDER BY rowid')
  expect(read.map((row) => row.c0)).toEqual([...values, ...values])
})

test('the address of a heap that crosses 4 GiB is carried into its upper word', () => {
  const low = 2 ** 32 - 20
  const high = 0x7f12
  // lengths and heap offsets; the second is inline, so what stands there is text and no offset
  const entries = Uint32Array.from([13, 1, 19, 0, 12, 1, 19, 7, 13, 1, 20, 0, 5000, 1, 4_000_000_000, 0])
  const address = (row: number): bigint =>
    BigInt(entries[row * 4 + 2] as number) + (BigInt(entries[row * 4 + 3] as number) << 32n)
  addAddress(entries, low, high)
  const base = (BigInt(high) << 32n) + BigInt(low)
  expect([address(0), address(2), address(3)]).toEqual([base + 19n, base + 20n, base + 4_000_000_000n])
  expect([...entries.subarray(4, 8)]).toEqual([12, 1, 19, 7])
})

describe('a prepared INSERT', () => {
  async function prepared(): Promise<Session & { run(): Promise<unknown>; values: PhysicalValue[] }> {
    const session = await openSession()
    await session.rows('CREATE TABLE t (a INTEGER)')
    const sql = `INSERT INTO t BY NAME SELECT c0 AS a FROM ${scanOf(session.batch, ['INTEGER'])}`
    const { batch, database } = session
    const statement = await batch.whilePreparing(() => database.writer.prepare(sql))
    const run = (): Promise<unknown> => duckdb.execute_prepared(statement)
    return { ...session, run, values: [1, 2, 3] }
  }
  const count = async ({ rows }: Session): Promise<unknown> =>
    (await rows('SELECT count(*) AS n FROM t'))[0]?.n

  test('inserts again at its second run', async () => {
    const session = await prepared()
    arm(session.batch, [encodePart([{ type: 'INTEGER', values: session.values }])])
    await session.run()
    await session.run()
    expect(session.batch.disarm()).toBe(3)
    expect(await count(session)).toBe(6n)
  })

  test('fails, and inserts nothing, where rows are missing', async () => {
    const session = await prepared()
    const part = encodePart([{ type: 'INTEGER', values: session.values }])
    session.batch.arm([new PartReader(part.buffer)], 4)
    await expect(session.run()).rejects.toThrow('rows of the batch are missing')
    expect(await count(session)).toBe(0n)
  })

  test('fails where it is run after its parts were let go', async () => {
    const session = await prepared()
    arm(session.batch, [encodePart([{ type: 'INTEGER', values: session.values }])])
    await session.run()
    session.batch.disarm()
    await expect(session.run()).rejects.toThrow('rows of the batch are missing')
    expect(await count(session)).toBe(3n)
  })
})

describe('the function is refused', () => {
  const refusal = 'sink_batch belongs to the engine'

  test('to the reading connection', async () => {
    const { batch, database, rows } = await openSession()
    const scan = scanOf(batch, ['INTEGER'])
    arm(batch, [encodePart([{ type: 'INTEGER', values: [1] }])])
    await expect(database.reader.rows(`FROM ${scan}`)).rejects.toThrow(refusal)
    await expect(database.reader.prepare(`FROM ${scan}`)).rejects.toThrow(refusal)
    expect(await rows(`FROM ${scan}`)).toEqual([{ c0: 1 }])
  })

  test('by the writer too, where the engine is not inserting', async () => {
    const { batch, rows } = await openSession()
    const scan = scanOf(batch, ['INTEGER'])
    await expect(rows(`FROM ${scan}`)).rejects.toThrow(refusal)
    arm(batch, [encodePart([{ type: 'INTEGER', values: [1] }])])
    expect(await rows(`FROM ${scan}`)).toEqual([{ c0: 1 }])
    batch.disarm()
    await expect(rows(`FROM ${scan}`)).rejects.toThrow(refusal)
  })

  test('with an id that was never defined, or is forgotten', async () => {
    const { batch, rows } = await openSession()
    const id = batch.define(batchColumns(['INTEGER']))
    await expect(rows(`FROM sink_batch(${id + 1})`)).rejects.toThrow(refusal)
    batch.forget(id)
    await expect(rows(`FROM sink_batch(${id})`)).rejects.toThrow(refusal)
    await expect(rows(`FROM sink_batch(NULL)`)).rejects.toThrow()
  })
})
