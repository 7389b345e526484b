import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PeerError, runRounds, runStream, runWrites, type Surroundings } from '../src/harness.ts'
import { CONTENDERS, type ContenderName, type WriteScenario } from '../src/scenarios/catalog.ts'

const NODE_CONTENDERS: readonly ContenderName[] = [
  'ducksink',
  'ducksink-32',
  'exactly-once',
  'sqlite',
  'appender',
  'cloned',
  'insert-select',
]

function tiny(target: 'memory' | 'file'): WriteScenario {
  return {
    kind: 'write',
    name: `tiny-${target}`,
    title: 'a few rows',
    target,
    dataset: 'flat',
    batchRows: 30,
    byDefault: false,
    warmupBatches: 2,
    iterations: 2,
    batchesPerIteration: 4,
    writesWaiting: 'ready',
    contenders: NODE_CONTENDERS,
  }
}

describe('the harness', () => {
  let surroundings: Surroundings

  beforeAll(() => {
    surroundings = { directory: mkdtempSync(join(tmpdir(), 'ducksink-bench-')) }
  })

  afterAll(() => {
    rmSync(surroundings.directory, { recursive: true, force: true })
  })

  // runWrites itself fails when a row or a column of it is missing or other than it should be.
  for (const contender of NODE_CONTENDERS) {
    for (const target of ['memory', 'file'] as const) {
      it(`runs ${contender} in ${target} and finds every row there`, async () => {
        const result = await runWrites(tiny(target), CONTENDERS[contender], surroundings)
        expect(result.rows).toBe(240)
        expect(result.durationMs).toBeGreaterThan(0)
        expect(result.latencyMs.p99).toBeGreaterThanOrEqual(result.latencyMs.p50)
        // So few rows may take less than the clock can tell.
        expect(result.mainThread.cpuUsPerRecord).toBeGreaterThanOrEqual(0)
        expect(result.versions.node).toBe(process.versions.node)
      })
    }
  }

  for (const dataset of ['list', 'struct', 'list-of-struct'] as const) {
    it(`runs ducksink with values in a ${dataset} and finds each of them there`, async () => {
      const result = await runWrites({ ...tiny('memory'), dataset }, CONTENDERS.ducksink, surroundings)
      expect(result.rows).toBe(240)
    })
  }

  for (const records of ['reused', 'fresh'] as const) {
    it(`streams ${records} records and finds every row there`, async () => {
      const shape = { batchRows: 50, batches: 12, records, distinctBatches: 3 }
      const common = { name: 'tiny-stream', title: 'a few rows', target: 'file', byDefault: false } as const
      const result = await runStream({ kind: 'stream', ...common, ...shape }, surroundings)
      expect(result.rows).toBe(600)
      expect(result.memoryLimitBytes).toBeGreaterThan(2 ** 20)
      expect(result.samples.at(-1)?.rows).toBe(600)
      expect(result.samples.every(({ rssBytes, duckdbBytes }) => rssBytes > duckdbBytes)).toBe(true)
    })
  }

  it('interleaves the contenders of each round and leaves no file behind', async () => {
    const order: string[] = []
    for await (const { round, contender } of runRounds(
      tiny('file'),
      ['appender', 'sqlite'],
      2,
      surroundings,
    )) {
      order.push(`${round} ${contender}`)
    }
    expect(order).toEqual(['1 appender', '1 sqlite', '2 appender', '2 sqlite'])
    expect(readdirSync(surroundings.directory)).toEqual([])
  })

  it('says who failed and why', async () => {
    const bytewax = { title: 'bytewax', peer: 'bytewax' } as const
    await expect(runWrites(tiny('memory'), bytewax, surroundings)).rejects.toThrow(PeerError)
    const broken = { ...surroundings, python: { executable: process.execPath, script: 'no-such-script' } }
    await expect(runWrites(tiny('memory'), bytewax, broken)).rejects.toThrow(
      /bytewax ended with 1:[\s\S]*no-such-script/,
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
    expect(readdirSync(surroundings.directory)).toEqual([])
  })
})
