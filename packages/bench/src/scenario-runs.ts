import { chooseContenders, type Plan } from './command-line.ts'
import { type OpenRun, runOpens, runRounds, runStream, type WriteRun } from './harness.ts'
import type { Surroundings } from './peer-run.ts'
import type { Progress } from './progress.ts'
import type { OpenScenario, Scenario, StreamScenario, WriteScenario } from './scenarios/scenario.ts'
import { summarizeStream } from './stream-summary.ts'
import { type Summary, summarizeOpens, summarizeWrites } from './summary.ts'
import { formatFigure } from './text-table.ts'

/** Runs scenarios of a plan, one after another, and sums each up. */
export class ScenarioRuns {
  readonly #plan: Plan
  readonly #surroundings: Surroundings
  readonly #progress: Progress

  constructor(plan: Plan, surroundings: Surroundings, progress: Progress) {
    this.#plan = plan
    this.#surroundings = surroundings
    this.#progress = progress
  }

  async run(scenarios: readonly Scenario[]): Promise<Summary[]> {
    for (const scenario of scenarios) this.#progress.expect(this.#countSteps(scenario))
    const summaries: Summary[] = []
    for (const scenario of scenarios) {
      const summary = await this.#runOne(scenario)
      if (summary !== undefined) summaries.push(summary)
    }
    return summaries
  }

  /** Every step is a process of its own. */
  #countSteps(scenario: Scenario): number {
    switch (scenario.kind) {
      case 'write':
        return this.#roundsOf(scenario) * chooseContenders(this.#plan, scenario).length
      case 'open':
        return 2 * this.#roundsOf(scenario)
      case 'stream':
        return 1
      default:
        return scenario satisfies never
    }
  }

  #roundsOf(scenario: Scenario): number {
    return this.#plan.rounds ?? scenario.rounds
  }

  #runOne(scenario: Scenario): Promise<Summary | undefined> {
    switch (scenario.kind) {
      case 'write':
        return this.#runWrites(scenario)
      case 'open':
        return this.#runOpens(scenario)
      case 'stream':
        return this.#runStream(scenario)
      default:
        return scenario satisfies never
    }
  }

  async #runWrites(scenario: WriteScenario): Promise<Summary | undefined> {
    const contenders = chooseContenders(this.#plan, scenario)
    const runs: WriteRun[] = []
    for await (const run of runRounds(scenario, contenders, this.#roundsOf(scenario), this.#surroundings)) {
      runs.push(run)
      this.#progress.advance(scenario.name, `${run.contender.padEnd(20)} ${formatRate(run.result)}`)
    }
    return runs.length > 0 ? summarizeWrites(scenario, runs) : undefined
  }

  async #runOpens(scenario: OpenScenario): Promise<Summary> {
    const runs: OpenRun[] = []
    for await (const run of runOpens(scenario, this.#roundsOf(scenario), this.#surroundings)) {
      runs.push(run)
      this.#progress.advance(
        scenario.name,
        `${run.peer.padEnd(20)} ${formatFigure(run.result.durationMs).padStart(10)} ms`,
      )
    }
    return summarizeOpens(scenario, runs)
  }

  async #runStream(scenario: StreamScenario): Promise<Summary> {
    const result = await runStream(scenario, this.#surroundings)
    this.#progress.advance(scenario.name, `${'ducksink'.padEnd(20)} ${formatRate(result)}`)
    return summarizeStream(scenario, result)
  }
}

function formatRate({ rows, durationMs }: { readonly rows: number; readonly durationMs: number }): string {
  return `${Math.round((rows / durationMs) * 1_000)
    .toLocaleString('en')
    .padStart(10)} rows/s`
}
