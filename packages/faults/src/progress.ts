import { SingleBar } from 'cli-progress'
import type { RunResult } from './campaign.ts'

/** Findings of a run that are printed. */
const MAX_SHOWN = 5

/** Shows how far a campaign is: a bar on a terminal, elsewhere a line for each fault; and every failure at once. */
export class Progress {
  readonly #bar: SingleBar
  readonly #runsOf: ReadonlyMap<string, number>
  readonly #done = new Map<string, number>()
  #runs = 0
  #failures = 0

  /** @param runsOf - how many runs there will be of each fault, by its id */
  constructor(runsOf: ReadonlyMap<string, number>) {
    this.#runsOf = runsOf
    this.#bar = new SingleBar({
      format: '{bar} {value}/{total} runs, {failures} failures, {eta_formatted} left: {fault}',
      barsize: 20,
      stream: process.stderr,
    })
    const total = [...runsOf.values()].reduce((sum, runs) => sum + runs, 0)
    this.#bar.start(total, 0, { failures: 0, fault: '' })
  }

  get runCount(): number {
    return this.#runs
  }

  ran(result: RunResult, howToRepeat: string): void {
    const { fault, findings, directory } = result
    const done = (this.#done.get(fault.id) ?? 0) + 1
    this.#done.set(fault.id, done)
    this.#runs++
    if (findings.length > 0) {
      this.#failures++
      const shown = findings.slice(0, MAX_SHOWN).map(({ kind, message }) => `  ${kind}: ${message}`)
      const rest = findings.length > MAX_SHOWN ? [`  and ${findings.length - MAX_SHOWN} more`] : []
      console.error(
        ['', `${fault.name}: ${directory}`, ...shown, ...rest, `  again: ${howToRepeat}`].join('\n'),
      )
    }
    if (!process.stderr.isTTY && done === this.#runsOf.get(fault.id)) console.log(`${fault.id}: ${done} runs`)
    this.#bar.update(this.#runs, { failures: this.#failures, fault: fault.id })
  }

  end(): void {
    this.#bar.stop()
  }
}
