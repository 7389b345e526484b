import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SinkEngine } from '../src/index.ts'
import type { EvolvingJob, EvolvingStep } from '../test/fixtures/evolving-tables.ts'

// Kills processes that alter tables and insert into them, first after every arrangement of the steps, then at any
// moment, and has an engine open each file: all rows of which there was a receipt must be there. Takes minutes:
// node --conditions=ducksink-source packages/core/scripts/evolution-crashes.ts [kills at any moment, 200]

const WRITER = fileURLToPath(new URL('../test/fixtures/evolving-writer.ts', import.meta.url))
const STEPS: readonly EvolvingStep[] = ['insert', 'add', 'widen']
const TABLES = ['plain', 'checked', 'counted'] as const

const randomKills = Number(process.argv[2] ?? 200)
let fileCount = 0
let rowCount = 0

function arrangements(steps: readonly EvolvingStep[]): EvolvingStep[][] {
  return steps.flatMap((step) => [
    [step],
    ...arrangements(steps.filter((other) => other !== step)).map((rest) => [step, ...rest]),
  ])
}

/** Runs the jobs in a process of their own until `isEnough`; gives the receipts of each, in its order. */
async function killedAfter(
  jobs: readonly EvolvingJob[],
  isEnough: (lines: number) => boolean,
): Promise<number[][]> {
  const child = spawn(process.execPath, [...process.execArgv, WRITER, JSON.stringify(jobs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const receipts: number[][] = jobs.map(() => [])
  let lines = 0
  createInterface(child.stdout).on('line', (line) => {
    const [index, id] = line.split(' ').map(Number)
    receipts[index as number]?.push(id as number)
    if (isEnough(++lines)) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  if (signal !== 'SIGKILL') throw new Error('the writer ended by itself')
  return receipts
}

/** Opens the file as an engine does, and compares its rows with the receipts; one more may have been committed. */
async function requireRows(path: string, receipts: readonly number[]): Promise<void> {
  const schemaContract = { columns: 'evolve', types: 'evolve' } as const
  const engine = await SinkEngine.open({ path, tables: { t: { schemaContract } } })
  try {
    const rows = await engine.query<{ id: number }>('SELECT id FROM t ORDER BY id')
    const isWhole = rows.every(({ id }, index) => id === index)
    if (!isWhole || rows.length < receipts.length || rows.length > receipts.length + 1) {
      throw new Error(`${path} has ${rows.length} rows of ${receipts.length} receipts`)
    }
    await engine.write('t', [{ id: rows.length, v: 'after', after: true }])
    fileCount++
    rowCount += rows.length
  } finally {
    await engine.close()
  }
}

const directory = mkdtempSync(join(tmpdir(), 'ducksink-'))
try {
  for (const table of TABLES) {
    const jobs = arrangements(STEPS).map((steps) => ({
      path: join(directory, `${table}-${steps.join('-')}`),
      table,
      steps,
    }))
    const expected = jobs.reduce((count, { steps }) => count + steps.length, 0)
    const receipts = await killedAfter(jobs, (lines) => lines === expected)
    for (const [index, { path }] of jobs.entries()) await requireRows(path, receipts[index] ?? [])
  }
  for (let kill = 0; kill < randomKills; kill++) {
    const jobs = TABLES.map((table) => ({ path: join(directory, `${kill}-${table}`), table }))
    const enough = 1 + Math.floor(Math.random() * 40)
    const receipts = await killedAfter(jobs, (lines) => lines === enough)
    for (const [index, { path }] of jobs.entries()) {
      // a writer that was killed at once may not have made its table
      if ((receipts[index] ?? []).length > 0) await requireRows(path, receipts[index] ?? [])
      rmSync(path, { force: true })
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
process.stdout.write(`${fileCount} files of killed processes opened, with all ${rowCount} rows\n`)
