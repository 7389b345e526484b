import { runInNewContext, runInThisContext } from 'node:vm'
import { DuckDBDateValue, DuckDBDecimalValue, DuckDBListValue, DuckDBUnionValue } from '@duckdb/node-api'
import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { beforeAll, describe, expect, it } from 'vitest'
import { PayloadHasher } from '../src/payload-hash.ts'

let hasher: PayloadHasher
beforeAll(async () => {
  hasher = await PayloadHasher.load()
})

const TABLE = {}

/** The hash of records, of which the rows before each border are there at a time. */
function hashOf(records: readonly unknown[], borders: readonly number[] = [], table: object = TABLE): string {
  const payload = hasher.begin(table, records)
  for (const border of borders) payload.advance(border)
  const { version, hash } = payload.digest()
  expect(version).toBe(1)
  expect(hash).toMatch(/^[0-9a-f]{32}$/)
  return hash
}

const valueHash = (value: unknown): string => hashOf([{ value }])

/** Values of which no two are the same, though many look alike. */
const DISTINCT: readonly unknown[] = [
  ...[undefined, null, true, false],
  ...[0, 1, -1, 0.1, 1e300, NaN, Infinity, -Infinity, 2 ** 53],
  ...[0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n, 2n ** 64n + 1n, -(2n ** 200n)],
  ...['', '0', '1', 'true', 'null', 'NaN', 'a', 'A', '\u00e9', 'e\u0301', '\\0', '\0', '\0\0', '€', '😀'],
  ...['\ud83d', '\ude00', '\ude00\ud83d', '\ud800', '\udc00', '�', 'a\ud800', 'x'.repeat(30), 'é'.repeat(30)],
  ...[new Date(0), new Date(1), new Date(NaN), new Date(-1), '1970-01-01T00:00:00.000Z'],
  ...[
    [],
    [undefined],
    [null],
    [[]],
    [0],
    [1],
    [1n],
    ['1'],
    [true],
    [1, 2],
    [2, 1],
    [[1], 2],
    [[1, 2]],
    [new Date(1)],
  ],
  ...[
    {},
    { a: 1 },
    { b: 1 },
    { a: 1n },
    { a: null },
    { a: { a: 1 } },
    { a: 1, b: 2 },
    { a: 2, b: 1 },
    { '': 1 },
  ],
  ...[new Map(), new Map([['a', 1]]), new Map([[1, 'a']]), new Map([['a', null]]), new Map([[{ a: 1 }, 1]])],
  ...[new Set(), new Set([1]), new Set([1, 2]), new Set([2, 1]), new Set([[1]])],
  ...[new Uint8Array(), new Uint8Array(1), new Uint8Array(2), new Uint8Array([1]), new Int8Array([1])],
  ...[new Int16Array([1]), new Float32Array([1]), new Float64Array([1]), new BigInt64Array([1n])],
  ...[new ArrayBuffer(0), new ArrayBuffer(1), new Uint8Array([1, 2]).buffer, new Uint8ClampedArray([1])],
  ...[Temporal.PlainDate.from('2026-11-22'), Temporal.PlainDateTime.from('2026-11-22'), '2026-11-22'],
  ...[
    Temporal.Duration.from('PT60M'),
    Temporal.Duration.from('PT1H'),
    Temporal.Instant.from('2026-11-22T00:00Z'),
  ],
  ...[new DuckDBDecimalValue(1n, 4, 2), new DuckDBDecimalValue(10n, 4, 2), new DuckDBDecimalValue(1n, 4, 3)],
  ...[new DuckDBDateValue(1), new DuckDBDateValue(2), { days: 1 }, new DuckDBListValue([1]), { items: [1] }],
  ...[new DuckDBUnionValue('a', 1), new DuckDBUnionValue('b', 1), { tag: 'a', value: 1 }],
  ...[() => 1, Symbol('s'), new (class Point {})(), new (class Point { x = 1 })()], // biome-ignore format: one line
]

