import { expect, it } from 'vitest'
import { BadRecords } from '../src/bad-records.ts'
import type { TableEncoder } from '../src/batch-source.ts'
import type { FieldRecord } from '../src/encoder/column-encoder.ts'
import { ValueError } from '../src/index.ts'
import { RecordSpans } from '../src/record-spans.ts'

/** An encoder that refuses some records, at once or only after it has looked at all before them, and counts its work. */
function fakeEncoder(isBad: (row: number) => boolean): {
  rows: TableEncoder
  encoded: number[]
  looks: () => number
} {
  const encoded: number[] = []
  let looks = 0
  const encode = (_: readonly FieldRecord[], from: number, to: number): number => {
    for (let row = from; row < to; row++) {
      looks++
      if (isBad(row)) throw new ValueError('bad', { row, column: 'c' })
    }
    for (let row = from; row < to; row++) encoded.push(row)
    return to
  }
  return { rows: encoderOf(encode), encoded, looks: () => looks }
}

const ROWS = 10_000
const STRICT = 'refuse'

function encoderOf(
  encode: (records: readonly FieldRecord[], from: number, to: number) => number,
): TableEncoder {
  return { encoder: { encode } } as unknown as TableEncoder
}

it.each<[string, (row: number) => boolean, number]>([
  ['no record', () => false, 1],
  ['every record', () => true, 1.1],
  ['every second record', (row) => row % 2 === 0, 4],
  ['every hundredth record', (row) => row % 100 === 7, 4],
  ['one record', (row) => row === 5_000, 1.3],
  ['the first half', (row) => row < ROWS / 2, 1.5],
])('where %s is bad, encodes the others in order, at a cost that grows with the rows', (_, isBad, most) => {
  const { rows, encoded, looks } = fakeEncoder(isBad)
  const badRecords = new BadRecords('t', 'skip')
  const spans = new RecordSpans(rows, badRecords, STRICT)
  for (let row = 0; row < ROWS; ) row = spans.step([], row, ROWS, ROWS)
  const all = Array.from({ length: ROWS }, (_row, row) => row)
  expect(encoded).toEqual(all.filter((row) => !isBad(row)))
  expect(badRecords.records.map(({ row }) => row)).toEqual(all.filter(isBad))
  expect(looks()).toBeLessThanOrEqual(most * ROWS)
})

it('finds a record whose error names no row, and passes on what no record is to blame for', () => {
  const badRecords = new BadRecords('t', 'skip')
  const encode = (_: readonly FieldRecord[], from: number, to: number): number => {
    if (from <= 70 && to > 70) throw new ValueError('a getter threw', { column: 'c' })
    return to
  }
  const spans = new RecordSpans(encoderOf(encode), badRecords, STRICT)
  for (let row = 0; row < 200; ) row = spans.step([], row, 200, 200)
  expect(badRecords.records.map(({ row }) => row)).toEqual([70])
  const broken = (): never => {
    throw new ValueError('no memory', {})
  }
  const failing = new RecordSpans(encoderOf(broken), badRecords, STRICT)
  expect(() => {
    for (let row = 0; row < 200; ) row = failing.step([], row, 200, 200)
  }).toThrow('no memory')
})
