import { compareWithGoals, type GoalOutcome } from './goals.ts'
import type { Machine } from './machine.ts'
import { CONTENDERS } from './scenarios/contenders.ts'
import type { Summary } from './summary.ts'

/** Versions of everything measured, by peer and by what it is made of. */
type Versions = Readonly<Record<string, Readonly<Record<string, string>>>>

/** All that one run of the bench found; as JSON it goes to a file, from which the pages are made. */
export interface Report {
  readonly startedAt: string
  readonly durationMs: number
  readonly machine: Machine
  readonly versions: Versions
  readonly summaries: readonly Summary[]
  readonly goals: readonly GoalOutcome[]
}

/** Puts a report together from what the scenarios showed. */
export function createReport(
  base: Pick<Report, 'startedAt' | 'durationMs' | 'machine'>,
  summaries: readonly Summary[],
): Report {
  const versions = Object.fromEntries(summaries.flatMap(versionsOf))
  return { ...base, versions, summaries, goals: compareWithGoals(summaries) }
}

function versionsOf(summary: Summary): (readonly [peer: string, parts: Readonly<Record<string, string>>])[] {
  switch (summary.kind) {
    case 'write':
      return summary.runs.map(({ contender, result }) => [CONTENDERS[contender].peer, result.versions])
    case 'open':
      return summary.runs.map(({ peer, result }) => [peer, result.versions])
    case 'stream':
      return [['ducksink', summary.versions]]
    default:
      return summary satisfies never
  }
}
