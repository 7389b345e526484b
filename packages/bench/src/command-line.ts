import { parseArgs } from 'node:util'
import {
  CONTENDERS,
  type ContenderName,
  contendersOf,
  SCENARIOS,
  type Scenario,
  type WriteScenario,
} from './scenarios/catalog.ts'

/** Rounds at which the default scenarios take well under ten minutes on two cores. */
const DEFAULT_ROUNDS = 5

/** What to run. */
export interface Plan {
  readonly scenarios: readonly Scenario[]
  readonly rounds: number
  readonly withSeed: boolean
  /** Contenders, or all of a peer's; undefined is everyone. */
  readonly peers?: readonly string[]
  readonly jsonPath?: string
}

/** How the bench is called. */
export const USAGE: string = `npm run bench -- [options]
  --scenario NAME   ${SCENARIOS.map(({ name }) => name).join(', ')} (repeatable)
  --peer NAME       ${Object.keys(CONTENDERS).join(', ')} (repeatable)
  --rounds N        runs of each peer, one after another (${DEFAULT_ROUNDS})
  --json PATH       where the figures go (artifacts/bench/)
  --seed            bytewax-duckdb takes part (npm run bench:seed)
  --help`

/** The command line asks for something that is not there. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/**
 * Reads the command line.
 *
 * @throws {@link UsageError} when it names what is not there.
 */
export function parsePlan(args: readonly string[]): Plan | 'help' {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      scenario: { type: 'string', multiple: true },
      peer: { type: 'string', multiple: true },
      rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
      json: { type: 'string' },
      seed: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const rounds = Number(values.rounds)
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    throw new UsageError(`--rounds ${values.rounds} is no count`)
  const peers = values.peer
  const known = new Set<string>(Object.entries(CONTENDERS).flatMap(([name, { peer }]) => [name, peer]))
  const stranger = peers?.find((name) => !known.has(name))
  if (stranger !== undefined) throw new UsageError(`no peer is called '${stranger}'`)
  return {
    scenarios: chooseScenarios(values.scenario),
    rounds,
    withSeed: values.seed || (peers?.includes('bytewax') ?? false),
    ...(peers && { peers }),
    ...(values.json !== undefined && { jsonPath: values.json }),
  }
}

function chooseScenarios(names: readonly string[] | undefined): Scenario[] {
  if (names === undefined) return SCENARIOS.filter(({ byDefault }) => byDefault)
  return names.map((name) => {
    const scenario = SCENARIOS.find((candidate) => candidate.name === name)
    if (scenario === undefined) throw new UsageError(`no scenario is called '${name}'`)
    return scenario
  })
}

/** The contenders of a scenario that the plan lets take part. */
export function chooseContenders(plan: Plan, scenario: WriteScenario): ContenderName[] {
  return contendersOf(scenario, plan.withSeed).filter(
    (name) =>
      plan.peers === undefined || plan.peers.includes(name) || plan.peers.includes(CONTENDERS[name].peer),
  )
}
