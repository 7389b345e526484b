import { expect, it } from 'vitest'
import { runFixture } from './child.ts'
import { databasePath } from './open-engine.ts'

it('a write that waits for another worker keeps the process alive', async () => {
  const { code, lines, stderr } = await runFixture('dying-worker', [databasePath()]).ended
  expect({ code, lines, stderr }).toEqual({ code: 0, lines: ['written'], stderr: '' })
})
