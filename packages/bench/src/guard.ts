import { readFile, writeFile } from 'node:fs/promises'
import { isDucksink } from './scenarios/contenders.ts'
import type { Summary } from './summary.ts'
import { formatFigure, formatTable } from './text-table.ts'

/** Below this share of what it was, a ratio has fallen; the machine's own noise stays above it. */
const LEAST_SHARE = 0.85

/** Counted instructions do not depend on the machine's mood, but V8 may compile a changed function otherwise. */
const MOST_INSTRUCTIONS = 1.05

const ATTEMPTS = 3

/** The figures that changes are held against. */
export interface Committed {
  /** How many times as fast a way to use ducksink was as another peer. */
  readonly ratios: Readonly<Record<string, number>>
  /** What the encoder took for a row, by what the row was made of. */
  readonly instructionsPerRow: Readonly<Record<string, number>>
  /** Another Node.js compiles the encoder otherwise. */
  readonly node: string
}

/** A ratio beside the committed one. */
export interface GuardedRatio {
  readonly name: string
  readonly scenario: string
  /** Absent where nobody has committed to one yet; then nothing falls. */
  readonly committed: number | undefined
  /** One for each attempt; there is another only where the one before it was too low. */
  readonly shown: readonly number[]
  readonly hasFallen: boolean
}

/** What a summary is known by in the committed figures: ducksink's ratios over the other peers. */
export function ratiosOf(summaries: readonly Summary[]): Record<string, number> {
  const ratios: Record<string, number> = {}
  for (const summary of summaries) {
    if (summary.kind !== 'write') continue
    for (const { contender, ratios: byReference } of summary.contenders) {
      // Between two ways to use ducksink a ratio falls when one of them becomes faster.
      if (isDucksink(contender)) continue
      for (const [reference, ratio] of Object.entries(byReference))
        ratios[`${summary.scenario.name}: ${reference} against ${contender}`] = ratio.median
    }
  }
  return ratios
}

/**
 * Holds ratios against the committed ones; scenarios in which one is too low run again, up to three times in all, and
 * a ratio has fallen only when it was too low each time.
 */
export async function guardRatios(
  committed: Committed['ratios'],
  first: readonly Summary[],
  runAgain: (scenarios: ReadonlySet<string>) => Promise<readonly Summary[]>,
): Promise<GuardedRatio[]> {
  let guarded = Object.entries(ratiosOf(first)).map(([name, ratio]) => {
    const scenario = name.slice(0, name.indexOf(':'))
    return addAttempt({ name, scenario, committed: committed[name], shown: [], hasFallen: false }, ratio)
  })
  for (let attempt = 2; attempt <= ATTEMPTS; attempt++) {
    const scenarios = new Set(guarded.filter(({ hasFallen }) => hasFallen).map(({ scenario }) => scenario))
    if (scenarios.size === 0) break
    const again = ratiosOf(await runAgain(scenarios))
    guarded = guarded.map((one) => (one.hasFallen ? addAttempt(one, again[one.name]) : one))
  }
  return guarded
}

function addAttempt(one: GuardedRatio, ratio: number | undefined): GuardedRatio {
  if (ratio === undefined) return one
  const hasFallen = one.committed !== undefined && ratio < LEAST_SHARE * one.committed
  return { ...one, shown: [...one.shown, ratio], hasFallen }
}

/** Every figure must have one that it is held against, or it would be guarded in name alone. */
function formatVerdict(committed: number | undefined, isWorse: boolean, worse: string): string {
  if (committed === undefined) return 'not committed: --update'
  return isWorse ? worse : 'holds'
}

/** The ratios as a table. */
export function formatGuarded(guarded: readonly GuardedRatio[]): string {
  const rows = guarded.map(({ name, committed, shown, hasFallen }) => [
    name,
    formatFigure(committed ?? Number.NaN),
    shown.map(formatFigure).join(', '),
    formatVerdict(committed, hasFallen, 'FALLEN'),
  ])
  const table = formatTable(['guard: times as fast', 'committed', 'shown', ''], rows)
  const fallen = guarded.filter(({ hasFallen }) => hasFallen).length
  return fallen === 0 ? table : `${table}\n${formatAdvice(fallen, FALLEN, 'bench:quick')}`
}

const FALLEN = `fell by more than ${Math.round(100 * (1 - LEAST_SHARE))} % in each of ${ATTEMPTS} attempts`
const GROWN = `grew by more than ${Math.round(100 * (MOST_INSTRUCTIONS - 1))} %`

/** What has become of how many figures, and what may be done about it. */
function formatAdvice(count: number, what: string, script: string): string {
  return `${count} ${count === 1 ? 'figure' : 'figures'} ${what}: npm run bench:profile shows where time goes; where it is meant to be so, npm run ${script} -- --update commits to it`
}

/** Instructions a row beside the committed ones. */
export interface GuardedCount {
  readonly name: string
  readonly committed: number | undefined
  readonly shown: number
  readonly hasGrown: boolean
}

/** Holds counts against the committed ones. */
export function guardCounts(
  committed: Committed['instructionsPerRow'],
  counts: Readonly<Record<string, number>>,
): GuardedCount[] {
  return Object.entries(counts).map(([name, shown]) => {
    const before = committed[name]
    return {
      name,
      committed: before,
      shown,
      hasGrown: before !== undefined && shown > MOST_INSTRUCTIONS * before,
    }
  })
}

/** The counts as a table. */
export function formatCounts(guarded: readonly GuardedCount[]): string {
  const rows = guarded.map(({ name, committed, shown, hasGrown }) => [
    name,
    formatFigure(committed ?? Number.NaN),
    formatFigure(shown),
    formatVerdict(committed, hasGrown, 'GROWN'),
  ])
  const table = formatTable(['guard: instructions a row', 'committed', 'shown', ''], rows)
  const grown = guarded.filter(({ hasGrown }) => hasGrown).length
  return grown === 0 ? table : `${table}\n${formatAdvice(grown, GROWN, 'bench:instructions')}`
}

/** Reads the committed figures. */
export async function readCommitted(path: string): Promise<Committed> {
  return JSON.parse(await readFile(path, 'utf8')) as Committed
}

/** Commits to new figures; those that were not measured now stay. */
export async function updateCommitted(path: string, figures: Partial<Committed>): Promise<void> {
  const before = await readCommitted(path)
  const after: Committed = {
    node: figures.node ?? before.node,
    ratios: { ...before.ratios, ...roundAll(figures.ratios ?? {}, 2) },
    instructionsPerRow: { ...before.instructionsPerRow, ...roundAll(figures.instructionsPerRow ?? {}, 0) },
  }
  await writeFile(path, `${JSON.stringify(after, undefined, 2)}\n`)
}

function roundAll(figures: Readonly<Record<string, number>>, digits: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [name, Number(figure.toFixed(digits))]),
  )
}
