import { once } from 'node:events'
import { closeSync, openSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { RestartEvent, SinkEngine, SinkError } from '../src/index.ts'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { type BatchRow, batchRows } from './fixtures/numbered-batches.ts'
import { databasePath, rejection } from './open-engine.ts'
import { openSteered } from './steered-engine.ts'

const DIED = { name: 'WorkerDiedError', code: 'WORKER_DIED', retryable: true }

/** The next restart of an engine. */
async function restartOf(engine: SinkEngine): Promise<RestartEvent> {
  const [event] = await once(engine, 'restart')
  return event
}

/** Resolves when the engine has no worker. */
async function untilDegraded(engine: SinkEngine): Promise<void> {
  while (engine.state === 'open') await setImmediate()
  expect(engine.state).toBe('degraded')
}

const codeOf = (outcome: PromiseSettledResult<unknown>): string =>
  outcome.status === 'fulfilled' ? 'COMMITTED' : (outcome.reason as SinkError).code

it('another worker goes on where one has ended while idle, and numbers receipts on', async () => {
  const path = databasePath()
  const { engine, workers, steer } = await openSteered({ path })
  const first = await engine.write('batches', batchRows(0))
  steer('exit')
  expect(await restartOf(engine)).toEqual({
    ...{ reason: 'the worker thread exited with code 3', attempts: 1, durationMs: expect.any(Number) },
    ...{ committedCount: 0, notWrittenCount: 0, unknownCount: 0 },
  })
  expect(engine.state).toBe('open')
  const second = await engine.write('batches', batchRows(1))
  expect(second.sequence).toBeGreaterThan(first.sequence)
  expect(await engine.query('SELECT count(DISTINCT batch) AS n FROM batches')).toEqual([{ n: 2n }])
  expect(engine.stats()).toMatchObject({ restartCount: 1, committedBatches: 2 })
  expect(workers).toHaveLength(2)
  await engine.close()
  expect(locksBeside(path)).toEqual([])
  expect(await expectWholeBatches(path, [0, 1])).toEqual([0, 1])
})

it('another worker opens the same file, wherever the link that it was given by leads by now', async () => {
  const [path, link] = [databasePath(), databasePath()]
  symlinkSync(path, link)
  const { engine, steer } = await openSteered({ path: link })
  await engine.write('batches', batchRows(0))
  rmSync(link)
  symlinkSync(databasePath(), link)
  steer('exit')
  await restartOf(engine)
  await engine.write('batches', batchRows(1))
  await engine.close()
  expect(await expectWholeBatches(path, [0, 1])).toEqual([0, 1])
})

it('no other file is made in the place of one that was moved away', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path })
  await engine.write('batches', batchRows(0))
  for (const end of ['', '.wal']) renameSync(`${path}${end}`, `${path}-moved${end}`)
  steer('exit')
  expect(await rejection(engine.closed)).toMatchObject({
    message: expect.stringContaining('not there any more'),
  })
  expect(engine.state).toBe('failed')
  renameSync(`${path}-moved.wal`, `${path}.wal`)
  renameSync(`${path}-moved`, path)
  expect(await expectWholeBatches(path, [0])).toEqual([0])
})

it('what is called while there is no worker waits for the next one, in order and under pressure', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path })
  await engine.write('batches', batchRows(0))
  steer('exit')
  await untilDegraded(engine)
  expect(engine.writableNeedDrain).toBe(true)
  const settled: string[] = []
  const drained = once(engine, 'drain').then(() => settled.push('drain'))
  const writes = [1, 2, 3, 4].map((batch) =>
    engine.write('batches', batchRows(batch)).then(({ sequence }) => {
      settled.push(`batch ${batch}`)
      return sequence
    }),
  )
  const count = engine.query('SELECT count(*) AS n FROM batches')
  expect(engine.bufferedBatches).toBe(4)
  const sequences = await Promise.all(writes)
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b))
  await Promise.all([drained, count])
  expect(settled.filter((what) => what !== 'drain')).toEqual(['batch 1', 'batch 2', 'batch 3', 'batch 4'])
  await engine.close()
  await expectWholeBatches(path, [0, 1, 2, 3, 4])
})

