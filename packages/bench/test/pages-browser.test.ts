import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AxeResults } from 'axe-core'
import {
  differenceCiede2000,
  filterDeficiencyDeuter,
  filterDeficiencyProt,
  filterDeficiencyTrit,
  type Rgb,
  rgb,
  wcagContrast,
} from 'culori'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPages } from '../src/pages/pages.ts'
import { findChromium, INSTALL_CHROMIUM, launchChromium } from './fixtures/chromium.ts'
import { madeUpReport, madeUpScaleReport, madeUpSeedReport } from './fixtures/made-up-report.ts'
import { asReportFile } from './fixtures/report-files.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const PROBE = join(import.meta.dirname, 'fixtures/page-probe.js')
const SIZES = { desktop: { width: 1_280, height: 800 }, phone: { width: 375, height: 667 } } as const
const COMMITTED = pathToFileURL(join(import.meta.dirname, '../../../docs/benchmarks.html')).href
const SCHEMES = ['light', 'dark'] as const
/** What the dark may break that the light does not. */
const COLOURS_ALONE = ", { runOnly: ['color-contrast'] }"
const SERIES = ['ink', 'blue', 'green', 'purple', 'olive', 'rust']

/** What people see: all colours, or without red, green or blue. */
const EYES = [
  (colour: Rgb) => colour,
  filterDeficiencyProt(1),
  filterDeficiencyDeuter(1),
  filterDeficiencyTrit(1),
]
const difference = differenceCiede2000()

/** On CI the test must run: what is missing there is a failure. */
const executable = findChromium()
const runs = executable !== undefined || process.env.CI !== undefined

if (!runs) console.warn(`The page of the benchmarks is not tested. ${INSTALL_CHROMIUM}`)

describe.skipIf(!runs)('the page of the benchmarks in Chromium', () => {
  let folder: string
  let url: string
  let browser: Browser

  beforeAll(async () => {
    const reports = [madeUpReport(), madeUpSeedReport(), madeUpScaleReport()].map(asReportFile)
    const { html } = await createPages(reports)
    folder = await mkdtemp(join(tmpdir(), 'ducksink-pages-'))
    await writeFile(join(folder, 'benchmarks.html'), html)
    url = pathToFileURL(join(folder, 'benchmarks.html')).href
    browser = await launchChromium(executable)
  })

  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const opened = new Map<string, Promise<OpenedPage>>()

  /** Each as it is opened first, for all tests. */
  function pageFor(size: keyof typeof SIZES, scheme: (typeof SCHEMES)[number]): Promise<OpenedPage> {
    const key = `${size} ${scheme}`
    const page = opened.get(key) ?? openPage(size, scheme)
    opened.set(key, page)
    return page
  }

  async function openPage(
    size: keyof typeof SIZES,
    colorScheme: (typeof SCHEMES)[number],
    address = url,
  ): Promise<OpenedPage> {
    const context = await browser.newContext({ viewport: SIZES[size], colorScheme, offline: true })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (request.url() !== address && !request.url().startsWith('data:')) complaints.push(request.url())
    })
    await page.goto(address)
    await page.addScriptTag({ path: PROBE })
    return { page, complaints }
  }

  it('draws every figure of the reports as a mark', async () => {
    const { page } = await pageFor('desktop', 'light')
    const charts = await page.evaluate<DrawnChart[]>('probe.readCharts()')
    const drawn = Object.fromEntries(charts.map(({ id, marks }) => [id, marks]))
    expect(drawn).toEqual(expectedMarks())
    for (const { name, description, hollow } of charts) {
      expect(name).not.toBe('')
      expect(description).toMatch(/table below/)
      expect(hollow).toBe(0)
    }
  })

  it('is committed with all kinds of charts, each of whose layers has marks', async () => {
    const { page, complaints } = await openPage('phone', 'light', COMMITTED)
    const charts = await page.evaluate<DrawnChart[]>('probe.readCharts()')
    const kinds = Object.keys(expectedMarks()).map(kindOf)
    expect(new Set(charts.map(({ id }) => kindOf(id)))).toEqual(new Set(kinds))
    for (const { id, marks, hollow } of charts) {
      expect(hollow, id).toBeLessThan(marks.points ?? marks.lines ?? marks.ranges ?? 0)
      // a chart without spread has no whiskers, and one whose names fit has no lines to them
      const { whiskers, leaders, ...layers } = marks
      expect(Math.min(...Object.values(layers)), id).toBeGreaterThan(0)
    }
    expect(await page.evaluate('probe.readScrollWidth()')).toBe(SIZES.phone.width)
    expect(await page.evaluate('probe.findCutText()')).toEqual([])
    expect(complaints).toEqual([])
  })

  for (const size of ['desktop', 'phone'] as const) {
    it.each(SCHEMES)(`fits a ${size} and asks for nothing, in the %s`, async (scheme) => {
      const { page, complaints } = await pageFor(size, scheme)
      expect(await page.evaluate('probe.readScrollWidth()')).toBe(SIZES[size].width)
      expect(await page.evaluate('probe.findCutText()')).toEqual([])
      expect(complaints).toEqual([])
    })
  }

  it.each(SCHEMES)('can be read by everyone, in the %s', async (scheme) => {
    const { page } = await pageFor('phone', scheme)
    const { paper, texts, marks } = await page.evaluate<ChartColours>('probe.readColours()')
    for (const colour of texts) expect(wcagContrast(colour, paper), colour).toBeGreaterThanOrEqual(4.5)
    for (const colour of marks) expect(wcagContrast(colour, paper), colour).toBeGreaterThanOrEqual(3)
    await page.addScriptTag({ path: AXE })
    // It does not know the colours of SVG; and of the tables, which are all alike, the first rows will do.
    const { violations } = await page.evaluate<AxeResults>(
      `axe.run({ exclude: ['figure svg > *', 'tbody tr:nth-child(n+3)'] }${scheme === 'light' ? '' : COLOURS_ALONE})`,
    )
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
  })

  it.each(SCHEMES)('has colours that also the colour-blind tell apart, in the %s', async (scheme) => {
    const { page } = await pageFor('desktop', scheme)
    const colours = await readSeries(page)
    for (const see of EYES) {
      const seen = colours.map((colour) => see(colour))
      const differences = seen.flatMap((one, i) => seen.slice(i + 1).map((other) => difference(one, other)))
      expect(Math.min(...differences)).toBeGreaterThan(15)
    }
  })

  it('says what the mark under the pointer shows', async () => {
    const { page } = await pageFor('desktop', 'light')
    const mark = page.locator('#chart-throughput-memory .points_marks path').first()
    await mark.scrollIntoViewIfNeeded()
    await mark.hover()
    const label = await mark.getAttribute('data-label')
    expect(label).toMatch(/^ducksink, batches of 100: .* rows a second/)
    expect(await page.locator('#tooltip').innerText()).toBe(label)
  })
})

