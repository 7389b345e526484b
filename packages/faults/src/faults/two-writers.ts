import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { AppProcess } from '../app-process.ts'
import { type Fault, type FaultRun, numbers } from '../fault.ts'
import type { AppJob, Report } from '../job.ts'

const RUNS = 20

/** Runs a command in a pid namespace of its own, as a container does. */
const IN_NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
const HAS_NAMESPACES = hasNamespaces()

/** Two engines that want one file. */
export const TWO_WRITERS_FAULTS: readonly Fault[] = [
  { id: 'two-threads', name: 'two engines on one file: two threads', runs: RUNS, run: twoThreads },
  { id: 'two-processes', name: 'two engines on one file: two processes', runs: RUNS, run: twoProcesses },
  { id: 'stale-lock', name: 'two engines on one file: a lock left behind', runs: RUNS, run: staleLock },
  {
    id: 'same-pid',
    name: "two engines on one file: a restarted container's process id",
    runs: RUNS,
    note: HAS_NAMESPACES
      ? 'in pid namespaces of their own, and with forged records'
      : 'with forged records alone: no pid namespace can be made here',
    run: (run) => (HAS_NAMESPACES ? samePid(run) : forgedPid(run)),
  },
]

/** The second app's batches. */
const OTHERS = 5_000

async function twoProcesses(run: FaultRun): Promise<void> {
  const job = run.job({ mode: run.mode() })
  const other = { ...job, batches: numbers(OTHERS, 30) }
  const first = run.start(job)
  await delay(run.random.int(0, 120))
  const second = run.start(other)
  await Promise.all([first, second].map((app) => Promise.race([app.told('open'), app.told('refused')])))
  const winner = requireOneOpen(run, [first, second])
  if (winner === undefined) return
  await winner.told('receipt', run.random.int(1, 20))
  if (run.index % 2 === 0) winner.order({ order: 'finish' })
  else await winner.kill()
  await Promise.all([first.ended, second.ended])
  const later = run.start(other)
  await later.ended
  if (!isOpen(later)) run.find('unopenable', 'the second app was refused when the first was gone')
  await run.checkAftermath(job)
}

/** Exactly one app has the file, and the other was told who. */
function requireOneOpen(run: FaultRun, apps: readonly AppProcess[]): AppProcess | undefined {
  const open = apps.filter(isOpen)
  if (open.length !== 1) {
    run.find('unmet', `${open.length} of two apps have opened the file`)
    for (const app of apps) void app.kill()
    return undefined
  }
  const [winner] = open
  for (const app of apps) if (app !== winner) requireRefused(run, app, `process ${winner?.pid} `)
  return winner
}

function requireRefused(run: FaultRun, { reports }: Pick<AppProcess, 'reports'>, holder: string): void {
  const refusal = reports.find((report) => report.kind === 'refused')
  if (refusal?.kind !== 'refused') run.find('unmet', 'the second app was not refused')
  else if (refusal.code !== 'TARGET_LOCKED' || !refusal.message.includes(holder))
    run.find('untrue', `refused with ${refusal.code}: ${refusal.message}, which does not name ${holder}`)
}

async function twoThreads(run: FaultRun): Promise<void> {
  const mode = run.mode()
  const job = run.job({ mode, shape: run.shape({ maxRows: 2_000 }), batches: numbers(0, 40) })
  const other = { ...job, batches: numbers(OTHERS, 40) }
  const app = run.start([job, other])
  if (run.index % 2 === 1) {
    await app.told('refused')
    await app.told('receipt', run.random.int(1, 30))
    await app.kill()
  }
  const { stderr } = await app.ended
  const opened = app.reports.findIndex(({ kind }) => kind === 'open')
  const closed = app.reports.findIndex(({ kind }) => kind === 'closed')
  const openTogether = app.reports
    .slice(opened + 1, closed === -1 ? undefined : closed)
    .some(({ kind }) => kind === 'open')
  if (openTogether) run.find('unmet', 'two threads have opened the file')
  requireRefused(run, app, `this process (${app.pid}, thread `)
  if (run.index % 2 === 0 && run.account.count('receipts') < 80)
    run.find('unmet', `not all was written: ${stderr.slice(0, 2_000)}`)
  await run.checkAftermath(job)
}

const FORGERIES: readonly ((record: Record<string, unknown>) => unknown)[] = [
  // the process that was killed
  (record) => record,
  (record) => ({ ...record, bootId: 'another boot' }),
  (record) => ({ ...record, hostname: 'another-host', bootId: 'another machine', pidNamespace: 'pid:[1]' }),
  // a process that lives, but is not the one that wrote the record
  (record) => ({ ...record, pid: process.pid, processStart: '1' }),
]

async function staleLock(run: FaultRun): Promise<void> {
  const job = await killedWithLock(run)
  const lock = `${run.path}.ducksink-lock`
  const record = JSON.parse(readFileSync(lock, 'utf8')) as Record<string, unknown>
  writeFileSync(lock, JSON.stringify(FORGERIES[run.index % FORGERIES.length]?.(record)))
  await expectTakenOver(run, job)
}

/** The pid in the lock is that of a process which lives, as it would be in a container that was started again. */
async function forgedPid(run: FaultRun): Promise<void> {
  const job = await killedWithLock(run)
  const lock = `${run.path}.ducksink-lock`
  const record = JSON.parse(readFileSync(lock, 'utf8')) as Record<string, unknown>
  writeFileSync(lock, JSON.stringify({ ...record, pid: process.pid }))
  await expectTakenOver(run, job)
}

async function killedWithLock(run: FaultRun): Promise<AppJob> {
  const job = run.job({ mode: run.mode() })
  const app = run.start(job)
  await app.told('receipt', run.random.int(1, 20))
  await app.kill()
  if (!existsSync(`${run.path}.ducksink-lock`)) run.find('unmet', 'the kill left no lock file')
  return job
}

async function expectTakenOver(run: FaultRun, job: AppJob, through: readonly string[] = []): Promise<void> {
  const next = run.start({ ...job, batches: numbers(OTHERS, 20) }, { through })
  await next.ended
  if (!isOpen(next)) run.find('unopenable', `the next app was refused: ${JSON.stringify(next.reports[0])}`)
  await run.checkAftermath(job)
}

/** Both apps have process id 1, each in a container of its own. */
async function samePid(run: FaultRun): Promise<void> {
  if (run.index % 4 === 3) return forgedPid(run)
  const job = run.job({ mode: run.mode() })
  const first = run.start(job, { through: IN_NAMESPACE })
  await first.told('receipt', run.random.int(1, 20))
  if (run.index % 4 === 2) {
    // while the first still runs only DuckDB's lock can tell: its process cannot be seen from the other container
    const second = run.start({ ...job, batches: numbers(OTHERS * 2, 20) }, { through: IN_NAMESPACE })
    await second.ended
    requireRefused(run, second, 'has it open')
    await first.told('receipt', run.account.count('receipts') + 5)
  }
  await first.kill()
  await expectTakenOver(run, job, IN_NAMESPACE)
}

const isOpen = ({ reports }: AppProcess): boolean => reports.some(({ kind }: Report) => kind === 'open')

function hasNamespaces(): boolean {
  try {
    const [command = '', ...options] = IN_NAMESPACE
    execFileSync(command, [...options, 'true'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}