it('a write is aborted while it waits for a worker', async () => {
  const { engine, steer } = await openSteered({ path: databasePath() })
  steer('exit')
  await untilDegraded(engine)
  const controller = new AbortController()
  const writes = [0, 1].map((batch) => engine.write('batches', batchRows(batch), controller))
  const outcomes = Promise.allSettled(writes)
  controller.abort(new Error('enough'))
  expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
  await restartOf(engine)
  expect(await engine.query('SELECT count(*) AS n FROM batches')).toEqual([{ n: 0n }])
  await engine.close()
})

it('a query is aborted while it waits for a worker, and is not asked of the next one', async () => {
  const { engine, steer } = await openSteered({ path: databasePath() })
  steer('exit')
  await untilDegraded(engine)
  const controller = new AbortController()
  const made = rejection(engine.query('CREATE TABLE unwanted (id INTEGER)', [], controller))
  const read = rejection(engine.query('FROM batches', [], controller))
  controller.abort('enough')
  expect(await Promise.all([made, read])).toEqual(['enough', 'enough'])
  expect(engine.state).toBe('degraded')
  await restartOf(engine)
  expect(await engine.query("FROM duckdb_tables() WHERE table_name = 'unwanted'")).toEqual([])
  await engine.close()
})

it.each(['throw', 'reject', 'close the port'])(
  'a worker that ends with "%s" in the midst of writes leaves each of them true, and the engine at work',
  async (order) => {
    const path = databasePath()
    const { engine, steer } = await openSteered({ path })
    const restarted = restartOf(engine)
    const batches = Array.from({ length: 40 }, (_, batch) => batch)
    const writes = batches.map((batch) => engine.write('batches', batchRows(batch)))
    const outcomes = Promise.allSettled(writes)
    await Promise.any(writes)
    steer(order)
    const { unknownCount } = await restarted
    const codes = (await outcomes).map(codeOf)
    expect(codes.filter((code) => code === 'OUTCOME_UNKNOWN')).toHaveLength(unknownCount)
    expect(['COMMITTED', 'OUTCOME_UNKNOWN', 'WORKER_DIED']).toEqual(
      expect.arrayContaining([...new Set(codes)]),
    )
    await engine.write('batches', batchRows(100))
    await engine.close()
    const committed = batches.filter((batch) => codes[batch] === 'COMMITTED')
    const there = await expectWholeBatches(path, [...committed, 100])
    expect(there.filter((batch) => codes[batch] === 'WORKER_DIED')).toEqual([])
  },
)

it('a batch of many parts of which the worker had some is not written, and those behind it are', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path, maxBufferedBytes: 1 })
  // half of it waits for room
  const large = Array.from({ length: 50_000 }, (_, row) => ({ batch: 1_000, row, text: '' }))
  const written = engine.write('batches', large)
  const behind = engine.write('batches', batchRows(1))
  while (engine.bufferedBytes === 0) await setImmediate()
  steer('throw')
  expect(await rejection(written)).toMatchObject(DIED)
  await behind
  await engine.close()
  expect(await expectWholeBatches(path, [1])).toEqual([1])
})

it.each([
  'exit before COMMIT',
  'exit after COMMIT',
  'fail a COMMIT that is durable',
  'fail a COMMIT that is not',
])('"%s": the outcome is unknown without a ledger, and another worker goes on', async (order) => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path })
  await engine.write('batches', batchRows(0))
  steer(order)
  const restarted = restartOf(engine)
  const [unknown, behind] = await Promise.allSettled([
    engine.write('batches', batchRows(3)),
    restarted.then(() => engine.write('batches', batchRows(4))),
  ])
  expect([codeOf(unknown), codeOf(behind)]).toEqual(['OUTCOME_UNKNOWN', 'COMMITTED'])
  await engine.close()
  expect(await expectWholeBatches(path, [0, 4])).toEqual(/after|durable/.test(order) ? [0, 3, 4] : [0, 4])
})

it('calls other than writes reject at once: a SELECT can be made again, of a statement it is not known', async () => {
  const { engine, steer } = await openSteered({ path: databasePath() })
  await engine.write('batches', batchRows(0))
  const endless = 'SELECT count(*) FROM range(1000000000) a, range(1000) b'
  const read = rejection(engine.query(endless))
  const statement = rejection(engine.query(`CREATE TABLE numbers AS ${endless}`))
  steer('throw')
  const [ofRead, ofStatement] = await Promise.all([read, statement, restartOf(engine)])
  expect(ofRead).toMatchObject(DIED)
  // it may not have come to that
  expect(['OUTCOME_UNKNOWN', 'WORKER_DIED']).toContain((ofStatement as SinkError).code)
  expect(await engine.query("FROM duckdb_tables() WHERE table_name = 'numbers'")).toEqual([])
  await engine.close()
})

