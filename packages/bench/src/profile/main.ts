import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseCount, UsageError } from '../command-line.ts'
import { explain } from '../explain.ts'
import type { WriteJob } from '../job.ts'
import { runJob } from '../peer-run.ts'
import { SCENARIOS, toWriteJob } from '../scenarios/catalog.ts'
import { CONTENDERS } from '../scenarios/contenders.ts'
import { formatFigure, formatTable } from '../text-table.ts'
import { type CpuProfile, selfTimes } from './cpu-profile.ts'

// Where the time of a scenario goes: the functions of the main thread and of the worker, by V8's own profiler.

const USAGE = `npm run bench:profile -- [options]
  --scenario NAME   one in which records are written; npm run bench -- --help lists them (memory-122880)
  --peer NAME       one of its peers in Node.js (ducksink)
  --iterations N    how often its batches are written (6)
  --top N           how many functions of each thread are listed (15)
  --help`
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

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== '--'),
    options: {
      scenario: { type: 'string', default: 'memory-122880' },
      peer: { type: 'string', default: 'ducksink' },
      iterations: { type: 'string', default: '6' },
      top: { type: 'string', default: '15' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    return 0
  }
  const iterations = parseCount('--iterations', values.iterations)
  const top = parseCount('--top', values.top)
  const scenario = SCENARIOS.find(({ name }) => name === values.scenario)
  if (scenario?.kind !== 'write')
    throw new UsageError(`no scenario in which records are written is called '${values.scenario}'`)
  const contender = scenario.contenders.find((name) => name === values.peer)
  if (contender === undefined)
    throw new UsageError(`in '${scenario.name}' no peer in Node.js is called '${values.peer}'`)
  await mkdir(CACHE, { recursive: true })
  const directory = await mkdtemp(join(CACHE, 'profile-'))
  try {
    const path = scenario.target === 'memory' ? ':memory:' : join(directory, 'target.db')
    const job = { ...toWriteJob(scenario, CONTENDERS[contender], path), iterations }
    const batches = job.warmupBatches + job.iterations * job.batchesPerIteration
    const profiles = await profile(job, directory)
    process.stdout.write(`${describe(profiles, batches * job.batchRows, top)}\n`)
    return 0
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

process.exitCode = await main().catch(explain)
