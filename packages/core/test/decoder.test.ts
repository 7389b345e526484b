import { type Part, PartReader, type PrepareReply, type TableLayout } from '@ducksink/worker'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { BatchHead } from '../src/batch-source.ts'
import type { FieldRecord } from '../src/encoder/column-encoder.ts'
import { decodeRecords } from '../src/encoder/decoder.ts'
import { dateValue, timestampValue, timeText } from '../src/encoder/temporal-text.ts'
import { Encoders } from '../src/encoders.ts'
import { RecordsSource } from '../src/records-source.ts'
import { DEFAULT_TABLE_OPTIONS } from '../src/resolved-tables.ts'
import { TableState } from '../src/table-state.ts'
import { TimeSlice } from '../src/time-slice.ts'

const integers = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max, 0))

/** Bigints as the decoder gives them: numbers where they are exact. */
const bigints = (min: bigint, max: bigint): fc.Arbitrary<number | bigint> =>
  fc
    .oneof(fc.bigInt({ min, max }), fc.maxSafeInteger().map(BigInt), fc.constantFrom(min, max))
    .filter((value) => value >= min)
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value))

const micros = fc.bigInt({ min: -9_223_372_022_400_000_000n, max: 2n ** 63n - 1n })
const timestamps = (id: 'TIMESTAMP' | 'TIMESTAMP_S' | 'TIMESTAMP_MS' | 'TIMESTAMPTZ', unitMicros: bigint) =>
  fc
    .oneof(
      micros,
      fc.date({ noInvalidDate: true }).map((date) => BigInt(date.getTime()) * 1_000n),
    )
    .map((value) => timestampValue(id, value / unitMicros))

/** Values of each native type in the form in which the decoder gives them back. */
const VALUES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  BOOLEAN: fc.boolean(),
  TINYINT: integers(-128, 127),
  SMALLINT: integers(-(2 ** 15), 2 ** 15 - 1),
  INTEGER: integers(-(2 ** 31), 2 ** 31 - 1),
  BIGINT: bigints(-(2n ** 63n), 2n ** 63n - 1n),
  UTINYINT: integers(0, 255),
  USMALLINT: integers(0, 2 ** 16 - 1),
  UINTEGER: integers(0, 2 ** 32 - 1),
  UBIGINT: bigints(0n, 2n ** 64n - 1n),
  FLOAT: fc.float(),
  DOUBLE: fc.double(),
  VARCHAR: fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ maxLength: 40 })),
  BLOB: fc.uint8Array({ maxLength: 20 }),
  DATE: fc
    .oneof(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), fc.integer({ min: -1e5, max: 1e5 }))
    .map(dateValue),
  TIME: fc.bigInt({ min: 0n, max: 86_400_000_000n }).map(timeText),
  TIMESTAMP: timestamps('TIMESTAMP', 1n),
  TIMESTAMP_S: timestamps('TIMESTAMP_S', 1_000_000n),
  TIMESTAMP_MS: timestamps('TIMESTAMP_MS', 1_000n),
  TIMESTAMP_NS: fc
    .bigInt({ min: -9_223_286_400_000_000_000n, max: 2n ** 63n - 1n })
    .map((nanos) => timestampValue('TIMESTAMP_NS', nanos)),
  TIMESTAMPTZ: timestamps('TIMESTAMPTZ', 1n),
}

const TYPES = Object.keys(VALUES)
const layout: TableLayout = { layoutId: 1, columns: TYPES.map((type) => ({ name: type, type })) }

const record = fc.record(
  Object.fromEntries(
    TYPES.map((type) => [type, fc.option(VALUES[type] as fc.Arbitrary<unknown>, { freq: 4, nil: null })]),
  ),
  { requiredKeys: ['BOOLEAN'] },
)

interface Encoded {
  readonly columns: readonly number[]
  readonly parts: readonly Part[]
}