it('a collector goes on: what it held is encoded for the columns that the next worker reads', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path })
  const failures: unknown[] = []
  const collector = engine
    .table<BatchRow>('batches')
    .collect({ maxDelayMs: 60_000, onFailure: (error) => failures.push(error) })
  await engine.write('batches', batchRows(0))
  const rows = batchRows(1)
  for (const row of rows.slice(0, 10)) collector.push(row)
  steer('exit')
  await untilDegraded(engine)
  for (const row of rows.slice(10, 20)) collector.push(row)
  await restartOf(engine)
  for (const row of rows.slice(20)) collector.push(row)
  await collector.close()
  await engine.close()
  expect(failures).toEqual([])
  expect(await expectWholeBatches(path, [0, 1])).toEqual([0, 1])
})

it('an engine whose workers die again and again has failed', async () => {
  const path = databasePath()
  const { engine, workers, steer } = await openSteered({ path, restart: { maxAttempts: 2 } })
  for (const batch of [0, 1]) {
    await engine.write('batches', batchRows(batch))
    const restarted = restartOf(engine)
    steer('exit')
    await restarted
  }
  steer('exit')
  expect(await rejection(engine.closed)).toMatchObject({
    ...{ name: 'WorkerDiedError', retryable: false },
    message: expect.stringContaining('too often within a minute'),
  })
  expect(workers).toHaveLength(3)
  expect(await rejection(engine.write('batches', batchRows(2)))).toMatchObject({ code: 'WORKER_DIED' })
  await engine.close()
  expect(locksBeside(path)).toEqual([])
  await expectWholeBatches(path, [0, 1])
})

it('workers that die as they open the target count as well', async () => {
  const { engine, workers, steer } = await openSteered(
    { path: databasePath(), restart: { maxAttempts: 2 } },
    ...['none', 'throw', 'throw'],
  )
  steer('exit')
  const waiting = engine.write('batches', batchRows(0))
  const failure = await rejection(engine.closed)
  expect(failure).toMatchObject({ code: 'WORKER_DIED', retryable: false })
  expect(await rejection(waiting)).toMatchObject({ code: 'WORKER_DIED' })
  expect(workers).toHaveLength(3)
  await engine.close()
})

it('a file that something else in this process has open is not opened beside it', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path, restart: { maxAttempts: 2 } })
  const held = openSync(path, 'r')
  steer('exit')
  const waiting = engine.write('batches', batchRows(0))
  expect(await rejection(engine.closed)).toMatchObject({
    ...{ code: 'WORKER_DIED', retryable: false },
    message: expect.stringContaining('this process has it open by other means'),
  })
  expect(await rejection(waiting)).toMatchObject({ code: 'WORKER_DIED' })
  closeSync(held)
  await engine.close()
  expect(locksBeside(path)).toEqual([])
})

it('a file that is let go meanwhile is opened at a later attempt', async () => {
  const path = databasePath()
  const { engine, workers, steer } = await openSteered({ path })
  const held = openSync(path, 'r')
  steer('exit')
  await untilDegraded(engine)
  const waiting = engine.write('batches', batchRows(0))
  while (workers.length < 2) await setImmediate()
  await once(workers[1] as (typeof workers)[0], 'exit')
  closeSync(held)
  const { attempts } = await restartOf(engine)
  expect(attempts).toBeGreaterThan(1)
  await waiting
  await engine.close()
  await expectWholeBatches(path, [0])
})

it('no other worker goes on with another file that has come to have its name', async () => {
  const [path, moved, fresh] = [databasePath(), databasePath(), databasePath()]
  const other = await openSteered({ path: fresh })
  await other.engine.write('batches', batchRows(7))
  await other.engine.close()
  const { engine, steer } = await openSteered({ path })
  await engine.write('batches', batchRows(0))
  renameSync(path, moved)
  renameSync(`${path}.wal`, `${moved}.wal`)
  renameSync(fresh, path)
  steer('exit')
  const error = (await rejection(engine.closed)) as Error
  expect(error.message).toContain(`cannot open ${path} again: another file has its place`)
})
