import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Plan, parsePlan, USAGE } from './command-line.ts'
import { explain } from './explain.ts'
import {
  formatCounts,
  formatGuarded,
  type GuardedRatio,
  guardCounts,
  guardRatios,
  ratiosOf,
  readCommitted,
  updateCommitted,
} from './guard.ts'
import { countInstructions } from './instruction-counts.ts'
import { describeMachine } from './machine.ts'
import type { Surroundings } from './peer-run.ts'
import { createProgress } from './progress.ts'
import { preparePython } from './python-environment.ts'
import { createReport, type Report } from './report.ts'
import { formatReport } from './report-text.ts'
import { ScenarioRuns } from './scenario-runs.ts'
import type { Summary } from './summary.ts'
import { formatFigure } from './text-table.ts'

const PACKAGE = resolve(import.meta.dirname, '..')
const CORE = resolve(PACKAGE, '../core')
const ARTIFACTS = resolve(PACKAGE, '../../artifacts/bench')

/** What `bench:quick` holds its figures against. */
const COMMITTED = join(PACKAGE, 'guard.json')

/** On the disk of the repository: a folder for temporary files may lie in memory, where a commit costs nothing. */
const CACHE = join(PACKAGE, 'node_modules/.cache')

/** What else is said goes to stderr, so that stdout holds the report and nothing else. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Runs the scenarios of a plan, and writes and prints what they showed; false where a guarded ratio has fallen. */
async function runPlan(plan: Plan, surroundings: Surroundings): Promise<boolean> {
  const startedMs = performance.now()
  const base = { startedAt: new Date().toISOString(), machine: describeMachine() }
  const progress = createProgress(process.stderr)
  const runs = new ScenarioRuns(plan, surroundings, progress)
  let summaries: readonly Summary[]
  let guarded: readonly GuardedRatio[] = []
  try {
    summaries = await runs.run(plan.scenarios)
    if (plan.guard === 'compare') guarded = await guardSummaries(plan, summaries, runs)
  } finally {
    progress.stop()
  }
  const durationMs = performance.now() - startedMs
  await publish(createReport({ ...base, durationMs }, summaries), plan.jsonPath)
  if (guarded.length > 0) process.stdout.write(`\n${formatGuarded(guarded)}\n`)
  if (plan.guard === 'update') await updateCommitted(COMMITTED, { ratios: ratiosOf(summaries) })
  return !guarded.some(({ hasFallen }) => hasFallen)
}

async function guardSummaries(
  plan: Plan,
  summaries: readonly Summary[],
  runs: ScenarioRuns,
): Promise<GuardedRatio[]> {
  const { ratios } = await readCommitted(COMMITTED)
  return guardRatios(ratios, summaries, (names) =>
    runs.run(plan.scenarios.filter(({ name }) => names.has(name))),
  )
}

async function publish(report: Report, jsonPath: string | undefined): Promise<void> {
  const path = resolve(jsonPath ?? join(ARTIFACTS, `${report.startedAt.replaceAll(/[:.]/g, '-')}.json`))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(report, undefined, 2)}\n`)
  process.stdout.write(`${formatReport(report)}\n`)
  say(`figures: ${path}`)
}

/** Counts the encoder's instructions; false where it takes more than it did. */
async function runInstructions(plan: Plan, { directory, signal }: Surroundings): Promise<boolean> {
  const committed = await readCommitted(COMMITTED)
  if (plan.guard === 'compare' && committed.node !== process.versions.node) {
    say(`the committed counts are of Node.js ${committed.node}: this one compiles the encoder otherwise`)
    return true
  }
  const counts: Record<string, number> = {}
  const progress = createProgress(process.stderr)
  try {
    for await (const { name, perRow, cases } of countInstructions(CORE, directory, signal)) {
      if (Object.keys(counts).length === 0) progress.expect(cases)
      counts[name] = perRow
      progress.advance(name, `${formatFigure(perRow)} instructions a row`)
    }
  } finally {
    progress.stop()
  }
  if (plan.guard === 'update') {
    await updateCommitted(COMMITTED, { instructionsPerRow: counts, node: process.versions.node })
    return true
  }
  const guarded = guardCounts(committed.instructionsPerRow, counts)
  process.stdout.write(`${formatCounts(guarded)}\n`)
  return !guarded.some(({ hasGrown }) => hasGrown)
}

async function prepareSurroundings(plan: Plan, signal: AbortSignal): Promise<Surroundings> {
  const directory = join(CACHE, `bench-${process.pid}`)
  if (!plan.withSeed) return { directory, signal }
  const executable = await preparePython(join(CACHE, 'bytewax-duckdb'), say)
  return { directory, signal, python: { executable, script: join(PACKAGE, 'peers-python/bytewax_peer.py') } }
}

async function main(): Promise<number> {
  const plan = parsePlan(process.argv.slice(2))
  if (plan === 'help') {
    process.stdout.write(`${USAGE}\n`)
    return 0
  }
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  const surroundings = await prepareSurroundings(plan, interrupted.signal)
  try {
    const run = plan.countsInstructions ? runInstructions : runPlan
    return (await run(plan, surroundings)) ? 0 : 1
  } finally {
    await rm(surroundings.directory, { recursive: true, force: true })
  }
}

process.exitCode = await main().catch(explain)
