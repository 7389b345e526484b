import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  formatCounts,
  formatGuarded,
  guardCounts,
  guardRatios,
  ratiosOf,
  readCommitted,
} from '../src/guard.ts'
import type { WriteRun } from '../src/harness.ts'
import type { WriteResult } from '../src/job.ts'
import { SCENARIOS } from '../src/scenarios/catalog.ts'
import { type ContenderName, isDucksink } from '../src/scenarios/contenders.ts'
import { QUICK } from '../src/scenarios/quick.ts'
import type { WriteScenario } from '../src/scenarios/scenario.ts'
import { type Summary, summarizeWrites } from '../src/summary.ts'

const COMMITTED = { 'quick-file-100: ducksink-32 against sqlite': 10 }

/** A summary of the scenario in which ducksink is so many times as fast as node:sqlite. */
function summaryOf(times: number): Summary {
  const rates: readonly (readonly [ContenderName, number])[] = [
    ['ducksink-32', times],
    ['ducksink-ungrouped', 1],
    ['sqlite', 1],
  ]
  const runs = rates.map(([contender, rate]): WriteRun => {
    const latencyMs = [0.5, 0.99].map((q) => ({ q, ms: 1 }))
    const rssBytes = { staged: 0, written: 0, peak: 0 }
    const figures = { closeMs: 0, latencyMs, rssBytes, mainThread: { cpuUsPerRecord: 0 }, versions: {} }
    const result: WriteResult = { kind: 'write', rows: 1_000, durationMs: 1_000 / rate, ...figures }
    return { round: 1, contender, result }
  })
  const scenario = SCENARIOS.find(({ name }) => name === 'quick-file-100') as WriteScenario
  return summarizeWrites(scenario, runs)
}

/** Shows these ratios, one an attempt, and keeps what was asked for. */
async function guard(first: number, ...later: readonly number[]) {
  const asked: string[][] = []
  const [guarded] = await guardRatios(COMMITTED, [summaryOf(first)], async (scenarios) => {
    asked.push([...scenarios])
    return [summaryOf(later[asked.length - 1] ?? Number.NaN)]
  })
  return { guarded, asked }
}

describe('the guard of ratios', () => {
  it('knows those against other peers, and none between two ways to use ducksink', () => {
    expect(ratiosOf([summaryOf(9)])).toEqual({
      'quick-file-100: ducksink-32 against sqlite': 9,
      'quick-file-100: ducksink-ungrouped against sqlite': 1,
    })
  })

  it('holds what falls by less than 15 %, and asks for no second attempt', async () => {
    const { guarded, asked } = await guard(8.6)
    expect(guarded).toMatchObject({ committed: 10, shown: [8.6], hasFallen: false })
    expect(asked).toEqual([])
  })

  it('runs only the scenario again that fell, and lets it off when it holds then', async () => {
    const { guarded, asked } = await guard(8, 9)
    expect(guarded).toMatchObject({ shown: [8, 9], hasFallen: false })
    expect(asked).toEqual([['quick-file-100']])
  })

  it('gives up after three attempts', async () => {
    const { guarded, asked } = await guard(8, 7, 8.4, 10)
    expect(guarded).toMatchObject({ shown: [8, 7, 8.4], hasFallen: true })
    expect(asked).toHaveLength(2)
    expect(formatGuarded(guarded ? [guarded] : [])).toMatch(
      /ducksink-32 against sqlite +10\.0 +8\.00, 7\.00, 8\.40 +FALLEN\n1 figure fell by more than 15 % in each of 3 attempts: .*bench:quick -- --update/,
    )
  })

  it('has a committed figure for every ratio of the quick suite, and for nothing else', async () => {
    const { ratios } = await readCommitted(join(import.meta.dirname, '../guard.json'))
    const names = QUICK.flatMap(({ name, contenders }) =>
      contenders
        .filter((other) => !isDucksink(other))
        .flatMap((other) => contenders.filter(isDucksink).map((one) => `${name}: ${one} against ${other}`)),
    )
    expect(Object.keys(ratios).toSorted()).toEqual(names.toSorted())
  })
})

describe('the guard of instruction counts', () => {
  it('minds growth of more than a twentieth', () => {
    const guarded = guardCounts({ mixed: 1_000, nested: 1_000 }, { mixed: 1_040, nested: 1_150, fresh: 1 })
    expect(guarded.map(({ name, hasGrown }) => [name, hasGrown])).toEqual([
      ['mixed', false],
      ['nested', true],
      ['fresh', false],
    ])
    expect(formatCounts(guarded)).toMatch(
      /nested +1,000 +1,150 +GROWN\nfresh +- +1.00 +not committed.*\n1 figure grew by more than 5 %: .*bench:instructions -- --update/,
    )
  })
})
