import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, type FaultRun, numbers } from '../fault.ts'

/** Fills a small disk. */
export const FULL_DISK_FAULTS: readonly Fault[] = [
  {
    id: 'full-disk',
    name: 'a full disk (tmpfs), with room again, with the process killed meanwhile, or closed while it is full',
    runs: 24,
    unavailable: whyNoMount,
    run: fillDisk,
  },
]

const ENOUGH = '256m'
const DEGRADED_TIMEOUT_MS = 2_000

async function fillDisk(run: FaultRun): Promise<void> {
  const disk = join(run.directory, 'disk')
  mkdirSync(disk)
  // what is written by channels and offsets is little
  mount(disk, `${run.random.int(1_400, run.orderedMode() === 'channels' ? 1_600 : 6_000)}k`)
  try {
    await writeUntilFull(run, join(disk, 'run.duckdb'), () => mount(disk, ENOUGH, 'remount'))
  } finally {
    if (run.findings.length > 0) cpSync(disk, join(run.directory, 'kept'), { recursive: true })
    execFileSync('umount', [disk])
  }
}

async function writeUntilFull(run: FaultRun, path: string, makeRoom: () => void): Promise<void> {
  const shape = run.shape({ maxRows: run.random.pick([1_000, 9_000, 20_000]) })
  const config = run.random.oneIn(2) ? { checkpoint_threshold: '16KB' } : {}
  const job = run.job({
    ...{ path, mode: run.orderedMode(), shape, config, maxInFlight: run.random.pick([1, 8]) },
    ...{ batches: numbers(0, 4_000), degradedTimeoutMs: DEGRADED_TIMEOUT_MS },
  })
  let isFilled = false
  const full = Promise.withResolvers<void>()
  const app = run.start(job, {
    onReport: (told) => {
      if (told.kind === 'rejected' || (told.kind === 'event' && told.name === 'degraded')) {
        isFilled = true
        full.resolve()
      }
    },
  })
  await Promise.race([full.promise, app.ended])
  if (!isFilled) run.find('unmet', 'the disk has not become full')
  const receipts = run.account.count('receipts')
  await delay(run.random.int(0, 100))
  const way = (['room again', 'killed', 'closed'] as const)[run.index % 3]
  run.count(way ?? '')
  if (way === 'killed') await app.kill()
  if (way === 'closed') app.order({ order: 'finish' })
  if (way === 'room again') {
    makeRoom()
    await app.told('receipt', receipts + 10)
    app.order({ order: 'finish' })
  }
  const { code, signal, stderr } = await app.ended
  if (way !== 'killed' && code !== 0)
    run.find('unmet', `the app ended with ${signal ?? code}: ${stderr.slice(0, 2_000)}`)
  if (way === 'room again' && run.account.count('receipts') < receipts + 10)
    run.find('unmet', 'the engine did not go on by itself when there was room again')
  if (way !== 'room again') makeRoom()
  await run.checkAftermath(job)
}

function mount(directory: string, size: string, ...options: string[]): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', [...options, `size=${size}`].join(','), 'tmpfs', directory], {
    stdio: 'pipe',
  })
}

function whyNoMount(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-mount-'))
  try {
    mount(directory, '1m')
    execFileSync('umount', [directory])
    return undefined
  } catch {
    return 'a tmpfs can be mounted by root on Linux alone'
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
