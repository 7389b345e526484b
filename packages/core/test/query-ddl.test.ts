import { expect, it } from 'vitest'
import { databasePath, numbered, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

it('a table that the app alters takes the new columns from the next write on', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const events = engine.table('events')
  await events.write([{ id: 1, old: 'x' }])
  await engine.query('ALTER TABLE events ADD COLUMN added INTEGER DEFAULT 5')
  await events.write([{ id: 2, old: 'y' }])
  await events.write([{ id: 3, added: 6 }])
  await engine.query('ALTER TABLE events DROP COLUMN old')
  await expect(events.write([{ id: 4, old: 'z' }])).rejects.toMatchObject({
    name: 'SchemaError',
    column: 'old',
  })
  await engine.query('ALTER TABLE events RENAME COLUMN added TO extra')
  await events.write([{ id: 5, extra: 7 }])
  await engine.query('ALTER TABLE events ALTER id TYPE INTEGER')
  await expect(events.write([{ id: 2 ** 40 }])).rejects.toMatchObject({
    name: 'ValueError',
    expected: 'INTEGER',
  })
  await engine.close()
  expect(await readFile(path, 'FROM events ORDER BY id')).toEqual([
    { id: 1, extra: 5 },
    { id: 2, extra: 5 },
    { id: 3, extra: 6 },
    { id: 5, extra: 7 },
  ])
})

it('a table that the app makes, drops and makes again is written as it is then', async () => {
  const engine = await openEngine()
  await engine.query('CREATE TABLE events (id INTEGER)')
  await engine.write('events', [{ id: 1 }])
  await engine.query('DROP TABLE events')
  await engine.write('events', [{ id: 'inferred' }])
  expect(await engine.query('FROM events')).toEqual([{ id: 'inferred' }])
  await engine.query('CREATE OR REPLACE TABLE events (a DOUBLE, id BOOLEAN)')
  await engine.write('events', [{ id: true, a: 1.5 }])
  expect(await engine.query('FROM events')).toEqual([{ a: 1.5, id: true }])
})

it('a write that meets an ALTER on its way is written or told to be written again, never half', async () => {
  const engine = await openEngine()
  await engine.write('events', [{ id: 0, a: 0 }])
  const results = await Promise.allSettled([
    engine.write('events', numbered(20_000)),
    engine.query('ALTER TABLE events ADD COLUMN b INTEGER'),
    engine.write('events', [{ id: -1, a: 1 }]),
    engine.query('ALTER TABLE events DROP COLUMN a'),
    engine.write('events', [{ id: -2, a: 2 }]),
    engine.write('events', numbered(20_000, 20_000)),
  ])
  const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  for (const error of failed) expect(error).toMatchObject({ name: 'SchemaError', table: 'events' })
  expect(results[0]?.status).toBe('fulfilled')
  expect(results[5]?.status).toBe('fulfilled')
  const [row] = await engine.query('SELECT count(*) FILTER (id >= 0)::INTEGER AS rows FROM events')
  expect(row).toEqual({ rows: 40_001 })
  await engine.write('events', [{ id: -3, b: 1 }])
})

it('a DEFAULT, a generated column and a sequence are DuckDB’s own', async () => {
  const engine = await openEngine()
  await engine.query('CREATE SEQUENCE numbers START 100')
  await engine.query(`
    CREATE TABLE events (
      number INTEGER DEFAULT nextval('numbers'),
      id INTEGER,
      twice INTEGER GENERATED ALWAYS AS (id * 2) VIRTUAL)`)
  await engine.write('events', [{ id: 1 }, { id: 2 }])
  await expect(engine.write('events', [{ id: 3, twice: 6 }])).rejects.toMatchObject({ name: 'SchemaError' })
  expect(await engine.query('SELECT number, id, twice FROM events ORDER BY id')).toEqual([
    { number: 100, id: 1, twice: 2 },
    { number: 101, id: 2, twice: 4 },
  ])
})