describe('values that differ in anything have other hashes', () => {
  const contexts: Readonly<Record<string, (value: unknown) => readonly object[]>> = {
    'in a field': (value) => [{ value }],
    'beside others': (value) => [{ value: 1 }, { value }, { value: 'one' }, { value: null }],
    'in a list': (value) => [{ value: [1, value] }],
    'in a struct': (value) => [{ value: { inside: value, other: 1 } }],
    'as the value of a map': (value) => [{ value: new Map([[1, value]]) }],
    'in a later chunk': (value) => [...new Array(5_000).fill({ value: 'x' }), { value }],
  }
  it.each(Object.entries(contexts))('%s', (_, records) => {
    const hashes = new Map<string, unknown>()
    for (const value of DISTINCT) {
      const hash = hashOf(records(value))
      expect(hashes.has(hash) ? [value, hashes.get(hash)] : []).toEqual([])
      hashes.set(hash, value)
    }
  })

  it('strings side by side keep their borders', () => {
    const texts = (...values: string[]): string => hashOf(values.map((text) => ({ text })))
    const hashes = [texts('ab', 'c'), texts('a', 'bc'), texts('abc', ''), texts('abc'), texts('', 'abc')]
    const long = 'x'.repeat(20_000)
    hashes.push(texts(`${long}y`, 'é'), texts(long, 'yé'), texts(`${long}yé`, ''), texts(long, 'y', 'é'))
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it('two halves of a surrogate pair are not the pair', () => {
    const texts = (...values: string[]): string => hashOf(values.map((text) => ({ text })))
    expect(texts('\ud83d', '\ude00')).not.toBe(texts('😀', ''))
    expect(texts('\ud83d', '\ude00')).not.toBe(texts('', '😀'))
  })

  it('rows and fields that change places', () => {
    expect(hashOf([{ a: 1 }, { a: 2 }])).not.toBe(hashOf([{ a: 2 }, { a: 1 }]))
    expect(hashOf([{ a: 1, b: 2 }])).not.toBe(hashOf([{ a: 2, b: 1 }]))
    expect(hashOf([{ a: 1 }, { b: 1 }])).not.toBe(hashOf([{ b: 1 }, { a: 1 }]))
    expect(hashOf([{ ab: 'c' }])).not.toBe(hashOf([{ a: 'bc' }]))
  })

  it('a record more, or an empty one', () => {
    const records = Array.from({ length: 2_048 }, (_, id) => ({ id }))
    const hashes = [records, [...records, {}], [{}, ...records], [...records, null], [...records, ...records]]
    hashes.push([], [{}], [{}, {}], records.slice(1), [{}, { id: 1 }], [{ id: 1 }, {}])
    expect(new Set(hashes.map((list) => hashOf(list))).size).toBe(hashes.length)
  })
})

const scalars = fc.oneof(
  fc.constantFrom(...DISTINCT.filter((value) => typeof value !== 'object')),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.date({ noInvalidDate: false }),
  fc.constant(null),
)
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: scalars, weight: 5 },
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 4 }),
    fc.uint8Array({ maxLength: 4 }),
  ),
}))
const fields = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__', 'é', '0', '1', '')
const record = fc
  .array(fc.tuple(fields, values), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries) as Record<string, unknown>)
const batch = fc.array(record, { minLength: 1, maxLength: 8 })
const borders = fc.array(fc.nat(12), { maxLength: 5 })

/** The same record with its fields, and those of what is inside, in another order; undefined ones come and go. */
function shuffled(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) return value.map((element) => shuffled(element, seed))
  if (typeof value !== 'object' || value === null) return value
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value
  const entries = Object.entries(value).map(([name, inside]) => [name, shuffled(inside, seed)] as const)
  const turned = [...entries.slice(seed % 5), ...entries.slice(0, seed % 5)]
  if (seed % 2 === 0) turned.reverse()
  const some = turned.filter(([, inside]) => inside !== undefined || seed % 3 === 0)
  return Object.fromEntries(seed % 7 === 0 ? [...some, ['nothing', undefined]] : some)
}

describe('any payload', () => {
  it('has one hash, whatever the order of its fields and the borders of its parts', () => {
    fc.assert(
      fc.property(batch, borders, borders, fc.nat(1_000), (records, some, others, seed) => {
        const again = records.map((one, row) => shuffled(one, seed + row))
        expect(hashOf(again, others, {})).toBe(hashOf(records, some))
      }),
      { numRuns: 300 },
    )
  })

  it('has another hash when one value, name or place changes', () => {
    const change = fc.record({ row: fc.nat(), field: fields, value: values, isMove: fc.boolean() })
    fc.assert(
      fc.property(batch, change, (records, { row, field, value, isMove }) => {
        const index = row % records.length
        const changed = [...records]
        if (isMove) changed.push(...changed.splice(index, 1))
        else changed[index] = Object.fromEntries([...Object.entries(changed[index] ?? {}), [field, value]])
        const isSame = sameText(changed) === sameText(records)
        expect(hashOf(changed) === hashOf(records)).toBe(isSame)
      }),
      { numRuns: 500 },
    )
  })

  it('of many chunks has one hash, whatever the borders of its parts', () => {
    const notes = ['plain', 'é', 'long '.repeat(2_000), null, undefined, 1, [1]]
    const records = Array.from({ length: 7_000 }, (_, id) => ({
      id,
      note: notes[(id * id) % 7],
      [`f${id % 3}`]: id,
    }))
    const whole = hashOf(records)
    const anyBorders = fc.array(fc.nat(8_000), { maxLength: 8 })
    fc.assert(
      fc.property(anyBorders, (rows) => {
        expect(hashOf(records, rows)).toBe(whole)
      }),
      { numRuns: 15 },
    )
  })
})

