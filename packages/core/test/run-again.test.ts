import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SchemaError } from '../src/index.ts'
import { databasePath, numbered, openEngine } from './open-engine.ts'

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

  it('encodes them apart from a batch that is under way to the same table', async () => {
    const engine = await openEngine({ path: databasePath(), tables: twoColumns })
    // so that the ALTER takes a while
    await engine.query('INSERT INTO events SELECT -1, 0 FROM range(1000000)')
    await engine.write('events', [{ id: -1, a: 0 }])
    const receipts: number[] = []
    const collector = engine.table('events').collect({
      maxDelayMs: NO_DELAY,
      onReceipt: ({ rowCount }) => receipts.push(rowCount),
    })
    for (let id = 0; id < 60_000; id++) collector.push({ id, a: 1 })
    const altered = engine.query('ALTER TABLE events ALTER id TYPE BIGINT')
    const flushed = collector.flush()
    await altered
    const records: object[] = Array.from({ length: 60_000 }, (_, id) => ({ id, a: 2 }))
    records.push({ id: 'bad', a: 2 })
    await expect(engine.write('events', records)).rejects.toMatchObject({ name: 'ValueError' })
    await flushed
    await collector.close()
    expect(receipts).toEqual([60_000])
    expect(
      await engine.query('SELECT a, count(DISTINCT id)::INTEGER AS ids FROM events WHERE a > 0 GROUP BY a'),
    ).toEqual([{ a: 1, ids: 60_000 }])
  })

  it('widens a column again for the rows of a collector, where types evolve', async () => {
    const contract = { types: 'evolve' } as const
    const engine = await openEngine({
      tables: { events: { columns: { id: 'BIGINT', a: 'INTEGER' }, schemaContract: contract } },
    })
    await engine.write('events', [{ id: 0, a: 0 }])
    const collector = engine.table('events').collect({ maxDelayMs: NO_DELAY })
    for (let id = 1; id < 20_000; id++) collector.push({ id: id === 19_999 ? 2 ** 40 : id, a: id })
    await engine.query('ALTER TABLE events ALTER id TYPE INTEGER')
    await collector.close()
    const [row] = await engine.query('SELECT count(*)::INTEGER AS rows, max(id) AS most FROM events')
    expect(row).toEqual({ rows: 20_000, most: 2n ** 40n })
  })
})

it('a field that has a value only when it is first looked at fails its batch, and no later one', async () => {
  const engine = await openEngine({
    tables: { events: { columns: { id: 'INTEGER' }, schemaContract: { columns: 'evolve' } } },
  })
  let reads = 0
  const record = {
    id: 1,
    get fickle() {
      return reads++ % 2 === 0 ? 1 : null
    },
  }
  await expect(engine.write('events', [record])).rejects.toMatchObject({
    name: 'SchemaError',
    column: 'fickle',
  })
  await engine.write('events', [{ id: 2 }])
  expect(await engine.query('FROM events')).toEqual([{ id: 2 }])
})

it('a temporary table of the app is written to before and after large batches to the file', async () => {
  const engine = await openEngine({ path: databasePath() })
  await engine.query('CREATE TEMP TABLE scratch (id INTEGER)')
  const scratch = { catalog: 'temp', name: 'scratch' }
  for (let round = 0; round < 3; round++) {
    await engine.write(scratch, [{ id: round }])
    await engine.write(
      scratch,
      numbered(10_000).map(({ id }) => ({ id })),
    )
    await engine.write('events', numbered(10_000))
  }
  // the reader is another connection, which does not see it
  const counted = await engine.query('CREATE TABLE counted AS SELECT count(*) AS rows FROM temp.scratch')
  expect(counted.length).toBeLessThanOrEqual(1)
  expect(await engine.query('FROM counted')).toEqual([{ rows: 30_003n }])
})

it('an ALTER by query() leaves nothing in the log that only an engine could replay', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  await engine.query('CREATE TABLE events (id INTEGER CHECK (length(id::VARCHAR) < 9))')
  await engine.write('events', [{ id: 1 }])
  await engine.query('ALTER TABLE events ADD COLUMN a INTEGER')
  const log = statSync(`${path}.wal`, { throwIfNoEntry: false })
  expect(log?.size ?? 0).toBe(0)
})
