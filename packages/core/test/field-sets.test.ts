import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SinkEngine, SinkError } from '../src/index.ts'

// Whatever fields the records of a batch have: a column that none of them has gets its DEFAULT, one that some have
// is NULL in the others, and a record that is refused is as if it had never been.

const DEFAULTS: Readonly<Record<string, unknown>> = { a: 7, b: 'none', c: 1.5, constructor: true, d: null }

interface Candidate {
  readonly record: Readonly<Record<string, unknown>>
  readonly isGood: boolean
}

const good = fc.record(
  {
    a: fc.option(fc.integer({ min: -9, max: 9 })),
    b: fc.oneof(fc.string({ unit: 'binary', maxLength: 16 }), fc.constantFrom(null, undefined)),
    c: fc.option(fc.double()),
    constructor: fc.option(fc.boolean(), { nil: undefined }),
    d: fc.option(
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
      { nil: null },
    ),
    gone: fc.constantFrom(null, undefined),
  },
  { requiredKeys: [] },
)
const bad = fc.constantFrom<Readonly<Record<string, unknown>>>(
  { a: 1.5 },
  { b: 5 },
  { c: 'x' },
  { d: 1 },
  { extra: 0 },
  { B: 'x', b: 'y' },
)

const candidate: fc.Arbitrary<Candidate> = fc.oneof(
  { arbitrary: good.map((record) => ({ record, isGood: true })), weight: 5 },
  {
    arbitrary: fc
      .tuple(good, bad)
      .map(([record, wrong]) => ({ record: { ...record, ...wrong }, isGood: false })),
    weight: 1,
  },
)
// years that have more or fewer than four digits are written otherwise
const hasPlainDate = ({ record }: Candidate): boolean =>
  typeof record.d !== 'string' || /^[1-9]\d{3}-/.test(record.d)

/** What the table must hold of a batch of good records. */
function expectedRows(records: readonly Readonly<Record<string, unknown>>[]): unknown[] {
  const isThere = (name: string) => records.some((record) => Object.hasOwn(record, name))
  return records.map((record) =>
    Object.keys(DEFAULTS).map((name) => {
      if (!isThere(name)) return DEFAULTS[name]
      return Object.hasOwn(record, name) ? (record[name] ?? null) : null
    }),
  )
}

let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:' })
  await engine.query(`
    CREATE TABLE events (n BIGINT DEFAULT 0, a INTEGER DEFAULT 7, b VARCHAR DEFAULT 'none', c DOUBLE DEFAULT 1.5,
      constructor BOOLEAN DEFAULT true, d DATE)`)
  await engine.write('events', [{ a: 0 }])
})
afterAll(() => engine.close())

async function takeRows(): Promise<unknown[]> {
  const rows = await engine.query(
    'SELECT a, hex(b) AS b, c, constructor, d::VARCHAR AS d FROM events ORDER BY rowid',
  )
  await engine.query('DELETE FROM events')
  return rows.map((row) => Object.keys(DEFAULTS).map((name) => row[name]))
}

const inHex = (rows: readonly unknown[]): unknown[] =>
  (rows as unknown[][]).map((row) =>
    row.map((value, index) => (index === 1 && value !== null ? hexOf(value) : value)),
  )
const hexOf = (value: unknown): string =>
  Buffer.from(value as string)
    .toString('hex')
    .toUpperCase()

it('a collector’s batch holds what was taken, and nothing of what was refused', async () => {
  await engine.query('DELETE FROM events')
  const collector = engine.table('events').collect({ maxDelayMs: 2 ** 31 - 1 })
  const batches = fc.array(fc.array(candidate.filter(hasPlainDate), { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 4,
  })
  await fc.assert(
    fc.asyncProperty(batches, async (given) => {
      const expected: unknown[] = []
      for (const batch of given) {
        const taken: Readonly<Record<string, unknown>>[] = []
        for (const { record, isGood } of batch) {
          if (isGood) {
            collector.push(record)
            taken.push(record)
          } else {
            expect(() => collector.push(record)).toThrow(SinkError)
          }
        }
        const isEmpty = taken.every((record) =>
          Object.keys(DEFAULTS).every((name) => !Object.hasOwn(record, name)),
        )
        if (isEmpty && taken.length > 0) {
          // so that the batch has a column
          const filler = { a: 1 }
          collector.push(filler)
          taken.push(filler)
        }
        await collector.flush()
        expected.push(...expectedRows(taken))
      }
      expect(await takeRows()).toEqual(inHex(expected))
    }),
    { numRuns: 60 },
  )
  await collector.close()
})

it('a batch of good records is written as they are', async () => {
  await engine.query('DELETE FROM events')
  const records = fc
    .array(candidate.filter(({ isGood }) => isGood).filter(hasPlainDate), { minLength: 1, maxLength: 30 })
    .map((batch) => [{ a: 1 }, ...batch.map(({ record }) => record)])
  await fc.assert(
    fc.asyncProperty(records, async (batch) => {
      await engine.write('events', batch)
      expect(await takeRows()).toEqual(inHex(expectedRows(batch)))
    }),
    { numRuns: 60 },
  )
})
