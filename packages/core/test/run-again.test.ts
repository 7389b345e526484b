import { describe, expect, it } from 'vitest'
import { SchemaError } from '../src/index.ts'
import { numbered, openEngine } from './open-engine.ts'

const NO_DELAY = 3_600_000
const oneColumn = { events: { createTableSql: 'CREATE TABLE events (id INTEGER)' } }
const twoColumns = { events: { createTableSql: 'CREATE TABLE events (id INTEGER, a INTEGER)' } }

describe('a table that is altered while batches are on their way to it', () => {
  it('is read again once: batches of one part and of several are encoded anew, in their order', async () => {
    const engine = await openEngine({ tables: twoColumns })
    await engine.write('events', [{ id: -1, a: 0 }])
    const [, ...receipts] = await Promise.all([
      engine.query('ALTER TABLE events ALTER id TYPE BIGINT'),
      engine.write('events', numbered(20_000)),
      engine.write('events', [{ id: 20_000 }]),
      engine.write('events', [{ id: 20_001 }]),
      engine.write('events', numbered(20_000, 20_002)),
    ])
    expect(receipts.map(({ rowCount }) => rowCount)).toEqual([20_000, 1, 1, 20_000])
    const sequences = receipts.map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
    const [row] = await engine.query(`
      SELECT count(*)::INTEGER AS rows, bool_and(id = place) AS inOrder, any_value(typeof(id)) AS type
      FROM (SELECT id, row_number() OVER (ORDER BY rowid) - 2 AS place FROM events)`)
    expect(row).toEqual({ rows: 40_003, inOrder: true, type: 'BIGINT' })
    expect(engine.bufferedBytes).toBe(0)
  })

  it('fails the batch that no longer fits, alone', async () => {
    const engine = await openEngine({ tables: twoColumns })
    await engine.write('events', [{ id: 0, a: 0 }])
    const [, first, second] = await Promise.allSettled([
      engine.query('ALTER TABLE events DROP COLUMN a'),
      engine.write('events', [{ id: 1, a: 1 }]),
      engine.write('events', [{ id: 2 }]),
    ])
    expect(first).toMatchObject({ status: 'rejected', reason: { name: 'SchemaError', column: 'a' } })
    expect(first?.status === 'rejected' && first.reason).toBeInstanceOf(SchemaError)
    expect(second).toMatchObject({ status: 'fulfilled', value: { rowCount: 1 } })
    expect(await engine.query('FROM events ORDER BY id')).toEqual([{ id: 0 }, { id: 2 }])
  })

  it('does not write a batch that is aborted before it is begun again', async () => {
    const engine = await openEngine({ tables: oneColumn })
    await engine.write('events', [{ id: 0 }])
    const abort = new AbortController()
    const [, aborted, after] = await Promise.allSettled([
      engine.query('ALTER TABLE events ALTER id TYPE BIGINT').then(() => abort.abort(new Error('enough'))),
      engine.write(
        'events',
        numbered(20_000).map(({ id }) => ({ id })),
        { signal: abort.signal },
      ),
      engine.write('events', [{ id: 1 }]),
    ])
    expect(aborted).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
    expect(after?.status).toBe('fulfilled')
    expect(await engine.query('FROM events ORDER BY id')).toEqual([{ id: 0n }, { id: 1n }])
  })

  it('has the rows of a collector encoded anew', async () => {
    const engine = await openEngine({ tables: twoColumns })
    await engine.write('events', [{ id: -1, a: 0 }])
    const collector = engine.table('events').collect({ maxDelayMs: NO_DELAY })
    for (let id = 0; id < 20_000; id++) collector.push({ id, a: id })
    await engine.query('ALTER TABLE events ALTER id TYPE BIGINT')
    await collector.close()
    const [row] = await engine.query(
      'SELECT count(*)::INTEGER AS rows, sum(id - a)::INTEGER AS off FROM events',
    )
    expect(row).toEqual({ rows: 20_001, off: -1 })
  })
})
