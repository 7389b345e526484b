import type { TableLayout } from '@ducksink/worker'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { Encoders } from '../src/encoders.ts'
import { type PayloadHash, PayloadHasher } from '../src/payload-hash.ts'
import { RecordsSource } from '../src/records-source.ts'
import { DEFAULT_TABLE_OPTIONS, type ResolvedTableOptions } from '../src/resolved-tables.ts'
import { TableState } from '../src/table-state.ts'
import { TimeSlice } from '../src/time-slice.ts'

// The hash of a batch is the same whether its records are read, or what the encoder has just made of them.

let hasher: PayloadHasher
beforeAll(async () => {
  hasher = await PayloadHasher.load()
})

const TYPES = {
  tiny: 'UTINYINT',
  whole: 'INTEGER',
  big: 'BIGINT',
  vast: 'UBIGINT',
  single: 'FLOAT',
  double: 'DOUBLE',
  ok: 'BOOLEAN',
  at: 'TIMESTAMP',
  ns: 'TIMESTAMP_NS',
  second: 'TIMESTAMP_S',
  text: 'VARCHAR',
  word: 'VARCHAR',
  day: 'DATE',
  list: 'INTEGER[]',
}

/** Others that hold much of the same, some of it as something else. */
const OTHER_TYPES: typeof TYPES = {
  ...{ tiny: 'BIGINT', whole: 'DOUBLE', big: 'DOUBLE', vast: 'UHUGEINT', single: 'DOUBLE', double: 'FLOAT' },
  ...{ ok: 'VARCHAR', at: 'TIMESTAMPTZ', ns: 'TIMESTAMP_MS', second: 'DATE', text: 'JSON', word: 'BLOB' },
  ...{ day: 'VARCHAR', list: 'JSON' },
}

/** How many records of a batch were hashed from what the encoder had made, and the hash of them all. */
async function encodedHash(
  records: readonly object[],
  types = TYPES,
  changes: Partial<ResolvedTableOptions> = {},
): Promise<{ taken: number; hash: string | undefined }> {
  const columns = Object.entries(types).map(([name, type]) => ({ name, type }))
  const layout: TableLayout = { layoutId: 1, columns }
  const reply = async () => ({ status: 'present', layout }) as const
  const options = { ...DEFAULT_TABLE_OPTIONS, badRecords: 'skip' as const, ...changes }
  const table = new TableState({ name: 't' }, options, { prepareTable: reply, evolveTable: reply })
  const context = { slice: new TimeSlice(), encoders: new Encoders((bytes) => new ArrayBuffer(bytes)) }
  const hash = hasher.begin({}, records)
  let taken = 0
  const counting: Pick<PayloadHash, 'take' | 'advance' | 'digest'> = {
    take: (chunk) => {
      const isTaken = hash.take(chunk)
      if (isTaken) taken += chunk.to - chunk.from
      return isTaken
    },
    advance: (row) => hash.advance(row),
    digest: () => hash.digest(),
  }
  const source = new RecordsSource(table, records as Record<string, unknown>[], context, {
    hash: counting as PayloadHash,
  })
  await run(source)
  return { taken, hash: source.digest()?.hash }
}

/** As a batch is run: from its start again, where a field comes late. */
async function run(source: RecordsSource): Promise<void> {
  try {
    await source.begin()
    while ((await source.next()) !== undefined);
  } catch (error) {
    source.end()
    if (!(await source.adapt(error))) throw error
    await run(source)
  }
}

const readHash = (records: readonly object[]): string => hasher.begin({}, records).digest().hash

const perhaps = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> =>
  fc.oneof({ weight: 8, arbitrary: value }, fc.constant(null), fc.constant(undefined))
