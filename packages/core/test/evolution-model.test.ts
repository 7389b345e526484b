import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SinkEngine, SinkError } from '../src/index.ts'

// Batches of random shape go to tables that follow them; what was committed is then read back, whatever its columns
// have become meanwhile.

/** Tables of some six records each; `npm run test:model` tries enough for 10,000 records. */
const TABLES = Number(process.env.MODEL_TABLES ?? 60)
/** Records that must have been read back, at the least. */
const RECORDS = Number(process.env.MODEL_RECORDS ?? TABLES)

let engine: SinkEngine
beforeAll(async () => {
  const schemaContract = { columns: 'evolve', types: 'evolve' } as const
  const tables = Object.fromEntries(
    Array.from({ length: TABLES * 40 }, (_, id) => [`t${id}`, { schemaContract }]),
  )
  engine = await SinkEngine.open({ path: ':memory:', tables })
})
afterAll(() => engine.close())

const scalar = fc.oneof(
  { weight: 4, arbitrary: fc.integer() },
  { weight: 2, arbitrary: fc.double({ noNaN: true }) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme' }) },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(2 ** 42) }) },
  { weight: 2, arbitrary: fc.constant(null) },
)
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(fc.integer(), { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.record({ x: fc.integer(), y: fc.double({ noNaN: true }) }, { requiredKeys: [] }),
  },
)
// most columns keep to one kind, and some go on to another
const batch = fc.array(
  fc.record(
    {
      a: fc.integer(),
      b: value,
      c: fc.double({ noNaN: true }),
      d: scalar,
      e: fc.bigInt({ min: 0n, max: 2n ** 80n }),
    },
    { requiredKeys: ['a'] },
  ),
  { minLength: 1, maxLength: 8 },
)

let nextTable = 0

it('what is committed into a table that follows its data is there as it was given, whatever came after it', async () => {
  let committed = 0
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 6 }), async (batches) => {
      const table = `t${nextTable++}`
      const expected: Record<string, unknown>[] = []
      for (const records of batches) {
        try {
          await engine.write(table, records)
          expected.push(...records)
        } catch (error) {
          expect(error).toBeInstanceOf(SinkError)
        }
      }
      if (expected.length === 0) return
      const rows = await engine.query(`SELECT ${await comparable(table)} FROM ${table}`)
      expect(rows).toHaveLength(expected.length)
      for (const [index, record] of expected.entries()) {
        for (const [field, given] of Object.entries(record)) expectSame(rows[index]?.[field] ?? null, given)
      }
      committed += expected.length
    }),
    { numRuns: TABLES },
  )
  expect(committed).toBeGreaterThanOrEqual(RECORDS)
}, 600_000)

/** The columns as text, from which every value can be told. */
async function comparable(table: string): Promise<string> {
  const columns = await engine.query<{ column_name: string }>(`DESCRIBE ${table}`)
  const items = columns.map(({ column_name: name, ...rest }) => {
    const { column_type: type } = rest as unknown as { column_type: string }
    const isNested = /\[|STRUCT|JSON/.test(type)
    return isNested ? `to_json("${name}")::VARCHAR AS "${name}"` : `"${name}"::VARCHAR AS "${name}"`
  })
  return items.join(', ')
}

function expectSame(found: unknown, given: unknown): void {
  if (given === null || given === undefined) {
    expect(found).toBeNull()
    return
  }
  const text = String(found)
  if (typeof given === 'number') expect(Number(text.replace('inf', 'Infinity'))).toBe(given)
  else if (typeof given === 'bigint') expect(isSameInteger(text, given), `${text} for ${given}`).toBe(true)
  else if (typeof given === 'string' || typeof given === 'boolean') expect(text).toBe(String(given))
  else if (given instanceof Date) expect(new Date(`${text.replace(' ', 'T')}Z`)).toEqual(given)
  else expect(withoutNulls(JSON.parse(text))).toEqual(withoutNulls(given))
}

/** As an integer, with zeros after the point, or as the double that is exactly it. */
function isSameInteger(text: string, given: bigint): boolean {
  if (/[eE]/.test(text)) return BigInt(Number(text)) === given
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole) === given && /^0*$/.test(fraction)
}

/** A field that a STRUCT has and the object has not is NULL. */
function withoutNulls(nested: unknown): unknown {
  if (Array.isArray(nested) || typeof nested !== 'object' || nested === null) return nested
  return Object.fromEntries(
    Object.entries(nested).filter(([, inside]) => inside !== null && inside !== undefined),
  )
}
