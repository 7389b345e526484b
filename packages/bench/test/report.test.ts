import { describe, expect, it } from 'vitest'
import type { OpenRun, WriteRun } from '../src/harness.ts'
import type { StreamResult, WriteResult } from '../src/job.ts'
import { createReport } from '../src/report.ts'
import { formatReport } from '../src/report-text.ts'
import { SCENARIOS } from '../src/scenarios/catalog.ts'
import type { ContenderName } from '../src/scenarios/contenders.ts'
import type { OpenScenario, StreamScenario, WriteScenario } from '../src/scenarios/scenario.ts'
import { quantileAt } from '../src/statistics.ts'
import { summarizeStream } from '../src/stream-summary.ts'
import { summarizeOpens, summarizeWrites } from '../src/summary.ts'
import { formatFigure, formatTable } from '../src/text-table.ts'

const MIB = 2 ** 20

function scenarioNamed<T>(name: string): T {
  return SCENARIOS.find((scenario) => scenario.name === name) as T
}

function result(rowsPerSecond: number): WriteResult {
  const latencyMs = [
    { q: 0.5, ms: 1e6 / rowsPerSecond },
    { q: 0.99, ms: 2e6 / rowsPerSecond },
  ]
  return {
    kind: 'write',
    rows: 1_000_000,
    durationMs: 1e9 / rowsPerSecond,
    closeMs: 1e9 / rowsPerSecond,
    latencyMs,
    mainThread: { cpuUsPerRecord: 0.12, delayMs: [{ q: 0.99, ms: 5 }] },
    rssBytes: { staged: MIB, written: MIB, peak: 300 * MIB },
    versions: { duckdb: 'v1.5.5' },
  }
}

function runsOf(rates: Partial<Record<ContenderName, readonly number[]>>): WriteRun[] {
  return Object.entries(rates).flatMap(([contender, values]) =>
    values.map((rate, i) => ({ round: i + 1, contender: contender as ContenderName, result: result(rate) })),
  )
}

function openRun(peer: OpenRun['peer'], round: number, durationMs: number): OpenRun {
  return { round, peer, result: { kind: 'open', durationMs, versions: { duckdb: 'v1.5.5' } } }
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
    durationMs: 6_000,
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
  machine: { cpu: 'A CPU', cores: 2, memoryGiB: 8, system: 'Linux', loadBefore: 0.1 },
}

