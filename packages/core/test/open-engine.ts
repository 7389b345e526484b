import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { SinkEngine, type SinkEngineOptions } from '../src/index.ts'

/** A path for a database file, in a directory that goes when the test is over. */
export function databasePath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'test.duckdb')
}

/** An engine, in memory unless a path is given, that is closed when the test is over. */
export async function openEngine(options: Partial<SinkEngineOptions> = {}): Promise<SinkEngine> {
  const engine = await SinkEngine.open({ path: ':memory:', ...options })
  onTestFinished(() => engine.close())
  return engine
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([promise])
  if (result.status === 'rejected') return result.reason
  throw new Error('the promise was not rejected')
}

/** So many records, `{ id: 0 }`, `{ id: 1 }` and so on. */
export const numbered = (count: number, from = 0): { id: number }[] =>
  Array.from({ length: count }, (_, index) => ({ id: from + index }))
