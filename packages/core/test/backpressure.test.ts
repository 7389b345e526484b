import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { BackpressureError, type SinkEngine, type SinkEngineOptions } from '../src/index.ts'
import { WorkerThread } from '../src/worker-thread.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'
import { openSteered } from './steered-engine.ts'

const tables = { events: { columns: { id: 'INTEGER', text: 'VARCHAR' } } }

const statusesOf = async (promises: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(promises)).map(({ status }) => status)

const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = {}
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending
}

function expectAtRest(engine: SinkEngine): void {
  expect(engine.bufferedBytes).toBe(0)
  expect(engine.bufferedBatches).toBe(0)
  expect(engine.writableNeedDrain).toBe(false)
}

/** The most that the engine holds as it sends something, until the promise is settled. */
async function mostHeldUntil(engine: SinkEngine, promise: Promise<unknown>): Promise<number> {
  let most = 0
  const { insert } = WorkerThread.prototype
  const spy = vi.spyOn(WorkerThread.prototype, 'insert').mockImplementation(function (
    this: WorkerThread,
    requests,
  ) {
    most = Math.max(most, engine.bufferedBytes)
    return insert.call(this, requests)
  })
  onTestFinished(() => spy.mockRestore())
  await promise
  return most
}

/** An engine that fills up, as its worker holds what it is sent until it is to go on. */
async function openStopped(options: Omit<SinkEngineOptions, 'path'>, path = ':memory:') {
  const { engine, steer, told } = await openSteered({ path, tables, ...options })
  onTestFinished(() => engine.close())
  steer('hold the next call')
  await told('taken')
  const held = told('held')
  const goOn = async (): Promise<void> => {
    await held
    steer('go on')
  }
  return { engine, goOn }
}

it.each(['block', 'reject'] as const)(
  'with whenFull %s one batch more than maxBufferedBatches is refused untouched',
  async (whenFull) => {
    const engine = await openEngine({ tables, whenFull, maxBufferedBatches: 3 })
    const untouched = {
      get id(): number {
        throw new Error('it was touched')
      },
    }
    const accepted = [1, 2, 3].map((id) => engine.write('events', [{ id }]))
    await Promise.resolve()
    expect(engine.bufferedBatches).toBe(3)
    const error = await rejection(engine.write('events', [untouched], { key: 'one more' }))
    expect(error).toBeInstanceOf(BackpressureError)
    expect(error).toMatchObject({ code: 'BACKPRESSURE', retryable: true, table: 'events' })
    await Promise.all(accepted)
    expectAtRest(engine)
    await engine.write('events', [{ id: 4 }])
    expect(await engine.query('SELECT id FROM events ORDER BY id')).toEqual(
      [1, 2, 3, 4].map((id) => ({ id })),
    )
  },
)

it('a single batch may be all that is let in at a time', async () => {
  const engine = await openEngine({ tables, maxBufferedBatches: 1 })
  expect(await statusesOf([1, 2].map((id) => engine.write('events', [{ id }])))).toEqual([
    'fulfilled',
    'rejected',
  ])
  expect(await statusesOf([engine.write('events', [{ id: 3 }])])).toEqual(['fulfilled'])
  expectAtRest(engine)
})

it('with whenFull reject a write is refused while maxBufferedBytes are used up', async () => {
  const engine = await openEngine({ tables, whenFull: 'reject', maxBufferedBytes: 50_000 })
  // the first one is let in however large it is
  const writes = [60_000, 10, 10].map((count) => engine.write('events', numbered(count)))
  expect(await statusesOf(writes)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(await rejection(writes[1] as Promise<unknown>)).toMatchObject({
    code: 'BACKPRESSURE',
    retryable: true,
  })
  expectAtRest(engine)
  // small ones are let in as long as there is room
  expect(await statusesOf([10, 10, 10].map((count) => engine.write('events', numbered(count))))).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ])
  expectAtRest(engine)
})

it('with whenFull block writes wait for room, are all committed in order, and never hold more than the bound', async () => {
  const path = databasePath()
  const maxBufferedBytes = 300_000
  const engine = await openEngine({ path, tables, maxBufferedBytes })
  const writes = Array.from({ length: 60 }, (_, batch) =>
    engine.write('events', numbered(batch % 10 === 0 ? 30_000 : 500, batch * 100_000)),
  )
  const all = Promise.all(writes)
  const most = await mostHeldUntil(engine, all)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(maxBufferedBytes)
  expect((await all).map(({ sequence }) => sequence)).toEqual(writes.map((_, index) => index + 1))
  expectAtRest(engine)
  await engine.close()
  const back =
    'SELECT count(*) AS count, sum(back) AS back FROM (SELECT (id < lag(id) OVER (ORDER BY rowid))::INTEGER AS back FROM events)'
  expect(await readFile(path, back)).toEqual([{ count: 6n * 30_000n + 54n * 500n, back: 0n }])
})

