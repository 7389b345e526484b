import { parseLogicalType, ValueError } from '@ducksink/worker'
import { describe, expect, it } from 'vitest'
import { decodeColumn, encodeColumn } from './encoded-column.ts'
import { openEngine } from './open-engine.ts'

/** What is said against a value, from the column's name on; undefined where it is taken. */
function refusalOf(type: string, value: unknown): string | undefined {
  try {
    encodeColumn(parseLogicalType(type), [null, value])
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError)
    expect(error).toMatchObject({ row: 1, column: 'c' })
    const [, path, reason] =
      /^row 1, column "c"(.*?) of table "t": (.*)$/.exec((error as Error).message) ?? []
    return `${path}: ${reason}`
  }
}

/** What a value is encoded to, as the decoder gives it. */
function taken(type: string, value: unknown): unknown {
  const parsed = parseLogicalType(type)
  return decodeColumn(parsed, encodeColumn(parsed, [value]))[0]
}

describe('a number', () => {
  const tooFine = 'it has more than 2 digits after the point, and is not rounded'
  it.each([
    ['DECIMAL(5,2)', 1.005, `: number cannot become DECIMAL(5,2): ${tooFine}`],
    ['DECIMAL(5,2)', 0.1 + 0.2, `: number cannot become DECIMAL(5,2): ${tooFine}`],
    ['DECIMAL(5,2)', 1000, ': number cannot become DECIMAL(5,2): it has more than 3 digits before the point'],
    ['DECIMAL(38,10)', Number.NaN, ': number cannot become DECIMAL(38,10): it is not a decimal number'],
    ['DECIMAL(38,10)', Infinity, ': number cannot become DECIMAL(38,10): it is not a decimal number'],
    ['DECIMAL(5,2)', '1e2e3', ': string cannot become DECIMAL(5,2): it is not a decimal number'],
    ['HUGEINT', 1.5, ': number cannot become HUGEINT: it has a fraction, and is not rounded'],
    ['HUGEINT', 2n ** 127n, ': bigint cannot become HUGEINT: it is out of range'],
    ['UHUGEINT', -1, ': number cannot become UHUGEINT: it is out of range'],
    ['TINYINT[]', [300], '[0]: number cannot become TINYINT: it is out of range'],
    ['DOUBLE[]', [2n ** 53n + 1n], '[0]: bigint cannot become DOUBLE: it is not exactly a double'],
  ])('that %s cannot hold is refused: %s', (type, value, reason) => {
    expect(refusalOf(type, value)).toBe(reason)
  })

  it('becomes the shortest decimal that reads back as it', () => {
    expect(taken('DECIMAL(18,3)', 0.1)).toBe(0.1)
    expect(taken('DECIMAL(38,0)', 1e23)).toBe(`1${'0'.repeat(23)}`)
    expect(taken('DECIMAL(38,20)', 1e-7)).toBe(1e-7)
    expect(taken('DECIMAL(38,22)', 0.3)).toBe(`0.3${'0'.repeat(21)}`)
    expect(taken('DECIMAL(5,2)', -0)).toBe(0)
    expect(taken('DECIMAL(5,2)', '00012.5000000000000000000000000000000000000000')).toBe(12.5)
    expect(taken('DECIMAL(18,1)', 123456789012345.6)).toBe('123456789012345.6')
    expect(taken('DECIMAL(18,0)', 2 ** 53)).toBe('9007199254740992')
  })

  it('halfway between two singles is refused as text: which is nearer shows in its last digits', () => {
    expect(refusalOf('FLOAT[]', ['23626958.99999999999999999999'])).toContain('single precision')
    expect(refusalOf('FLOAT[]', ['0.1'])).toBeUndefined()
  })
})

