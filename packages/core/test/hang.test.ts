import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import type { SinkError } from '../src/index.ts'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { runFixture } from './child.ts'
import { batchRows } from './fixtures/numbered-batches.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { openSteered } from './steered-engine.ts'

// more than a busy machine takes for a small batch
const HANG_MS = 800
// and a thread to start
const START_MS = 2_000

it.each(['answer no COMMIT', 'answer no insert'])(
  'a worker that hangs ("%s") leaves its writes unknown, and the engine has failed',
  async (order) => {
    const { engine, workers, steer } = await openSteered({ path: databasePath(), hangTimeoutMs: HANG_MS })
    await engine.write('batches', batchRows(0))
    steer(order)
    // in two parts, and so with a COMMIT of its own
    const writes = [3, 4].map((batch) => engine.write('batches', batchRows(batch)))
    const codes = (await Promise.allSettled(writes)).map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as SinkError).code : outcome.status,
    )
    expect(codes).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN'])
    const failure = await rejection(engine.closed)
    expect(failure).toMatchObject({ code: 'WORKER_DIED', retryable: false })
    expect((failure as Error).message).toMatch(/nothing has come .* for 800 ms.*restart the process/)
    expect(engine.state).toBe('failed')
    expect(engine).toMatchObject({ bufferedBytes: 0, bufferedBatches: 0 })
    expect(await rejection(engine.query('SELECT 1'))).toBe(failure)
    await engine.close()
    expect(workers).toHaveLength(1)
    // the thread is well, but for what it was told: it may be ended
    await workers[0]?.terminate()
  },
)

it.each(['reads', 'writes that are taken back'])(
  '%s that go on beside a worker that hangs do not hide it',
  async (way) => {
    const { engine, workers, steer } = await openSteered({ path: databasePath(), hangTimeoutMs: HANG_MS })
    await engine.write('batches', batchRows(0))
    steer('answer no COMMIT')
    const ended = rejection(engine.closed)
    const write = rejection(engine.write('batches', batchRows(3)))
    while (engine.state === 'open') {
      const signal = AbortSignal.timeout(50)
      const other =
        way === 'reads' ? engine.query('SELECT 1') : engine.write('batches', batchRows(1), { signal })
      other.catch(() => undefined)
      await once(signal, 'abort')
    }
    expect(await write).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    expect(await ended).toMatchObject({ code: 'WORKER_DIED' })
    // when no read is in flight
    steer('exit')
    await once(workers[0] as Worker, 'exit')
  },
)

it.each(['answer no open', 'answer no look-up'])(
  'a worker that hangs as it takes over ("%s") is the last one that is started',
  async (order) => {
    const path = databasePath()
    const options = { path, hangTimeoutMs: START_MS, deliveryMode: 'exactly-once' } as const
    const { engine, workers, steer } = await openSteered(options, '', order)
    await engine.write('batches', batchRows(0), { key: '0' })
    steer('exit before COMMIT')
    const lost = rejection(engine.write('batches', batchRows(3), { key: '3' }))
    expect(await lost).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    const waiting = rejection(engine.write('batches', batchRows(1), { key: '1' }))
    const failure = await rejection(engine.closed)
    expect(failure).toMatchObject({ code: 'WORKER_DIED', retryable: false })
    expect((failure as Error).message).toMatch(/nothing has come .* for 2000 ms.*restart the process/)
    expect(await waiting).toBe(failure)
    expect(workers).toHaveLength(2)
    // it may have the file open
    expect(locksBeside(path)).toHaveLength(1)
    await engine.close()
    steer('exit')
    await once(workers[1] as Worker, 'exit')
  },
)

it('a write that waits for others to share its commit is no hang', async () => {
  const groupCommit = { maxDelayMs: 1.2 * HANG_MS }
  const engine = await openEngine({ path: databasePath(), hangTimeoutMs: HANG_MS, groupCommit })
  expect(await engine.write('events', [{ id: 1 }])).toMatchObject({ rowCount: 1 })
})

it('a long statement of the app is no hang, and writes that wait for it are written', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, hangTimeoutMs: HANG_MS })
  const statement = engine.query('CREATE TABLE numbers AS SELECT sum(range) AS n FROM range(1_500_000_000)')
  const write = engine.write('events', [{ id: 1 }])
  await Promise.all([statement, write])
  expect(engine.state).toBe('open')
})

it.each([
  { way: 'exit', code: 7 },
  { way: 'run empty', code: 0 },
])('a process whose worker hangs in DuckDB ends by "$way" with its own code', async ({ way, code }) => {
  const path = databasePath()
  const ended = await runFixture('hanging-writer', [way, path]).ended
  expect(ended).toEqual({ code, signal: null, lines: ['0', 'OUTCOME_UNKNOWN'], stderr: '' })
  await expectWholeBatches(path, [0])
})