/** A text that only equal payloads share, made in another way than the hash is. */
function sameText(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Date) return `D${value.getTime()}`
  if (value instanceof Uint8Array) return `B${value.join()}`
  if (Array.isArray(value)) return `[${value.map(sameText).join()}]`
  if (typeof value !== 'object' || value === null)
    return typeof value === 'bigint' ? `${value}n` : String(value)
  const entries = Object.entries(value).filter(([, inside]) => inside !== undefined)
  return `{${entries.map(([name, inside]) => `${JSON.stringify(name)}:${sameText(inside)}`).sort()}}`
}

it('fields that are undefined everywhere are not there, however many they are', () => {
  const wide = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`u${index}`, undefined]))
  const records = Array.from({ length: 3_000 }, (_, id) => ({ id }))
  expect(hashOf(records.map((one) => ({ ...wide, ...one })))).toBe(hashOf(records))
})

it('wide records have one hash too, and another where a value changes', () => {
  const row = (id: number, x = id): object =>
    Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, index === 299 ? x : id]))
  const records = Array.from({ length: 1_000 }, (_, id) => row(id))
  expect(hashOf(records, [1, 64, 500, 999])).toBe(hashOf(records))
  expect(hashOf(records.with(999, row(999, 0)))).not.toBe(hashOf(records))
})

it('records that have hardly a field in common have one hash too', () => {
  const field = (name: string, value: unknown): object => ({ [name]: value, id: 1 })
  const records = Array.from({ length: 700 }, (_, id) =>
    field(`f${id}`, [id, `${id}`, [id], new Date(id)][id % 4]),
  )
  const changed = [
    records.with(7, field('f7', 1)),
    records.with(7, field('f8', new Date(7))),
    records.toReversed(),
  ]
  // beside many fields that all have, each is read in the other way
  const fill = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`u${index}`, undefined]))
  expect(
    hashOf(
      records.map((one) => ({ ...fill, ...one })),
      [],
      {},
    ),
  ).toBe(hashOf(records))
  expect(new Set([records, ...changed].map((list) => hashOf(list))).size).toBe(4)
})

it('a field that is not enumerable is absent, whatever the records before had', () => {
  const hidden = (h: number): object => Object.defineProperty({ a: 1 }, 'h', { value: h, enumerable: false })
  const table = {}
  const plain = hashOf([{ a: 1 }], [], {})
  const before: readonly (readonly object[])[] = [
    ...[[{ a: 0, h: 5 }], [{ h: 5 }], [{}, { h: 5 }], [{ a: 1, b: 2 }], [{ h: 5 }, { a: 1 }], [{ b: 1 }]],
  ]
  for (const records of before) {
    const alone = hashOf(records, [], {})
    expect(hashOf(records, [], table)).toBe(alone)
    expect(hashOf([hidden(7)], [], table)).toBe(plain)
    expect(hashOf(records, [], table)).toBe(alone)
  }
})

it('NaN is one value, in whatever form it is held, and so is 0', () => {
  expect(valueHash(-0)).toBe(valueHash(0))
  expect(valueHash([-0])).toBe(valueHash([0]))
  const odd = new Float64Array(new BigUint64Array([0xfff8_0000_0000_0123n]).buffer)[0]
  expect(odd).toBeNaN()
  expect(valueHash(odd)).toBe(valueHash(NaN))
  expect(valueHash([odd])).toBe(valueHash([NaN]))
})

it('what another realm made is no different', () => {
  const code = `({ at: new Date(5), list: [1, new Date(6)], map: new Map([['a', { b: 1 }]]), set: new Set([1]),
    bytes: new Uint8Array([1, 2]), words: new Int32Array([1]), text: 'é', none: null })`
  const other = runInNewContext(code) as object
  expect(hashOf([other])).toBe(hashOf([runInThisContext(code)]))
})

it('a Buffer is a Uint8Array, and a view holds just its own bytes', () => {
  const bytes = new Uint8Array([9, 1, 2, 9]).subarray(1, 3)
  expect(valueHash(bytes)).toBe(valueHash(Buffer.from([1, 2])))
  expect(valueHash(new DataView(bytes.buffer, 1, 2))).toBe(valueHash(new Uint8Array([1, 2]).buffer))
})

