import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runCampaign } from '../src/campaign.ts'
import type { Fault } from '../src/fault.ts'
import { Verifier } from '../src/verifier.ts'

const SEED = Number(process.env.FAULTS_SEED ?? 1)
/** Apps and verifying processes take their time on a busy machine. */
const TIMEOUT_MS = 60_000

// one for all the tests of a file
const verifier = new Verifier()
afterAll(() => verifier.close())

/** A test for each fault: the short form of its runs, which finds nothing wrong. */
export function testFaults(faults: readonly Fault[], runs = 1): void {
  for (const fault of faults) {
    const reason = fault.unavailable?.()
    it.skipIf(reason !== undefined)(
      `${fault.name}: no promise is broken`,
      async () => {
        const directory = mkdtempSync(join(tmpdir(), 'ducksink-faults-'))
        const findings: unknown[] = []
        const onRun = (result: { readonly findings: readonly unknown[] }): void =>
          void findings.push(...result.findings)
        const given = { faults: [fault], seed: SEED, directory, lanes: 1, runsOf: () => runs }
        await runCampaign({ ...given, verifier, onRun })
        expect(findings, `seed ${SEED}, kept in ${directory}`).toEqual([])
        rmSync(directory, { recursive: true, force: true })
      },
      TIMEOUT_MS,
    )
  }
}
