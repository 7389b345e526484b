import { z } from 'zod'

/** JSON has no NaN: a figure that could not be taken is `null` there. */
const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN)

const spread = z.object({ median: figure, min: figure, max: figure })
const quantiles = z.array(z.object({ q: z.number(), ms: figure }))
const versions = z.record(z.string(), z.string())

const scenario = z.object({
  name: z.string(),
  title: z.string(),
  family: z.string(),
  target: z.enum(['memory', 'file']),
})

const write = z.object({
  kind: z.literal('write'),
  scenario: scenario.extend({
    batchRows: z.int(),
    iterations: z.int(),
    batchesPerIteration: z.int(),
  }),
  references: z.array(z.string()),
  contenders: z.array(
    z.object({
      contender: z.string(),
      title: z.string(),
      rounds: z.int(),
      rowsPerSecond: spread,
      // a report may be older than this figure
      closedRowsPerSecond: figure.optional(),
      ratios: z.record(z.string(), spread),
      latencyMs: quantiles,
      cpuUsPerRecord: figure,
      delayMs: quantiles.optional(),
      peakRssBytes: figure,
    }),
  ),
})

const open = z.object({
  kind: z.literal('open'),
  scenario,
  rounds: z.int(),
  ducksinkMs: spread,
  duckdbMs: spread,
  moreMs: spread,
})

const stream = z.object({
  kind: z.literal('stream'),
  scenario: scenario.extend({ batchRows: z.int() }),
  rows: z.int(),
  durationMs: figure,
  rowsPerSecond: figure,
  rowsPerSecondByTenth: z.array(figure),
  cpuUsPerRecord: figure,
  startRssBytes: figure,
  peakRssBytes: figure,
  boundBytes: figure,
  growthBytes: figure,
  duckdbPeakBytes: figure,
  samples: z.array(z.object({ rows: z.int(), elapsedMs: figure, rssBytes: figure, duckdbBytes: figure })),
})

const report = z.object({
  startedAt: z.iso.datetime(),
  durationMs: figure,
  machine: z.object({
    cpu: z.string(),
    cores: z.int(),
    memoryGiB: figure,
    system: z.string(),
    loadBefore: figure,
  }),
  versions: z.record(z.string(), versions),
  summaries: z.array(z.discriminatedUnion('kind', [write, open, stream])),
  goals: z.array(
    z.object({
      goal: z.object({
        scenario: z.string(),
        what: z.string(),
        atLeast: z.number().optional(),
        atMost: z.number().optional(),
      }),
      figure,
      met: z.boolean(),
    }),
  ),
})

/** What the pages take from one report of the bench. */
export type ReportFile = z.output<typeof report>
export type Write = z.output<typeof write>
export type Open = z.output<typeof open>
export type Stream = z.output<typeof stream>
export type Contender = Write['contenders'][number]
export type Spread = z.output<typeof spread>
export type Quantiles = z.output<typeof quantiles>
export type GoalOutcome = ReportFile['goals'][number]

/** A file is no report of this bench. */
export class ReportFileError extends Error {
  override readonly name = 'ReportFileError'
}

/**
 * Checks that a report holds what the pages need.
 *
 * @throws {@link ReportFileError} when it does not, as with the report of an older bench.
 */
export function parseReport(json: string, path: string): ReportFile {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch (cause) {
    throw new ReportFileError(`${path} is no JSON`, { cause })
  }
  const result = report.safeParse(parsed)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const where = issue === undefined ? '' : ` (${issue.path.join('.') || 'all of it'}: ${issue.message})`
  throw new ReportFileError(`${path} is no report of this version of the bench${where}: run the bench again`)
}
