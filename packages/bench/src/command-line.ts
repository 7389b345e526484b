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
  if (values.instructions) requireNone(values, ['scenario', 'peer', 'rounds', 'json'])
  const withSeed = peers === undefined ? suite === 'seed' : peers.includes('bytewax')
  const scenarios = chooseScenarios(suite, values.scenario)
  return {
    scenarios: peers === undefined ? scenarios : keepThoseOf(peers, scenarios, withSeed),
    withSeed,
    countsInstructions: values.instructions,
    ...(values.rounds !== undefined && { rounds: parseCount('--rounds', values.rounds) }),
    ...(peers && { peers }),
    ...(values.json !== undefined && { jsonPath: values.json }),
    ...(isGuarded && { guard: values.update ? 'update' : 'compare' }),
  }
}

/** Nothing is taken and then left aside. */
function requireNone(values: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  const given = names.find((name) => values[name] !== undefined)
  if (given !== undefined) throw new UsageError(`--${given} does not go with --instructions`)
}

/** The scenarios in which one of these takes part; each of them must in some. */
function keepThoseOf(
  peers: readonly string[],
  scenarios: readonly Scenario[],
  withSeed: boolean,
): Scenario[] {
  const takesPart = (peer: string, scenario: Scenario): boolean =>
    listPeers(scenario, withSeed).includes(peer)
  const known = new Set<string>(Object.entries(CONTENDERS).flatMap(([name, { peer }]) => [name, peer]))
  const stranger = peers.find((name) => !known.has(name))
  if (stranger !== undefined) throw new UsageError(`no peer is called '${stranger}'`)
  const idle = peers.find((peer) => !scenarios.some((scenario) => takesPart(peer, scenario)))
  if (idle !== undefined) throw new UsageError(`'${idle}' takes part in none of these scenarios`)
  return scenarios.filter((scenario) => peers.some((peer) => takesPart(peer, scenario)))
}

/** Whom `--peer` may name of those in a scenario. */
function listPeers(scenario: Scenario, withSeed: boolean): string[] {
  if (scenario.kind !== 'write') return ['ducksink']
  return contendersOf(scenario, withSeed).flatMap((name) => [name, CONTENDERS[name].peer])
}

/**
 * Reads the value of an option that counts something.
 *
 * @throws {@link UsageError} when it is none.
 */
export function parseCount(option: string, text: string): number {
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 1) throw new UsageError(`${option} ${text} is no count`)
  return count
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
