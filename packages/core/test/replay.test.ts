import { describe, expect, it } from 'vitest'
import { StatementError } from '../src/index.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const tables = {
  events: {
    createTableSql: `CREATE TABLE events (id BIGINT PRIMARY KEY, day DATE, since TIMESTAMP, zoned TIMESTAMPTZ, bytes BLOB,
      tags VARCHAR[], amount DECIMAL(18, 2), age INTEGER CHECK (age > 0))`,
    badRecords: 'dead-letter',
  },
} as const
const when = new Date('2024-02-29T00:00:00.000Z')
const whole = {
  ...{ id: 2n ** 62n, day: when, since: when, zoned: when, bytes: Uint8Array.from([0, 1, 255, 92]) },
  ...{ tags: ['a', "it's"], amount: '123456789012345.67' },
}

describe('dead letters', () => {
  it('are read the oldest first, with all that is known of them', async () => {
    const engine = await openEngine({ tables })
    const before = Date.now() - 1
    await engine.write('events', [{ ...whole, age: -1 }, { id: 1 }], { key: 'first' })
    await engine.write('events', [{ id: 'x' }])
    const letters = await engine.deadLetters('events')
    expect(letters).toMatchObject([
      {
        ...{ key: 'first', channel: undefined, offset: undefined, row: 0, code: 'CONSTRAINT_VIOLATED' },
        ...{ column: undefined, message: expect.stringContaining('CHECK((age > 0))') },
        record: {
          ...{ id: 2n ** 62n, day: when.toISOString(), since: when.toISOString(), zoned: when.toISOString() },
          ...{ bytes: '\\x00\\x01\\xFF\\x5C', tags: ['a', "it's"], amount: '123456789012345.67', age: -1 },
        },
      },
      { key: undefined, row: 0, code: 'INVALID_VALUE', column: 'id', record: { id: 'x' } },
    ])
    expect(new Set(letters.map(({ id }) => id)).size).toBe(2)
    for (const { writtenAt } of letters) expect(writtenAt.getTime()).toBeGreaterThan(before)
    expect(await engine.deadLetters('events', { limit: 1 })).toEqual(letters.slice(0, 1))
    expect(await engine.deadLetters('other')).toEqual([])
    await expect(engine.deadLetters('events', { limit: 0 })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    })
  })

  it('are written again as they were, and go, in one transaction', async () => {
    const path = databasePath()
    const engine = await openEngine({ path, tables })
    await engine.write('events', [
      { ...whole, age: -1 },
      { id: 7, age: -2 },
      { id: 8, age: -3 },
    ])
    const summary = await engine.replayDeadLetters('events', {
      transform: (record, letter) => (letter.row === 2 ? undefined : { ...record, age: 5 }),
    })
    expect(summary).toEqual({ rowCount: 2, deadLetterCount: 0, droppedCount: 1 })
    expect(await engine.deadLetters('events')).toEqual([])
    expect(await engine.replayDeadLetters('events')).toEqual({
      rowCount: 0,
      deadLetterCount: 0,
      droppedCount: 0,
    })
    await engine.close()
    const sql = `SELECT id, day = DATE '2024-02-29' AND since = TIMESTAMP '2024-02-29' AND zoned = TIMESTAMPTZ '2024-02-29 00:00:00+00'
      AND bytes = '\\x00\\x01\\xFF\\x5C'::BLOB AND tags = ['a', 'it''s'] AND amount = 123456789012345.67 AS same FROM events ORDER BY id`
    expect(await readFile(path, sql)).toEqual([
      { id: 7n, same: null },
      { id: 2n ** 62n, same: true },
    ])
  })

  it('that fail again are letters again', async () => {
    const engine = await openEngine({ tables })
    await engine.write('events', [{ id: 1 }, { id: 1, age: 1 }, { id: 2, age: -1 }])
    const [first] = await engine.deadLetters('events')
    await engine.query('DELETE FROM events')
    expect(await engine.replayDeadLetters('events')).toEqual({
      rowCount: 1,
      deadLetterCount: 1,
      droppedCount: 0,
    })
    const letters = await engine.deadLetters('events')
    expect(letters).toMatchObject([{ record: { id: 2, age: -1 }, code: 'CONSTRAINT_VIOLATED' }])
    expect(letters[0]?.id).not.toBe(first?.id)
    expect(await engine.query('SELECT id FROM events')).toEqual([{ id: 1n }])
  })

  it('that fail again still have their key, or their channel and offset', async () => {
    const engine = await openEngine({ tables, deliveryMode: 'exactly-once' })
    await engine.write('events', [{ id: 'dropped' }, { id: 'a' }], { key: 'k' })
    await engine.write('events', [{ id: 'b' }], { channel: 'c', offset: 5n })
    await engine.write('events', [{ id: 'x' }, { id: 7 }, { id: 8, age: -1 }], { key: 'other' })
    const transform = (record: Record<string, unknown>) => {
      if (record.id === 'x') return { id: 1 }
      return record.id === 'dropped' ? undefined : record
    }
    const summary = await engine.replayDeadLetters('events', { transform })
    expect(summary).toEqual({ rowCount: 1, deadLetterCount: 3, droppedCount: 1 })
    const again = await engine.deadLetters('events')
    const origins = again.map(({ key, channel, offset, record }) => [record.id, key, channel, offset])
    expect(origins).toEqual([
      ['a', 'k', undefined, undefined],
      ['b', undefined, 'c', 5n],
      [8, 'other', undefined, undefined],
    ])
  })

  it('that are dropped all go without a row being written', async () => {
    const engine = await openEngine({ tables })
    await engine.write('events', [{ id: 'x' }, { id: 'y' }])
    const summary = await engine.replayDeadLetters('events', { limit: 1, transform: async () => null })
    expect(summary).toEqual({ rowCount: 0, deadLetterCount: 0, droppedCount: 1 })
    expect(await engine.deadLetters('events')).toHaveLength(1)
  })

  it('are written once where two replay them at a time', async () => {
    const engine = await openEngine({ tables })
    await engine.write('events', [
      { id: 1, age: -1 },
      { id: 2, age: -1 },
    ])
    let reading = 2
    const haveRead = Promise.withResolvers<void>()
    const replay = (replayer: number) => {
      let id = 10 * replayer
      const transform = async (record: object) => {
        // neither writes before both have read the letters
        if (id++ === 10 * replayer && --reading === 0) haveRead.resolve()
        await haveRead.promise
        return { ...record, id, age: 1 }
      }
      return engine.replayDeadLetters('events', { transform })
    }
    const results = await Promise.allSettled([1, 2].map(replay))
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const failed = results.find((result) => result.status === 'rejected')
    expect(failed?.reason).toBeInstanceOf(StatementError)
    expect(failed?.reason).toMatchObject({ message: expect.stringContaining('2 of 2 rows to delete') })
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM events')).toEqual([{ n: 2 }])
  })

  it('stay where the transform throws', async () => {
    const engine = await openEngine({ tables })
    await engine.write('events', [{ id: 'x' }])
    const transform = (): never => {
      throw new RangeError('no')
    }
    expect(await rejection(engine.replayDeadLetters('events', { transform }))).toBeInstanceOf(RangeError)
    expect(await engine.deadLetters('events')).toHaveLength(1)
  })

  it('of several parts are replayed in one transaction', async () => {
    const engine = await openEngine({
      tables: { n: { columns: { id: 'INTEGER' }, badRecords: 'dead-letter' } },
    })
    await engine.write(
      'n',
      Array.from({ length: 9_000 }, (_, id) => ({ id: `${id}x` })),
    )
    const transform = ({ id }: Record<string, unknown>) => ({ id: Number.parseInt(String(id), 10) })
    expect(await engine.replayDeadLetters('n', { transform })).toMatchObject({ rowCount: 9_000 })
    const sql =
      'SELECT count(DISTINCT id)::INTEGER AS n, (SELECT count(*) FROM n_dead_letters)::INTEGER AS left FROM n'
    expect(await engine.query(sql)).toEqual([{ n: 9_000, left: 0 }])
  })
})
