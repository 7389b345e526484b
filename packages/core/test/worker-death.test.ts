import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { expect, it } from 'vitest'
import type { SinkEngine, SinkError } from '../src/index.ts'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { BATCH_TABLES, type BatchRow, batchRows } from './fixtures/numbered-batches.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { openSteered } from './steered-engine.ts'

const DIED = { name: 'WorkerDiedError', code: 'WORKER_DIED' }

/** The engine has failed for good, and says so wherever it is asked. */
async function expectFailed(engine: SinkEngine): Promise<void> {
  expect(await rejection(engine.closed)).toMatchObject(DIED)
  // 'error' is emitted in a turn of its own
  await setImmediate()
  expect(engine.state).toBe('failed')
  const collector = () => engine.table('batches').collect()
  expect(collector).toThrow(expect.objectContaining(DIED))
  for (const call of [
    engine.closed,
    engine.ready,
    engine.write('batches', batchRows(0)),
    engine.query('SELECT 1'),
  ]) {
    expect(await rejection(call)).toMatchObject(DIED)
  }
  expect(engine).toMatchObject({ bufferedBytes: 0, bufferedBatches: 0 })
  await engine.flush()
}

/** A new engine opens the file in this process, and the file holds whole batches with all that had a receipt. */
async function expectReopened(path: string, receipts: readonly number[]): Promise<number[]> {
  expect(locksBeside(path)).toEqual([])
  const engine = await openEngine({ path, tables: BATCH_TABLES })
  const next = 1_000_000
  await engine.write('batches', batchRows(next))
  await engine.close()
  return expectWholeBatches(path, [...receipts, next])
}

function errorsOf(engine: SinkEngine): SinkError[] {
  const errors: SinkError[] = []
  engine.on('error', (error) => errors.push(error))
  return errors
}

const codeOf = (outcome: PromiseSettledResult<unknown>): string =>
  outcome.status === 'fulfilled' ? 'COMMITTED' : (outcome.reason as SinkError).code

it.each([
  { target: 'a database in memory', options: { path: ':memory:' } },
  { target: 'a file whose engine may not restart', options: { restart: false as const } },
])('a worker of $target that is ended from outside while idle fails the engine', async ({ options }) => {
  const path = databasePath()
  const { engine, workers } = await openSteered({ path, ...options })
  const errors = errorsOf(engine)
  await engine.write('batches', batchRows(1))
  void workers[0]?.terminate()
  await once(engine, 'error')
  await expectFailed(engine)
  expect(errors).toEqual([expect.objectContaining(DIED)])
  expect(errors[0]?.retryable).toBe(false)
  await engine.close()
  await engine.close()
  if (options.path === undefined) await expectReopened(path, [1])
})

it.each([
  { order: 'throw', reason: 'thrown in the worker' },
  { order: 'throw and reject', reason: 'thrown in the worker' },
  { order: 'reject', reason: 'rejected in the worker' },
  { order: 'close the port', reason: 'the channel to the main thread was closed' },
])(
  'a worker that ends with "$order" while it is busy settles every call as it is',
  async ({ order, reason }) => {
    const path = databasePath()
    const { engine, steer } = await openSteered({ path, restart: false })
    const errors = errorsOf(engine)
    const writes = Array.from({ length: 40 }, (_, batch) => engine.write('batches', batchRows(batch)))
    const query = engine.query('SELECT count(*) FROM range(1000000000) a, range(1000) b')
    const outcomes = Promise.allSettled([...writes, query])
    await Promise.any(writes)
    steer(order)
    const codes = (await outcomes).map(codeOf)
    expect(['WORKER_DIED', 'OUTCOME_UNKNOWN']).toContain(codes.pop())
    const others = new Set(codes)
    expect(others.delete('COMMITTED')).toBe(true)
    expect(['OUTCOME_UNKNOWN', 'WORKER_DIED']).toEqual(expect.arrayContaining([...others]))
    await expectFailed(engine)
    expect(errors).toEqual([expect.objectContaining({ ...DIED, message: expect.stringContaining(reason) })])
    await engine.close()
    const batches = [...codes.keys()]
    const there = await expectReopened(
      path,
      batches.filter((batch) => codes[batch] === 'COMMITTED'),
    )
    expect(there.filter((batch) => codes[batch] === 'WORKER_DIED')).toEqual([])
  },
)

