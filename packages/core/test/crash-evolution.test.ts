import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runFixture } from './child.ts'
import type { EvolvingJob } from './fixtures/evolving-tables.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

// Every arrangement on every table, and kills at any moment: packages/core/scripts/evolution-crashes.ts
const JOBS: readonly Required<Omit<EvolvingJob, 'path'>>[] = [
  { table: 'checked', steps: ['add'] },
  { table: 'checked', steps: ['insert', 'widen'] },
  { table: 'checked', steps: ['widen', 'insert', 'add'] },
  { table: 'counted', steps: ['add', 'widen', 'insert'] },
  { table: 'plain', steps: ['widen', 'add'] },
]

it('a process killed after ALTERs and inserts leaves files that an engine and any other program open', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const jobs = JOBS.map((job) => ({ ...job, path: join(directory, `${job.steps.join('-')}.duckdb`) }))
  const child = runFixture('evolving-writer', [JSON.stringify(jobs)])
  const receipts = jobs.reduce((count, { steps }) => count + steps.length, 0)
  for (let count = 0; count < receipts; count++) await child.nextLine()
  expect(await child.kill()).toMatchObject({ signal: 'SIGKILL' })
  for (const { path, steps } of jobs) {
    // another program, by path: it would fail at an ALTER in the log
    const rows = await readFile(path, 'SELECT id FROM t ORDER BY id')
    expect(rows, path).toEqual(steps.map((_, id) => ({ id })))
  }
  const { path } = jobs[2] as EvolvingJob
  const schemaContract = { columns: 'evolve', types: 'evolve' } as const
  const engine = await openEngine({ path, tables: { t: { schemaContract } } })
  await engine.write('t', [{ id: 99, v: 2n ** 100n, another: 1 }])
  await engine.close()
  expect(await readFile(path, 'SELECT another FROM t WHERE id = 99')).toEqual([{ another: 1n }])
})

it('an ALTER beside a query that runs is written out of the log when the query has ended', async () => {
  const path = databasePath()
  const walBytes = (): number => statSync(`${path}.wal`, { throwIfNoEntry: false })?.size ?? 0
  const engine = await openEngine({ path, tables: { t: { schemaContract: { columns: 'evolve' } } } })
  await engine.write('t', [{ id: 1 }])
  const controller = new AbortController()
  const query = engine.query('SELECT count(*) FROM range(1000000000000)', [], { signal: controller.signal })
  // a later query is answered after it, so this one does not tell whether it has begun: a write in between does
  await engine.write('t', [{ id: 2 }])
  await engine.write('t', [{ id: 3, added: 1 }])
  controller.abort()
  await query.catch(() => undefined)
  // what goes to the writer now comes after the checkpoint
  await engine.query('SELECT 1')
  await engine.query('CREATE TEMP TABLE turn (id INTEGER)')
  expect(walBytes()).toBe(0)
  expect(await engine.query('SELECT count(added) AS added FROM t')).toEqual([{ added: 1n }])
})
