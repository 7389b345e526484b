import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { type Ended, fixtureUrl, runFixture } from './child.ts'
import { databasePath } from './open-engine.ts'

function receiptsOf({ lines }: Ended, engine: number): number[] {
  const prefix = `${engine} `
  return lines.filter((line) => line.startsWith(prefix)).map((line) => Number(line.slice(prefix.length)))
}

it.each([
  { signal: 'SIGTERM', engines: 1 },
  { signal: 'SIGINT', engines: 1 },
  { signal: 'SIGTERM', engines: 2 },
] as const)(
  '$signal drains $engines engines and ends the process by that signal',
  async ({ signal, engines }) => {
    const paths = Array.from({ length: engines }, () => databasePath())
    const child = runFixture('signalled-writer', ['', ...paths])
    expect(await child.nextLine()).toBe('listeners 1 1')
    for (let receipts = 0; receipts < 5; receipts++) await child.nextLine()
    child.process.kill(signal)
    const ended = await child.ended
    expect(ended).toMatchObject({ code: null, signal, stderr: '' })
    for (const [engine, path] of paths.entries()) {
      const receipts = receiptsOf(ended, engine)
      // whatever was taken in has its receipt
      expect(await expectWholeBatches(path, receipts)).toEqual(receipts)
      expect(locksBeside(path)).toEqual([])
    }
  },
)

it.each([
  'its own listener',
  'a listener for once before the engine',
  'a listener for once after the engine',
])('an app with %s ends itself, after its engine was drained', async (way) => {
  const path = databasePath()
  const child = runFixture('signalled-writer', [way, path])
  expect(await child.nextLine()).toBe('listeners 2 1')
  await child.nextLine()
  child.process.kill('SIGTERM')
  const ended = await child.ended
  expect(ended).toMatchObject({ code: 7, signal: null, stderr: '' })
  expect(ended.lines).toContain('the app was told')
  expect(await expectWholeBatches(path, [])).toEqual(receiptsOf(ended, 0))
})

it('a second signal ends the process at once', async () => {
  const child = runFixture('signalled-writer', ['a long statement', databasePath()])
  await child.nextLine()
  child.process.kill('SIGTERM')
  // it is not said when the first has come; one that comes before it is the same signal
  const timer = setInterval(() => child.process.kill('SIGTERM'), 50)
  expect(await child.ended).toMatchObject({ code: null, signal: 'SIGTERM' })
  clearInterval(timer)
})

it('the deadline ends the process though the engine is not drained', async () => {
  const child = runFixture('signalled-writer', ['a deadline', databasePath()])
  await child.nextLine()
  child.process.kill('SIGINT')
  expect(await child.ended).toMatchObject({ code: null, signal: 'SIGINT' })
})

it('engines that are closed listen for no signal', async () => {
  const child = runFixture('signalled-writer', ['closed', databasePath()])
  expect(await child.nextLine()).toBe('listeners 0 0')
  child.process.kill('SIGTERM')
  expect(await child.ended).toMatchObject({ code: null, signal: 'SIGTERM' })
})

it('an engine that is closed leaves the listener to the others', async () => {
  const paths = [databasePath(), databasePath()]
  const child = runFixture('signalled-writer', ['an engine of many closed', ...paths])
  expect(await child.nextLine()).toBe('listeners 1 1')
  await child.nextLine()
  child.process.kill('SIGTERM')
  const ended = await child.ended
  expect(ended).toMatchObject({ code: null, signal: 'SIGTERM' })
  expect(await expectWholeBatches(paths[1] as string, [])).toEqual(receiptsOf(ended, 1))
})

it('an engine in a worker thread, which no signal reaches, is refused', async () => {
  const [error] = await once(new Worker(fixtureUrl('threaded-signals')), 'message')
  expect(error).toEqual({
    code: 'INVALID_OPTIONS',
    problems: ['handleSignals needs the main thread: no signal reaches a worker thread'],
  })
})
