import { describe, expect, it } from 'vitest'
import type { Run } from '../src/harness.ts'
import type { StreamResult, WriteResult } from '../src/job.ts'
import { summarizeStream } from '../src/memory-summary.ts'
import { createReport, formatReport } from '../src/report.ts'
import {
  type ContenderName,
  SCENARIOS,
  type StreamScenario,
  type WriteScenario,
} from '../src/scenarios/catalog.ts'
import { summarizeRuns } from '../src/summary.ts'
import { formatFigure, formatTable } from '../src/text-table.ts'

const MIB = 2 ** 20

function scenarioNamed<T>(name: string): T {
  return SCENARIOS.find((scenario) => scenario.name === name) as T
}

function result(rowsPerSecond: number, delayP99Ms = 5): WriteResult {
  return {
    kind: 'write',
    rows: 1_000_000,
    durationMs: 1e9 / rowsPerSecond,
    latencyMs: { p50: 1, p99: 2, max: 3 },
    mainThread: { cpuUsPerRecord: 0.12, delayP99Ms, delayMaxMs: 2 * delayP99Ms },
    rssBytes: { staged: MIB, written: MIB, peak: 300 * MIB },
    versions: { duckdb: 'v1.5.5' },
  }
}

function runsOf(rates: Partial<Record<ContenderName, readonly number[]>>): Run[] {
  return Object.entries(rates).flatMap(([contender, values]) =>
    values.map((rate, i) => ({ round: i + 1, contender: contender as ContenderName, result: result(rate) })),
  )
}

function streamResult(rssMib: readonly number[]): StreamResult {
  const samples = rssMib.map((rss, i) => ({
    rows: i * 5_000_000,
    elapsedMs: i * 1_000,
    rssBytes: rss * MIB,
    duckdbBytes: i * MIB,
  }))
  return {
    kind: 'stream',
    rows: 30_000_000,
    durationMs: 20_000,
    mainThread: { cpuUsPerRecord: 0.5 },
    startRssBytes: 100 * MIB,
    memoryLimitBytes: 512 * MIB,
    samples,
    versions: { duckdb: 'v1.5.5' },
  }
}

const base = {
  startedAt: '2030-01-01T00:00:00.000Z',
  durationMs: 61_000,
  rounds: 2,
  machine: { cpu: 'A CPU', cores: 2, memoryGiB: 8, system: 'Linux', loadBefore: 0.1 },
}

describe('a summary of writes', () => {
  const runs = runsOf({ ducksink: [4e6, 2e6], sqlite: [1e6, 1e6], bytewax: [1e6, 0.5e6] })
  const summary = summarizeRuns(scenarioNamed<WriteScenario>('memory-122880'), runs)

  it('holds medians, spreads and the ratios within each round', () => {
    const [ducksink, sqlite, bytewax] = summary.contenders
    expect(ducksink?.rowsPerSecond).toEqual({ median: 3e6, min: 2e6, max: 4e6 })
    expect(ducksink?.ratios).toEqual({})
    expect(sqlite?.ratios.ducksink).toEqual({ median: 3, min: 2, max: 4 })
    expect(bytewax?.ratios.ducksink).toEqual({ median: 4, min: 4, max: 4 })
  })

  it('is printed as a table, a row for each contender, with the goals it met', () => {
    const text = formatReport(createReport(base, [summary]))
    expect(text).toContain('memory-122880: memory, batches of 122,880 (10 timed, medians of 2 rounds)')
    expect(text).toMatch(/^ducksink +3\.00 +2\.00 - 4\.00/m)
    expect(text).toMatch(/^bytewax-duckdb, write_batch .* 4\.00 times \(4\.00 - 4\.00\)/m)
    expect(text).toMatch(/^memory-122880 +ducksink against bytewax +at least 2 +4\.00 +met$/m)
    expect(text).toContain('A CPU, 2 cores')
    expect(text).toContain('ducksink: duckdb v1.5.5')
  })

  it('says which goals were missed', () => {
    const slow = summarizeRuns(scenarioNamed('file-122880'), runsOf({ ducksink: [1e6], bytewax: [0.8e6] }))
    const { goals } = createReport(base, [slow])
    const missed = goals.filter(({ met }) => !met)
    expect(missed.map(({ goal, figure }) => [goal.what, figure])).toEqual([
      ['ducksink against bytewax', 1.25],
    ])
  })

  it('compares every way to use ducksink with the others', () => {
    const rates = { ducksink: [1e6], 'ducksink-32': [3e6], sqlite: [1e6] }
    const { references, contenders } = summarizeRuns(scenarioNamed('file-1000'), runsOf(rates))
    expect(references).toEqual(['ducksink', 'ducksink-32'])
    expect(contenders.at(-1)?.ratios['ducksink-32']?.median).toBe(3)
  })

  it('survives JSON', () => {
    const report = createReport(base, [summary])
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })
})

describe('a summary of memory', () => {
  const scenario = scenarioNamed<StreamScenario>('memory')

  it('shows the peak, its bound, and growth after the first 10 million rows', () => {
    const summary = summarizeStream(scenario, streamResult([100, 300, 310, 305, 312, 311, 309]))
    expect(summary.peakRssBytes).toBe(312 * MIB)
    expect(summary.boundBytes).toBe((100 + 64 + 512) * MIB)
    expect(summary.growthBytes).toBe(2 * MIB)
    expect(summary.duckdbGrowthBytes).toBe(4 * MIB)
    expect(createReport(base, [summary]).goals.every(({ met }) => met)).toBe(true)
  })

  it('misses its goals when memory goes on growing', () => {
    const summary = summarizeStream(scenario, streamResult([100, 200, 300, 400, 500, 600, 700]))
    expect(createReport(base, [summary]).goals.map(({ met }) => met)).toEqual([false, false])
    expect(formatReport(createReport(base, [summary]))).toContain('MISSED')
  })
})

describe('a text table', () => {
  it('puts names to the left and figures to the right', () => {
    expect(
      formatTable(
        ['who', 'rate'],
        [
          ['a', '1'],
          ['long', '10'],
        ],
      ),
    ).toBe('who   rate\n----  ----\na        1\nlong    10')
  })

  it('prints figures with the digits that mean something', () => {
    const figures = [0, 0.0123, 0.5, 3.456, 45.67, 1234.5, Number.NaN].map(formatFigure)
    expect(figures).toEqual(['0.00', '0.012', '0.50', '3.46', '45.7', '1,235', '-'])
  })
})