describe('a nested value', () => {
  it('finds its fields in any case, and NULL where they are absent or undefined', () => {
    const type = 'STRUCT(a INTEGER, "B c" VARCHAR, "é" VARCHAR)'
    expect(taken(type, { A: 1, 'b C': undefined, é: 'x' })).toEqual({ a: 1, 'B c': null, é: 'x' })
    expect(taken(type, Object.create(null))).toEqual({ a: null, 'B c': null, é: null })
    const values = [{ a: 1, é: 'x' }, { é: 'y', a: 2 }, { A: 3 }, null, { é: 'z', a: 4, more: null }]
    expect((taken(`${type}[]`, values) as { a: number }[]).map((value) => value?.a)).toEqual([
      1,
      2,
      3,
      undefined,
      4,
    ])
  })

  it('has own fields only, whatever they are called', () => {
    const type = 'STRUCT("constructor" INTEGER, "__proto__" INTEGER, "toString" VARCHAR)'
    expect(Object.values(taken(type, {}) as object)).toEqual([null, null, null])
    const given = JSON.parse('{"constructor":1,"__proto__":2,"toString":"x"}')
    expect(Object.entries(taken(type, given) as object)).toEqual(Object.entries(given))
  })

  it('takes a MAP from a Map, from entries, and from an object where keys are VARCHAR', () => {
    const object = JSON.parse('{"a":1,"__proto__":null}')
    const expected = new Map(Object.entries(object))
    for (const value of [expected, Object.entries(object), object]) {
      expect(taken('MAP(VARCHAR, INTEGER)', value)).toEqual(expected)
    }
  })

  it('names the member of a UNION', () => {
    const type = 'UNION(num INTEGER, str VARCHAR, other VARCHAR)'
    expect(taken(type, { tag: 'other', value: '1' })).toEqual({ tag: 'other', value: '1' })
    expect(taken(type, { STR: '1' })).toEqual({ tag: 'str', value: '1' })
    expect(taken(`${type}[]`, [{ num: null }, null])).toEqual([{ tag: 'num', value: null }, null])
  })

  const noUnion = 'it is not { tag, value } or { [tag]: value } with a member of the UNION'
  const noMap = 'only a Map, an array of entries or, for VARCHAR keys, a plain object can'
  const hole = 'it is undefined, or a hole in an array; NULL is null'
  const noInteger = 'cannot become INTEGER: it is not an integer'
  const noIntegerText = 'cannot become INTEGER: it is not the text of a whole number'
  it.each([
    ['INTEGER[]', 'abc', ': string cannot become INTEGER[]: only an array can'],
    ['INTEGER[]', 5, ': number cannot become INTEGER[]: only an array can'],
    ['INTEGER[]', { length: 0 }, ': Object cannot become INTEGER[]: only an array can'],
    ['INTEGER[]', [1, undefined], `[1]: undefined cannot become INTEGER: ${hole}`],
    ['INTEGER[]', new Array(3), `[0]: undefined cannot become INTEGER: ${hole}`],
    ['INTEGER[]', [1, 'x', 2], `[1]: string ${noIntegerText}`],
    ['INTEGER[][]', [[1], [], [2, {}]], `[2][1]: Object ${noInteger}`],
    ['INTEGER[2]', [1], ': array cannot become INTEGER[2]: it needs 2 elements'],
    ['INTEGER[2][]', [null, [1, 'x']], `[1][1]: string ${noIntegerText}`],
    [
      'STRUCT(a INTEGER)',
      new Map([[1, 1]]),
      ': Map cannot become STRUCT("a" INTEGER): only a plain object can',
    ],
    [
      'STRUCT(a INTEGER)',
      { a: 1, b: 2 },
      ': Object cannot become STRUCT("a" INTEGER): it has a field that the STRUCT has not',
    ],
    [
      'STRUCT(a INTEGER)',
      { a: 1, A: 2 },
      '.a: Object cannot become STRUCT("a" INTEGER): it is there twice, in different case',
    ],
    [
      'STRUCT(a INTEGER[])[]',
      [{ a: [1] }, { a: [1, 1.5] }],
      '[1].a[1]: number cannot become INTEGER: it has a fraction, and is not rounded',
    ],
    ['MAP(INTEGER, INTEGER)', { 1: 1 }, `: Object cannot become MAP(INTEGER, INTEGER): ${noMap}`],
    ['MAP(INTEGER, INTEGER)', [[1]], `: array cannot become MAP(INTEGER, INTEGER): ${noMap}`],
    [
      'MAP(INTEGER, INTEGER)',
      [[null, 1]],
      '[0]: array cannot become MAP(INTEGER, INTEGER): a key of a MAP cannot be null',
    ],
    [
      'MAP(INTEGER, VARCHAR)',
      [
        [1, 'a'],
        [2, 3],
      ],
      '[1].value: number cannot become VARCHAR: only a string can; convert it first',
    ],
    ['MAP(INTEGER, VARCHAR)', new Map([[{}, 'a']]), `[0].key: Object ${noInteger}`],
    ['UNION(a INTEGER)', 1, `: number cannot become UNION("a" INTEGER): ${noUnion}`],
    ['UNION(a INTEGER)', { tag: 'b', value: 1 }, `: Object cannot become UNION("a" INTEGER): ${noUnion}`],
    ['UNION(a INTEGER)[]', [{ a: 1 }, { a: 'x' }], `[1].a: string ${noIntegerText}`],
    [
      'UNION(a INTEGER)',
      { a: undefined },
      '.a: undefined cannot become INTEGER: it is undefined; NULL is null',
    ],
    ['UNION(a INTEGER)', '1', `: string cannot become UNION("a" INTEGER): ${noUnion}`],
    [
      'VARCHAR[]',
      ['\ud800'],
      '[0]: string cannot become VARCHAR: it has a lone surrogate, which UTF-8 cannot hold',
    ],
    ['JSON[]', [1, { a: [Number.NaN] }], '[1]: Object cannot become JSON: JSON has no NaN and no infinity'],
    [
      'STRUCT(g GEOMETRY)',
      { g: 1 },
      '.g: number cannot become GEOMETRY: it is not well-known text such as POINT (1 2)',
    ],
  ])('that %s cannot hold is refused, and where it is: %s', (type, value, reason) => {
    expect(refusalOf(type, value)).toBe(reason)
  })

  it('names the right element behind thousands of others', () => {
    const lists = Array.from({ length: 300 }, (_, i) => Array.from({ length: i % 50 }, () => i))
    lists[299] = [1, 2, 0.5]
    expect(refusalOf('INTEGER[][]', lists)).toContain('[299][2]: number cannot become INTEGER')
    const long = Array.from({ length: 10_000 }, (_, i): unknown => (i === 9_876 ? 'x' : i))
    expect(refusalOf('INTEGER[]', long)).toContain('[9876]: string cannot become INTEGER')
  })

  it('is refused for a hole or undefined far inside, whatever a second reading says', () => {
    const numbers = Array.from({ length: 1_000 }, (_, i) => (i % 3 === 0 ? null : i))
    const reason = `[700]: undefined cannot become INTEGER: ${hole}`
    for (const change of [
      (list: unknown[]) => delete list[700],
      (list: unknown[]) => (list[700] = undefined),
    ]) {
      const list: unknown[] = [...numbers]
      change(list)
      expect(refusalOf('INTEGER[]', list)).toBe(reason)
      expect(refusalOf('INTEGER[1000]', list)).toBe(reason)
      expect(refusalOf('INTEGER[][]', [[1], list])).toBe(`[1]${reason}`)
    }
    const answers = [undefined, 5]
    const list = Object.defineProperty([...numbers], 700, { get: () => answers.shift() })
    expect(refusalOf('INTEGER[]', list)).toBe(reason)
  })

  it('of a Proxy is read once', () => {
    const seen = new Map<PropertyKey, number>()
    const list = new Proxy(
      Array.from({ length: 1_000 }, (_, i) => i),
      {
        get: (target, key) => {
          seen.set(key, (seen.get(key) ?? 0) + 1)
          return seen.get(key) === 1 ? Reflect.get(target, key) : undefined
        },
      },
    )
    expect(taken('INTEGER[]', list)).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
  })

  it('is named by its row, behind rows of any length', async () => {
    const engine = await openEngine({ tables: { t: { columns: { tags: 'STRUCT(name VARCHAR)[]' } } } })
    const records = Array.from({ length: 5_000 }, (_, row) => ({
      tags: row % 7 === 0 ? null : Array.from({ length: row % 5 }, () => ({ name: `${row}` })),
    }))
    records[4_321] = { tags: [{ name: 'a' }, { name: 'b' }, { name: 5 as unknown as string }] }
    await expect(engine.write('t', records)).rejects.toMatchObject({
      name: 'ValueError',
      message:
        'row 4321, column "tags"[2].name of table "t": number cannot become VARCHAR: only a string can; convert it first',
      row: 4_321,
      column: 'tags',
      expected: 'VARCHAR',
      found: 'number',
    })
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM t')).toEqual([{ n: 0 }])
  })
})

