import { expect, it } from 'vitest'
import { runFixture } from './child.ts'
import { databasePath } from './open-engine.ts'

it('the main thread imports, opens, writes, queries and closes without loading native code', async () => {
  const ended = await runFixture('without-native-code', [databasePath()]).ended
  // the last line shows that DuckDB itself would have been caught
  const lines = ['imported', '1', '1', 'native code on the main thread']
  expect(ended).toEqual({ code: 0, signal: null, lines, stderr: '' })
})
