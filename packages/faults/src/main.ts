import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunResult, runCampaign } from './campaign.ts'
import { describeCircumstances } from './circumstances.ts'
import { isUsageError, type Plan, parsePlan, USAGE } from './command-line.ts'
import { runControls } from './controls.ts'
import { FAULTS } from './faults.ts'
import { reliabilityPage } from './page.ts'
import { Progress } from './progress.ts'

const ROOT = new URL('../../../', import.meta.url)
const RESULTS = fileURLToPath(new URL('artifacts/faults.json', ROOT))
const PAGE = fileURLToPath(new URL('docs/reliability.md', ROOT))
// the apps are many and short-lived: compiling the sources once halves the time they take to start
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/ducksink', ROOT))

async function runPlan({
  faults,
  runs,
  onlyRun,
  seed,
  lanes,
  jsonPath = RESULTS,
  isWhole,
}: Plan): Promise<void> {
  const startedAt = performance.now()
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-faults-'))
  console.log(`seed ${seed}; what fails is kept in ${directory}`)
  const runsOf = ({ runs: own }: { readonly runs: number }): number =>
    onlyRun === undefined ? (runs ?? own) : 1
  const progress = new Progress(
    new Map(faults.map((fault) => [fault.id, fault.unavailable?.() === undefined ? runsOf(fault) : 0])),
  )
  const results = await runCampaign({
    ...{ faults, seed, directory, lanes, runsOf },
    ...(onlyRun !== undefined && { onlyRun }),
    onRun: (result) => progress.ran(result, howToRepeat(result, seed)),
  })
  progress.end()
  const controls = isWhole ? await runControls({ seed, lanes }) : []
  const circumstances = describeCircumstances(seed, (performance.now() - startedAt) / 1_000)
  mkdirSync(dirname(jsonPath), { recursive: true })
  writeFileSync(jsonPath, `${JSON.stringify({ circumstances, results, controls }, undefined, 2)}\n`)
  if (isWhole) writeFileSync(PAGE, reliabilityPage({ circumstances, results, controls }))
  const failures = results.reduce((total, result) => total + result.failures, 0)
  const missed = controls.filter(({ caught }) => caught === 0)
  for (const { name, skipped } of results)
    if (skipped !== undefined) console.log(`not run: ${name}: ${skipped}`)
  for (const { name } of missed) console.error(`not caught: the broken build "${name}"`)
  console.log(
    `${progress.runCount} runs, ${failures} failures, ${Math.round(circumstances.durationS)} s; ${jsonPath}`,
  )
  if (failures + missed.length > 0) process.exitCode = 1
  else rmSync(directory, { recursive: true, force: true })
}

const howToRepeat = ({ fault, index }: RunResult, seed: number): string =>
  `npm run test:faults -- --seed ${seed} --fault ${fault.id} --run ${index}`

// every id is named once on the command line
if (new Set(FAULTS.map(({ id }) => id)).size !== FAULTS.length) throw new Error('two faults have one id')

try {
  const plan = parsePlan(process.argv.slice(2))
  if (plan === 'help') console.log(USAGE)
  else await runPlan(plan)
} catch (error) {
  if (!isUsageError(error)) throw error
  console.error(`${error.message}\n-- --help lists what there is`)
  process.exitCode = 2
}
