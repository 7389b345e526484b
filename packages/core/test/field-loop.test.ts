import { expect, it } from 'vitest'
import type { FieldRecord, Span } from '../src/encoder/column-encoder.ts'
import { FieldLoop } from '../src/encoder/field-loop.ts'
import { runFixture } from './child.ts'
import { databasePath } from './open-engine.ts'
import { readFile } from './read-file.ts'

const ROWS = 20_000

function keep(
  { records, from, to }: Span,
  field: string | null,
  isGuarded: boolean,
  kept: unknown[],
): number {
  for (let i = from; i < to; i++) {
    const record = records[i] as FieldRecord
    kept.push(
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field],
    )
  }
  return to - from
}

const spanOf = (record: FieldRecord): Span => ({
  records: Array.from({ length: ROWS }, () => record),
  from: 0,
  to: ROWS,
  startRow: 0,
  whole: false,
})

it.each(['a', '"', "'", '\\', '$1', '$&', ']', '\n', '\u2028', '😀', ' '])(
  'a loop with a copy for field %j reads that field and no other',
  (field) => {
    const kept: unknown[] = []
    const loop = new FieldLoop(keep, kept)
    const span = spanOf({ [field]: 1, field: 2, other: 3 })
    for (const [name, value] of [
      [field, 1],
      [field, 1],
      ['other', 3],
      [field, 1],
    ] as const) {
      expect(loop.run(span, name, false)).toBe(ROWS)
      expect([kept.length, new Set(kept)]).toEqual([ROWS, new Set([value])])
      kept.length = 0
    }
  },
)

it('a guarded field is read where the record has one of its own', () => {
  const kept: unknown[] = []
  const loop = new FieldLoop(keep, kept)
  loop.run(spanOf({}), 'constructor', true)
  loop.run(spanOf({ constructor: 1 }), 'constructor', true)
  expect(new Set(kept)).toEqual(new Set([undefined, 1]))
})

it('a field that objects come to inherit is read where the record has one of its own, also after many rows', () => {
  const kept: unknown[] = []
  const loop = new FieldLoop(keep, kept)
  loop.run(spanOf({ late: 1 }), 'late', false)
  loop.run(spanOf({ late: 1 }), 'late', false)
  kept.length = 0
  loop.run(spanOf(Object.create({ late: 99 }) as FieldRecord), 'late', true)
  loop.run(spanOf({ late: 2 }), 'late', true)
  expect(new Set(kept)).toEqual(new Set([undefined, 2]))
})

it('an app that forbids code made of strings writes all the same', async () => {
  const path = databasePath()
  const env = { NODE_OPTIONS: '--disallow-code-generation-from-strings' }
  const child = runFixture('large-batch', [path], { env })
  expect(await child.ended).toMatchObject({ code: 0, stderr: '', lines: ['40000'] })
  expect(
    await readFile(path, 'SELECT count(*)::INTEGER AS rows, sum(id)::BIGINT AS ids FROM events'),
  ).toEqual([{ rows: 40_000, ids: 799_980_000n }])
})