describe('a summary of writes', () => {
  const runs = runsOf({ ducksink: [4e6, 2e6], sqlite: [1e6, 1e6], bytewax: [1e6, 0.5e6] })
  const summary = summarizeWrites(scenarioNamed<WriteScenario>('memory-122880'), runs)

  it('holds medians, spreads and the ratios within each round', () => {
    const [ducksink, sqlite, bytewax] = summary.contenders
    expect(ducksink?.rowsPerSecond).toEqual({ median: 3e6, min: 2e6, max: 4e6 })
    expect(ducksink?.ratios).toEqual({})
    expect(sqlite?.ratios.ducksink).toEqual({ median: 3, min: 2, max: 4 })
    expect(bytewax?.ratios.ducksink).toEqual({ median: 4, min: 4, max: 4 })
  })

  it('holds the distribution of latencies and delays, and how they compare', () => {
    const [ducksink, sqlite] = summary.contenders
    expect(ducksink?.latencyMs).toEqual([
      { q: 0.5, ms: (0.25 + 0.5) / 2 },
      { q: 0.99, ms: (0.5 + 1) / 2 },
    ])
    expect(quantileAt(ducksink?.delayMs ?? [], 0.99)).toBe(5)
    expect(sqlite?.latencyRatios.ducksink?.p99).toEqual({ median: 0.375, min: 0.25, max: 0.5 })
  })

  it('is printed as a table, a row for each contender, with the goals it met', () => {
    const text = formatReport(createReport(base, [summary]))
    expect(text).toContain('memory-122880: memory, batches of 122,880 (10 timed, medians of 2 rounds)')
    expect(text).toMatch(/^ducksink +3\.00 +2\.00 - 4\.00/m)
    expect(text).toMatch(/^bytewax-duckdb, write_batch .* 4\.00 times \(4\.00 - 4\.00\)/m)
    expect(text).toMatch(/^memory-122880 +ducksink against bytewax +at least 3 +4\.00 +met$/m)
    expect(text).toContain('A CPU, 2 cores')
    expect(text).toContain('ducksink: duckdb v1.5.5')
  })

  it('counts what closing took as well, on a file', () => {
    const rates = { ducksink: [1e6, 3e6], sqlite: [1e6, 1e6] }
    const onFile = summarizeWrites(scenarioNamed<WriteScenario>('file-122880'), runsOf(rates))
    expect(onFile.contenders.map(({ closedRowsPerSecond }) => closedRowsPerSecond)).toEqual([1e6, 0.5e6])
    expect(formatReport(createReport(base, [onFile]))).toMatch(/^ducksink +2\.00 +1\.00 - 3\.00 +1\.00 /m)
    expect(formatReport(createReport(base, [summary]))).not.toContain('closed')
  })

  it('says which goals were missed', () => {
    const slow = summarizeWrites(scenarioNamed('nulls-0-file'), runsOf({ ducksink: [1e6], bytewax: [0.9e6] }))
    const { goals } = createReport(base, [slow])
    expect(goals.map(({ goal, met }) => [goal.what, met])).toEqual([['ducksink against bytewax', false]])
  })

  it('compares every way to use ducksink with the others', () => {
    const rates = { ducksink: [1e6], 'ducksink-32': [3e6], sqlite: [1e6] }
    const { references, contenders } = summarizeWrites(scenarioNamed('file-1000'), runsOf(rates))
    expect(references).toEqual(['ducksink', 'ducksink-32'])
    expect(contenders.at(-1)?.ratios['ducksink-32']?.median).toBe(3)
  })

  it('tells how long a single record takes beside the commit of DuckDB itself', () => {
    const rates = { 'ducksink-1-caller': [1e3, 1e3], autocommit: [1.25e3, 1.25e3] } as const
    const single = summarizeWrites(scenarioNamed<WriteScenario>('single-record'), runsOf(rates))
    const report = createReport(base, [single])
    expect(report.goals.map(({ figure, met }) => [figure, met])).toEqual([
      [1.25, true],
      [1.25, true],
    ])
    expect(formatReport(report)).toContain('takes as long as of autocommit: p50 1.25 times')
  })

  it('survives JSON', () => {
    const report = createReport(base, [summary])
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })
})

describe('a summary of cold opens', () => {
  it('shows how much longer than DuckDB itself ducksink takes, pair by pair', () => {
    const runs = [
      openRun('ducksink', 1, 120),
      openRun('duckdb', 1, 90),
      openRun('ducksink', 2, 170),
      openRun('duckdb', 2, 100),
    ]
    const summary = summarizeOpens(scenarioNamed<OpenScenario>('open'), runs)
    expect(summary.moreMs).toEqual({ median: 50, min: 30, max: 70 })
    const report = createReport(base, [summary])
    expect(report.goals.map(({ figure, met }) => [figure, met])).toEqual([[50, true]])
    expect(formatReport(report)).toMatch(/^how much more +50\.0 +30\.0 - 70\.0$/m)
  })
})

describe('a summary of a long stream', () => {
  const scenario = scenarioNamed<StreamScenario>('stream')

  it('shows the peak, its bound, and growth after the first 10 million rows', () => {
    const summary = summarizeStream(scenario, streamResult([100, 300, 310, 305, 312, 311, 309]))
    expect(summary.peakRssBytes).toBe(312 * MIB)
    expect(summary.boundBytes).toBe((100 + 64 + 512) * MIB)
    expect(summary.growthBytes).toBe(2 * MIB)
    expect(summary.duckdbGrowthBytes).toBe(4 * MIB)
    expect(createReport(base, [summary]).goals.every(({ met }) => met)).toBe(true)
  })

  it('shows the rate of each tenth', () => {
    const level = streamResult([100, 100, 100, 100, 100, 100, 100])
    const samples = level.samples.map((sample) =>
      sample.rows === 30_000_000 ? { ...sample, elapsedMs: 7_000 } : sample,
    )
    const { rowsPerSecondByTenth } = summarizeStream(scenario, { ...level, samples })
    expect(rowsPerSecondByTenth.map(Math.round)).toEqual([...Array(8).fill(5e6), 3e6, 2.5e6].map(Math.round))
  })

  it('misses its goals when memory goes on growing', () => {
    const summary = summarizeStream(scenario, streamResult([100, 200, 300, 400, 500, 600, 700]))
    expect(createReport(base, [summary]).goals.map(({ met }) => met)).toEqual([false, false, true])
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
