import { afterAll, beforeAll, expect, it } from 'vitest'
import { SinkEngine } from '../src/index.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

/** A type that travels as text: values, each with what DuckDB prints of it, and values that it refuses. */
interface Texts {
  readonly type: string
  readonly takes: readonly (readonly [given: unknown, printed: string])[]
  readonly refuses: readonly unknown[]
}

class Instance {
  a = 1
}

const UUID = '0b6cbd31-52fa-4d54-8f07-f2ad1df3a8ff'

const TYPES: readonly Texts[] = [
  {
    type: 'DECIMAL(9,3)',
    takes: [
      [0.1, '0.100'],
      ['-123456.789', '-123456.789'],
      [5n, '5.000'],
      [1e-3, '0.001'],
      ['1.5000', '1.500'],
      [-0, '0.000'],
    ],
    refuses: [0.0001, '1.0005', 1_000_000, NaN, Infinity, 'x', '', true, new Date(0)],
  },
  {
    type: 'HUGEINT',
    takes: [
      [2n ** 127n - 1n, `${2n ** 127n - 1n}`],
      [-(2n ** 127n), `${-(2n ** 127n)}`],
      [2 ** 70, `${2n ** 70n}`],
    ],
    refuses: [2n ** 127n, 1.5, NaN, '1.5', true],
  },
  { type: 'UUID', takes: [[UUID.toUpperCase(), UUID]], refuses: ['0b6cbd31', `${UUID}0`, 5, '', {}] },
  {
    type: `ENUM('new', 'it''s', 'ü')`,
    takes: [
      ['new', 'new'],
      ["it's", "it's"],
      ['ü', 'ü'],
    ],
    refuses: ['NEW', 'old', '', 0, true],
  },
  {
    type: 'INTERVAL',
    takes: [
      [{ months: 14, days: -3, micros: 1_500_000n }, '1 year 2 months -3 days 00:00:01.5'],
      ['2 days 03:04:05.678', '2 days 03:04:05.678'],
      [{ days: 1 }, '1 day'],
    ],
    refuses: ['soon', { days: 1.5 }, { years: 1 }, 5, {}, '1 fortnight'],
  },
  {
    type: 'JSON',
    takes: [
      [{ a: [1, 'two', null], b: { c: true } }, '{"a":[1,"two",null],"b":{"c":true}}'],
      ['{"as": "text"}', '{"as": "text"}'],
      [[], '[]'],
      [1.5, '1.5'],
      [{ a: 2n ** 70n }, `{"a":${2n ** 70n}}`],
      [false, 'false'],
    ],
    refuses: ['no JSON', { a: undefined }, { a: NaN }, [new Date(0)], new Instance(), () => 1],
  },
  {
    type: 'INTEGER[]',
    takes: [
      [[1, null, 3n], '[1, NULL, 3]'],
      [[], '[]'],
      [new Set([1, 2]), '[1, 2]'],
      [Int32Array.of(1, 2), '[1, 2]'],
      ['[1, NULL, 3]', '[1, NULL, 3]'],
    ],
    refuses: [[1.5], ['x'], [2 ** 31], 'text', '[1.5]', '[1', { 0: 1 }, [undefined], Float64Array.of(0.5)],
  },
  { type: 'VARCHAR[2]', takes: [[['a', 'b'], '[a, b]']], refuses: [['a'], ['a', 'b', 'c'], [1, 2], 'ab'] },
  {
    type: 'STRUCT(a INTEGER, b VARCHAR)',
    takes: [
      [{ a: 1, b: 'x' }, `{'a': 1, 'b': x}`],
      [{ B: 'only' }, `{'a': NULL, 'b': only}`],
      [{ a: null, b: undefined, c: null }, `{'a': NULL, 'b': NULL}`],
    ],
    refuses: [{ a: 1.5 }, { a: 1, c: 2 }, { a: 1, A: 1 }, [1, 'x'], 'text', new Instance()],
  },
  {
    type: 'MAP(VARCHAR, DOUBLE)',
    takes: [
      [new Map([['a', 1.5]]), '{a=1.5}'],
      [{ x: 1, y: null }, '{x=1.0, y=NULL}'],
      [[['k', 2]], '{k=2.0}'],
    ],
    refuses: [
      new Map([[1, 1]]),
      new Map([['a', 'x']]),
      [
        ['a', 1],
        ['a', 2],
      ],
      5,
    ],
  },
  {
    type: 'STRUCT("at" TIMESTAMP, tags MAP(VARCHAR, DECIMAL(4,1)[]))[]',
    takes: [
      [
        [{ at: new Date(1_500), tags: { 'a"]}': [1.5, null] } }, null],
        `[{'at': '1970-01-01 00:00:01.5', 'tags': {'a"]}'=[1.5, NULL]}}, NULL]`,
      ],
    ],
    refuses: [[{ at: new Date(NaN) }], [{ tags: { a: [1.55] } }]],
  },
  {
    type: 'UNION(n INTEGER, s VARCHAR)',
    takes: [
      [{ tag: 'n', value: 5 }, '5'],
      [{ s: '5' }, '5'],
    ],
    refuses: [5, '5', { x: 1 }, { n: 'x' }],
  },
]

const tables = Object.fromEntries(
  TYPES.map(({ type }, index) => [`t${index}`, { columns: { row: 'INTEGER', value: type } }]),
)

it('values of types that travel as text are in the file as they were given', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  for (const [index, { takes }] of TYPES.entries()) {
    const given = [...takes.map(([value]) => value), null, undefined]
    await engine.write(
      `t${index}`,
      given.map((value, row) => ({ row, value })),
    )
  }
  await engine.close()
  for (const [index, { takes }] of TYPES.entries()) {
    const rows = await readFile(path, `SELECT value::VARCHAR AS printed FROM t${index} ORDER BY row`)
    expect(rows.map(({ printed }) => printed)).toEqual([...takes.map(([, printed]) => printed), null, null])
  }
})

let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:', tables })
})
afterAll(() => engine.close())

it.each(TYPES.map(({ type, refuses }, index) => ({ type, refuses, index })))(
  'what $type cannot hold is refused by row and column',
  async ({ index, refuses }) => {
    for (const value of refuses) {
      await expect(engine.write(`t${index}`, [{ row: 0 }, { row: 1, value }])).rejects.toMatchObject({
        name: 'ValueError',
        column: 'value',
        row: 1,
      })
    }
    expect(await engine.query(`FROM t${index}`)).toEqual([])
  },
)
