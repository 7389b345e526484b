import type { DuckDBConnection } from '@duckdb/node-api'
import { parseLogicalType } from '@ducksink/worker'
import { beforeAll, describe, expect, it } from 'vitest'
import { textFormOf } from '../src/encoder/literal.ts'
import { Refusal } from '../src/encoder/refusal.ts'
import { castByDuckDB, connect } from './read-back.ts'

let connection: DuckDBConnection

beforeAll(async () => {
  connection = await connect()
})

function refusalOf(type: string, value: unknown): string | undefined {
  const text = textFormOf(parseLogicalType(type))(value)
  return text instanceof Refusal ? text.expected : undefined
}

async function cast(type: string, value: unknown): Promise<unknown> {
  const tree = parseLogicalType(type)
  const text = textFormOf(tree)(value)
  if (text instanceof Refusal) throw new Error(text.expected)
  return (await castByDuckDB(connection, tree, [text]))[0]
}

describe('a number', () => {
  it.each([
    ['DECIMAL(5,2)', 1.005, 'it has more than 2 digits after the point, and is not rounded'],
    ['DECIMAL(5,2)', 1000, 'it has more than 3 digits before the point'],
    ['DECIMAL(5,2)', Number.NaN, 'it is not a decimal number'],
    ['DECIMAL(5,2)', '1e2e3', 'it is not a decimal number'],
    ['HUGEINT', 1.5, 'it has a fraction, and is not rounded'],
    ['HUGEINT', 2n ** 127n, 'it is out of range'],
    ['UHUGEINT', -1, 'it is out of range'],
    ['TINYINT[]', [300], 'at [0], it is out of range'],
    ['FLOAT[]', [0.1], 'at [0], single precision would change it; use Math.fround(), or a DOUBLE'],
    ['DOUBLE[]', [2n ** 53n + 1n], 'at [0], it is not exactly a double'],
  ])('that %s cannot hold is refused: %s', (type, value, reason) => {
    expect(refusalOf(type, value)).toBe(reason)
  })

  it('becomes the shortest decimal that reads back as it', async () => {
    expect(await cast('DECIMAL(18,3)', 0.1)).toBe('100')
    expect(await cast('DECIMAL(38,0)', 1e23)).toBe(`1${'0'.repeat(23)}`)
    expect(await cast('DECIMAL(38,20)', 1e-7)).toBe(`1${'0'.repeat(13)}`)
    expect(await cast('DECIMAL(5,2)', -0)).toBe('0')
    expect(await cast('DECIMAL(5,2)', '00012.5000000000000000000000000000000000000000')).toBe('1250')
  })

  it('halfway between two singles is refused as text: which is nearer shows in its last digits', () => {
    expect(refusalOf('FLOAT[]', ['23626958.99999999999999999999'])).toContain('single precision')
    expect(refusalOf('FLOAT[]', ['0.1'])).toBeUndefined()
  })
})

