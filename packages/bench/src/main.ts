import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { chooseContenders, type Plan, parsePlan, USAGE, UsageError } from './command-line.ts'
import type { Summary } from './goals.ts'
import { PeerError, type Run, runRounds, runStream, type Surroundings } from './harness.ts'
import { describeMachine } from './machine.ts'
import { summarizeStream } from './memory-summary.ts'
import { preparePython } from './python-environment.ts'
import { createReport, formatReport } from './report.ts'
import type { WriteScenario } from './scenarios/catalog.ts'
import { summarizeRuns } from './summary.ts'

const PACKAGE = resolve(import.meta.dirname, '..')
const ARTIFACTS = resolve(PACKAGE, '../../artifacts/bench')

/** On the disk of the repository: a folder for temporary files may lie in memory, where a commit costs nothing. */
const CACHE = join(PACKAGE, 'node_modules/.cache')

/** Progress goes to stderr, so that stdout holds the report and nothing else. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function runPlan(plan: Plan, surroundings: Surroundings): Promise<void> {
  const startedMs = performance.now()
  const base = { startedAt: new Date().toISOString(), rounds: plan.rounds, machine: describeMachine() }
  const summaries: Summary[] = []
  for (const scenario of plan.scenarios) {
    if (scenario.kind === 'stream') {
      say(`${scenario.name}: ${scenario.title}`)
      summaries.push(summarizeStream(scenario, await runStream(scenario, surroundings)))
    } else {
      const runs = await runScenario(plan, scenario, surroundings)
      if (runs.length > 0) summaries.push(summarizeRuns(scenario, runs))
    }
  }
  const report = createReport({ ...base, durationMs: performance.now() - startedMs }, summaries)
  const path = resolve(plan.jsonPath ?? join(ARTIFACTS, `${base.startedAt.replaceAll(/[:.]/g, '-')}.json`))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(report, undefined, 2)}\n`)
  process.stdout.write(`${formatReport(report)}\n`)
  say(`figures: ${path}`)
}

async function runScenario(plan: Plan, scenario: WriteScenario, surroundings: Surroundings): Promise<Run[]> {
  const contenders = chooseContenders(plan, scenario)
  const runs: Run[] = []
  for await (const run of runRounds(scenario, contenders, plan.rounds, surroundings)) {
    runs.push(run)
    const rate = Math.round((run.result.rows / run.result.durationMs) * 1_000).toLocaleString('en')
    const count = `${runs.length}/${contenders.length * plan.rounds}`
    say(`${scenario.name} ${count.padStart(5)} ${run.contender.padEnd(20)} ${rate.padStart(10)} rows/s`)
  }
  return runs
}

async function prepareSurroundings(plan: Plan, signal: AbortSignal): Promise<Surroundings> {
  const directory = join(CACHE, `bench-${process.pid}`)
  if (!plan.withSeed) return { directory, signal }
  const executable = await preparePython(join(CACHE, 'bytewax-duckdb'), say)
  return { directory, signal, python: { executable, script: join(PACKAGE, 'peers-python/bytewax_peer.py') } }
}

async function main(): Promise<void> {
  const plan = parsePlan(process.argv.slice(2))
  if (plan === 'help') {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  const surroundings = await prepareSurroundings(plan, interrupted.signal)
  try {
    await runPlan(plan, surroundings)
  } finally {
    await rm(surroundings.directory, { recursive: true, force: true })
  }
}

/** Says what an expected failure is and gives the exit code for it; throws what is a mistake in the bench itself. */
function explain(error: unknown): number {
  if (!(error instanceof Error)) throw error
  if (error instanceof PeerError) {
    say(error.message)
    return 1
  }
  if (error.name === 'AbortError') {
    say('interrupted')
    return 130
  }
  const isUsage =
    error instanceof UsageError || String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS')
  if (!isUsage) throw error
  say(`${error.message}\n${USAGE}`)
  return 2
}

try {
  await main()
} catch (error) {
  process.exitCode = explain(error)
}
