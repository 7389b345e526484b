import { existsSync, statSync, truncateSync } from 'node:fs'
import type { Fault, FaultRun } from '../fault.ts'

/** Cuts the write-ahead log of a killed process, as a file system may that has not written its end. */
export const TORN_LOG_FAULTS: readonly Fault[] = [
  {
    id: 'torn-log',
    name: 'the write-ahead log cut at a random offset after a kill',
    runs: 100,
    note: 'receipts whose commits lay in what was cut off are lost, which cannot be otherwise; no batch is torn, and none is lost that was committed before one that is there',
    run: cutLog,
  },
]

const MAX_TRIES = 5

async function cutLog(run: FaultRun): Promise<void> {
  const shape = run.shape({ maxRows: run.random.pick([60, 1_000, 9_000]) })
  const job = run.job({ mode: run.orderedMode(), shape, maxInFlight: run.random.pick([1, 8, 32]) })
  const log = `${run.path}.wal`
  for (let tries = 0; sizeOf(log) === 0 && tries < MAX_TRIES; tries++) {
    const app = run.start(job)
    await app.told('receipt', run.random.int(1, 40))
    await app.kill()
  }
  const size = sizeOf(log)
  if (size === 0) run.find('unmet', 'the kill left no log')
  // in half of the runs near the end, where the last commits are
  const offset = run.random.int(run.index % 2 === 0 ? 0 : Math.max(0, size - 4_096), size)
  if (size > 0) truncateSync(log, offset)
  run.count('bytes cut', size - offset)
  await run.checkAftermath(job, { mayLoseLast: true })
}

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0)