async function encode(records: readonly FieldRecord[], of: TableLayout = layout): Promise<Encoded> {
  const reply = async (): Promise<PrepareReply> => ({ status: 'present', layout: of })
  const worker = { prepareTable: reply, evolveTable: reply }
  const table = new TableState({ name: 't' }, DEFAULT_TABLE_OPTIONS, worker)
  const encoders = new Encoders((bytes) => new ArrayBuffer(bytes))
  const source = new RecordsSource(table, records, { slice: new TimeSlice(), encoders })
  const { columns } = (await source.begin()) as BatchHead
  const parts: Part[] = []
  for (let next = await source.next(); next !== undefined; next = await source.next()) {
    parts.push(next.part)
    if (next.last) break
  }
  return { columns, parts }
}

const decode = ({ columns, parts }: Encoded, of: TableLayout = layout): FieldRecord[] =>
  decodeRecords(of, columns, parts)

/** The records with NULL for the fields that only others have. */
function completed(records: readonly FieldRecord[]): FieldRecord[] {
  const fields = TYPES.filter((type) => records.some((one) => type in one))
  return records.map((one) => Object.fromEntries(fields.map((field) => [field, one[field] ?? null])))
}

it('records of every native type, with and without NULLs, are decoded as they were given', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 60 }), async (records) => {
      expect(decode(await encode(records))).toEqual(completed(records))
    }),
    { numRuns: 60 },
  )
})

it('decoded records are encoded to the same bytes again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (records) => {
      const first = await encode(records)
      const again = await encode(decode(first))
      expect(again.columns).toEqual(first.columns)
      expect(again.parts.map(usedBytes)).toEqual(first.parts.map(usedBytes))
    }),
    { numRuns: 40 },
  )
})

it('records of several parts, whose strings cut chunks short, are decoded as they were given', async () => {
  const of = {
    layoutId: 1,
    columns: [
      { name: 'id', type: 'INTEGER' },
      { name: 'text', type: 'VARCHAR' },
    ],
  }
  const records = Array.from({ length: 20_000 }, (_, id) => ({
    id,
    text: id % 11 === 0 ? null : id % 500 < 4 ? 'ä'.repeat(60_000 + id) : `${id}`,
  }))
  const encoded = await encode(records, of)
  expect(encoded.parts.length).toBeGreaterThan(3)
  expect(decode(encoded, of)).toEqual(records)
})

it('records whose lists cut chunks short, alone and inside a struct, are decoded as they were given', async () => {
  const of = {
    layoutId: 1,
    columns: [
      { name: 'id', type: 'INTEGER' },
      { name: 'tags', type: 'VARCHAR[]' },
      { name: 'inner', type: 'STRUCT(t VARCHAR, l SMALLINT[][], a TINYINT[300])' },
    ],
  }
  const list = (length: number, from: number): number[] => Array.from({ length }, (_, i) => (from + i) % 1000)
  const records = Array.from({ length: 6_000 }, (_, id) => ({
    id,
    tags:
      id % 7 === 0
        ? null
        : Array.from({ length: id % 90 }, (_, i) => (i % 5 === 2 ? null : `${id}`.repeat(i % 6))),
    inner:
      id % 11 === 0
        ? null
        : {
            t: `text ${id}`,
            l: [list(id % 40, id), null, []],
            a: id % 3 === 0 ? null : list(300, id).map((n) => n % 100),
          },
  }))
  // one row alone has more than a chunk takes of others
  records[3_333] = { id: 3_333, tags: Array.from({ length: 200_000 }, (_, i) => `${i}`), inner: null }
  const encoded = await encode(records, of)
  expect(decode(encoded, of)).toEqual(records)
  const chunkRows = encoded.parts.flatMap(({ buffer }) => {
    const part = new PartReader(buffer)
    return Array.from({ length: part.chunkCount }, (_, chunk) => part.chunkRows(chunk))
  })
  expect(Math.max(...chunkRows)).toBeLessThan(1_000)
  expect(chunkRows.reduce((sum, rows) => sum + rows, 0)).toBe(6_000)
})

it('a column called __proto__ is decoded as an own field', async () => {
  const of = { layoutId: 1, columns: [{ name: '__proto__', type: 'INTEGER' }] }
  const given = JSON.parse('{ "__proto__": 5 }') as FieldRecord
  const [decoded = {}] = decode(await encode([given], of), of)
  expect(Object.entries(decoded)).toEqual([['__proto__', 5]])
  expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
})

const usedBytes = ({ buffer, byteLength }: Part): Buffer => Buffer.from(buffer, 0, byteLength)
