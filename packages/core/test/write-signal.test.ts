import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { SinkEngine } from '../src/index.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'
import { openSteered, type SteeredEngine } from './steered-engine.ts'

const tables = { events: { columns: { id: 'INTEGER' } } }
const IDS = 'SELECT id FROM events ORDER BY id'

const ids = (...expected: number[]) => expected.map((id) => ({ id }))

it('a write whose signal is aborted already is not written', async () => {
  const engine = await openEngine({ tables })
  const reason = new Error('no longer')
  expect(await rejection(engine.write('events', numbered(1), { signal: AbortSignal.abort(reason) }))).toBe(
    reason,
  )
  await expect(engine.write('events', [], { signal: AbortSignal.abort() })).rejects.toThrow(
    expect.objectContaining({ name: 'AbortError' }),
  )
  expect(engine.stats()).toMatchObject({ committedBatches: 0, failedBatches: 0, bufferedBatches: 0 })
})

it('a write that is aborted while it waits its turn is not written, and those around it are', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const controller = new AbortController()
  const { signal } = controller
  const writes = [
    engine.write('events', numbered(1, 0)),
    engine.write('events', numbered(50_000, 10), { signal }),
    engine.write('events', numbered(1, 1)),
    engine.write('events', numbered(1, 2), { signal }),
  ]
  controller.abort('changed my mind')
  const results = await Promise.allSettled(writes)
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
  expect(results.map((result) => (result.status === 'rejected' ? result.reason : undefined))).toEqual([
    undefined,
    'changed my mind',
    undefined,
    'changed my mind',
  ])
  await settled(engine)
  await engine.close()
  expect(await readFile(path, IDS)).toEqual(ids(0, 1))
})

it('a write that is aborted in the middle of a large batch leaves nothing of it', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  await engine.write('events', numbered(1))
  const controller = new AbortController()
  const large = numbered(300_000, 10)
  // read by the encoder when most parts before it have been sent
  Object.defineProperty(large[250_000], 'id', {
    enumerable: true,
    get: () => {
      controller.abort()
      return 1
    },
  })
  const error = await rejection(engine.write('events', large, { signal: controller.signal }))
  expect(error).toBe(controller.signal.reason)
  await engine.write('events', numbered(1, 1))
  await settled(engine)
  await engine.close()
  expect(await readFile(path, IDS)).toEqual(ids(0, 1))
})

it('a write that is aborted while it waits for room is not written', async () => {
  const path = databasePath()
  // room for one part at a time, however small
  const engine = await openEngine({ path, tables, maxBufferedBytes: 1 })
  // main never yields between them, in which the first could be answered
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  onTestFinished(() => clock.mockRestore())
  const controller = new AbortController()
  const sent = new Set<number>()
  const first = engine.write('events', numbered(1))
  const last = numbered(1, 1)
  // its encoding is over, and what is left to wait for is the part before it
  Object.defineProperty(last[0], 'id', {
    enumerable: true,
    get: () => {
      sent.add(engine.bufferedBytes)
      queueMicrotask(() => {
        sent.add(engine.bufferedBytes)
        controller.abort()
      })
      return 1
    },
  })
  const second = engine.write('events', last, { signal: controller.signal })
  const third = engine.write('events', numbered(1, 2))
  expect(await rejection(second)).toBe(controller.signal.reason)
  // the first, before and after the second was encoded
  expect(sent.size).toBe(1)
  expect(sent).not.toContain(0)
  await Promise.all([first, third])
  await settled(engine)
  await engine.close()
  expect(await readFile(path, IDS)).toEqual(ids(0, 2))
})

it('a signal that is aborted after the receipt changes nothing, and is listened to no longer', async () => {
  const engine = await openEngine({ tables })
  const controller = new AbortController()
  const { signal } = controller
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
    listeners++
    addEventListener.apply(signal, given)
  }
  signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
    listeners--
    removeEventListener.apply(signal, given)
  }
  await Promise.all([1, 2, 3].map((id) => engine.write('events', numbered(id), { signal })))
  await rejection(engine.write('events', [{ id: 'x' }], { signal }))
  expect(listeners).toBe(0)
  controller.abort()
  expect(await engine.query('SELECT count(*) AS count FROM events')).toEqual([{ count: 6n }])
})

interface LongStatement {
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>
  readonly hasEnded: () => boolean
  readonly end: () => void
}

/** An engine whose table has its first row, and what a write is to be aborted by. */
async function openWritten() {
  const path = databasePath()
  const steered = await openSteered({ path, tables })
  await steered.engine.write('events', numbered(1))
  return { path, steered, controller: new AbortController() }
}

/** Has the worker run a statement that lasts until it is to end. */
async function beginStatement({ engine, steer, told }: SteeredEngine): Promise<LongStatement> {
  steer('hold the next call')
  await told('taken')
  const held = told('held')
  let hasEnded = false
  const ended = engine.query('CREATE TABLE other (id INTEGER)').finally(() => {
    hasEnded = true
  })
  await held
  return { ended, hasEnded: () => hasEnded, end: () => steer('go on') }
}