it('a record larger than the bound goes alone', async () => {
  const engine = await openEngine({ tables, maxBufferedBytes: 10_000 })
  const writes = [
    engine.write('events', numbered(100)),
    engine.write('events', [{ id: 1_000, text: 'x'.repeat(2 ** 20) }]),
    engine.write('events', numbered(100, 100)),
  ]
  const most = await mostHeldUntil(engine, Promise.all(writes))
  expect(most).toBeGreaterThan(2 ** 20)
  expect(most).toBeLessThan(2 ** 20 + 10_000)
  expectAtRest(engine)
  expect(await engine.query('SELECT count(*) AS count FROM events')).toEqual([{ count: 201n }])
})

it('ready, writableNeedDrain and drain say the same', async () => {
  const engine = await openEngine({ tables, maxBufferedBatches: 4 })
  const drains: boolean[] = []
  engine.on('drain', () => drains.push(engine.writableNeedDrain))
  expect(engine.writableNeedDrain).toBe(false)
  await engine.ready
  for (let round = 1; round <= 3; round++) {
    const drained = once(engine, 'drain')
    const first = engine.write('events', numbered(1))
    expect(engine.writableNeedDrain).toBe(false)
    const second = engine.write('events', numbered(1))
    expect(engine.writableNeedDrain).toBe(true)
    const { ready } = engine
    expect(await isPending(ready)).toBe(true)
    await ready
    expect(engine.writableNeedDrain).toBe(false)
    await drained
    await Promise.all([first, second])
    expect(drains).toEqual(Array.from({ length: round }, () => false))
    expect(engine.stats().pressureCount).toBe(round)
  }
})

it('pressure in bytes begins at half of the bound, by the measure of the batch before', async () => {
  const engine = await openEngine({ tables, maxBufferedBytes: 1_000_000 })
  await engine.write('events', numbered(8_000))
  const rowBytes = engine.stats().committedBytes / 8_000
  const below = engine.write('events', numbered(490_000 / rowBytes))
  expect(engine.writableNeedDrain).toBe(false)
  await below
  const above = engine.write('events', numbered(510_000 / rowBytes))
  expect(engine.writableNeedDrain).toBe(true)
  await engine.ready
  await above
  expectAtRest(engine)
})

it('a caller who heeds ready is never refused', async () => {
  const engine = await openEngine({
    tables,
    maxBufferedBatches: 4,
    maxBufferedBytes: 100_000,
    whenFull: 'reject',
  })
  const writes: Promise<unknown>[] = []
  for (let batch = 0; batch < 200; batch++) {
    await engine.ready
    writes.push(engine.write('events', numbered(batch % 20 === 0 ? 9_000 : 20)))
  }
  expect(new Set(await statusesOf(writes))).toEqual(new Set(['fulfilled']))
  expectAtRest(engine)
})

it('batches that fail give their room back', async () => {
  const engine = await openEngine({ tables, maxBufferedBatches: 50, maxBufferedBytes: 100_000 })
  const wrong = [...numbered(20_000), { id: 'x' }]
  const writes = Array.from({ length: 20 }, (_, index) =>
    engine.write(
      'events',
      index % 2 === 0 ? wrong : numbered(100),
      index % 5 === 0 ? { signal: AbortSignal.abort() } : {},
    ),
  )
  await Promise.allSettled(writes)
  expectAtRest(engine)
  expect(await engine.query('SELECT count(*) AS count FROM events')).toEqual([{ count: 800n }])
})

it('a collector never holds more than the bound, but for one part under way', async () => {
  const maxBufferedBytes = 2_000_000
  const { engine, goOn } = await openStopped({ maxBufferedBytes })
  const collector = engine.table('events').collect({ maxBatchRows: 10_000 })
  const text = 'x'.repeat(100)
  let pushed = 0
  let most = 0
  let refused = 0
  for (let turn = 0; turn < 400; turn++) {
    // without heeding what push returns
    for (let count = 0; count < 1_000; count++) {
      try {
        collector.push({ id: pushed, text })
        pushed++
      } catch (error) {
        expect(error).toBeInstanceOf(BackpressureError)
        if (refused++ === 0) void goOn()
        break
      }
    }
    most = Math.max(most, engine.bufferedBytes)
    await setImmediate()
    most = Math.max(most, engine.bufferedBytes)
  }
  const partBytes = 8_192 * 140
  expect(refused).toBeGreaterThan(0)
  expect(most).toBeLessThan(maxBufferedBytes + partBytes)
  await collector.close()
  expectAtRest(engine)
  expect(await engine.query('SELECT count(*)::INTEGER AS count FROM events')).toEqual([{ count: pushed }])
})

