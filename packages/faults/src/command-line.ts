import { parseArgs } from 'node:util'
import type { Fault } from './fault.ts'
import { FAULTS } from './faults.ts'

/** What to run. */
export interface Plan {
  readonly faults: readonly Fault[]
  /** Runs of each fault; absent for as many as each has. */
  readonly runs?: number
  /** The one run of each fault that is run. */
  readonly onlyRun?: number
  readonly seed: number
  readonly lanes: number
  readonly jsonPath?: string
  /** True where all of the suite is run, and so its page is written. */
  readonly isWhole: boolean
}

/** How the suite is called. */
export const USAGE: string = `npm run test:faults -- [options]
  --fault ID    ${FAULTS.map(({ id }) => id).join(', ')} (repeatable)
  --runs N      runs of each fault (as many as each has)
  --run INDEX   one run of each fault
  --seed N      repeats a campaign (FAULTS_SEED does the same)
  --lanes N     runs at a time (2)
  --json PATH   where the results go (artifacts/faults.json)
  --help
Without --fault, --runs and --run it also writes docs/reliability.md.`

class UsageError extends Error {}

/** True where what was asked for cannot be run. */
export function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true
  return error instanceof Error && String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS')
}

/** Reads the command line, and the seed from the environment. */
export function parsePlan(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Plan | 'help' {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      fault: { type: 'string', multiple: true },
      runs: { type: 'string' },
      run: { type: 'string' },
      seed: { type: 'string' },
      lanes: { type: 'string', default: '2' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const count = (name: 'runs' | 'run' | 'seed' | 'lanes', text: string): number => {
    const number = Number(text)
    if (!Number.isSafeInteger(number) || number < 0) throw new UsageError(`--${name} ${text} is no count`)
    return number
  }
  const seed = values.seed ?? env.FAULTS_SEED
  return {
    faults: chooseFaults(values.fault),
    ...(values.runs !== undefined && { runs: count('runs', values.runs) }),
    ...(values.run !== undefined && { onlyRun: count('run', values.run) }),
    seed: seed === undefined ? Math.trunc(Math.random() * 2 ** 31) : count('seed', seed),
    lanes: Math.max(1, count('lanes', values.lanes)),
    ...(values.json !== undefined && { jsonPath: values.json }),
    isWhole: values.fault === undefined && values.runs === undefined && values.run === undefined,
  }
}

function chooseFaults(ids: readonly string[] | undefined): readonly Fault[] {
  const stranger = ids?.find((id) => !FAULTS.some((fault) => fault.id === id))
  if (stranger !== undefined) throw new UsageError(`no fault is called '${stranger}'`)
  return ids === undefined ? FAULTS : FAULTS.filter(({ id }) => ids.includes(id))
}
