import type { DuckDBConnection } from '@duckdb/node-api'
import { type LogicalType, parseLogicalType } from '@ducksink/worker'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { entriesOfText, fieldsOfText, listOfText } from '../src/encoder/nested-text.ts'
import { decodeColumn, encodeColumn, isAccepted } from './encoded-column.ts'
import { propertyRuns } from './property-runs.ts'
import { castByDuckDB, connect, writeAndPrint, writeAndReadBack } from './read-back.ts'
import { nestedType, samplesOf } from './typed-values.ts'

let connection: DuckDBConnection

beforeAll(async () => {
  connection = await connect()
})

/** What the decoder gives, in the form of what is read back from DuckDB. */
function inPairs(value: unknown): unknown {
  if (value instanceof Map) return [...value]
  if (Array.isArray(value)) return value.map(inPairs)
  return typeof value === 'object' && value !== null ? Object.entries(value) : value
}

/**
 * A type whose text says all: that of a UNION does not name the member, that of JSON and of
 * texts in an ARRAY has no quotes, that of a TIMESTAMPTZ is off by up to a millisecond in far years and odd zones.
 */
function saysAll(type: LogicalType): boolean {
  switch (type.id) {
    case 'LIST':
      return saysAll(type.element)
    case 'ARRAY':
      return saysAll(type.element) && !['VARCHAR', 'ENUM', 'BLOB'].includes(type.element.id)
    case 'MAP':
      return saysAll(type.key) && saysAll(type.value)
    case 'STRUCT':
      return type.fields.every((field) => saysAll(field.type))
    default:
      return !['UNION', 'JSON', 'TIMESTAMPTZ'].includes(type.id)
  }
}

describe('what DuckDB prints of a nested value', () => {
  it('is read as the same value', async () => {
    const columns = fc.array(
      nestedType.filter(saysAll).chain((type) =>
        fc.record({
          type: fc.constant(type),
          samples: fc.array(samplesOf(type), { minLength: 3, maxLength: 3 }),
        }),
      ),
      { minLength: 40, maxLength: 40 },
    )
    const property = fc.asyncProperty(columns, async (sampled) => {
      const given = sampled.map(({ type, samples }) => ({
        type,
        values: samples.map((sample) => sample.given),
      }))
      const printed = (await writeAndPrint(given)).map((texts, i) => ({
        type: sampled[i]?.type as LogicalType,
        // a MAP's key that ends in a backslash, before a quote: DuckDB does not read that either
        values: texts.map((text) => (text !== null && /\\=['"]/.test(text) ? null : text)),
      }))
      const expected = sampled.map(({ samples }, i) =>
        samples.map((sample, row) => (printed[i]?.values[row] === null ? null : sample.expected)),
      )
      expect(await writeAndReadBack(printed)).toEqual(expected)
    })
    await fc.assert(property, { numRuns: propertyRuns(2), endOnFailure: true })
  })
})

describe('the literal of a nested value', () => {
  const part = fc
    .array(
      fc.constantFrom(
        ...[
          'a',
          ' ',
          'NULL',
          "'",
          '"',
          '\\',
          ',',
          ':',
          '=',
          '1',
          "'x'",
          '"y"',
          "'a\\'b'",
          '(',
          '(x)',
          ')',
          '(,)',
          '[1]',
          '{',
          '\n',
        ],
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => parts.join(''))
  const parts = fc.array(part, { maxLength: 3 })

  it.each([
    ['VARCHAR[]', parts.map((texts) => `[${texts.join(',')}]`)],
    ['VARCHAR[][]', parts.map((texts) => `[[${texts.join('],[')}]]`)],
    [
      'STRUCT(a VARCHAR, x VARCHAR)',
      parts.map(([a = '1', x]) => `{a: ${a}${x === undefined ? '' : `, 'x': ${x}`}}`),
    ],
    [
      'MAP(VARCHAR, VARCHAR)',
      fc
        .array(fc.tuple(part, part), { maxLength: 2 })
        .map((entries) => `{${entries.map((entry) => entry.join('=')).join(', ')}}`),
    ],
  ])('as %s means what DuckDB takes it for, or is refused', async (name, texts) => {
    const type = parseLogicalType(name)
    let compared = 0
    const property = fc.asyncProperty(fc.array(texts, { minLength: 50, maxLength: 50 }), async (batch) => {
      const accepted = batch.filter((text) => isAccepted(type, text))
      const ours = accepted.map((text) => inPairs(decodeColumn(type, encodeColumn(type, [text]))[0]))
      const theirs = await castByDuckDB(connection, type, accepted)
      compared += accepted.length
      expect(accepted.map((text, i) => [text, ours[i]])).toEqual(accepted.map((text, i) => [text, theirs[i]]))
    })
    await fc.assert(property, { numRuns: 40 })
    expect(compared).toBeGreaterThan(300)
  })

  it('is read where a closing bracket stands in quotes, as DuckDB prints it and does not read it', () => {
    expect(listOfText(`[['a]'], ["}"], '[']`)).toEqual([`['a]']`, `["}"]`, '['])
    expect(fieldsOfText(`{'a': {'b': '}'}, c: ']'}`)).toEqual({ a: `{'b': '}'}`, c: ']' })
    expect(entriesOfText(`{'a=b'=[')'], [c]=NULL}`)).toEqual([
      ['a=b', `[')']`],
      ['[c]', null],
    ])
  })

  it('may have a field called __proto__', () => {
    expect(Object.entries(fieldsOfText(`{'__proto__': 1}`) ?? {})).toEqual([['__proto__', '1']])
  })

  it('of 100,000 levels is refused by a type that has fewer', () => {
    const text = '['.repeat(100_000) + ']'.repeat(100_000)
    expect(() => encodeColumn(parseLogicalType('INTEGER[][]'), [text])).toThrow(
      'row 0, column "c"[0][0] of table "t": string cannot become INTEGER: it is not the text of a whole number',
    )
  })
})
