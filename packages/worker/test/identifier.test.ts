import { describe, expect, test } from 'vitest'
import {
  identifierProblem,
  MAX_IDENTIFIER_BYTES,
  qualifiedName,
  quoteIdentifier,
  quoteLiteral,
} from '../src/identifier.ts'
import { InvalidOptionsError } from '../src/protocol/errors.ts'

describe('quoteIdentifier', () => {
  test('quotes spaces, dots, reserved words, quotes and emoji as they are', () => {
    expect(quoteIdentifier('a b')).toBe('"a b"')
    expect(quoteIdentifier('a.b')).toBe('"a.b"')
    expect(quoteIdentifier('select')).toBe('"select"')
    expect(quoteIdentifier('say "hi"')).toBe('"say ""hi"""')
    expect(quoteIdentifier('🦆')).toBe('"🦆"')
  })

  test.each([
    ['an empty name', ''],
    ['a NUL', 'a\0b'],
    ['a lone high surrogate', 'a\uD800'],
    ['a lone low surrogate', '\uDC00a'],
    ['a name one byte too long', 'x'.repeat(MAX_IDENTIFIER_BYTES + 1)],
    ['a name whose bytes are too many, not its characters', 'ü'.repeat(MAX_IDENTIFIER_BYTES / 2 + 1)],
  ])('refuses %s', (_, name) => {
    expect(() => quoteIdentifier(name)).toThrow(InvalidOptionsError)
    expect(identifierProblem(name)).toBeTypeOf('string')
  })

  test('takes a name of exactly the limit', () => {
    expect(identifierProblem('x'.repeat(MAX_IDENTIFIER_BYTES))).toBeUndefined()
  })

  test('refuses what is no string', () => {
    expect(identifierProblem(undefined)).toMatch(/got undefined/)
    expect(identifierProblem(null)).toMatch(/got null/)
    expect(identifierProblem(['t'])).toMatch(/got object/)
  })

  test('shows a refused name escaped and short', () => {
    expect(() => quoteIdentifier('a\nb\0')).toThrow('"a\\nb\\u0000"')
    expect(() => quoteIdentifier('x'.repeat(10_000))).toThrow(/^.{1,140}$/)
  })
})

describe('quoteLiteral', () => {
  test('doubles single quotes and leaves backslashes alone', () => {
    expect(quoteLiteral("it's \\n")).toBe("'it''s \\n'")
  })

  test('refuses a NUL and a lone surrogate without showing the text', () => {
    expect(() => quoteLiteral('secret\0')).toThrow(InvalidOptionsError)
    expect(() => quoteLiteral('secret\0')).not.toThrow(/secret/)
    expect(() => quoteLiteral('secret\uD800')).not.toThrow(/secret/)
  })
})

describe('qualifiedName', () => {
  test('takes a string for one name, dots and all', () => {
    expect(qualifiedName('main.events')).toBe('"main.events"')
  })

  test('joins what is given', () => {
    expect(qualifiedName({ name: 't' })).toBe('"t"')
    expect(qualifiedName({ schema: 's.1', name: 't' })).toBe('"s.1"."t"')
    expect(qualifiedName({ catalog: 'c', schema: 's', name: 't' })).toBe('"c"."s"."t"')
  })

  test('puts schema main between a catalog and a name', () => {
    expect(qualifiedName({ catalog: 'c', name: 't' })).toBe('"c"."main"."t"')
  })

  test('refuses a wrong part', () => {
    expect(() => qualifiedName({ schema: '', name: 't' })).toThrow(InvalidOptionsError)
  })
})