/** Charts of one kind are one for each scenario. */
function kindOf(id: string): string {
  return id.replace(/^(latency|memory-over-time)-.*/, '$1')
}

interface OpenedPage {
  readonly page: Page
  readonly complaints: string[]
}

interface DrawnChart {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly marks: Record<string, number>
  /** Marks that take no room on the screen. */
  readonly hollow: number
}

interface ChartColours {
  readonly paper: string
  readonly texts: readonly string[]
  readonly marks: readonly string[]
}

async function readSeries(page: Page): Promise<Rgb[]> {
  const colours = await page.evaluate<string[]>(`probe.readProperties(${JSON.stringify(SERIES)})`)
  return colours.map((colour) => rgb(colour) as Rgb)
}

/** Marks by chart and layer, as counted from the reports. */
function expectedMarks(): Record<string, Record<string, number>> {
  const charts: Record<string, Record<string, number>> = {}
  const lines = (chart: string, series: number, points: number, leaders = 0): Record<string, number> => {
    charts[chart] ??= {}
    return Object.assign(charts[chart], { lines: series, vertices: points, names: series, leaders })
  }
  // Three batch sizes for five peers; bytewax-duckdb took part in two scenarios.
  Object.assign(lines('throughput-memory', 6, 17), { points: 17, whiskers: 17 })
  // Two ways more to use ducksink, but not with the largest batches.
  Object.assign(lines('throughput-file', 7, 19, 2), { points: 19, whiskers: 19 })
  // Up to 99 %: four quantiles; 4,000 writes show 99.9 % as well.
  for (const [scenario, contenders, quantiles] of [
    ['memory-100', 5, 4],
    ['memory-1000', 6, 4],
    ['file-100', 7, 4],
    ['file-1000', 7, 4],
    ['callers', 3, 5],
  ] as const) {
    const points = contenders * quantiles
    Object.assign(lines(`latency-${scenario}`, contenders, points), { points, whiskers: 0 })
  }
  charts.shapes = { names: 2, ranges: 2, memory: 2, file: 2 }
  charts['event-loop-delay'] = { names: 12, ranges: 12, p50: 12, p99: 12, longest: 12 }
  Object.assign(lines('memory-over-time-stream', 3, 3 * 150), { whiskers: 0 })
  Object.assign(lines('memory-over-time-stream-fresh-records', 3, 3 * 300), { whiskers: 0 })
  Object.assign(lines('growth', 2, 20, 1), { points: 20, whiskers: 0 })
  return charts
}