describe('keys of a MAP that DuckDB takes for equal are refused:', () => {
  it.each([
    [
      'MAP(INTEGER, INTEGER)',
      new Map<unknown, unknown>([
        [1, 1],
        ['1', 2],
      ]),
      1,
    ],
    [
      'MAP(INTEGER, INTEGER)',
      [
        [1, 1],
        [2, 2],
        [1n, 3],
      ],
      2,
    ],
    [
      'MAP(VARCHAR, INTEGER)',
      [
        ['a', 1],
        ['a', 2],
      ],
      1,
    ],
    [
      'MAP(VARCHAR, INTEGER)',
      [
        ['a string of more than 12 bytes', 1],
        ['a string of more than 12 bytes', 2],
      ],
      1,
    ],
    [
      'MAP(DOUBLE, INTEGER)',
      [
        [0, 1],
        [-0, 2],
      ],
      1,
    ],
    [
      'MAP(FLOAT, INTEGER)',
      [
        [Number.NaN, 1],
        [Number.NaN, 2],
      ],
      1,
    ],
    [
      'MAP(UUID, INTEGER)',
      new Map([
        ['0b6cbd31-52fa-4d54-8f07-f2ad1df3a8ff', 1],
        ['0B6CBD31-52FA-4D54-8F07-F2AD1DF3A8FF', 2],
      ]),
      1,
    ],
    [
      'MAP(INTERVAL, INTEGER)',
      [
        [{ months: 1 }, 1],
        [{ days: 30 }, 2],
      ],
      1,
    ],
    [
      'MAP(INTERVAL, INTEGER)',
      [
        [{ days: 1 }, 1],
        [{ micros: 86_400_000_000n }, 2],
      ],
      1,
    ],
    [
      'MAP(INTEGER[], INTEGER)',
      [
        [[1, 2], 1],
        [[1], 2],
        [[1, 2], 3],
      ],
      2,
    ],
    [
      'MAP(STRUCT(a INTEGER, b VARCHAR), INTEGER)',
      [
        [{ a: 1 }, 1],
        [{ b: null, a: '1' }, 2],
      ],
      1,
    ],
    [
      'MAP(DATE, INTEGER)',
      [
        [new Date(0), 1],
        ['1970-01-01', 2],
      ],
      1,
    ],
  ])('%s', (type, value, entry) => {
    expect(refusalOf(type, value)).toContain(`[${entry}]: `)
    expect(refusalOf(type, value)).toContain('it has the key of another entry')
  })

  it('others are not', () => {
    const lists = [
      [[1, 2], 1],
      [[1], 2],
      [[2, 1], 3],
      [[], 4],
      [[1, null], 5],
      [[null, 1], 6],
    ]
    expect(refusalOf('MAP(INTEGER[], INTEGER)', lists)).toBeUndefined()
    expect(
      refusalOf('MAP(VARCHAR[], INTEGER)', [
        [['a', 'b'], 1],
        [['ab'], 2],
        [['', 'ab'], 3],
      ]),
    ).toBeUndefined()
    expect(
      refusalOf('MAP(INTERVAL, INTEGER)', [
        [{ months: 1, days: -1 }, 1],
        [{ days: 29 }, 2],
      ]),
    ).toBeUndefined()
    expect(
      refusalOf('MAP(BIT, INTEGER)', [
        ['1', 1],
        ['01', 2],
        ['001', 3],
      ]),
    ).toBeUndefined()
  })
})

