import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyFilter } from '../src/key-filter.ts'

test('a key that was added is never taken for a new one', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 60 }), { maxLength: 200 }), (keys) => {
      const filter = new KeyFilter()
      for (const key of keys) filter.add(key)
      for (const key of keys) expect(filter.mayHave(key)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('of keys that were not added hardly one is taken for a known one', () => {
  const filter = new KeyFilter()
  for (let index = 0; index < 100_000; index++) filter.add(`orders/2026-11-22/${index}`)
  let mistaken = 0
  for (let index = 100_000; index < 200_000; index++)
    if (filter.mayHave(`orders/2026-11-22/${index}`)) mistaken++
  expect(mistaken).toBeLessThan(100)
})

test('from too many keys on it rules none out', () => {
  const filter = new KeyFilter()
  for (let index = 0; index <= 2 ** 20; index++) filter.add('a')
  expect(filter.mayHave('b')).toBe(true)
})
