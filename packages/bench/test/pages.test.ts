import { describe, expect, it } from 'vitest'
import { logScale } from '../src/pages/axis.ts'
import { mergeReports } from '../src/pages/findings.ts'
import { lineChart } from '../src/pages/line-chart.ts'
import { createPages } from '../src/pages/pages.ts'
import { parseReport, ReportFileError } from '../src/pages/report-file.ts'
import { seriesOf } from '../src/pages/series.ts'
import { madeUpReport, madeUpScaleReport, madeUpSeedReport } from './fixtures/made-up-report.ts'
import { asReportFile } from './fixtures/report-files.ts'

const bench = asReportFile(madeUpReport())
const seed = asReportFile(madeUpSeedReport())
const scale = asReportFile(madeUpScaleReport())

describe('reports, merged', () => {
  it('show the newest figures of each scenario, whatever the order of the files', () => {
    for (const reports of [
      [bench, seed],
      [seed, bench],
    ]) {
      const { writes, reports: used } = mergeReports(reports)
      const from = Object.fromEntries(writes.map(({ scenario, report }) => [scenario.name, report]))
      expect(from['memory-1000']).toBe(seed)
      expect(from['memory-100']).toBe(bench)
      expect(used).toEqual([seed, bench])
    }
  })

  it('leave out a report that others are newer than in everything', () => {
    const older = asReportFile(madeUpReport('2029-01-01T00:00:00.000Z'))
    expect(mergeReports([older, bench, seed]).reports).toEqual([seed, bench])
  })

  it('leave out the runs of the guard, which are too short to be shown', () => {
    const report = madeUpReport()
    const [first, ...others] = report.summaries
    const quick = { ...first, scenario: { ...first?.scenario, family: 'quick' } }
    const guard = parseReport(JSON.stringify({ ...report, summaries: [quick, ...others] }), 'a report')
    expect(mergeReports([guard]).writes.map(({ scenario }) => scenario.name)).not.toContain('memory-100')
  })
})

describe('the page for reading', () => {
  it('has a table of each scenario, with the command that takes its figures again', async () => {
    const { markdown } = await createPages([bench, seed, scale])
    for (const { scenario } of [...bench.summaries, ...scale.summaries]) {
      expect(markdown).toContain(`--scenario ${scenario.name}`)
    }
    expect(markdown).toContain('npm run bench:seed -- --scenario memory-122880 --rounds 3')
    expect(markdown).toContain('npm run bench -- --scenario file-122880 --rounds 3')
    expect(markdown).toMatch(
      /^\| bytewax-duckdb, write\\_batch \| .* \| 3\.3\d times \(3\.3\d - 3\.3\d\) \|/m,
    )
    expect(markdown).toMatch(/^\| ducksink \| 0\.22 M \| 1\.47 M \| 3\.\d\d M \|$/m)
  })

  it('counts closing as well where batches of a size are written to a file', async () => {
    const { markdown } = await createPages([bench, seed, scale])
    const [, onFile = ''] = markdown.split('### file-122880')
    expect(onFile).toMatch(/^\| who \| rows\/s \| closed \|/m)
    expect(onFile).toMatch(/^\| ducksink \| 2\.\d\d M \(.*?\) \| 1\.\d\d M \|/m)
    const [, inMemory = ''] = markdown.split('### memory-122880')
    expect(inMemory.slice(0, inMemory.indexOf('###'))).not.toContain('closed')
  })

  it('says when, where and with which versions the figures were taken', async () => {
    const { markdown } = await createPages([bench])
    expect(markdown).toContain('The run of 2030-01-01 00:00 UTC')
    expect(markdown).toContain('A CPU \\<of no\\|name\\>, 2 cores, 8.00 GiB')
    expect(markdown).toContain('| sqlite | duckdb v1.5.5, node 24.0.0 |')
  })

  it('shows no quantile that a round has too few writes for', async () => {
    const { markdown } = await createPages([bench])
    const section = markdown.slice(markdown.indexOf('## How long a write takes'))
    // 300 writes, then 4,000.
    expect(section).toMatch(/`memory-1000`: .*\n\n\| who \| 50% \| 75% \| 90% \| 99% \| longest \|/)
    expect(section).toMatch(/`callers`: .*\n\n\| who \| 50% \| 75% \| 90% \| 99% \| 99\.9% \| longest \|/)
    expect(section).not.toMatch(/`memory-122880`: .*\n\n\| who \| 50%/)
  })

  it('has no section of what was not measured', async () => {
    const { markdown, html } = await createPages([seed])
    expect(markdown).toContain('## Throughput against batch size')
    expect(markdown).not.toContain('## Memory over time')
    expect(html).not.toContain('To a file')
  })
})

describe('the page with charts', () => {
  it('is one file that loads nothing', async () => {
    const { html } = await createPages([bench, seed, scale])
    expect(html).not.toMatch(/(src|href)="(?!#|data:)/)
    expect(html).not.toContain('url(')
    expect(Buffer.byteLength(html)).toBeLessThan(500_000)
  })

  it('shows text of the reports as text', async () => {
    const { html } = await createPages([bench])
    expect(html).toContain('A CPU &lt;of no|name&gt;')
    expect(html).not.toContain('<of no')
  })
})

describe('a chart of lines', () => {
  it('draws no line of a single point, which would have no length', () => {
    const at = (series: string, x: number) => ({ series, x, y: 2 })
    const points = [at('a', 1), at('a', 10), at('b', 10)]
    const axis = { ...logScale([1, 10], String), title: '' }
    const spec = lineChart({ series: seriesOf(['a', 'b']), points, x: axis, y: axis, symbols: true })
    const { layer } = spec as unknown as { layer: { name: string; data: { values: unknown } }[] }
    expect(layer.find(({ name }) => name === 'lines')?.data.values).toEqual(points.slice(0, 2))
  })
})

describe('a file that is no report', () => {
  it.each([
    ['no JSON', '{', 'old.json is no JSON'],
    ['JSON of another kind', '[]', 'all of it: Invalid input'],
    [
      'the report of an older bench',
      JSON.stringify({ ...madeUpReport(), startedAt: undefined }),
      'startedAt: Invalid input',
    ],
  ])('is refused with what is wrong: %s', (_, json, message) => {
    expect(() => parseReport(json, 'old.json')).toThrow(ReportFileError)
    expect(() => parseReport(json, 'old.json')).toThrow(message)
  })

  it('may still hold figures that could not be taken', async () => {
    const report = madeUpScaleReport()
    const [first, ...others] = report.summaries
    const broken = { ...first, rowsPerSecondByTenth: [Number.NaN] }
    const { markdown } = await createPages([
      parseReport(JSON.stringify({ ...report, summaries: [broken, ...others] }), 'a report'),
    ])
    expect(markdown).toMatch(/^\| 0-10% \| - /m)
  })
})
