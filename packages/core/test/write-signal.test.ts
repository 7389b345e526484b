import { expect, it } from 'vitest'
import type { SinkEngine } from '../src/index.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

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
  // room for one part at a time
  const engine = await openEngine({ path, tables, maxBufferedBytes: 1_000 })
  const controller = new AbortController()
  const first = engine.write('events', numbered(1))
  const last = numbered(1, 1)
  // its encoding is over, and what is left to wait for is the part before it
  Object.defineProperty(last[0], 'id', {
    enumerable: true,
    get: () => {
      queueMicrotask(() => controller.abort())
      return 1
    },
  })
  const second = engine.write('events', last, { signal: controller.signal })
  const third = engine.write('events', numbered(1, 2))
  expect(await rejection(second)).toBe(controller.signal.reason)
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

async function settled(engine: SinkEngine): Promise<void> {
  await engine.flush()
  expect(engine.bufferedBatches).toBe(0)
  expect(engine.bufferedBytes).toBe(0)
  expect(engine.writableNeedDrain).toBe(false)
}
