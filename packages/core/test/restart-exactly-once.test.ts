import { once } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { SinkEngineOptions, SinkError } from '../src/index.ts'
import { expectWholeBatches } from './batches-in-file.ts'
import { batchRows } from './fixtures/numbered-batches.ts'
import { databasePath } from './open-engine.ts'
import { openSteered } from './steered-engine.ts'

const ONCE: Pick<SinkEngineOptions, 'deliveryMode'> = { deliveryMode: 'exactly-once' }
// the second after which an outcome is left open is lost-writes.test.ts's; a busy machine may need longer for a thread
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const DIED = { name: 'WorkerDiedError', code: 'WORKER_DIED', retryable: true }

/** Orders that end the worker around a COMMIT, and whether that had been done. */
const AROUND_COMMIT = [
  { order: 'exit before COMMIT', isCommitted: false },
  { order: 'exit after COMMIT', isCommitted: true },
  { order: 'fail a COMMIT that is durable', isCommitted: true },
  { order: 'fail a COMMIT that is not', isCommitted: false },
]

const codeOf = (outcome: PromiseSettledResult<unknown>): string =>
  outcome.status === 'fulfilled' ? 'COMMITTED' : (outcome.reason as SinkError).code

it.each(AROUND_COMMIT)(
  '"$order" with keys: the ledger tells what became of the write',
  async ({ order, isCommitted }) => {
    const path = databasePath()
    const { engine, steer } = await openSteered({ path, ...ONCE })
    const first = await engine.write('batches', batchRows(0), { key: '0' })
    steer(order)
    const restarted = once(engine, 'restart')
    const [outcome] = await Promise.allSettled([engine.write('batches', batchRows(3), { key: '3' })])
    if (isCommitted) {
      const { value } = outcome as PromiseFulfilledResult<unknown>
      expect(value).toMatchObject({
        key: '3',
        rowCount: 9_000,
        duplicate: false,
        sequence: first.sequence + 1,
      })
    } else expect((outcome as PromiseRejectedResult).reason).toMatchObject({ ...DIED, key: '3' })
    const [{ committedCount, notWrittenCount, unknownCount }] = await restarted
    expect([committedCount, notWrittenCount, unknownCount]).toEqual(isCommitted ? [1, 0, 0] : [0, 1, 0])
    // the same again is right, whatever became of it
    const again = await engine.write('batches', batchRows(3), { key: '3' })
    expect(again).toMatchObject({ rowCount: 9_000, duplicate: isCommitted })
    await engine.close()
    expect(await expectWholeBatches(path, [0, 3])).toEqual([0, 3])
  },
)

it.each(AROUND_COMMIT)(
  '"$order" with offsets: the channel goes on from what is committed, and leaves no hole',
  async ({ order, isCommitted }) => {
    const path = databasePath()
    const { engine, steer } = await openSteered({ path, ...ONCE })
    const write = (batch: number) =>
      engine.write('batches', batchRows(batch), { channel: 'c', offset: BigInt(batch) })
    const other = engine.write('batches', batchRows(100), { channel: 'other', offset: 1n })
    await write(0)
    steer(order)
    const restarted = once(engine, 'restart')
    // those behind the one that is lost wait for its outcome
    const outcomes = await Promise.allSettled([3, 4, 5, 6].map(write))
    const codes = outcomes.map(codeOf)
    expect(codes[0]).toBe(isCommitted ? 'COMMITTED' : 'WORKER_DIED')
    await restarted
    const failed = codes.findIndex((code) => code !== 'COMMITTED')
    if (failed !== -1) {
      // nothing is committed behind a hole
      expect(codes.slice(failed)).not.toContain('COMMITTED')
      expect(await engine.committedOffset('c')).toBe([0n, 3n, 4n, 5n][failed])
      await engine.resolveFailure('c', 'retry')
      for (const batch of [3, 4, 5, 6].slice(failed)) await write(batch)
    }
    expect(await engine.committedOffset('c')).toBe(6n)
    await other
    await engine.close()
    expect(await expectWholeBatches(path, [])).toEqual([0, 3, 4, 5, 6, 100])
  },
)

it('a duplicate whose answer was lost is one still', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path, ...ONCE })
  const key = 'twice'
  const first = await engine.write('batches', batchRows(3), { key })
  steer('exit before look-up')
  const second = await engine.write('batches', batchRows(3), { key })
  expect(second).toMatchObject({ rowCount: 9_000, duplicate: true, sequence: first.sequence })
  await engine.close()
  expect(await expectWholeBatches(path, [3])).toEqual([3])
})

it('many writes under way when the worker dies are each there once after they were written again', async () => {
  const path = databasePath()
  const { engine, steer } = await openSteered({ path, ...ONCE })
  const batches = Array.from({ length: 40 }, (_, batch) => batch)
  const write = (batch: number) => engine.write('batches', batchRows(batch), { key: String(batch) })
  const writes = batches.map(write)
  const outcomes = Promise.allSettled(writes)
  await Promise.any(writes)
  steer('throw')
  const codes = (await outcomes).map(codeOf)
  expect(codes).not.toContain('OUTCOME_UNKNOWN')
  const again = await Promise.all(batches.map(write))
  expect(again.map(({ duplicate }) => duplicate)).toEqual(codes.map((code) => code === 'COMMITTED'))
  await engine.close()
  expect(await expectWholeBatches(path, batches)).toEqual(batches)
})