it('producers of every kind that take no heed never make it hold more than the bounds', async () => {
  const path = databasePath()
  const maxBufferedBytes = 1_000_000
  const maxBufferedBatches = 40
  const { engine, goOn } = await openStopped({ maxBufferedBytes, maxBufferedBatches }, path)
  const text = 'x'.repeat(100)
  const collectors = [1, 2].map(() => engine.table('events').collect({ maxBatchRows: 2_000 }))
  const counts = { pushed: 0, written: 0, refused: 0 }
  const writes: Promise<unknown>[] = []
  const refuse = (error: unknown): void => {
    expect(error).toBeInstanceOf(BackpressureError)
    counts.refused++
  }
  let mostBytes = 0
  let mostBatches = 0
  const sample = (): void => {
    mostBytes = Math.max(mostBytes, engine.bufferedBytes)
    mostBatches = Math.max(mostBatches, engine.bufferedBatches)
  }
  // far more at each turn than the sink writes in one, and for a while it writes nothing
  for (let turn = 0; turn < 150; turn++) {
    if (turn === 60) void goOn()
    for (const collector of collectors) {
      try {
        for (let row = 0; row < 4_000; row++) {
          collector.push({ id: 0, text })
          counts.pushed++
        }
      } catch (error) {
        refuse(error)
      }
    }
    for (const rows of [1, 50, 3_000]) {
      const write = engine.write(
        'events',
        Array.from({ length: rows }, () => ({ id: 1, text })),
      )
      writes.push(
        write.then(({ rowCount }) => {
          counts.written += rowCount
        }, refuse),
      )
    }
    sample()
    await setImmediate()
    sample()
  }
  await Promise.all(writes)
  for (const collector of collectors) await collector.close()
  expect(counts.refused).toBeGreaterThan(100)
  const partBytes = 8_192 * 140
  expect(mostBytes).toBeLessThan(maxBufferedBytes + partBytes)
  expect(mostBatches).toBeLessThanOrEqual(maxBufferedBatches + collectors.length)
  expectAtRest(engine)
  await engine.close()
  const both = 'SELECT id, count(*)::INTEGER AS count FROM events GROUP BY id ORDER BY id'
  expect(await readFile(path, both)).toEqual([
    { id: 0, count: counts.pushed },
    { id: 1, count: counts.written },
  ])
})

it('batches that wait for credit get it in call order, whatever their size', async () => {
  const engine = await openEngine({ tables, maxBufferedBytes: 50_000 })
  const sizes = [20_000, 1, 9_000, 1, 1, 30_000, 2]
  const settled: number[] = []
  const writes = sizes.map((rows, index) =>
    engine.write('events', numbered(rows)).then((receipt) => {
      settled.push(index)
      return receipt.sequence
    }),
  )
  expect(await Promise.all(writes)).toEqual(sizes.map((_, index) => index + 1))
  expect(settled).toEqual(sizes.map((_, index) => index))
})

it('with whenFull reject the refusal is there in the turn of the call', async () => {
  const engine = await openEngine({ tables, whenFull: 'reject', maxBufferedBytes: 50_000 })
  const first = engine.write('events', numbered(60_000))
  const refused = engine.write('events', numbered(10))
  const order: string[] = []
  await Promise.race([
    refused.catch(({ code }) => order.push(code)),
    setImmediate().then(() => order.push('a turn later')),
  ])
  expect(order).toEqual(['BACKPRESSURE'])
  await first
})

it('collectors that fill the engine together send what they have, however little that is to each', async () => {
  const engine = await openEngine({ maxBufferedBytes: 200_000 })
  const text = 'x'.repeat(100)
  const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, text }))
  const reasons = new Set<string>()
  const options = {
    maxDelayMs: 2 ** 31 - 1,
    onReceipt: ({ reason }: { reason: string }) => reasons.add(reason),
  }
  for (const table of ['a', 'b', 'c']) await engine.write(table, rows.slice(0, 1))
  const summaries = await Promise.all(
    ['a', 'b', 'c'].map((table) =>
      engine.table(table).writeFrom(rows, { ...options, maxBatchBytes: 10 ** 9 }),
    ),
  )
  expect(summaries.map(({ rowCount }) => rowCount)).toEqual([5_000, 5_000, 5_000])
  expect(reasons).toEqual(new Set(['bytes', 'close']))
  expectAtRest(engine)
})
