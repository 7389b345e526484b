import { expect, it } from 'vitest'
import { databasePath, numbered, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

const COUNT = 'SELECT count(*) AS count, min(id) AS first, max(id) AS last FROM events'

it('a wrong value in row 200,000 leaves nothing of its batch, and the batches around it are there', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables: { events: { columns: { id: 'INTEGER' } } } })
  const events = engine.table<{ id: unknown }>('events')
  const large: { id: unknown }[] = numbered(250_000, 1_000)
  large[200_000] = { id: 1.5 }
  const results = await Promise.allSettled([
    events.write(numbered(1)),
    events.write(large, { key: 'large' }),
    events.write(numbered(1, 1)),
    events.write(numbered(20_000, 2)),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect((results[1] as PromiseRejectedResult).reason).toMatchObject({
    name: 'ValueError',
    row: 200_000,
    column: 'id',
    table: 'events',
  })
  expect(engine.bufferedBytes).toBe(0)
  expect(engine.bufferedBatches).toBe(0)
  expect(engine.stats()).toMatchObject({ committedBatches: 3, failedBatches: 1, committedRows: 20_002 })
  await engine.close()
  expect(await readFile(path, COUNT)).toEqual([{ count: 20_002n, first: 0, last: 20_001 }])
})

it('a field without a column in row 200,000 leaves nothing of its batch, and names the row', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables: { events: { columns: { id: 'INTEGER' } } } })
  const large: object[] = numbered(250_000)
  large[200_000] = { id: 1, extra: true }
  const failed = expect(engine.write('events', large)).rejects.toMatchObject({
    row: 200_000,
    column: 'extra',
  })
  await engine.write('events', numbered(1))
  await failed
  await engine.close()
  expect(await readFile(path, COUNT)).toEqual([{ count: 1n, first: 0, last: 0 }])
})

it('a batch that DuckDB itself refuses leaves nothing behind', async () => {
  const path = databasePath()
  const createTableSql = `CREATE TABLE events (id INTEGER, word VARCHAR, CHECK (word::INTEGER < 10))`
  const engine = await openEngine({ path, tables: { events: { createTableSql } } })
  const records = Array.from({ length: 30_000 }, (_, id) => ({ id, word: id === 25_000 ? 'secret' : '5' }))
  const failure = await engine.write('events', records).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'CONSTRAINT_VIOLATED', table: 'events' })
  expect(String(failure)).not.toContain('secret')
  await engine.write('events', [{ id: 1, word: '1' }])
  await engine.close()
  expect(await readFile(path, COUNT)).toEqual([{ count: 1n, first: 1, last: 1 }])
})