describe('a value that breaks when it is read', () => {
  const throwing = (name: string): object =>
    Object.defineProperty({}, name, {
      enumerable: true,
      get: () => {
        throw new Error('secret')
      },
    })
  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('secret')
      },
    },
  )
  const list = new Proxy([1, 2], {
    get: () => {
      throw new Error('secret')
    },
  })

  it.each([
    ['STRUCT(a INTEGER)', throwing('a')],
    ['STRUCT(a INTEGER)[]', [{ a: 1 }, throwing('a')]],
    ['STRUCT(a INTEGER)[]', [proxy]],
    ['INTEGER[]', list],
    ['MAP(VARCHAR, INTEGER)', throwing('x')],
    ['UNION(a INTEGER)', throwing('a')],
    ['STRUCT(a STRUCT(b INTEGER[]))', { a: { b: list } }],
  ])('%s: is refused by row and column', (type, value) => {
    expect(refusalOf(type, value)).toBe(': reading the field threw')
  })

  it('JSON: is refused by row, column and place', () => {
    expect(refusalOf('JSON[]', [throwing('a')])).toContain(
      '[0]: Object cannot become JSON: reading one of its fields threw',
    )
  })
})

describe('values without end', () => {
  const cyclic: unknown[] = []
  cyclic.push(cyclic)
  const selfish: Record<string, unknown> = {}
  selfish.self = selfish
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]

  it('end where their type does', () => {
    expect(refusalOf('INTEGER[][]', cyclic)).toContain('[0][0]: array cannot become INTEGER')
    expect(refusalOf('STRUCT(self STRUCT(self INTEGER))', selfish)).toContain(
      '.self.self: Object cannot become INTEGER',
    )
    expect(refusalOf(`INTEGER${'[]'.repeat(900)}`, deep)).toContain('[0][0]: array cannot become INTEGER')
    expect(refusalOf(`INTEGER${'[]'.repeat(900)}`, cyclic)).toContain('[0][0]: array cannot become INTEGER')
  })

  it('are refused as JSON', () => {
    const depth = 'it nests deeper than 1000 levels, or contains itself'
    expect(refusalOf('JSON', selfish)).toContain(depth)
    expect(refusalOf('JSON[]', [cyclic])).toContain(depth)
    expect(refusalOf('JSON', deep)).toContain(depth)
  })

  it('are refused as text', () => {
    const nested = '['.repeat(100_000)
    expect(refusalOf('INTEGER[][]', nested)).toContain('only an array can')
    expect(refusalOf('JSON', nested)).toContain('it is no JSON text')
  })
})

describe('JSON', () => {
  it('is text that is JSON, kept as it stands', () => {
    const text = '{"a": 2.50, "a": [1e400, 12345678901234567890123, "\\ud83d\\ude00"]} '
    expect(taken('JSON', text)).toBe(text)
    expect(taken('STRUCT(j JSON[])', { j: [text, null] })).toEqual({ j: [text, null] })
  })

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
  ])('has no %s', (_, value, reason) => {
    expect(refusalOf('JSON', value)).toMatch(new RegExp(`: ${reason.replace(/[()]/g, '\\$&')}$`))
  })
})

describe('a type that only DuckDB knows', () => {
  it('takes text', () => {
    for (const type of ['VARIANT', 'mood', 'main."my type"']) {
      expect(taken(type, 'POINT (1 2)')).toBe('POINT (1 2)')
      expect(refusalOf(type, 1)).toContain('only a string can; convert it first')
    }
  })
})
