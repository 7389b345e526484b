import { DuckDBDecimalValue } from '@duckdb/node-api'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseRecord, recordJson } from '../src/record-json.ts'

it('keeps bigints, dates and bytes readable', () => {
  const record = {
    big: 2n ** 70n,
    small: -5n,
    when: new Date('2024-02-29T12:30:00.250Z'),
    before: new Date(-99_999_999_999_999),
    bytes: Uint8Array.from([0, 65, 92, 255, 34]),
    buffer: Buffer.from('ab'),
    floats: new Float64Array([1.5, Number.NaN]),
    set: new Set([1, 'x']),
    map: new Map([['a', 1]]),
    pairs: new Map([[1, 'a']]),
    decimal: new DuckDBDecimalValue(1234n, 10, 2),
    zero: -0,
    infinite: Number.NEGATIVE_INFINITY,
    nothing: undefined,
    list: [undefined, null],
  }
  expect(recordJson(record)).toBe(
    `{"big":1180591620717411303424,"small":-5,"when":"2024-02-29T12:30:00.250Z","before":"1200-02-15 (BC) 14:13:20.001+00",` +
      `"bytes":"\\\\x00A\\\\x5C\\\\xFF\\\\x22","buffer":"ab","floats":[1.5,"NaN"],"set":[1,"x"],"map":{"a":1},` +
      `"pairs":[[1,"a"]],"decimal":"12.34","zero":-0.0,"infinite":"-Infinity","list":[null,null]}`,
  )
  const parsed = parseRecord(recordJson(record)) as Record<string, unknown>
  expect(parsed).toMatchObject({ big: 2n ** 70n, small: -5, bytes: '\\x00A\\x5C\\xFF\\x22' })
  expect(Object.is(parsed.zero, -0)).toBe(true)
})

it('never throws, and says what could not be kept', () => {
  const circular: Record<string, unknown> = { id: 1 }
  circular.self = circular
  circular.list = [circular]
  const getter = {
    get bad(): never {
      throw new Error('secret')
    },
    good: 1,
  }
  const proxy = new Proxy({}, { ownKeys: () => [][1] as never })
  let deep: unknown = 1
  for (let level = 0; level < 100_000; level++) deep = [deep]
  let wide: unknown = 1
  for (let level = 0; level < 40; level++) wide = [wide, wide]
  expect(recordJson(circular)).toBe('{"id":1,"self":"[contains itself]","list":["[contains itself]"]}')
  expect(recordJson(getter)).toBe('{"bad":"[cannot be read]","good":1}')
  expect(recordJson(proxy)).toBe('"[cannot be read]"')
  expect(recordJson({ deep })).toContain('"[nests too deep]"')
  expect(JSON.parse(recordJson({ wide }))).toHaveProperty('wide')
  expect(recordJson({ fn: () => 1, symbol: Symbol('x'), sparse: new Array(3) })).toBe(
    '{"fn":"[function]","symbol":"[symbol]","sparse":[null,null,null]}',
  )
  expect(recordJson({ half: '\ud800x', '\udc00': 1 })).toBe('{"half":"\ufffdx","\ufffd":1}')
  expect(['text', 5, null, undefined, Symbol('x')].map(recordJson)).toEqual([
    '"text"',
    '5',
    'null',
    'null',
    '"[symbol]"',
  ])
  expect(recordJson(Object.create(null))).toBe('{}')
})

it('is read back as it was, where JSON can hold it', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: 2n ** 53n }),
  )
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('any')), fc.dictionary(fc.string(), tie('any'))),
  })).any
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), value), (record) => {
      const back = parseRecord(recordJson(record))
      expect(recordJson(back)).toBe(recordJson(record))
      expect(JSON.stringify(back, digits)).toBe(JSON.stringify(record, digits))
    }),
    { numRuns: 300 },
  )
})

const digits = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : value