it('a write that is aborted behind a long statement is taken back at once', async () => {
  const { path, steered, controller } = await openWritten()
  const { engine } = steered
  const { signal } = controller
  const { ended, hasEnded, end } = await beginStatement(steered)
  const small = rejection(engine.write('events', numbered(1, 10), { signal }))
  const large = rejection(engine.write('events', numbered(40_000, 100), { signal }))
  const timedOut = rejection(engine.write('events', numbered(1, 11), { signal: AbortSignal.timeout(1) }))
  const last = numbered(1, 1)
  // it is read when all before it is on its way
  const isRead = new Promise<void>((resolve) => {
    Object.defineProperty(last[0], 'id', {
      enumerable: true,
      get: () => {
        resolve()
        return 1
      },
    })
  })
  const kept = engine.write('events', last)
  await isRead
  controller.abort()
  expect(await timedOut).toMatchObject({ name: 'TimeoutError' })
  for (const error of await Promise.all([small, large])) expect(error).toBe(signal.reason)
  expect(hasEnded()).toBe(false)
  end()
  await Promise.all([ended, kept])
  await settled(engine)
  await engine.close()
  expect(await readFile(path, IDS)).toEqual(ids(0, 1))
})

it('a write that is aborted is rejected before those beside it have gone in', async () => {
  const { path, steered, controller } = await openWritten()
  const { engine } = steered
  const { signal } = controller
  const { ended, hasEnded, end } = await beginStatement(steered)
  // small and of one turn: they share a message
  const first = engine.write('events', numbered(1, 1))
  const aborted = rejection(engine.write('events', numbered(1, 2), { signal }))
  const last = engine.write('events', numbered(1, 3))
  // on its way
  while (engine.bufferedBytes === 0) await setImmediate()
  controller.abort()
  expect(await aborted).toBe(signal.reason)
  expect(hasEnded()).toBe(false)
  end()
  await Promise.all([ended, first, last])
  await settled(engine)
  await engine.close()
  expect(await readFile(path, IDS)).toEqual(ids(0, 1, 3))
})

it('a write that was taken back is not lost with the worker, as those beside it are', async () => {
  const steered = await openSteered({ path: databasePath(), tables })
  const { engine, steer } = steered
  await engine.write('events', numbered(1))
  const { ended, end } = await beginStatement(steered)
  const controller = new AbortController()
  const { signal } = controller
  const aborted = rejection(engine.write('events', numbered(1, 1), { signal }))
  const lost = rejection(engine.write('events', numbered(1, 2)))
  while (engine.bufferedBytes === 0) await setImmediate()
  controller.abort()
  expect(await aborted).toBe(signal.reason)
  const restart = once(engine, 'restart')
  steer('throw')
  end()
  await ended.catch(() => undefined)
  expect(await lost).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
  expect(await restart).toMatchObject([{ unknownCount: 1, notWrittenCount: 0 }])
  await settled(engine)
  await engine.close()
})

it('a write that is aborted while it waits for its table is taken back at once', async () => {
  const path = databasePath()
  const steered = await openSteered({ path, tables: {} })
  const { engine } = steered
  const { ended, hasEnded, end } = await beginStatement(steered)
  const aborted = engine.write('events', numbered(1), { signal: AbortSignal.timeout(1) })
  const kept = engine.write('events', numbered(1, 1))
  expect(await rejection(aborted)).toMatchObject({ name: 'TimeoutError' })
  expect(hasEnded()).toBe(false)
  end()
  await Promise.all([ended, kept])
  await settled(engine)
  await engine.close()
  expect(await readFile(path, IDS)).toEqual([{ id: 1n }])
})

it('whenever a signal is aborted, a rejection means not written and a receipt written', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables, maxBufferedBytes: 200_000 })
  const told = new Map<number, boolean>()
  const writes = Array.from({ length: 150 }, async (_, index) => {
    const count = index % 15 === 0 ? 20_000 : (index % 40) + 1
    const signal = AbortSignal.timeout((index * 37) % 400)
    const records = numbered(count).map(() => ({ id: index }))
    const receipt = await engine.write('events', records, { signal }).catch((error: unknown) => {
      expect(error).toBe(signal.reason)
      return undefined
    })
    told.set(index, receipt !== undefined)
    if (receipt !== undefined) expect(receipt.rowCount).toBe(count)
  })
  await Promise.all(writes)
  await settled(engine)
  await engine.close()
  const found = await readFile(path, 'SELECT id, count(*)::INTEGER AS count FROM events GROUP BY id')
  expect(new Set(found.map(({ id }) => id))).toEqual(
    new Set([...told].flatMap(([index, isWritten]) => (isWritten ? index : []))),
  )
  for (const { id, count } of found)
    expect(count).toBe((id as number) % 15 === 0 ? 20_000 : ((id as number) % 40) + 1)
})

async function settled(engine: SinkEngine): Promise<void> {
  await engine.flush()
  expect(engine.bufferedBatches).toBe(0)
  // what an aborted write was sent in comes back with the writes that shared its message
  await expect.poll(() => engine.bufferedBytes).toBe(0)
  expect(engine.writableNeedDrain).toBe(false)
}