describe('what cannot be read', () => {
  const throwing = (field: string, id = 1): object =>
    Object.defineProperty({ id }, field, {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    })
  const closed = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no')
      },
    },
  )

  it('is one thing in itself, and hides nothing beside it', () => {
    const before = Array.from({ length: 3_000 }, (_, id) => ({ id, x: `${id}` }))
    const batches = [
      [...before, throwing('x')],
      [...before, throwing('y')],
      [...before, { id: 1 }],
      [...before, { id: 1, x: null }],
      [...before, throwing('x', 2)],
      [throwing('x'), ...before],
      [...before, closed],
      [...before, null],
      [...before, 'text'],
      [...before, new (class Row {})()],
      [...before, { x: throwing('x') }],
      [...before.slice(1), throwing('x')],
    ]
    const hashes = batches.map((records) => hashOf(records))
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(batches.map((records) => hashOf(records, [1, 2_048, 3_000], {}))).toEqual(hashes)
  })

  it('a Date that is none, and one that cannot say its time', () => {
    const fake = Object.create(Date.prototype) as Date
    const hashes = [fake, new Date(0), {}].map(valueHash)
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(hashOf([{ value: 'a' }, { value: fake }])).toBe(hashOf([{ value: 'a' }, { value: fake }]))
  })

  it('a value that contains itself comes to an end', () => {
    const loop: unknown[] = [1]
    loop.push(loop)
    const other: unknown[] = [2]
    other.push(other)
    expect(valueHash(loop)).not.toBe(valueHash(other))
    expect(valueHash({ loop })).toBe(valueHash({ loop }))
  })
})

it('a batch goes on with its hash when it is begun again', () => {
  const records = Array.from({ length: 9_000 }, (_, id) => ({ id, text: `${id}` }))
  const payload = hasher.begin(TABLE, records)
  for (const row of [8_192, 0, 2_048, 4_100, 9_000, 3]) payload.advance(row)
  expect(payload.digest()).toEqual(payload.digest())
  expect(payload.digest().hash).toBe(hashOf(records))
})

it('writes take turns: hashes that are made at the same time do not disturb each other', () => {
  const one = Array.from({ length: 5_000 }, (_, id) => ({ id, text: `a${id}` }))
  const two = one.map(({ id }) => ({ id: `${id}`, other: id }))
  const [first, second] = [hasher.begin(TABLE, one), hasher.begin(TABLE, two)]
  for (let row = 0; row <= 5_000; row += 500) {
    first.advance(row)
    second.advance(row)
  }
  expect([first.digest().hash, second.digest().hash]).toEqual([hashOf(one), hashOf(two)])
})

it('counts as many records as there were when it was begun', () => {
  const records = [{ id: 1 }, { id: 2 }]
  const payload = hasher.begin(TABLE, records)
  records.push({ id: 3 })
  expect(payload.digest().hash).toBe(hashOf([{ id: 1 }, { id: 2 }]))
})

it('version 1 gives these hashes: a change to them is another version', () => {
  const table = Array.from({ length: 5_000 }, (_, id) => ({
    id,
    big: BigInt(id) ** 5n,
    price: id * 1.37,
    ok: id % 3 === 0,
    at: new Date(1_700_000_000_000 + id),
    note: id % 100 === 0 ? `größe ${id}` : `order ${id} shipped to customer ${(id * 31) % 10_007}`,
    maybe: [null, undefined, 1, 'x', { a: [id] }][id % 5],
  }))
  const payloads = {
    nothing: [],
    empty: [{}],
    number: [{ a: 1 }],
    text: [{ a: 'text' }],
    values: [{ values: DISTINCT.filter((value) => typeof value !== 'function') }],
    table,
    wide: [Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${index}`, index]))],
    odd: [null, { a: 1 }, new Map([[1, 2]])],
  }
  const hashes = Object.entries(payloads).map(([name, records]) => `${name} ${hashOf(records)}`)
  expect(hashes).toMatchInlineSnapshot(`
    [
      "nothing 00000000000000000000000000000000",
      "empty d5f086458a88232b36017c579558fe93",
      "number bc0e7e6c591a4aa0e13d9cc3b5d222df",
      "text 777caca77da033d617cde497b8c005d2",
      "values 3a2139bad3bcdde1d2ad55a969a6be66",
      "table cf11384c03188bf26e681e88a76b1560",
      "wide ca4488f535961ecec748032450ba2b5f",
      "odd 87b49ca30f36e4c9f81ff0b60a3fdc8d",
    ]
  `)
})
