import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  InvalidOptionsError,
  type SinkError,
  type SinkRecord,
  type StandardSchema,
  ValueError,
} from '../src/index.ts'
import { numbered, openEngine, rejection } from './open-engine.ts'

const columns = { id: 'INTEGER', name: 'VARCHAR' }
const VALIDATORS: readonly (readonly [string, StandardSchema])[] = [
  ['zod', z.object({ id: z.number().int(), name: z.string().min(2) }) as StandardSchema],
  [
    'valibot',
    v.object({
      id: v.pipe(v.number(), v.integer()),
      name: v.pipe(v.string(), v.minLength(2)),
    }) as StandardSchema,
  ],
  ['arktype', type({ id: 'number.integer', name: 'string >= 2' }) as unknown as StandardSchema],
]
const good = [
  { id: 1, name: 'one' },
  { id: 3, name: 'three' },
]
const bad = [
  { id: 'two', name: 'two' },
  { id: 4, name: 'hunter2hunter2'.slice(0, 1) },
]
const records = [good[0], bad[0], good[1], bad[1]] as SinkRecord[]

const lower: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (record) => ({
      value: { ...(record as object), name: (record as { name: string }).name.toLowerCase() },
    }),
  },
}
const patient: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (record) => {
      const { id } = record as { id: number }
      await Promise.resolve()
      if (id === 13) throw new Error('a secret')
      return id % 2 === 0
        ? { value: record }
        : { issues: [{ message: 'must be even', path: [{ key: 'id' }] }] }
    },
  },
}

describe.each(VALIDATORS)('a schema of %s', (_, schema) => {
  it('fails a batch with each record that it refuses, by row, path and message', async () => {
    const engine = await openEngine({ tables: { events: { columns, schema } } })
    const error = (await rejection(engine.write('events', records))) as SinkError
    expect(error).toBeInstanceOf(ValueError)
    expect(error).toMatchObject({ row: 1, column: 'id', table: 'events' })
    expect(error.problems).toHaveLength(1)
    expect(error.problems?.[0]).toMatch(/^id: ./)
    expect(error.failures?.map(({ row, column }) => [row, column])).toEqual([
      [1, 'id'],
      [3, 'name'],
    ])
    expect(error.message).not.toContain('"two"')
    expect(await engine.query('FROM events')).toEqual([])
  })

  it('has what it refuses set aside, as it was given', async () => {
    const engine = await openEngine({ tables: { events: { columns, schema, badRecords: 'dead-letter' } } })
    expect(await engine.write('events', records)).toMatchObject({ rowCount: 2, deadLetterCount: 2 })
    const letters = await engine.deadLetters('events')
    expect(letters.map(({ row, record, column }) => [row, record, column])).toEqual([
      [1, bad[0], 'id'],
      [3, bad[1], 'name'],
    ])
    const collector = engine.table<SinkRecord>('events').collect()
    for (const record of records) collector.push(record)
    await collector.close()
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM events')).toEqual([{ n: 4 }])
    expect(await engine.deadLetters('events')).toHaveLength(4)
  })
})

it('what a schema makes of a record is written, in every way of writing', async () => {
  const engine = await openEngine({ tables: { events: { columns, schema: lower } } })
  await engine.write('events', [{ id: 1, name: 'ONE' }])
  await engine.table('events').writeFrom([{ id: 2, name: 'TWO' }])
  const collector = engine.table<SinkRecord>('events').collect()
  collector.push({ id: 3, name: 'THREE' })
  await collector.close()
  expect(await engine.query('SELECT name FROM events ORDER BY id')).toEqual([
    { name: 'one' },
    { name: 'two' },
    { name: 'three' },
  ])
})

it('an absent table is made of what the schema gives', async () => {
  const schema = z.object({ at: z.string().transform((text) => new Date(text)) }) as StandardSchema
  const engine = await openEngine({ tables: { made: { schema } } })
  await engine.write('made', [{ at: '2024-02-29T00:00:00Z', dropped: true }])
  expect(await engine.query('FROM made')).toEqual([{ at: new Date('2024-02-29T00:00:00Z') }])
})

describe('a schema that answers with promises', () => {
  const tables = {
    events: { columns: { id: 'INTEGER' }, schema: patient, badRecords: 'dead-letter' },
  } as const

  it('is waited for by write and writeFrom', async () => {
    const engine = await openEngine({ tables })
    expect(await engine.write('events', numbered(1_000))).toMatchObject({
      rowCount: 500,
      deadLetterCount: 500,
    })
    const summary = await engine.table('events').writeFrom(numbered(20, 1_000))
    expect(summary).toMatchObject({ rowCount: 10, deadLetterCount: 10 })
    const [letter] = (await engine.deadLetters('events')).filter(({ record }) => record.id === 13)
    expect(letter?.message).toBe('row 13: the schema of table "events" threw')
  })

  it('is refused by push, which cannot wait', async () => {
    const engine = await openEngine({ tables })
    const collector = engine.table<SinkRecord>('events').collect()
    expect(() => collector.push({ id: 13 })).toThrow(InvalidOptionsError)
    expect(() => collector.push({ id: 2 })).toThrow(/answers with a promise.*writeFrom/)
    await collector.close()
    expect(engine.stats().committedBatches).toBe(0)
  })
})

it('a schema that is none is refused with the other options', async () => {
  for (const schema of [{}, null, 'text', { '~standard': { version: 2, validate: () => 1 } }]) {
    const error = await rejection(
      openEngine({ tables: { events: { schema: schema as never, badRecords: 'lose' as never } } }),
    )
    expect((error as SinkError).problems).toEqual([
      expect.stringContaining('badRecords must be one of'),
      expect.stringContaining('schema must be a validator'),
    ])
  }
})

it('tells no value that a validator quotes', async () => {
  const quoting = (message: string): StandardSchema => ({
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => ({ issues: [{ message, path: ['secret'] }] }),
    },
  })
  for (const [value, message, told] of [
    ['hunter2', 'not "hunter2", nor hunter2', 'secret: not …, nor …'],
    ['a', `must be a word (was "a")`, 'secret: must be a word (was …)'],
    [4711, 'must be below 100 (was 4711)', 'secret: must be below 100 (was …)'],
    [-1.5, 'was -1.5, not 11.5', 'secret: was …, not 11.5'],
  ] as const) {
    const engine = await openEngine({ tables: { events: { columns, schema: quoting(message) } } })
    const error = await rejection(engine.write('events', [{ secret: value }]))
    expect((error as SinkError).problems).toEqual([told])
  }
})
