import { expect, it } from 'vitest'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { type Ended, runFixture } from './child.ts'
import { databasePath } from './open-engine.ts'

const SILENCE = /^$/

/** The batches of which an engine has given a receipt. */
function receiptsOf({ lines }: Ended, engine: number): number[] {
  const receipts = lines.map((line) => line.split(' ').map(Number))
  return receipts.filter(([index]) => index === engine).map(([, batch]) => batch as number)
}

it.each([
  { way: 'exit', engines: 1, code: 7, stderr: SILENCE },
  { way: 'exit', engines: 2, code: 7, stderr: SILENCE },
  { way: 'throw', engines: 1, code: 1, stderr: /Error: the app threw/ },
  { way: 'reject', engines: 1, code: 1, stderr: /Error: the app rejected/ },
  { way: 'exit in a callback', engines: 1, code: 7, stderr: SILENCE },
  { way: 'exit during open', engines: 1, code: 7, stderr: SILENCE },
  { way: 'exit during a read', engines: 1, code: 7, stderr: SILENCE },
  { way: 'exit during a statement', engines: 1, code: 7, stderr: SILENCE },
  { way: 'exit during close', engines: 1, code: 7, stderr: SILENCE },
  { way: 'end by itself', engines: 1, code: 0, stderr: SILENCE },
])('"$way" with $engines engines busy ends with code $code and loses no receipt', async (given) => {
  const { way, engines, code, stderr } = given
  const paths = Array.from({ length: engines }, () => databasePath())
  const ended = await runFixture('busy-writer', [way, '20', ...paths]).ended
  expect(ended).toMatchObject({ code, signal: null, stderr: expect.stringMatching(stderr) })
  for (const [engine, path] of paths.entries()) {
    const receipts = receiptsOf(ended, engine)
    expect(receipts.length).toBeGreaterThan(0)
    await expectWholeBatches(path, receipts)
    expect(locksBeside(path)).toEqual([])
  }
})

it('a worker that has just been started is waited for, as it may be loading DuckDB', async () => {
  const ended = await runFixture('exit-at-start', [databasePath()]).ended
  expect(ended).toEqual({ code: 7, signal: null, lines: ['it is idle'], stderr: '' })
})

it('a worker that has left already is not waited for, and the app hears of its exit', async () => {
  const path = databasePath()
  const ended = await runFixture('gone-worker', [path]).ended
  expect(ended).toEqual({ code: 7, signal: null, lines: ['the last listener'], stderr: '' })
  await expectWholeBatches(path, [0])
})
