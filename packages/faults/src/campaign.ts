import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Fault, FaultRun } from './fault.ts'
import type { Finding } from './judge.ts'
import { Verifier } from './verifier.ts'

/** What is to be run. */
export interface Campaign {
  readonly faults: readonly Fault[]
  readonly seed: number
  /** Where each run has a directory, which is kept where something was found. */
  readonly directory: string
  readonly lanes: number
  /** Runs of a fault; by default as many as it has. */
  readonly runsOf?: (fault: Fault) => number
  /** One run of each fault alone. */
  readonly onlyRun?: number
  readonly build?: string
  /** Reads the files, and is left open; by default each lane has one of its own. */
  readonly verifier?: Verifier
  readonly onRun?: (result: RunResult) => void
  /** Asked before each run: true ends the campaign. */
  readonly isEnough?: () => boolean
}

/** How one run went. */
export interface RunResult {
  readonly fault: Fault
  readonly index: number
  readonly directory: string
  readonly findings: readonly Finding[]
  readonly counts: Readonly<Record<string, number>>
  readonly durationMs: number
}

/** How the runs of one fault went. */
export interface FaultResult {
  readonly id: string
  readonly name: string
  readonly note: string | undefined
  readonly runs: number
  readonly failures: number
  readonly counts: Readonly<Record<string, number>>
  /** Why it was not run. */
  readonly skipped: string | undefined
}

/** Runs faults, some at a time, in their order. */
export async function runCampaign(campaign: Campaign): Promise<readonly FaultResult[]> {
  const skipped = new Map<Fault, string>()
  for (const fault of campaign.faults) {
    const reason = fault.unavailable?.()
    if (reason !== undefined) skipped.set(fault, reason)
  }
  const waiting = campaign.faults.flatMap((fault) => {
    if (skipped.has(fault)) return []
    const { onlyRun, runsOf } = campaign
    if (onlyRun !== undefined) return [{ fault, index: onlyRun }]
    return Array.from({ length: runsOf?.(fault) ?? fault.runs }, (_, index) => ({ fault, index }))
  })
  const results: RunResult[] = []
  const lane = async (): Promise<void> => {
    const verifier = campaign.verifier ?? new Verifier()
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (campaign.isEnough?.() === true) break
      const result = await runOnce(campaign, next.fault, { index: next.index, verifier })
      results.push(result)
      campaign.onRun?.(result)
    }
    if (verifier !== campaign.verifier) verifier.close()
  }
  await Promise.all(Array.from({ length: campaign.lanes }, lane))
  return campaign.faults.map((fault) =>
    summarize(
      fault,
      results.filter((result) => result.fault === fault),
      skipped.get(fault),
    ),
  )
}

async function runOnce(
  { directory: parent, seed, build }: Campaign,
  fault: Fault,
  { index, verifier }: { readonly index: number; readonly verifier: Verifier },
): Promise<RunResult> {
  const directory = join(parent, `${fault.id}-${index}`)
  mkdirSync(directory, { recursive: true })
  const startedAt = performance.now()
  const run = new FaultRun(fault.id, {
    index,
    seed,
    directory,
    verifier,
    ...(build !== undefined && { build }),
  })
  try {
    await fault.run(run)
  } catch (error) {
    run.find('unmet', (error as Error).stack ?? String(error))
  }
  await run.end()
  const { findings, counts } = run
  if (findings.length === 0) rmSync(directory, { recursive: true, force: true })
  return { fault, index, directory, findings, counts, durationMs: performance.now() - startedAt }
}

function summarize(
  { id, name, note }: Fault,
  results: readonly RunResult[],
  skipped: string | undefined,
): FaultResult {
  const counts: Record<string, number> = {}
  for (const result of results)
    for (const [key, count] of Object.entries(result.counts)) counts[key] = (counts[key] ?? 0) + count
  const failures = results.filter(({ findings }) => findings.length > 0).length
  return { id, name, note, runs: results.length, failures, counts, skipped }
}
