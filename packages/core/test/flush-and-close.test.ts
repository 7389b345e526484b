import { once } from 'node:events'
import { expect, it } from 'vitest'
import { ClosedError, SinkEngine, type SinkError } from '../src/index.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const NO_DELAY = 2 ** 31 - 1
const COUNT = 'SELECT count(*)::INTEGER AS count FROM events'

it('flush resolves when everything accepted before it is settled, what failed and what collectors hold included', async () => {
  const engine = await openEngine({ tables: { events: { columns: { id: 'INTEGER' } } } })
  await engine.flush()
  const collector = engine.table('events').collect({ maxDelayMs: NO_DELAY })
  const settled: string[] = []
  const track = (name: string, promise: Promise<unknown>) =>
    promise.then(
      () => settled.push(name),
      () => settled.push(`${name} failed`),
    )
  const tracked = [
    track('small', engine.write('events', numbered(1))),
    track('wrong', engine.write('events', [{ id: 'x' }])),
    track('large', engine.write('events', numbered(50_000))),
  ]
  collector.push({ id: 1 })
  await engine.flush()
  expect(settled.toSorted()).toEqual(['large', 'small', 'wrong failed'])
  await Promise.all(tracked)
  expect(await engine.query(COUNT)).toEqual([{ count: 50_002 }])
  expect(engine.state).toBe('open')
  collector.push({ id: 2 })
  await engine.flush()
  expect(await engine.query(COUNT)).toEqual([{ count: 50_003 }])
})

it('flush ends early by its signal, and what it waited for goes on', async () => {
  const engine = await openEngine()
  const reason = new Error('no time')
  expect(await rejection(engine.flush({ signal: AbortSignal.abort(reason) }))).toBe(reason)
  const controller = new AbortController()
  const write = engine.write('events', numbered(100_000))
  const flushed = engine.flush({ signal: controller.signal })
  controller.abort(reason)
  expect(await rejection(flushed)).toBe(reason)
  expect(await write).toMatchObject({ rowCount: 100_000 })
})

it('close waits for all that was accepted, and what it accepted is in the file', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const closedEvent = once(engine, 'close')
  const writes = [engine.write('events', numbered(100_000)), engine.write('events', numbered(1, 100_000))]
  const rows = engine.query('SELECT count(*) AS count FROM range(100000)')
  expect(engine.state).toBe('open')
  const closing = engine.close()
  expect(engine.state).toBe('closing')
  await closing
  expect(engine.state).toBe('closed')
  await engine.closed
  await closedEvent
  expect((await Promise.all(writes)).map(({ rowCount }) => rowCount)).toEqual([100_000, 1])
  expect(await rows).toEqual([{ count: 100_000n }])
  expect(engine.bufferedBytes).toBe(0)
  expect(engine.bufferedBatches).toBe(0)
  expect(await readFile(path, COUNT)).toEqual([{ count: 100_001 }])
})

it('an engine that closes or is closed refuses everything', async () => {
  const engine = await openEngine()
  const table = engine.table('events')
  await table.write(numbered(1))
  const expectRefused = async () => {
    const refused = [
      engine.write('events', numbered(1)),
      engine.write('events', []),
      table.write(numbered(1)),
      table.writeFrom(numbered(1)),
      engine.query('SELECT 1'),
    ]
    for (const promise of refused) {
      await expect(promise).rejects.toMatchObject({ name: 'ClosedError', code: 'CLOSED', retryable: false })
    }
    expect(() => table.collect()).toThrow(ClosedError)
  }
  const closing = engine.close()
  await expectRefused()
  await closing
  await expectRefused()
  await engine.flush()
  expect(engine.stats().committedBatches).toBe(1)
})

it('closing again, at once and later, is the same close', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  let closes = 0
  engine.on('close', () => closes++)
  const write = engine.write('events', numbered(50_000))
  await Promise.all([engine.close(), engine.close(), engine[Symbol.asyncDispose]()])
  await write
  await engine.close()
  await engine.close({ timeoutMs: 0 })
  expect(closes).toBe(1)
})

it('close that runs into its deadline says how many batches are left, and goes on', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const writes = Array.from({ length: 4 }, (_, index) =>
    engine.write('events', numbered(100_000, index * 100_000)),
  )
  const error = (await rejection(engine.close({ timeoutMs: 0 }))) as SinkError
  expect(error).toBeInstanceOf(ClosedError)
  expect(error.code).toBe('CLOSE_TIMEOUT')
  expect(error.message).toMatch(/\b[1-4] batches left/)
  expect(engine.state).toBe('closing')
  await engine.close()
  expect(engine.state).toBe('closed')
  await Promise.all(writes)
  expect(await readFile(path, COUNT)).toEqual([{ count: 400_000 }])
})

it('await using closes the engine', async () => {
  const path = databasePath()
  {
    await using engine = await SinkEngine.open({ path })
    void engine.write('events', numbered(10))
  }
  expect(await readFile(path, COUNT)).toEqual([{ count: 10 }])
})

it('a file that was closed can be opened and written again', async () => {
  const path = databasePath()
  for (let round = 0; round < 3; round++) {
    await using engine = await SinkEngine.open({ path })
    await engine.write('events', numbered(10))
    expect(await engine.query(COUNT)).toEqual([{ count: (round + 1) * 10 }])
  }
})
