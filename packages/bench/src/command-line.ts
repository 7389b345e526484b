import { matchesGlob } from 'node:path'
import { parseArgs } from 'node:util'
import { contendersOf, SCENARIOS } from './scenarios/catalog.ts'
import { CONTENDERS, type ContenderName } from './scenarios/contenders.ts'
import type { Scenario, Suite, WriteScenario } from './scenarios/scenario.ts'

const SUITES = ['bench', 'seed', 'quick', 'scale'] as const satisfies Suite[]

/** What to run. */
export interface Plan {
  readonly scenarios: readonly Scenario[]
  /** Where it is left out, as many as each scenario says. */
  readonly rounds?: number
  readonly withSeed: boolean
  /** Contenders, or all of a peer's; undefined is everyone. */
  readonly peers?: readonly string[]
  readonly jsonPath?: string
  /** Whether the figures are compared with the committed ones, or take their place. */
  readonly guard?: 'compare' | 'update'
  /** Whether the guard counts the encoder's instructions; nothing else is run then. */
  readonly countsInstructions: boolean
}

/** How the bench is called. */
export const USAGE: string = `npm run bench -- [options]
  --scenario NAME   a scenario, or several by a pattern such as 'memory-*' (repeatable):
${listScenarios()}
  --peer NAME       ${Object.keys(CONTENDERS).join(', ')} (repeatable)
  --rounds N        runs of each peer, one after another, instead of the scenario's own number
  --json PATH       where the figures go (artifacts/bench/)
  --suite NAME      ${SUITES.join(', ')}: npm run bench, bench:seed, bench:quick, bench:scale
  --instructions    count the encoder's instructions instead (npm run bench:instructions)
  --update          with bench:quick or bench:instructions: commit to these figures
  --help`

function listScenarios(): string {
  return SUITES.map((suite) => {
    const names = SCENARIOS.filter(({ suites }) => suites[0] === suite).map(({ name }) => name)
    return `                    ${suite}: ${names.join(', ')}`
  }).join('\n')
}

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
      rounds: { type: 'string' },
      json: { type: 'string' },
      suite: { type: 'string', default: 'bench' },
      instructions: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const suite = SUITES.find((known) => known === values.suite)
  if (suite === undefined) throw new UsageError(`no suite is called '${values.suite}'`)
  const isGuarded = suite === 'quick' || values.instructions
  if (values.update && !isGuarded)
    throw new UsageError('--update goes with bench:quick or bench:instructions')
  const peers = values.peer
  const known = new Set<string>(Object.entries(CONTENDERS).flatMap(([name, { peer }]) => [name, peer]))
  const stranger = peers?.find((name) => !known.has(name))
  if (stranger !== undefined) throw new UsageError(`no peer is called '${stranger}'`)
  return {
    scenarios: chooseScenarios(suite, values.scenario),
    withSeed: suite === 'seed' || (peers?.includes('bytewax') ?? false),
    countsInstructions: values.instructions,
    ...(values.rounds !== undefined && { rounds: parseRounds(values.rounds) }),
    ...(peers && { peers }),
    ...(values.json !== undefined && { jsonPath: values.json }),
    ...(isGuarded && { guard: values.update ? 'update' : 'compare' }),
  }
}

function parseRounds(text: string): number {
  const rounds = Number(text)
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new UsageError(`--rounds ${text} is no count`)
  return rounds
}

/** The scenarios of a suite, or those that are named, whatever suite they belong to. */
function chooseScenarios(suite: Suite, patterns: readonly string[] | undefined): Scenario[] {
  if (patterns === undefined) return SCENARIOS.filter(({ suites }) => suites.includes(suite))
  const stranger = patterns.find((pattern) => !SCENARIOS.some(({ name }) => matchesGlob(name, pattern)))
  if (stranger !== undefined) throw new UsageError(`no scenario is called '${stranger}'`)
  return SCENARIOS.filter(({ name }) => patterns.some((pattern) => matchesGlob(name, pattern)))
}

/** The contenders of a scenario that the plan lets take part. */
export function chooseContenders(plan: Plan, scenario: WriteScenario): ContenderName[] {
  return contendersOf(scenario, plan.withSeed).filter(
    (name) =>
      plan.peers === undefined || plan.peers.includes(name) || plan.peers.includes(CONTENDERS[name].peer),
  )
}
