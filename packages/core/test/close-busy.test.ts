import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import { spawnWorker } from '@ducksink/worker'
import { expect, it } from 'vitest'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readValue } from './read-file.ts'

const ENDLESS = 'SELECT count(*) FROM range(1000000000) a, range(1000) b'

it('close leaves the database file alone: no log, no lock, no thread', async () => {
  const path = databasePath()
  const workers: Worker[] = []
  const createWorker = (options: WorkerOptions) => {
    workers.push(spawnWorker(options))
    return workers[0] as Worker
  }
  const engine = await openEngine({ path, createWorker })
  await engine.write('events', numbered(100_000))
  expect(existsSync(`${path}.wal`)).toBe(true)
  await engine.close()
  expect(readdirSync(dirname(path))).toEqual(['test.duckdb'])
  expect(workers.map(({ threadId }) => threadId)).toEqual([-1])
  expect(await readValue(path, 'SELECT count(*)::INTEGER FROM events')).toBe(100_000)
})

it('close waits for statements and queries that run, and they give what they find', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  await engine.write('events', numbered(10))
  const statement = engine.query('INSERT INTO events SELECT range FROM range(10, 300000) RETURNING id')
  const query = engine.query('SELECT count(*)::INTEGER AS count FROM range(30000000)')
  await engine.close()
  expect(await statement).toHaveLength(299_990)
  expect(await query).toEqual([{ count: 30_000_000 }])
  expect(await readValue(path, 'SELECT count(*)::INTEGER FROM events')).toBe(300_000)
})

it('close that waits for a query ends when that is aborted, and tells its deadline before', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const controller = new AbortController()
  const query = engine.query(ENDLESS, [], { signal: controller.signal })
  query.catch(() => undefined)
  expect(await rejection(engine.close({ timeoutMs: 0 }))).toMatchObject({ code: 'CLOSE_TIMEOUT' })
  expect(engine.state).toBe('closing')
  controller.abort(new Error('enough'))
  await engine.close()
  expect(await rejection(query)).toMatchObject({ message: 'enough' })
  expect(engine.state).toBe('closed')
})

it('close takes along what collectors hold, and what fails of it is handed back', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables: { unique: { columns: { id: 'INTEGER' } } } })
  await engine.query('CREATE UNIQUE INDEX one_each ON "unique" (id)')
  const reasons: string[] = []
  const failures: unknown[] = []
  const onFailure = (error: { code: string }, records: () => unknown): void => {
    failures.push(error.code, records())
  }
  const collectors = ['events', 'unique'].map((table) =>
    engine
      .table(table)
      .collect({ maxDelayMs: 60_000, onFailure, onReceipt: ({ reason }) => reasons.push(reason) }),
  )
  for (const collector of collectors) for (const id of [1, 1]) collector.push({ id })
  await engine.close()
  expect(reasons).toEqual(['close'])
  expect(failures).toEqual(['CONSTRAINT_VIOLATED', [{ id: 1 }, { id: 1 }]])
  expect(await readValue(path, 'SELECT count(*)::INTEGER FROM events')).toBe(2)
})

it('an engine may be closed in its own callbacks', async () => {
  const engine = await openEngine()
  engine.on('schemaChange', () => void engine.close())
  const collector = engine.table('events').collect({ maxBatchRows: 1, onReceipt: () => void engine.close() })
  collector.push({ id: 1 })
  await once(engine, 'close')
  expect(engine.stats()).toMatchObject({ committedRows: 1, bufferedBatches: 0 })
})
