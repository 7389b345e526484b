import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RecordOrigins } from '../src/record-origins.ts'

const origin = fc.option(
  fc.record({ channel: fc.constantFrom('a', 'b'), offset: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
  { nil: undefined },
)

it('each record is from where it was said to be', () => {
  fc.assert(
    fc.property(fc.nat(600), fc.array(origin, { maxLength: 600 }), (firstRow, places) => {
      const origins = new RecordOrigins()
      for (const [index, at] of places.entries()) origins.note(firstRow + index, at)
      expect(places.map((_, index) => origins.of(firstRow + index))).toEqual(places)
      // nothing is known of the rows before the first that said so
      if (firstRow > 0) expect(origins.of(firstRow - 1)).toBeUndefined()
    }),
  )
})

it('rows of alternating channels take more than rows of one', () => {
  const [one, alternating] = [new RecordOrigins(), new RecordOrigins()]
  for (let row = 0; row < 1_000; row++) {
    one.note(row, { channel: 'a', offset: BigInt(row) })
    alternating.note(row, { channel: row % 2 === 0 ? 'a' : 'b', offset: BigInt(row) })
  }
  expect(alternating.byteLength).toBeGreaterThan(one.byteLength * 2)
})
