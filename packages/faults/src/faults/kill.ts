import { setTimeout as delay } from 'node:timers/promises'
import type { Fault, FaultRun } from '../fault.ts'

/** Kills processes at any moment, from the first statement on. */
export const KILL_FAULTS: readonly Fault[] = [
  { id: 'kill', name: '`kill -9` at random times', runs: 100, run: (run) => killAtRandom(run, {}) },
  {
    id: 'kill-16kb',
    name: '`kill -9` at random times, `checkpoint_threshold` 16 KB',
    runs: 100,
    run: (run) => killAtRandom(run, { checkpoint_threshold: '16KB' }),
  },
]

async function killAtRandom(run: FaultRun, config: Readonly<Record<string, string>>): Promise<void> {
  const evolvingOneIn = run.random.oneIn(4) ? 6 : 0
  const shape = run.shape({ evolvingOneIn, maxRows: run.random.pick([60, 1_000, 9_000, 20_000]) })
  const job = run.job({
    mode: run.orderedMode(),
    shape,
    config,
    maxInFlight: run.random.pick([1, 4, 16, 64]),
  })
  const app = run.start(job)
  // one in ten while the engine opens
  if (!run.random.oneIn(10)) await app.told('open')
  await delay(run.random.int(0, 350))
  await app.kill()
  await run.checkAftermath(job)
}
