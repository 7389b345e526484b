import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { WriteJob } from '../job.ts'
import { runJob } from '../peer-run.ts'
import { SCENARIOS, toWriteJob } from '../scenarios/catalog.ts'
import { CONTENDERS, type ContenderName } from '../scenarios/contenders.ts'
import { formatFigure, formatTable } from '../text-table.ts'
import { type CpuProfile, selfTimes } from './cpu-profile.ts'

// Where the time of a scenario goes: the functions of the main thread and of the worker, by V8's own profiler.

const USAGE = `npm run bench:profile -- [--scenario NAME] [--peer NAME] [--iterations N] [--top N]`
const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache')
const INTERVAL_US = 200

/** Runs a peer under the profiler; the profiles of its threads, the main one first. */
async function profile(job: WriteJob, directory: string): Promise<CpuProfile[]> {
  const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-interval=${INTERVAL_US}`]
  await runJob(job, { directory, nodeFlags })
  // named by date, process, thread and count, so that the main thread's is the first
  const files = (await readdir(directory)).filter((file) => file.endsWith('.cpuprofile')).sort()
  return Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(directory, file), 'utf8')) as CpuProfile),
  )
}

function describe(profiles: readonly CpuProfile[], records: number, top: number): string {
  return profiles
    .map((one, index) => {
      const times = selfTimes(one)
      const total = times.reduce((sum, { us }) => sum + us, 0)
      const rows = times.slice(0, top).map(({ name, us }) => [formatFigure(us / records), name])
      const thread = index === 0 ? 'main thread' : `worker ${index}`
      return formatTable(['us a record', `${thread}: ${formatFigure(total / records)} in all`], rows)
    })
    .join('\n\n')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      scenario: { type: 'string', default: 'memory-122880' },
      peer: { type: 'string', default: 'ducksink' },
      iterations: { type: 'string', default: '6' },
      top: { type: 'string', default: '15' },
    },
  })
  const scenario = SCENARIOS.find(({ name }) => name === values.scenario)
  const contender = CONTENDERS[values.peer as ContenderName]
  if (scenario?.kind !== 'write' || contender === undefined) throw new Error(USAGE)
  await mkdir(CACHE, { recursive: true })
  const directory = await mkdtemp(join(CACHE, 'profile-'))
  try {
    const path = scenario.target === 'memory' ? ':memory:' : join(directory, 'target.db')
    const job = { ...toWriteJob(scenario, contender, path), iterations: Number(values.iterations) }
    const batches = job.warmupBatches + job.iterations * job.batchesPerIteration
    const profiles = await profile(job, directory)
    process.stdout.write(`${describe(profiles, batches * job.batchRows, Number(values.top))}\n`)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

await main()
