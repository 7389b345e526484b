import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BadRecordsMode, SinkRecord } from '../src/index.ts'
import { numbered, openEngine } from './open-engine.ts'

const NO_DELAY = 3_600_000
const createTableSql = 'CREATE TABLE events (id INTEGER PRIMARY KEY CHECK (id >= 0), name VARCHAR)'
const tablesWith = (badRecords: BadRecordsMode) => ({ events: { createTableSql, badRecords } }) as const

describe('a collector', () => {
  it.each(['present', 'absent'])(
    'sets aside what its table refuses, where the table is %s',
    async (which) => {
      const events =
        which === 'present' ? tablesWith('dead-letter').events : ({ badRecords: 'dead-letter' } as const)
      const engine = await openEngine({ tables: { events } })
      const receipts: object[] = []
      const collector = engine
        .table<SinkRecord>('events')
        .collect({ maxDelayMs: NO_DELAY, onReceipt: (receipt) => receipts.push(receipt) })
      const reused: SinkRecord = { id: 1 }
      collector.push(reused)
      reused.id = Symbol('x')
      collector.push(reused)
      reused.id = 3
      collector.push(7 as never)
      collector.push({ id: 4, name: 'four' })
      await collector.flush()
      expect(receipts).toMatchObject([{ rowCount: 2, deadLetterCount: 2, skippedCount: 0, reason: 'flush' }])
      const letters = await engine.deadLetters('events')
      expect(letters.map(({ row, record, message }) => [row, record, message.slice(0, 5)])).toEqual([
        [1, { id: '[symbol]' }, 'row 1'],
        [2, 7, which === 'present' ? 'a rec' : 'a rec'],
      ])
      expect(engine.bufferedBytes).toBe(0)
      await collector.close()
    },
  )

  it('sets aside what breaks a constraint, in a batch of several parts', async () => {
    const engine = await openEngine({ tables: tablesWith('dead-letter') })
    const collector = engine.table<SinkRecord>('events').collect({ maxDelayMs: NO_DELAY })
    for (const record of numbered(10_000)) {
      if (record.id === 5_000) collector.push({ id: 'bad' })
      if (record.id === 9_500) collector.push({ id: 17, name: 'again' })
      collector.push(record)
    }
    collector.push({ id: -1, name: 'negative' })
    await collector.close()
    const letters = await engine.deadLetters('events')
    expect(letters.map(({ row, record }) => [row, record])).toEqual([
      [5_000, { id: 'bad' }],
      [9_501, { id: 17, name: 'again' }],
      [10_002, { id: -1, name: 'negative' }],
    ])
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM events')).toEqual([{ n: 10_000 }])
  })

  it('sends a batch of dead letters alone', async () => {
    const engine = await openEngine({ tables: tablesWith('dead-letter') })
    const collector = engine.table<SinkRecord>('events').collect({ maxDelayMs: NO_DELAY, maxBatchRows: 2 })
    for (const id of ['a', 'b', 'c']) collector.push({ id })
    await collector.close()
    expect((await engine.deadLetters('events')).map(({ row }) => row).toSorted()).toEqual([0, 0, 1])
    expect(engine.stats()).toMatchObject({ committedBatches: 2, committedRows: 0, deadLetters: 3 })
  })

  it('goes on after its table was altered', async () => {
    const engine = await openEngine({ tables: tablesWith('dead-letter') })
    await engine.write('events', [{ id: 0 }])
    const collector = engine.table<SinkRecord>('events').collect({ maxDelayMs: NO_DELAY })
    collector.push({ id: 'bad' })
    collector.push({ id: 1 })
    await engine.query('ALTER TABLE events ADD COLUMN extra INTEGER DEFAULT 5')
    collector.push({ id: 2, extra: 'bad' })
    collector.push({ id: 0, extra: 1 })
    collector.push({ id: 3, extra: 2 })
    await collector.close()
    expect(await engine.query('SELECT id, extra FROM events ORDER BY id')).toMatchObject([
      { id: 0, extra: 5 },
      { id: 1 },
      { id: 3, extra: 2 },
    ])
    expect(await engine.deadLetters('events')).toHaveLength(3)
  })

  it('hands all its records to onFailure where the batch itself fails', async () => {
    const schemaContract = { tables: 'freeze' } as const
    const engine = await openEngine({ tables: { events: { badRecords: 'skip', schemaContract } } })
    await engine.query(createTableSql)
    await engine.write('events', [{ id: 0 }])
    const handed: SinkRecord[] = []
    const collector = engine
      .table<SinkRecord>('events')
      .collect({ maxDelayMs: NO_DELAY, onFailure: (_, records) => handed.push(...records()) })
    for (const id of [1, 'bad', 2]) collector.push({ id })
    await engine.query('DROP TABLE events')
    await collector.close()
    expect(handed).toEqual([{ id: 1 }, { id: 'bad' }, { id: 2 }])
  })

  it('accounts for every record: committed, dead-lettered, skipped or handed over', async () => {
    const mode = fc.constantFrom<BadRecordsMode>('fail-batch', 'skip', 'dead-letter')
    const record = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 60 }).map((id) => ({ id })) },
      {
        weight: 1,
        arbitrary: fc.constantFrom<unknown>({ id: 'x' }, { id: -1 }, 7, { id: 1, other: 2 }, { id: null }),
      },
    )
    const property = fc.asyncProperty(
      mode,
      fc.array(record, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      async (badRecords, records, maxBatchRows) => {
        const engine = await openEngine({ tables: tablesWith(badRecords) })
        const counts = { committed: 0, letters: 0, skipped: 0, handed: 0, refused: 0 }
        const collector = engine.table<object>('events').collect({
          maxBatchRows,
          maxDelayMs: NO_DELAY,
          onReceipt: ({ rowCount, deadLetterCount, skippedCount }) => {
            counts.committed += rowCount
            counts.letters += deadLetterCount
            counts.skipped += skippedCount
          },
          onFailure: (_, given) => {
            counts.handed += given().length
          },
        })
        for (const one of records) {
          try {
            collector.push(one as object)
          } catch {
            counts.refused++
          }
        }
        await collector.close()
        const { committed, letters, skipped, handed, refused } = counts
        expect(committed + letters + skipped + handed + refused).toBe(records.length)
        if (badRecords !== 'fail-batch') expect([handed, refused]).toEqual([0, 0])
        const [row] = await engine.query('SELECT count(*)::INTEGER AS n FROM events')
        expect(row).toEqual({ n: committed })
        expect(await engine.deadLetters('events')).toHaveLength(letters)
        await engine.close()
      },
    )
    await fc.assert(property, { numRuns: 12 })
  })
})

it('writeFrom sums up what became of its records', async () => {
  const engine = await openEngine({ tables: tablesWith('dead-letter') })
  const records: unknown[] = [...numbered(30), { id: 3 }, { id: 'x' }, null]
  const summary = await engine.table('events').writeFrom(records as SinkRecord[], { maxBatchRows: 10 })
  expect(summary).toMatchObject({
    rowCount: 30,
    deadLetterCount: 3,
    skippedCount: 0,
    failedRowCount: 0,
    batchCount: 4,
  })
})