describe('a nested value', () => {
  it('finds its fields in any case, and NULL where they are absent or undefined', async () => {
    const type = 'STRUCT(a INTEGER, "B c" VARCHAR, "é" VARCHAR)'
    expect(await cast(type, { A: 1, 'b C': undefined, é: 'x' })).toEqual([
      ['a', '1'],
      ['B c', null],
      ['é', 'x'],
    ])
    expect(await cast(type, Object.create(null))).toEqual([
      ['a', null],
      ['B c', null],
      ['é', null],
    ])
  })

  it('takes a MAP from a Map, from entries, and from an object where keys are VARCHAR', async () => {
    const expected = [
      ['a', '1'],
      ['__proto__', null],
    ]
    const object = JSON.parse('{"a":1,"__proto__":null}')
    for (const value of [new Map(Object.entries(object)), Object.entries(object), object]) {
      expect(await cast('MAP(VARCHAR, INTEGER)', value)).toEqual(expected)
    }
  })

  it('names the member of a UNION', async () => {
    const type = 'UNION(num INTEGER, str VARCHAR, other VARCHAR)'
    expect(await cast(type, { tag: 'other', value: '1' })).toEqual({ tag: 'other', value: '1' })
    expect(await cast(type, { str: '1' })).toEqual({ tag: 'str', value: '1' })
    expect(await cast(`${type}[]`, [{ num: null }, null])).toEqual([{ tag: 'num', value: null }, null])
  })

  it('keeps its quotes at any depth', async () => {
    const type = `${'STRUCT(a '.repeat(8)}VARCHAR[]${')'.repeat(8)}`
    const wrap = <T>(value: T, level: (inner: unknown) => unknown): unknown =>
      Array.from({ length: 8 }).reduce(level, value)
    const given = wrap(['"]}\\', '[{'], (a) => ({ a }))
    expect(await cast(type, given)).toEqual(wrap(['"]}\\', '[{'], (a) => [['a', a]]))
  })

  it.each([
    ['INTEGER[]', 'abc', 'only an array can'],
    ['INTEGER[]', [1, undefined], 'at [1], it is not an integer'],
    ['INTEGER[2]', [1], 'it needs 2 elements'],
    ['STRUCT(a INTEGER)', new Map([[1, 1]]), 'only a plain object can'],
    ['STRUCT(a INTEGER)', { a: 1, b: 2 }, 'it has a field that the STRUCT has not'],
    ['STRUCT(a INTEGER)', { a: 1, A: 2 }, 'at .a, it is there twice, in different case'],
    ['STRUCT(a INTEGER[])[]', [{ a: [1, 1.5] }], 'at [0].a[1], it has a fraction, and is not rounded'],
    [
      'MAP(INTEGER, INTEGER)',
      { 1: 1 },
      'only a Map, an array of entries or, for VARCHAR keys, a plain object can',
    ],
    ['MAP(INTEGER, INTEGER)', [[null, 1]], 'at [0], a key of a MAP cannot be null'],
    [
      'MAP(INTEGER, INTEGER)',
      new Map<unknown, unknown>([
        [1, 1],
        ['1', 2],
      ]),
      'at [1], it has the key of another entry',
    ],
    ['UNION(a INTEGER)', 1, 'it is not { tag, value } or { [tag]: value } with a member of the UNION'],
    [
      'UNION(a INTEGER)',
      { tag: 'b', value: 1 },
      'it is not { tag, value } or { [tag]: value } with a member of the UNION',
    ],
    ['UNION(a BIT)', { a: '01' }, 'BIT beside a UNION or a list of JSON is not supported yet'],
    [
      'UNION(a BLOB)',
      { a: new Uint8Array([255]) },
      'at .a, bytes that are not UTF-8 are not supported beside a UNION yet',
    ],
    ['VARCHAR[]', ['\ud800'], 'at [0], it has a lone surrogate, which UTF-8 cannot hold'],
  ])('that %s cannot hold is refused: %s', (type, value, reason) => {
    expect(refusalOf(type, value)).toBe(reason)
  })

  it('whose getter throws is refused', () => {
    const value = {
      get a() {
        throw new Error('secret')
      },
    }
    expect(refusalOf('STRUCT(a INTEGER)', value)).toBe('reading one of its fields threw')
  })

  it('that would grow without end when quoted is refused', () => {
    const depth = 40
    const type = `${'STRUCT(a '.repeat(depth)}VARCHAR${')'.repeat(depth)}`
    let value: unknown = '"}'
    for (let i = 0; i < depth; i++) value = { a: value }
    expect(refusalOf(type, value)).toContain('it nests too deep for its brackets')
  })
})

describe('JSON', () => {
  it('is text that is JSON, kept as it stands', async () => {
    const text = '{"a": 2.50, "a": [1e400, 12345678901234567890123, "\\ud83d\\ude00"]} '
    expect(textFormOf({ id: 'JSON' })(text)).toBe(text)
    expect(await cast('JSON', '"abc"')).toBe('abc')
    expect(await cast('STRUCT(j JSON)', { j: ' [1, 2.50, -0.0]' })).toEqual([['j', ['1', '2.5', '-0']]])
  })

  const cyclic: Record<string, unknown> = {}
  cyclic.self = [cyclic]

  it.each([
    ['text', 'abc', 'it is no JSON text; a string becomes JSON by JSON.stringify()'],
    ['a lone surrogate', '"\\\\\\ud800"', 'it has a lone surrogate, which UTF-8 cannot hold'],
    ['a lone surrogate in an object', { '\ud800': 1 }, 'it has a lone surrogate, which UTF-8 cannot hold'],
    ['undefined', { a: undefined }, 'JSON has no undefined'],
    ['a hole', new Array(1), 'JSON has no undefined'],
    ['NaN', [Number.NaN], 'JSON has no NaN and no infinity'],
    ['a function', { toJSON: () => 1 }, 'JSON has no function'],
    ['a symbol', { [Symbol.iterator]: 1 }, 'JSON has no symbols'],
    ['a Date', [new Date(0)], 'JSON has no class instances'],
    ['a Map', new Map(), 'JSON has no class instances'],
    ['a cycle', cyclic, 'it nests deeper than 1000 levels, or contains itself'],
  ])('has no %s', (_, value, reason) => {
    expect(refusalOf('JSON', value)).toBe(reason)
  })

  it('that DuckDB writes anew, inside another value, has no number that this would change', () => {
    expect(refusalOf('JSON[]', ['0.12345678901234567890'])).toContain('more digits than a double keeps')
    expect(refusalOf('JSON[]', ['"0.12345678901234567890"'])).toBeUndefined()
  })
})

describe('a type that only DuckDB knows', () => {
  it('takes text', async () => {
    expect(await cast('VARCHAR[]', ['x'])).toEqual(['x'])
    for (const type of ['VARIANT', 'mood', 'main."my type"']) {
      expect(textFormOf(parseLogicalType(type))('POINT (1 2)')).toBe('POINT (1 2)')
      expect(refusalOf(type, 1)).toBe('only a string can; convert it first')
    }
  })
})
