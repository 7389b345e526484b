import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Checkpoints } from '../src/checkpoints.ts'
import type { Database } from '../src/database.ts'
import { WorkerLog } from '../src/log.ts'
import { ReadQueue } from '../src/read-queue.ts'
import { openWorker } from './open-worker.ts'
import { readFile } from './read-file.ts'
import { insertRequest } from './session.ts'

const ENDLESS = 'SELECT count(*) FROM t, range(3_000_000) a(i), range(3_000_000) b(j) WHERE (i * j) % 7 = 3'

async function open(checkpointBytes: number) {
  const { worker, path, layout } = await openWorker({
    ...{ config: { checkpoint_threshold: '1TB' }, groupCommit: false, checkpointBytes },
  })
  const a = Array.from({ length: 2_000 }, (_, row) => row)
  const write = async (): Promise<void> => {
    const [reply] = await worker.insert([insertRequest(layout, { a })])
    expect(reply).toMatchObject({ status: 'committed' })
  }
  const logBytes = (): number => statSync(`${path}.wal`, { throwIfNoEntry: false })?.size ?? 0
  return { worker, path, write, logBytes }
}

test('the log stays within its bound, whatever DuckDB would let it grow to', async () => {
  const bound = 64 * 1024
  const { worker, path, write, logBytes } = await open(bound)
  let most = 0
  for (let count = 0; count < 60; count++) {
    await write()
    most = Math.max(most, logBytes())
  }
  expect(most).toBeGreaterThan(8 * 1024)
  // it is looked at each quarter of the bound
  expect(most).toBeLessThan(1.5 * bound)
  await worker.close()
  expect(await readFile(path, 'SELECT count(*)::INTEGER FROM t')).toEqual([[120_000]])
})

test('without it the log grows on', async () => {
  const { write, logBytes } = await open(2 ** 40)
  for (let count = 0; count < 40; count++) await write()
  expect(logBytes()).toBeGreaterThan(200 * 1024)
})

test('statements of the app that write much are counted as well', async () => {
  const { worker, write, logBytes } = await open(64 * 1024)
  await worker.query({ queryId: 1, sql: 'INSERT INTO t FROM range(100_000)', parameters: undefined })
  await write()
  expect(logBytes()).toBeLessThan(64 * 1024)
})

test('a query that runs is neither waited for nor ended', async () => {
  const { worker, write, logBytes } = await open(64 * 1024)
  await write()
  const query = worker.query({ queryId: 1, sql: ENDLESS, parameters: undefined })
  for (let count = 0; count < 40; count++) await write()
  await worker.cancelQuery(1)
  expect(await query).toMatchObject({ status: 'failed' })
  for (let count = 0; count < 10; count++) await write()
  expect(logBytes()).toBeLessThan(1.5 * 64 * 1024)
})

test('very many commits are checkpointed however few bytes they have, as each takes its time to be replayed', async () => {
  const room = { logBytes: async () => 10_000, freeBytes: async () => 1_000_000 }
  const checkpoints = new Checkpoints({
    ...{
      database: { room } as Partial<Database> as Database,
      reads: new ReadQueue(),
      checkpointBytes: 2 ** 26,
    },
    ...{ log: new WorkerLog(0, () => undefined), onIdle: () => undefined, takingLong: (run) => run() },
  })
  const commit = (count: number): void => {
    for (let index = 0; index < count; index++) checkpoints.written(1)
  }
  commit(9_999)
  expect(checkpoints.isDue).toBe(false)
  commit(1)
  expect(checkpoints.isDue).toBe(true)
  expect(await checkpoints.isLogLong()).toBe(true)
  // and counts from there
  expect(checkpoints.isDue).toBe(false)
  commit(10_000)
  expect(await checkpoints.isLogLong()).toBe(true)
})
