import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, uptime } from 'node:os'

// A process id alone names nobody: ids are used again, a restarted container has 1 again, and another container
// counts its own. With the kernel's boot, the namespace and the start time it names one process for good.

/** A process as another one can recognise it later. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start of the process in clock ticks since boot; absent where there is no /proc. */
  readonly processStart?: string
  /** Identity of the machine's running kernel; absent where there is no /proc. */
  readonly bootId?: string
  /** Where `pid` counts; absent where there is no /proc. */
  readonly pidNamespace?: string
  /** For people alone: host names change while a process runs. */
  readonly hostname: string
  /** ISO 8601. */
  readonly recordedAt: string
}

/** This process, whatever the thread. */
export function ownIdentity(): ProcessIdentity {
  const known = Object.entries({
    processStart: processStart(process.pid),
    bootId: readProc(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: readProc(() => readlinkSync('/proc/self/ns/pid')),
  }).filter(([, value]) => value !== undefined)
  const recordedAt = new Date().toISOString()
  return { pid: process.pid, hostname: hostname(), recordedAt, ...Object.fromEntries(known) }
}

/** True when the process still runs, as far as can be seen from here: not on another machine or in another container. */
export function isAlive(identity: ProcessIdentity): boolean {
  const own = ownIdentity()
  if (identity.bootId !== own.bootId || identity.pidNamespace !== own.pidNamespace) return false
  if (own.bootId === undefined)
    return identity.pid === own.pid || (isOfThisBoot(identity) && isRunning(identity.pid))
  const start = processStart(identity.pid)
  return start === undefined ? isRunning(identity.pid) : start === identity.processStart
}

/** Field 22 of /proc/PID/stat; `gone` for a zombie, whose files are closed already. */
function processStart(pid: number): string | undefined {
  const stat = readProc(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // the second field is the program's name in parentheses, with any characters in it
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields === undefined) return undefined
  return fields[0] === 'Z' || fields[0] === 'X' ? 'gone' : fields[19]
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // not permitted: it runs, as another user
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function isOfThisBoot({ recordedAt }: ProcessIdentity): boolean {
  const bootedMs = Date.now() - uptime() * 1000
  const clockErrorMs = 60_000
  return Date.parse(recordedAt) > bootedMs - clockErrorMs
}

function readProc(read: () => string): string | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