it('rows that a collector holds when the worker dies are handed back, and no more are taken', async () => {
  const { engine, workers } = await openSteered({ path: ':memory:', maxBufferedBatches: 2 })
  const failed: unknown[] = []
  const collector = engine.table<BatchRow>('batches').collect({
    maxDelayMs: 60_000,
    onFailure: (error, records) => failed.push(error.code, records()),
  })
  await engine.write('batches', batchRows(0))
  for (const row of batchRows(1)) collector.push(row)
  void workers[0]?.terminate()
  await rejection(engine.closed)
  expect(() => collector.push(batchRows(1)[0] as BatchRow)).toThrow(expect.objectContaining(DIED))
  await collector.close()
  expect(failed).toEqual(['WORKER_DIED', batchRows(1)])
  expect(await rejection(collector.ready)).toMatchObject(DIED)
})

it('a source that is written when the engine fails is read no further', async () => {
  const { engine, steer } = await openSteered({ path: ':memory:' })
  let isRead = false
  function* endless(): Generator<BatchRow> {
    try {
      for (;;) yield* batchRows(1)
    } finally {
      isRead = true
    }
  }
  const onReceipt = () => steer('throw')
  const writing = engine.table<BatchRow>('batches').writeFrom(endless(), { maxBatchRows: 1_000, onReceipt })
  expect(['WORKER_DIED', 'OUTCOME_UNKNOWN']).toContain(((await rejection(writing)) as SinkError).code)
  expect(isRead).toBe(true)
})

it('a worker that dies while close() waits for its writes is replaced', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path })
  const writes = Array.from({ length: 20 }, (_, batch) => engine.write('batches', batchRows(batch)))
  const outcomes = Promise.allSettled(writes)
  steer('throw')
  await engine.close()
  expect(engine.state).toBe('closed')
  const codes = (await outcomes).map(codeOf)
  const there = await expectReopened(
    path,
    [...codes.keys()].filter((batch) => codes[batch] === 'COMMITTED'),
  )
  expect(there.filter((batch) => codes[batch] === 'WORKER_DIED')).toEqual([])
})

it('a worker that dies as it closes the target makes close() reject, and no other is started', async () => {
  const path = databasePath()
  const { engine, workers, steer } = await openSteered({ path })
  await engine.write('batches', batchRows(100))
  steer('exit at CHECKPOINT')
  expect(await rejection(engine.close())).toMatchObject(DIED)
  await expectFailed(engine)
  expect(workers).toHaveLength(1)
  await expectReopened(path, [100])
})

it('a worker that throws while it opens leaves no lock', async () => {
  const path = databasePath()
  // it may be open already when it comes to the order
  await openSteered({ path, restart: false }, 'throw').then(
    ({ engine }) => rejection(engine.closed),
    expectNotStarted,
  )
  await expectReopened(path, [])
})

it('a worker that does not start makes open() reject', async () => {
  const createWorker = (options: WorkerOptions) =>
    new Worker('throw new Error("no such entry")', { ...options, eval: true })
  const error = await rejection(openEngine({ path: databasePath(), createWorker }))
  expectNotStarted(error)
  expect((error as SinkError).message).toContain('no such entry')
})

function expectNotStarted(error: unknown): void {
  expect(error).toMatchObject({
    name: 'TargetUnavailableError',
    message: expect.stringContaining('did not start'),
  })
}

it('the failure of an engine that nobody listens to ends no process', async () => {
  const { engine, steer } = await openSteered({ path: ':memory:' })
  steer('throw')
  while (engine.state !== 'failed') await setImmediate()
  // an unhandled rejection or 'error' event would be told by now, and fail this run
  await setImmediate()
  expect(engine.state).toBe('failed')
})
