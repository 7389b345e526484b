import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FLAT_WORKLOAD } from '../src/dataset.ts'
import { type OpenRun, runOpens, runRounds, runStream, runWrites } from '../src/harness.ts'
import { PeerError, type Surroundings } from '../src/peer-run.ts'
import { CONTENDERS, type ContenderName } from '../src/scenarios/contenders.ts'
import type { WriteScenario } from '../src/scenarios/scenario.ts'
import { quantileAt } from '../src/statistics.ts'

/** Peers, and the settings of ducksink, in memory or on a file; the tests below run the others. */
const RUNS: readonly (readonly [ContenderName, WriteScenario['target']])[] = [
  ['ducksink', 'memory'],
  ['ducksink-ungrouped', 'file'],
  ['exactly-once', 'file'],
  ['ducksink-columns', 'memory'],
  ['sqlite', 'memory'],
  ['cloned', 'memory'],
  ['autocommit', 'file'],
  ['insert-select', 'file'],
]

const GENERATED = [
  { name: 'c0', kind: 'integer', nullPercent: 10 },
  { name: 'c1', kind: 'double', nullPercent: 0 },
  { name: 'c2', kind: 'boolean', nullPercent: 90 },
  { name: 'c3', kind: 'timestamp', nullPercent: 0 },
  { name: 'c4', kind: 'text', alphabet: 'emoji', bytes: 30, distinct: 0, nullPercent: 10 },
] as const

function tiny(target: WriteScenario['target']): WriteScenario {
  return {
    kind: 'write',
    name: `tiny-${target}`,
    title: 'a few rows',
    family: 'batch-size',
    suites: [],
    target,
    rounds: 1,
    dataset: FLAT_WORKLOAD,
    batchRows: 30,
    warmupBatches: 2,
    iterations: 1,
    batchesPerIteration: 8,
    writesWaiting: 'ready',
    contenders: [],
    withBytewax: false,
  }
}

// Processes wait for their start more than they work, so a few run at a time.
describe.concurrent('the harness', () => {
  let surroundings: Surroundings

  beforeAll(() => {
    surroundings = { directory: mkdtempSync(join(tmpdir(), 'ducksink-bench-')) }
  })

  afterAll(() => {
    // Whoever was run, no file is left behind.
    expect(readdirSync(surroundings.directory)).toEqual([])
    rmSync(surroundings.directory, { recursive: true, force: true })
  })

  // runWrites itself fails when a row or a column of it is missing or other than it should be.
  for (const [contender, target] of RUNS) {
    it(`runs ${contender} in ${target} and finds every row there`, async () => {
      const result = await runWrites(tiny(target), CONTENDERS[contender], surroundings)
      expect(result.rows).toBe(240)
      expect(result.durationMs).toBeGreaterThan(0)
      const latencies = result.latencyMs.map(({ ms }) => ms)
      expect(latencies).toEqual(latencies.toSorted((a, b) => a - b))
      // So few rows may take less than the clock can tell.
      expect(result.mainThread.cpuUsPerRecord).toBeGreaterThanOrEqual(0)
      expect(quantileAt(result.mainThread.delayMs ?? [], 0.99)).toBeGreaterThan(0)
      expect(result.versions.node).toBe(process.versions.node)
    })
  }

  it('runs ducksink with generated columns and finds each value of them there', async () => {
    const dataset = { kind: 'columns', columns: GENERATED } as const
    const result = await runWrites({ ...tiny('file'), dataset }, CONTENDERS.ducksink, surroundings)
    expect(result.rows).toBe(240)
  })

  it('runs ducksink with nested values and finds each of them there', async () => {
    const dataset = { kind: 'workload', nesting: 'list-of-struct' } as const
    const result = await runWrites({ ...tiny('memory'), dataset }, CONTENDERS.ducksink, surroundings)
    expect(result.rows).toBe(240)
  })

  for (const records of ['reused', 'fresh'] as const) {
    it(`streams ${records} records and finds every row there`, async () => {
      const shape = { batchRows: 50, batches: 12, records, distinctBatches: 3 }
      const common = {
        name: 'tiny-stream',
        title: 'a few rows',
        family: 'stream',
        suites: [],
        rounds: 1,
      } as const
      const result = await runStream({ kind: 'stream', target: 'file', ...common, ...shape }, surroundings)
      expect(result.rows).toBe(600)
      expect(result.memoryLimitBytes).toBeGreaterThan(2 ** 20)
      expect(result.samples.at(-1)?.rows).toBe(600)
      expect(result.samples.every(({ rssBytes, duckdbBytes }) => rssBytes > duckdbBytes)).toBe(true)
    })
  }

  it('opens ducksink and DuckDB itself in turn', async () => {
    const scenario = { name: 'open', title: 'a cold open', family: 'open', suites: [], rounds: 1 } as const
    const runs: OpenRun[] = []
    for await (const run of runOpens({ kind: 'open', target: 'file', ...scenario }, 1, surroundings))
      runs.push(run)
    expect(runs.map(({ peer }) => peer)).toEqual(['ducksink', 'duckdb'])
    expect(runs.every(({ result }) => result.durationMs > 0)).toBe(true)
  })

  it('interleaves the contenders of each round', async () => {
    const order: string[] = []
    for await (const run of runRounds(tiny('file'), ['appender', 'sqlite'], 2, surroundings))
      order.push(`${run.round} ${run.contender}`)
    expect(order).toEqual(['1 appender', '1 sqlite', '2 appender', '2 sqlite'])
  })

  it('says who failed and why', async () => {
    const bytewax = { title: 'bytewax', peer: 'bytewax' } as const
    await expect(runWrites(tiny('memory'), bytewax, surroundings)).rejects.toThrow(PeerError)
    const broken = { ...surroundings, python: { executable: process.execPath, script: 'no-such-script' } }
    await expect(runWrites(tiny('memory'), bytewax, broken)).rejects.toThrow(
      /bytewax ended with 1:[\s\S]*no-such-script/,
    )
  })

  it('notices a peer that writes as many rows, and as long ones, but others', async () => {
    const careless = {
      ...surroundings,
      python: {
        executable: process.execPath,
        script: join(import.meta.dirname, 'fixtures/careless-peer.ts'),
      },
    }
    const bytewax = { title: 'careless', peer: 'bytewax' } as const
    await expect(runWrites(tiny('file'), bytewax, careless)).rejects.toThrow(
      /^careless in 'tiny-file' wrote other rows: name is \d+, not \d+$/,
    )
  })

  it('says when a peer cannot be started at all', async () => {
    const bytewax = { title: 'bytewax', peer: 'bytewax' } as const
    const absent = { ...surroundings, python: { executable: 'no-such-python', script: '' } }
    await expect(runWrites(tiny('memory'), bytewax, absent)).rejects.toThrow('ENOENT')
  })

  it('ends the peer that is running when it is told to', async () => {
    const controller = new AbortController()
    const long = { ...tiny('file'), batchesPerIteration: 100_000 }
    const running = runWrites(long, CONTENDERS.sqlite, { ...surroundings, signal: controller.signal })
    controller.abort()
    await expect(running).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
  })
})
