import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { SinkEngine, SinkError } from '../src/index.ts'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { runFixture } from './child.ts'
import { batchRows } from './fixtures/numbered-batches.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { openSteered } from './steered-engine.ts'

const HANG_MS = 800
const TICK_MS = HANG_MS / 10

// time goes by where a test has it do so: a busy machine may take as long as it likes
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => void vi.useRealTimers())

/** Lets the time go by until something is so, with turns of the event loop in which news may come. */
async function passUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    vi.advanceTimersByTime(TICK_MS)
    await setImmediate()
  }
}

/** Lets so much time go by. */
async function pass(ms: number): Promise<void> {
  const end = Date.now() + ms
  await passUntil(() => Date.now() > end - TICK_MS)
}

const hasFailed = (engine: SinkEngine) => (): boolean => engine.state === 'failed'

it.each(['answer no COMMIT', 'answer no insert'])(
  'a worker that hangs ("%s") leaves its writes unknown, and the engine has failed',
  async (order) => {
    const options = { path: databasePath(), hangTimeoutMs: HANG_MS }
    const { engine, workers, steer, told } = await openSteered(options)
    await engine.write('batches', batchRows(0))
    const held = told('held')
    steer(order)
    await told('taken')
    // in two parts, and so with a COMMIT of its own
    const writes = [3, 4].map((batch) => engine.write('batches', batchRows(batch)))
    void held.then(() => passUntil(hasFailed(engine)))
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
    // when what else was sent is inserted
    steer('exit')
    await once(workers[0] as Worker, 'exit')
  },
)

it.each(['reads', 'writes that are taken back', 'writes that leave others behind as they are taken back'])(
  '%s that go on beside a worker that hangs do not hide it',
  async (way) => {
    const options = { path: databasePath(), hangTimeoutMs: HANG_MS }
    const { engine, workers, steer, told } = await openSteered(options)
    await engine.write('batches', batchRows(0))
    const held = told('held')
    steer('answer no COMMIT')
    await told('taken')
    const ended = rejection(engine.closed)
    const write = rejection(engine.write('batches', batchRows(3)))
    await held
    // in time, and not when there is no room for more
    for (let passedMs = 0; passedMs < 3 * HANG_MS && !hasFailed(engine)(); passedMs += TICK_MS) {
      const signal = AbortSignal.timeout(5)
      const others: Promise<unknown>[] =
        way === 'reads' ? [engine.query('SELECT 1')] : [engine.write('batches', batchRows(1), { signal })]
      // in one message with it
      if (way.includes('behind')) others.push(engine.write('batches', batchRows(2)))
      for (const other of others) other.catch(() => undefined)
      await once(signal, 'abort')
      vi.advanceTimersByTime(TICK_MS)
    }
    expect(engine.state).toBe('failed')
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
    // longer than an outcome is waited for
    const options = { path, hangTimeoutMs: 2_000, deliveryMode: 'exactly-once' } as const
    const { engine, workers, steer, told } = await openSteered(options, '', order)
    await engine.write('batches', batchRows(0), { key: '0' })
    steer('exit before COMMIT')
    await told('taken')
    const held = told('held')
    const lost = rejection(engine.write('batches', batchRows(3), { key: '3' }))
    await held
    await pass(1_000)
    expect(await lost).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    const waiting = rejection(engine.write('batches', batchRows(1), { key: '1' }))
    await passUntil(hasFailed(engine))
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
  // the worker waits indeed, while the clock of the hang is further on
  const groupCommit = { maxDelayMs: HANG_MS / 4 }
  const engine = await openEngine({ path: databasePath(), hangTimeoutMs: HANG_MS, groupCommit })
  await engine.write('events', [{ id: 1 }])
  const write = engine.write('events', [{ id: 2 }])
  await pass(1.3 * HANG_MS)
  expect(await write).toMatchObject({ rowCount: 1 })
})

it('a long statement of the app is no hang, and writes that wait for it are written', async () => {
  const { engine, steer, told } = await openSteered({ path: databasePath(), hangTimeoutMs: HANG_MS })
  onTestFinished(() => engine.close())
  steer('hold the next call')
  await told('taken')
  const held = told('held')
  const statement = engine.query('CREATE TABLE numbers (n INTEGER)')
  const write = engine.write('batches', batchRows(0))
  await held
  await pass(5 * HANG_MS)
  steer('go on')
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
