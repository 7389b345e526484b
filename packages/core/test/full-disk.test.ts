import { once } from 'node:events'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { SinkEngine, SinkEngineOptions, SinkError } from '../src/index.ts'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { batchRows } from './fixtures/numbered-batches.ts'
import { openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'
import { hasSmallDisks, type SmallDisk, smallDisk } from './small-disk.ts'
import { openSteered } from './steered-engine.ts'

const KIB = 2 ** 10
const tables = { events: { columns: { id: 'INTEGER', text: 'VARCHAR' } } }
const FULL = { name: 'TargetUnavailableError', code: 'TARGET_FULL', retryable: true, table: 'events' }

/** Records that take some 100 bytes each, which nothing compresses. */
const records = (count: number, from = 0): { id: number; text: string }[] =>
  Array.from({ length: count }, (_, index) => ({ id: from + index, text: noise(from + index) }))

function noise(seed: number): string {
  let text = ''
  let state = seed * 2_654_435_761 + 1
  for (let length = 0; length < 90; length++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    text += String.fromCharCode(33 + (state >>> 25))
  }
  return text
}

const IDS = 'SELECT count(*)::INTEGER AS n, count(DISTINCT id)::INTEGER AS ids, max(id) AS last FROM events'
const ids = (n: number) => [{ n, ids: n, last: n - 1 }]

async function openOn(disk: SmallDisk, options: Partial<SinkEngineOptions> = {}): Promise<SinkEngine> {
  return openEngine({ path: disk.path, tables, ...options })
}

/** Writes batches until one finds no room; gives how many rows are committed. */
async function writeUntilFull(engine: SinkEngine, rows = 500): Promise<{ count: number; error: SinkError }> {
  for (let count = 0; ; count += rows) {
    try {
      await engine.write('events', records(rows, count))
    } catch (error) {
      return { count, error: error as SinkError }
    }
  }
}

describe.skipIf(!hasSmallDisks)('on a disk that is full', () => {
  it('the write that finds no room fails, what is committed is read, and what waits goes on when there is room', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const engine = await openOn(disk)
    const degraded = once(engine, 'degraded')
    await engine.write('events', records(1, -1))
    disk.fill(300 * KIB)
    const { count, error } = await writeUntilFull(engine)
    expect(error).toMatchObject(FULL)
    expect(error.message).toContain('make room')
    expect(await degraded).toEqual([{ reason: 'disk-full', path: disk.path }])
    expect(engine.state).toBe('degraded')
    expect(engine.writableNeedDrain).toBe(true)
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM events')).toEqual([{ n: count + 1 }])
    const waiting = [
      engine.write('events', records(10, count)),
      engine.write('events', records(10, count + 10)),
    ]
    const drained = once(engine, 'drain')
    disk.free()
    await drained
    expect(engine.state).toBe('open')
    await engine.ready
    expect(await Promise.all(waiting)).toMatchObject([{ rowCount: 10 }, { rowCount: 10 }])
    await engine.close()
    expect(await readFile(disk.path, IDS)).toEqual([{ n: count + 21, ids: count + 21, last: count + 19 }])
  })

  it('a worker that dies meanwhile does not end the pressure before another has room', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const { engine, workers, steer } = await openSteered({ path: disk.path, tables })
    disk.fill(300 * KIB)
    await writeUntilFull(engine)
    const told: string[] = []
    for (const event of ['restart', 'drain'] as const) engine.on(event, () => told.push(event))
    void engine.ready.then(() => told.push('ready'))
    steer('throw')
    await once(workers[0] as Worker, 'exit')
    expect(engine.writableNeedDrain).toBe(true)
    disk.free()
    await once(engine, 'drain')
    expect(told.toSorted()).toEqual(['drain', 'ready', 'restart'])
    await engine.close()
  })

  it('a checkpoint that finds no room loses nothing, and what is committed is read all the while', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const engine = await openOn(disk, { config: { checkpoint_threshold: '200KB' } })
    const isDegraded = once(engine, 'degraded')
    disk.fill(500 * KIB)
    const receipts: Promise<unknown>[] = []
    let count = 0
    for (; engine.state === 'open' && count < 20_000; count += 250) {
      const written = engine.write('events', records(250, count))
      receipts.push(written)
      await Promise.race([written, isDegraded])
    }
    expect(engine.state).toBe('degraded')
    const [{ n }] = (await engine.query(IDS)) as [{ n: number }]
    expect(n).toBeGreaterThan(0)
    expect(await engine.query(IDS)).toEqual(ids(n))
    disk.free()
    const settled = await Promise.allSettled(receipts)
    const committed = settled.filter(({ status }) => status === 'fulfilled').length * 250
    expect(committed).toBeGreaterThanOrEqual(n)
    expect(committed).toBeGreaterThanOrEqual(count - 250)
    await engine.close()
    expect(await readFile(disk.path, 'SELECT count(*)::INTEGER AS n FROM events')).toEqual([{ n: committed }])
  })

  it('a batch of many parts leaves nothing of it, and the next one goes on', async () => {
    const disk = smallDisk(24 * 2 ** 20)
    const engine = await openOn(disk, { maxBufferedBytes: 4 * 2 ** 20 })
    await engine.write('events', records(1))
    disk.fill(2 * 2 ** 20)
    const large = rejection(engine.write('events', records(100_000, 1)))
    const small = engine.write('events', records(1, 1))
    expect(await large).toMatchObject(FULL)
    disk.free()
    expect(await small).toMatchObject({ rowCount: 1 })
    await engine.close()
    expect(await readFile(disk.path, IDS)).toEqual(ids(2))
  })

  it('a log that is longer than the room that is left keeps small writes from nothing', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const engine = await openOn(disk, { config: { checkpoint_threshold: '1GB' } })
    for (let batch = 0; batch < 6; batch++) await engine.write('events', records(5_000, batch * 5_000))
    disk.fill(1.5 * 2 ** 20)
    expect(statSync(`${disk.path}.wal`).size).toBeGreaterThan(2 * 2 ** 20)
    expect(await rejection(engine.write('events', records(30_000, 30_000)))).toMatchObject(FULL)
    expect(await engine.write('events', records(1, 30_000))).toMatchObject({ rowCount: 1 })
    await engine.ready
    expect(engine.state).toBe('open')
    await engine.close()
    expect(await readFile(disk.path, IDS)).toEqual(ids(30_001))
  })

  it('what waits for longer than degradedTimeoutMs fails, wherever it waits', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    // room for one part at a time: the others wait on the main thread
    const engine = await openOn(disk, { degradedTimeoutMs: 50, maxBufferedBytes: 20 * KIB })
    disk.fill(300 * KIB)
    const { count } = await writeUntilFull(engine)
    const writes = [1, 2, 3, 4].map(() => rejection(engine.write('events', records(200, count))))
    const statement = rejection(engine.query('CREATE TABLE other (id INTEGER)'))
    const unknown = rejection(engine.write('unknown', records(1)))
    for (const error of await Promise.all(writes)) {
      expect(error).toMatchObject(FULL)
      expect((error as Error).message).toContain('no room for 50 ms')
    }
    expect(await statement).toMatchObject({ code: 'TARGET_FULL' })
    expect(await unknown).toMatchObject({ code: 'TARGET_FULL' })
    expect(engine.bufferedBytes).toBe(0)
    expect(engine.bufferedBatches).toBe(0)
    expect(engine.state).toBe('degraded')
    const drained = once(engine, 'drain')
    disk.free()
    await drained
    await engine.write('events', records(1, count))
    await engine.close()
    expect(await readFile(disk.path, IDS)).toEqual(ids(count + 1))
  })

  it('a write that is aborted while it waits for room on the disk leaves the line at once', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const engine = await openOn(disk, { maxBufferedBytes: 20 * KIB })
    disk.fill(300 * KIB)
    const { count } = await writeUntilFull(engine)
    const controller = new AbortController()
    const { signal } = controller
    const aborted = [200, 200, 10_000].map((rows) =>
      rejection(engine.write('events', records(rows, count), { signal })),
    )
    const timedOut = rejection(engine.write('events', records(1, count), { signal: AbortSignal.timeout(20) }))
    const kept = engine.write('events', records(1, count))
    expect(await timedOut).toMatchObject({ name: 'TimeoutError' })
    controller.abort('enough')
    expect(await Promise.all(aborted)).toEqual(['enough', 'enough', 'enough'])
    expect(engine.state).toBe('degraded')
    disk.free()
    await kept
    await engine.close()
    expect(await readFile(disk.path, IDS)).toEqual(ids(count + 1))
  })

  it('a worker that dies is followed by one that reads under the same lock, and writes when there is room', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const { engine, workers, steer } = await openSteered({ path: disk.path })
    await engine.write('batches', batchRows(0))
    disk.fill(0)
    const restarted = once(engine, 'restart')
    steer('exit')
    expect(await restarted).toMatchObject([{ attempts: 1 }])
    expect(await engine.query('SELECT count(DISTINCT batch)::INTEGER AS n FROM batches')).toEqual([{ n: 1 }])
    expect(locksBeside(disk.path)).toHaveLength(1)
    const drained = once(engine, 'drain')
    const large = Array.from({ length: 10_000 }, (_, row) => ({ batch: 1, row, text: noise(row) }))
    expect(await rejection(engine.write('batches', large))).toMatchObject({ code: 'TARGET_FULL' })
    disk.free()
    await drained
    await engine.write('batches', batchRows(2))
    await engine.close()
    expect(workers).toHaveLength(2)
    expect(await expectWholeBatches(disk.path, [0, 2])).toEqual([0, 2])
  })

  it('a worker that finds no room to start is tried again until there is some, and nothing waits for too long', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const restart = { maxAttempts: 1 }
    const { engine, steer } = await openSteered({ path: disk.path, restart, degradedTimeoutMs: 20 })
    await engine.write('batches', batchRows(0))
    for (const lock of locksBeside(disk.path)) rmSync(join(dirname(disk.path), lock))
    disk.fill(0)
    const degraded = once(engine, 'degraded')
    steer('exit')
    expect(await degraded).toEqual([{ reason: 'disk-full', path: disk.path }])
    expect(engine.state).toBe('degraded')
    const waiting = [engine.write('batches', batchRows(1)), engine.query('FROM batches')].map(rejection)
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({ code: 'TARGET_FULL', retryable: true })
      expect((error as Error).message).toContain('no room for 20 ms')
    }
    const restarted = once(engine, 'restart')
    disk.free()
    await restarted
    expect(engine.state).toBe('open')
    await engine.write('batches', batchRows(2))
    await engine.close()
    expect(await expectWholeBatches(disk.path, [0, 2])).toEqual([0, 2])
  })

  it('close ends where no worker finds room to start', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const { engine, steer } = await openSteered({ path: disk.path })
    await engine.write('batches', batchRows(0))
    for (const lock of locksBeside(disk.path)) rmSync(join(dirname(disk.path), lock))
    disk.fill(0)
    const degraded = once(engine, 'degraded')
    steer('exit')
    await degraded
    const waiting = [engine.write('batches', batchRows(1)), engine.query('FROM batches')].map(rejection)
    expect(await rejection(engine.close())).toMatchObject({ code: 'WORKER_DIED', retryable: false })
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'TARGET_FULL' })
    disk.free()
    expect(await expectWholeBatches(disk.path, [0])).toEqual([0])
  })

  it('a file that is to be made is refused, and can be made when there is room', async () => {
    const disk = smallDisk(2 ** 20)
    disk.fill(0)
    expect(await rejection(openOn(disk))).toMatchObject({ code: 'TARGET_FULL', retryable: true })
    expect(readdirSync(dirname(disk.path))).toEqual(['ballast'])
    disk.fill(4 * KIB)
    expect(await rejection(openOn(disk))).toMatchObject({ code: 'TARGET_FULL', retryable: true })
    expect(readdirSync(dirname(disk.path))).toEqual(['ballast'])
    disk.free()
    const engine = await openOn(disk)
    expect(await engine.write('events', records(1))).toMatchObject({ rowCount: 1 })
    await engine.close()
  })

  it('close refuses what waits for room, and ends', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const engine = await openOn(disk, { maxBufferedBytes: 20 * KIB })
    const handedBack: unknown[] = []
    const collector = engine.table('events').collect({
      onFailure: (error, failed) => handedBack.push(error.code, failed().length),
    })
    disk.fill(300 * KIB)
    const { count } = await writeUntilFull(engine)
    const writes = [1, 2, 3].map(() => rejection(engine.write('events', records(200, count))))
    collector.push({ id: count, text: 'x' })
    await engine.close()
    for (const error of await Promise.all(writes)) expect(error).toMatchObject(FULL)
    expect(handedBack).toEqual(['TARGET_FULL', 1])
    expect(engine.state).toBe('closed')
    disk.free()
    expect(await readFile(disk.path, IDS)).toEqual(ids(count))
  })

  it('a disk that fills up while the engine closes does not keep it', async () => {
    const disk = smallDisk(8 * 2 ** 20)
    const engine = await openOn(disk)
    disk.fill(300 * KIB)
    const writes = Promise.allSettled(
      Array.from({ length: 20 }, (_, batch) => engine.write('events', records(500, batch * 500))),
    )
    await engine.close()
    const settled = await writes
    const committed = settled.filter(({ status }) => status === 'fulfilled').length
    expect(committed).toBeLessThan(20)
    for (const outcome of settled)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(FULL)
    disk.free()
    expect(await readFile(disk.path, 'SELECT count(*)::INTEGER AS n FROM events')).toEqual([
      { n: committed * 500 },
    ])
  })
})
