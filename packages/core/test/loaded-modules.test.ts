import { expect, it } from 'vitest'
import { runFixture } from './child.ts'
import { databasePath } from './open-engine.ts'

// What an open waits for before its worker starts, and the worker before its first receipt, is in each cold open.

it('the worker starts before the main thread loads what encodes, and writes without what only a query needs', async () => {
  const { code, lines } = await runFixture('loaded-modules', [databasePath()]).ended
  expect(code).toBe(0)
  const started = lines.indexOf('worker started')
  const written = lines.indexOf('written')
  const loaded = (thread: string, from: number, to: number): string =>
    lines
      .slice(from, to)
      .filter((line) => line.startsWith(thread))
      .join('\n')
  const encoding = /\/core\/src\/(?:encoder\/batch-encoder|records-source|write-queue)|comlink/
  expect(loaded('main', 0, started)).toContain('/core/src/engine.ts')
  expect(loaded('main', 0, started)).not.toMatch(encoding)
  expect(loaded('main', started, written)).toMatch(encoding)
  const queries = /prepared-query|value-rows|node-api|node:crypto/
  expect(loaded('worker', 0, written)).toContain('node-bindings')
  expect(loaded('worker', 0, written)).not.toMatch(queries)
  expect(loaded('worker', written, lines.indexOf('asked'))).toContain('prepared-query')
})
