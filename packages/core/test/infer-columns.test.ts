import { parseLogicalType } from '@ducksink/worker'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidOptionsError, inferColumns, SchemaError, ValueError } from '../src/index.ts'
import { openEngine, rejection } from './open-engine.ts'

describe('inferColumns', () => {
  it('shows the columns that the records would make, without an engine', async () => {
    const records = [
      { id: 1, name: 'x', later: null, at: new Date(0), address: { city: 'Oslo', zip: null } },
      { id: 2.5, tags: ['a'], address: { city: null, street: 'Karl' } },
    ]
    const columns = inferColumns(records)
    expect(columns).toEqual({
      id: 'DOUBLE',
      name: 'VARCHAR',
      at: 'TIMESTAMP',
      address: 'STRUCT("city" VARCHAR, "street" VARCHAR)',
      tags: 'VARCHAR[]',
    })
    // what it shows may be declared, and is what a batch makes
    const one = await openEngine({ tables: { declared: { columns } } })
    await one.write('made', records)
    await one.write('declared', records)
    expect(await one.query('DESCRIBE made')).toEqual(await one.query('DESCRIBE declared'))
  })

  it('shows nothing of records that say nothing, and refuses what is no array of records', () => {
    expect(inferColumns([{ a: null }, {}])).toEqual({})
    expect(inferColumns([])).toEqual({})
    expect(() => inferColumns('text' as never)).toThrow(InvalidOptionsError)
    expect(() => inferColumns([{ a: 1 }, 5 as never])).toThrow(ValueError)
    const throwing = {
      get a(): number {
        throw new Error('no')
      },
    }
    expect(() => inferColumns([throwing])).toThrow(ValueError)
  })

  it.each([
    ['the same name in another case', [{ id: 1 }, { ID: 2 }]],
    ['an empty name', [{ '': 1 }]],
    ['a name with a NUL', [{ 'a\0b': 1 }]],
    ['a name that is too long', [{ ['x'.repeat(300)]: 1 }]],
  ])('refuses fields that cannot be columns: %s', (_, records) => {
    expect(() => inferColumns(records)).toThrow(SchemaError)
  })

  it('keeps a field named __proto__', () => {
    const records = [JSON.parse('{"__proto__": 5}') as object]
    expect(Object.entries(inferColumns(records))).toEqual([['__proto__', 'BIGINT']])
  })
})

describe('values without bounds', () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 1
    for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value }
    return value
  }
  const cyclic: { self?: unknown; list: unknown[] } = { list: [] }
  cyclic.self = cyclic
  cyclic.list.push(cyclic.list, cyclic.list, cyclic)

  it('are inferred as JSON, and refused by the value, not by the stack', async () => {
    expect(inferColumns([{ v: nested(120) }])).toEqual({ v: 'JSON' })
    const engine = await openEngine()
    for (const value of [nested(100_000), cyclic]) {
      expect(inferColumns([{ v: value }])).toEqual({ v: 'JSON' })
      const error = await rejection(engine.write('deep', [{ id: 1, v: value }]))
      expect(error).toMatchObject({ name: 'ValueError', column: 'v', row: 0 })
    }
  })

  it('with ids for keys are JSON', async () => {
    const byId = Object.fromEntries(Array.from({ length: 1_001 }, (_, id) => [`id${id}`, id]))
    const engine = await openEngine()
    await engine.write('by_id', [{ v: byId }])
    const [row] = await engine.query(`SELECT typeof(v) AS type, v->>'id1000' AS last FROM by_id`)
    expect(row).toEqual({ type: 'JSON', last: '1000' })
  })

  it('2,000 columns make a table', async () => {
    const wide = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`c${index}`, index]))
    const engine = await openEngine()
    await engine.write('wide', [wide, wide])
    const [row] = await engine.query('SELECT count(*) AS rows, sum(c1999) AS last FROM wide')
    expect(row).toEqual({ rows: 2n, last: 3_998n })
  })
})

it('inferred types do not depend on the order of the records', async () => {
  const scalar = fc.constantFrom<unknown>(
    ...[null, true, 1, -1, 2.5, 3n, 2n ** 70n, 2n ** 127n, 'a', new Date(0), new Uint8Array(1), Number.NaN],
  )
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('x', 'y', 'X'), tie('value'), { maxKeys: 2 }),
      fc.array(fc.tuple(scalar, tie('value')), { maxLength: 2 }).map((entries) => new Map(entries)),
    ),
  }))
  const record = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] })
  const shuffled = fc
    .array(record, { minLength: 1, maxLength: 6 })
    .chain((records) =>
      fc.tuple(fc.constant(records), fc.shuffledSubarray(records, { minLength: records.length })),
    )
  await fc.assert(
    fc.asyncProperty(shuffled, async ([records, again]) => {
      expect(await inferred(again)).toEqual(await inferred(records))
    }),
    { numRuns: 300 },
  )
})

function inferred(records: readonly Record<string, unknown>[]): unknown {
  try {
    return Object.fromEntries(
      Object.entries(inferColumns(records)).map(([name, type]) => [name, ordered(type)]),
    )
  } catch (error) {
    return (error as Error).name
  }
}

const ordered = (type: string): unknown =>
  JSON.parse(
    JSON.stringify(parseLogicalType(type), (key, value) =>
      key === 'fields'
        ? value.toSorted((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1))
        : value,
    ),
  )
