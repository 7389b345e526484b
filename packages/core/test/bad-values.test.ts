import { SinkError } from '@ducksink/worker'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SinkEngine } from '../src/index.ts'
import { openEngine, rejection } from './open-engine.ts'

class Point {
  x = 1
}

/** A value inside so many arrays, or objects. */
function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = wrap(value)
  return value
}

const cyclicObject: Record<string, unknown> = { a: 1 }
cyclicObject.a = cyclicObject
const cyclicArray: unknown[] = []
cyclicArray.push(cyclicArray)
const sparse: unknown[] = [1]
sparse[2] = 3
const cyclicMap = new Map<string, unknown>()
cyclicMap.set('a', cyclicMap)

/** Values that no column of the table takes. */
const BAD_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  'a cyclic value': [cyclicObject, cyclicArray, cyclicMap, new Set([cyclicArray])],
  'a function': [() => 1, Point, [() => 1], { a: () => 1 }],
  'a symbol': [Symbol('a'), [Symbol('a')], { a: Symbol('a') }],
  'a class instance': [
    new Point(),
    [new Point()],
    { a: new Point() },
    new Map([['a', new Point()]]),
    /a/,
    new Error('a'),
  ],
  'a sparse array': [new Array(1), sparse, { a: sparse }],
  'an array of mixed types': [
    [1, 'two', new Date(0)],
    [[1], 1, () => 1],
  ],
  'a Map with keys that are no strings': [new Map([[1, 1]]), new Map([[{}, 1]]), new Map([[Symbol('a'), 1]])],
  '100,000 nested levels': [
    nested(100_000, (inner) => [inner]),
    nested(100_000, (a) => ({ a })),
    nested(100_000, (inner) => new Set([inner])),
    nested(100_000, (inner) => new Map([['a', inner]])),
  ],
  'a value that throws when it is read': [
    {
      get a() {
        throw new Error('secret')
      },
    },
    [
      {
        get a() {
          throw new Error('secret')
        },
      },
    ],
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('secret')
        },
      },
    ),
    new Proxy([1], {
      get: () => {
        throw new Error('secret')
      },
    }),
    {
      [Symbol.toStringTag]: 'Temporal.PlainDate',
      toString: () => {
        throw new Error('secret')
      },
    },
  ],
}

const COLUMNS: Readonly<Record<string, string>> = {
  ...{
    text: 'VARCHAR',
    whole: 'INTEGER',
    huge: 'HUGEINT',
    number: 'DOUBLE',
    decimal: 'DECIMAL(9,2)',
    bool: 'BOOLEAN',
  },
  ...{
    bytes: 'BLOB',
    id: 'UUID',
    day: 'DATE',
    moment: 'TIMESTAMP',
    span: 'INTERVAL',
    json: 'JSON',
    mood: "ENUM('a')",
  },
  ...{ list: 'INTEGER[]', lists: 'INTEGER[][]', pair: 'INTEGER[2]', struct: 'STRUCT(a INTEGER)' },
  ...{ map: 'MAP(VARCHAR, INTEGER)', choice: 'UNION(a INTEGER, b VARCHAR)' },
}

describe('a bad value is refused by row and column, and the batch with it', () => {
  let engine: SinkEngine
  beforeAll(async () => {
    engine = await SinkEngine.open({ path: ':memory:', tables: { t: { columns: COLUMNS } } })
  })
  afterAll(() => engine.close())

  it.each(Object.keys(BAD_VALUES))('%s', async (name) => {
    for (const [index, value] of (BAD_VALUES[name] ?? []).entries()) {
      for (const column of Object.keys(COLUMNS)) {
        const error = await rejection(engine.write('t', [{}, { [column]: value }]))
        expect([name, index, column, error]).toEqual([name, index, column, expect.any(SinkError)])
        expect(error).toMatchObject({ code: 'INVALID_VALUE', column, row: 1 })
        expect((error as Error).message).not.toContain('secret')
      }
    }
    await engine.write('t', [{ whole: 1 }])
    expect(await engine.query('FROM t WHERE whole IS NULL')).toEqual([])
  })

  it('also where the table is to be made from it', async () => {
    for (const [name, values] of Object.entries(BAD_VALUES)) {
      for (const value of values) {
        const error = await rejection(engine.write('made', [{ id: 1, value }]))
        expect([name, error]).toEqual([name, expect.any(SinkError)])
      }
    }
  })
})

