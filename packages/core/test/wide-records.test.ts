import { ValueError } from '@ducksink/worker'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BatchEncoder } from '../src/encoder/batch-encoder.ts'
import type { FieldRecord } from '../src/encoder/column-encoder.ts'
import { decodeRecords } from '../src/encoder/decoder.ts'
import { openEngine } from './open-engine.ts'

const COLUMNS = 150
const ROWS = 40
const TYPES = ['INTEGER', 'VARCHAR', 'DOUBLE', 'BIGINT[]', 'BOOLEAN', 'STRUCT(a INTEGER, b VARCHAR)'] as const

const layout = {
  layoutId: 1,
  // names that every object has are among them, and such as objects have in front of all others, in their order
  columns: Array.from({ length: COLUMNS }, (_, index) => ({
    name: ['constructor', 'toString', '__proto__', '10', '9', '4294967295'][index] ?? `c${index}`,
    type: TYPES[index % TYPES.length] as string,
  })),
}
const ALL = layout.columns.map((_, index) => index)

const VALUES = [
  fc.integer(),
  fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'grapheme', maxLength: 40 })),
  fc.double(),
  fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 3 }),
  fc.boolean(),
  fc.record({ a: fc.integer(), b: fc.string() }),
].map((value) => fc.option(value as fc.Arbitrary<unknown>, { freq: 5 }))

const columnValues = fc.tuple(...VALUES.map((value) => fc.array(value, { minLength: 7, maxLength: 7 })))

/** Records whose values are those of each type in turn. */
function recordsOf(values: readonly (readonly unknown[])[], fields: readonly number[]): FieldRecord[] {
  return Array.from({ length: ROWS }, (_, row) => {
    const own = fields.map((index) => {
      const kinds = values[index % TYPES.length] as readonly unknown[]
      return [layout.columns[index]?.name, kinds[(row + index) % kinds.length]]
    })
    return Object.fromEntries(own) as FieldRecord
  })
}

/** What the rows hold once they are encoded, so many in a call. */
function encoded(records: readonly FieldRecord[], rowsAtOnce: number): unknown[] {
  const encoder = new BatchEncoder('t', layout, (bytes) => new ArrayBuffer(bytes))
  encoder.begin()
  for (const [index, { name }] of layout.columns.entries()) encoder.activate(index, name)
  for (let row = 0; row < records.length; )
    row = encoder.encode(records, row, Math.min(records.length, row + rowsAtOnce))
  return decodeRecords(layout, ALL, [encoder.finishPart()])
}

it('wide records that are encoded together hold what they hold one by one', () => {
  const skipped = fc.array(fc.tuple(fc.nat(ROWS - 1), fc.nat(COLUMNS - 1)), { maxLength: 3 })
  fc.assert(
    fc.property(columnValues, skipped, fc.boolean(), (values, gaps, isProxied) => {
      const records = recordsOf(values, ALL)
      for (const [row, column] of gaps)
        records[row] = recordsOf(
          values,
          ALL.toReversed().filter((index) => index !== column),
        )[row] as FieldRecord
      if (isProxied) records[ROWS - 1] = new Proxy(records[ROWS - 1] as FieldRecord, {})
      expect(encoded(records, ROWS)).toEqual(encoded(records, 1))
    }),
    { numRuns: 30 },
  )
})

it('a value that its column refuses is named by its row and column among wide records as well', () => {
  const values = [[1], ['x'], [1.5], [[1n]], [true], [{ a: 1, b: 'y' }]]
  const records = recordsOf(values, ALL)
  ;(records[23] as Record<string, unknown>).c78 = 'none'
  expect(() => encoded(records, ROWS)).toThrow(ValueError)
  expect(() => encoded(records, ROWS)).toThrow(/row 23, column "c78" of table "t"/)
})

it('wide records of which one throws when it is read leave nothing behind, and the others are encoded', () => {
  const values = [[1], ['x'], [1.5], [[1n]], [true], [{ a: 1, b: 'y' }]]
  const good = recordsOf(values, ALL)
  const encoder = new BatchEncoder('t', layout, (bytes) => new ArrayBuffer(bytes))
  encoder.begin()
  for (const [index, { name }] of layout.columns.entries()) encoder.activate(index, name)
  const bad = [...good]
  bad[30] = Object.defineProperty({ ...good[30] }, 'c99', {
    enumerable: true,
    get: () => {
      throw new Error('no')
    },
  })
  expect(() => encoder.encode(bad, 0, ROWS)).toThrow(/row 30, column "c99"/)
  encoder.encode(good, 0, ROWS)
  expect(decodeRecords(layout, ALL, [encoder.finishPart()])).toEqual(encoded(good, 1))
})

it('wide records are the same payload under their key, whichever way they are read', async () => {
  const columns = Object.fromEntries(layout.columns.map(({ name, type }) => [name, type]))
  const engine = await openEngine({ deliveryMode: 'exactly-once', tables: { wide: { columns } } })
  const values = [[1, null], ['x', undefined], [1.5, -0], [[1n], null], [true], [{ a: 1, b: 'y' }]]
  const together = recordsOf(values, ALL)
  const byField = together.map((record) => new Proxy(record, {}))
  await engine.write('wide', together, { key: 'together first' })
  expect(await engine.write('wide', byField, { key: 'together first' })).toMatchObject({ duplicate: true })
  await engine.write('wide', byField, { key: 'by field first' })
  expect(await engine.write('wide', together, { key: 'by field first' })).toMatchObject({ duplicate: true })
})
