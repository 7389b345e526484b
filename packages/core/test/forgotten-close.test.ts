import { expect, it } from 'vitest'
import { expectWholeBatches, locksBeside } from './batches-in-file.ts'
import { runFixture } from './child.ts'
import { databasePath } from './open-engine.ts'

const TEN = Array.from({ length: 10 }, (_, batch) => batch)

it.each([
  { work: 'nothing', lines: ['nothing to do'], batches: [] },
  { work: 'a receipt', lines: ['1'], batches: [1] },
  { work: 'writes that nobody awaits', lines: TEN.map(String), batches: TEN },
  { work: 'a collector with rows', lines: ['delay'], batches: [1] },
  { work: 'a query', lines: ['answered'], batches: [] },
  { work: 'an empty collector', lines: ['collecting'], batches: [] },
])(
  'a process that forgets close() ends by itself after $work, and not before',
  async ({ work, lines, batches }) => {
    const path = databasePath()
    const ended = await runFixture('forgotten-close', [work, path]).ended
    expect(ended).toEqual({ code: 0, signal: null, lines, stderr: '' })
    await expectWholeBatches(path, batches)
    expect(locksBeside(path)).toEqual([])
  },
)