describe('a name', () => {
  it('that a record has twice, in different case, is refused', async () => {
    const engine = await openEngine({
      tables: { t: { columns: { id: 'INTEGER', pair: 'STRUCT(a INTEGER)' } } },
    })
    expect(await rejection(engine.write('t', [{ id: 1, ID: 2 }]))).toBeInstanceOf(SinkError)
    expect(await rejection(engine.write('t', [{ pair: { a: 1, A: 2 } }]))).toMatchObject({
      column: 'pair',
      row: 0,
    })
    expect(
      await rejection(
        engine.write('t', [
          {
            pair: new Map([
              ['A', 1],
              ['a', 2],
            ]),
          },
        ]),
      ),
    ).toMatchObject({ column: 'pair', row: 0 })
    expect(await engine.query('FROM t')).toEqual([])
  })

  it('of a type that DuckDB does not know is refused', async () => {
    for (const type of ['NOSUCHTYPE', 'INTEGER(', 'STRUCT(a NOSUCHTYPE)', '', 'INTEGER; DROP TABLE t']) {
      expect(await rejection(openEngine({ tables: { t: { columns: { id: type } } } })), type).toBeInstanceOf(
        SinkError,
      )
    }
  })
})

it('text of a million characters that is no literal is refused at once', async () => {
  const engine = await openEngine({
    tables: {
      t: {
        columns: {
          whole: 'INTEGER',
          number: 'DOUBLE',
          decimal: 'DECIMAL(9,2)',
          list: 'VARCHAR[]',
          shape: 'GEOMETRY',
        },
      },
    },
  })
  const [digits, spaces] = ['1'.repeat(1_000_000), ' '.repeat(1_000_000)]
  const records = [
    ...[digits, spaces].flatMap((text) => [
      { whole: `${text}x` },
      { number: `${text}x` },
      { decimal: `${text}x` },
    ]),
    ...[{ list: `[a${spaces}b` }, { list: `[${'('.repeat(1_000_000)}` }, { shape: `POINT (${digits}x 1)` }],
    ...[{ shape: `POINT${spaces}x` }, { whole: `${'0'.repeat(1_000_000)}1` }],
  ]
  for (const record of records) {
    expect(await rejection(engine.write('t', [record]))).toMatchObject({ code: 'INVALID_VALUE', row: 0 })
  }
})

it('JSON text of 100,000 levels is kept as it stands', async () => {
  const engine = await openEngine({ tables: { t: { columns: { json: 'JSON' } } } })
  const json = '['.repeat(100_000) + ']'.repeat(100_000)
  await engine.write('t', [{ json }])
  expect(await engine.query('FROM t')).toEqual([{ json }])
})

it.each([-1, 1.5, 'x', Number.NaN, 2 ** 32])(
  'an array that says its length is %s is refused',
  async (length) => {
    const types = ['INTEGER[]', 'VARCHAR[][]', 'INTEGER[2]', 'MAP(INTEGER, INTEGER)', 'JSON']
    const engine = await openEngine({
      tables: { t: { columns: Object.fromEntries(types.map((type, i) => [`c${i}`, type])) } },
    })
    const list = new Proxy([1, 2, 3], {
      get: (array, key) => (key === 'length' ? length : Reflect.get(array, key)),
    })
    for (const [i, type] of types.entries()) {
      const value = type.endsWith('[][]') ? [[], list] : list
      const error = await rejection(engine.write('t', [{}, { [`c${i}`]: value }]))
      expect(error, type).toMatchObject({ code: 'INVALID_VALUE', column: `c${i}`, row: 1 })
    }
    expect(await engine.query('FROM t')).toEqual([])
  },
)
