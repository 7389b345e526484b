import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BROKEN_BUILDS, type BrokenBuild } from './broken-builds.ts'
import { runCampaign } from './campaign.ts'
import { FAULTS } from './faults.ts'
import type { Finding } from './judge.ts'

/** How a deliberately broken build fared. */
export interface ControlResult {
  readonly name: string
  readonly fault: string
  readonly runs: number
  /** Runs in which what is broken was found. */
  readonly caught: number
  /** What the first of them found. */
  readonly findings: readonly Finding[]
}

/** Which builds are run, and how. */
export interface ControlOptions {
  readonly seed: number
  readonly lanes: number
  readonly runs?: number
  /** Ends with the first run that notices. */
  readonly untilCaught?: boolean
  readonly builds?: readonly BrokenBuild[]
}

const DEFAULT_RUNS = 5

/** Runs the suite on builds that break a promise: it must find that out. */
export async function runControls({
  seed,
  lanes,
  runs = DEFAULT_RUNS,
  untilCaught = false,
  builds = BROKEN_BUILDS,
}: ControlOptions): Promise<ControlResult[]> {
  const results: ControlResult[] = []
  for (const build of builds) results.push(await runControl(build, { seed, lanes, runs, untilCaught }))
  return results
}

async function runControl(
  { name, fault: id, shows }: BrokenBuild,
  { seed, lanes, runs, untilCaught }: Required<Omit<ControlOptions, 'builds'>>,
): Promise<ControlResult> {
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-faults-'))
  const faults = FAULTS.filter((fault) => fault.id === id)
  const caught: (readonly Finding[])[] = []
  let done = 0
  const onRun = ({ findings }: { readonly findings: readonly Finding[] }): void => {
    done++
    // any other finding may be a mishap of the suite itself
    if (findings.some(({ kind }) => shows.includes(kind))) caught.push(findings)
  }
  try {
    const isEnough = (): boolean => untilCaught && caught.length > 0
    await runCampaign({ faults, seed, directory, lanes, runsOf: () => runs, build: name, onRun, isEnough })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  return { name, fault: faults[0]?.name ?? id, runs: done, caught: caught.length, findings: caught[0] ?? [] }
}
