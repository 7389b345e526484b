import { expect, it } from 'vitest'
import { ConstraintError, type SinkError } from '../src/index.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const createTableSql = `
  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    email VARCHAR UNIQUE,
    name VARCHAR NOT NULL DEFAULT 'none',
    age INTEGER CHECK (age >= 0),
    parent INTEGER REFERENCES parents (id)
  )`
const tables = {
  parents: { createTableSql: 'CREATE TABLE parents (id INTEGER PRIMARY KEY)' },
  events: { createTableSql },
}

const VIOLATIONS: readonly (readonly [what: string, records: readonly object[]])[] = [
  ['PRIMARY KEY of a row that is there', [{ id: 10 }, { id: 1 }]],
  ['PRIMARY KEY within the batch', [{ id: 10 }, { id: 11 }, { id: 10 }]],
  ['UNIQUE', [{ id: 10, email: 'secret@example.org' }]],
  [
    'NOT NULL',
    [
      { id: 10, name: 'x' },
      { id: 11, name: null },
    ],
  ],
  ['CHECK', [{ id: 10, age: -1 }]],
  ['FOREIGN KEY', [{ id: 10, parent: 99 }]],
]

it('a batch that violates a constraint fails alone, and those written with it and after it are there', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  await engine.write('events', [{ id: 1, email: 'secret@example.org', name: 'first' }])
  for (const [index, [what, records]] of VIOLATIONS.entries()) {
    const id = 100 + index * 10
    // made at once, so that they share a commit with it
    const results = await Promise.allSettled([
      engine.write('events', [{ id }]),
      engine.write('events', records, { key: 'the bad one' }),
      engine.write('events', [{ id: id + 1 }]),
      engine.write('parents', [{ id }]),
    ])
    expect(
      results.map(({ status }) => status),
      what,
    ).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    const error = (results[1] as PromiseRejectedResult).reason as SinkError
    expect(error).toBeInstanceOf(ConstraintError)
    expect(error).toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
      retryable: false,
      table: 'events',
      key: 'the bad one',
    })
    expect(`${error.message} ${error.cause}`).not.toContain('secret')
    await engine.write('events', [{ id: id + 2 }])
  }
  await engine.close()
  const ids = VIOLATIONS.flatMap((_, index) => [100 + index * 10, 101 + index * 10, 102 + index * 10])
  expect(await readFile(path, 'SELECT id FROM events ORDER BY id')).toEqual([1, ...ids].map((id) => ({ id })))
  expect(await readFile(path, 'SELECT count(*) AS count FROM parents')).toEqual([{ count: 6n }])
})

it('a violation in a batch of many parts leaves nothing of it, and those beside it are there', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const parts = Array.from({ length: 30_000 }, (_, id) => ({ id: id + 100 }))
  const results = await Promise.allSettled([
    engine.write('events', [{ id: 1 }]),
    engine.write('events', [...parts, { id: 100 }]),
    engine.write('events', [{ id: 2 }]),
    engine.write('events', [{ id: 1 }, ...parts]),
    engine.write('events', parts),
  ])
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
  expect(engine.bufferedBytes).toBe(0)
  await engine.close()
  const ids = 'SELECT count(*) AS count, min(id) AS first, max(id) AS last FROM events'
  expect(await readFile(path, ids)).toEqual([{ count: 30_002n, first: 1, last: 30_099 }])
})

it('a NOT NULL column is named by the error', async () => {
  const engine = await openEngine({ tables })
  const error = await rejection(engine.write('events', [{ id: 1, name: null }]))
  expect(error).toMatchObject({ column: 'name', table: 'events' })
})

it('without group commit a violation fails alone as well', async () => {
  const engine = await openEngine({ tables, groupCommit: false })
  const results = await Promise.allSettled([1, 1, 2].map((id) => engine.write('events', [{ id }])))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