const date = fc.oneof(
  fc.date({ noInvalidDate: true, min: new Date(-9e12), max: new Date(9e12) }),
  fc.constantFrom(-8.64e15, 8.64e15, -9_007_199_255, 9_007_199_255).map((millis) => new Date(millis)),
)
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const record = fc.record(
  {
    tiny: perhaps(fc.oneof(fc.nat(255), fc.constant('7'))),
    whole: perhaps(fc.oneof(fc.integer(), fc.constant(-0))),
    big: perhaps(fc.oneof(fc.maxSafeInteger(), fc.constant(-(2 ** 63)), fc.constant(5n))),
    vast: perhaps(fc.oneof(fc.nat(), fc.constant(2 ** 63), fc.constant(2 ** 32))),
    single: perhaps(fc.float()),
    double: perhaps(fc.double()),
    ok: perhaps(fc.boolean()),
    at: perhaps(date),
    ns: perhaps(date),
    second: perhaps(fc.constant(new Date(5_000))),
    text: perhaps(fc.oneof(text, fc.constant('a longer one, all ASCII'), fc.constant('\ud800'))),
    word: perhaps(fc.constantFrom('', 'one', 'two', 'twelve units', 'größe')),
    day: perhaps(fc.constant('2026-11-22')),
    list: perhaps(fc.array(fc.nat(9), { maxLength: 3 })),
    unknown: fc.constant(undefined),
  },
  { requiredKeys: [] },
)

it('any batch has the hash that reading it gives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 12 }), async (records) => {
      expect((await encodedHash(records)).hash).toBe(readHash(records))
    }),
    { numRuns: 400 },
  )
})

const discarding = { contract: { ...DEFAULT_TABLE_OPTIONS.contract, types: 'discard-value' as const } }

it('it is the same for columns of other types, and where those that do not fit are discarded', async () => {
  const batches = fc.array(record, { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(batches, fc.boolean(), async (records, discards) => {
      const changes = discards ? discarding : {}
      expect((await encodedHash(records, OTHER_TYPES, changes)).hash).toBe(readHash(records))
    }),
    { numRuns: 200 },
  )
})

const KINDS: Readonly<Record<string, (id: number) => object>> = {
  'of every type': (id) => ({
    ...{
      tiny: id % 256,
      whole: -id,
      big: id * 2 ** 40,
      vast: id * 2 ** 48,
      single: id / 2,
      double: id * 1.37,
    },
    ...{
      ok: id % 3 === 0,
      at: new Date(id * 1e9),
      ns: new Date(id),
      text: `note ${id} of a batch`,
      word: `${id}`,
    },
  }),
  'all NULL': () => ({ whole: null, text: null }),
  'with NULL here and there': (id) => ({
    whole: id % 5 === 0 ? null : id,
    text: id % 7 === 0 ? undefined : 'x',
  }),
  'of short and long strings': (id) => ({
    text: id % 3 === 0 ? 'short' : `rather a long one: ${id}`,
    word: 'w',
  }),
  'of strings that become long': (id) => ({ text: id < 700 ? 'short' : `rather a long one: ${id}` }),
  'of strings of all kinds': (id) => ({
    text: ['größe', 'plain', 'a long one, with ß', '😀'.repeat(5)][id % 4],
  }),
  'of large strings': (id) => ({ text: 'x'.repeat((id * 997) % 3_000), word: 'é'.repeat(id % 900) }),
  'of fields that differ': (id) => (id % 2 === 0 ? { whole: id, text: 'a' } : { text: 'b', double: id }),
  'of a late field': (id) => (id < 4_000 ? { whole: id } : { whole: id, double: id }),
}

it.each(Object.entries(KINDS))(
  'a batch of many chunks, %s, is hashed from what was made of it',
  async (_, make) => {
    const records = Array.from({ length: 5_000 }, (_, id) => make(id))
    const { taken, hash } = await encodedHash(records)
    expect(hash).toBe(readHash(records))
    expect(taken).toBe(records.length)
  },
)

it('a batch with bad records has its hash too, for which those around them are read', async () => {
  const records = Array.from({ length: 7_000 }, (_, id) => ({ whole: id === 3_000 ? 'none' : id, text: 'x' }))
  const { taken, hash } = await encodedHash(records)
  expect(hash).toBe(readHash(records))
  expect(taken).toBeGreaterThan(0)
  expect(taken).toBeLessThan(records.length)
})
