import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { AppJob, Order, Report } from './job.ts'

/** How an app ended. */
export interface AppEnd {
  /** What the process chose; `null` where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

export interface AppOptions {
  /** A command that runs the command which follows it. */
  readonly through?: readonly string[]
  readonly onReport?: (told: Report) => void
}

/** An app that must have ended by then has hung. */
const MAX_LIFE_MS = 100_000

/** An app that writes in a process of its own. */
export class AppProcess {
  readonly job: AppJob | readonly AppJob[]
  readonly reports: Report[] = []
  /** Resolves when it is gone and all that it told was read. */
  readonly ended: Promise<AppEnd>
  readonly #child: ChildProcess
  readonly #onReport: (told: Report) => void
  readonly #awaited = new Set<() => void>()
  #stderr = ''
  #hasHung = false
  #isOver = false

  /** @param job - for a process of its own; several are threads of one */
  constructor(
    job: AppJob | readonly AppJob[],
    { through = [], onReport = () => undefined }: AppOptions = {},
  ) {
    this.job = job
    this.#onReport = onReport
    const flags = [...process.execArgv, '--disable-warning=ExperimentalWarning']
    const program = fileURLToPath(new URL(Array.isArray(job) ? './threads.ts' : './app.ts', import.meta.url))
    const [command = '', ...rest] = [...through, process.execPath, ...flags, program]
    this.#child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] })
    const { stdin, stdout, stderr } = this.#child as { stdin: Writable; stdout: Readable; stderr: Readable }
    // as an argument it may be too long; an app that is killed at once does not read it
    stdin.on('error', () => undefined).end(JSON.stringify(job))
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    createInterface(stdout).on('line', (line) => this.#onLine(line))
    const limit = setTimeout(() => {
      this.#hasHung = true
      void this.kill()
    }, MAX_LIFE_MS)
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      clearTimeout(limit)
      this.#isOver = true
      for (const wake of this.#awaited) wake()
      return { code, signal, stderr: this.#stderr }
    })
  }

  /** True where it had to be killed for not ending. */
  get hasHung(): boolean {
    return this.#hasHung
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Resolves when so many reports of a kind have come, or the app has ended. */
  async told(kind: Report['kind'], count = 1): Promise<void> {
    const isThere = (): boolean => {
      let found = 0
      for (const report of this.reports) if (report.kind === kind) found++
      return found >= count
    }
    while (!isThere() && !this.#isOver) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#awaited.add(resolve)
      await promise
      this.#awaited.delete(resolve)
    }
  }

  order(order: Order): void {
    // an app that has just ended takes no orders
    if (this.#child.connected) this.#child.send(order, () => undefined)
  }

  /** Kills it as a crash would, and waits until it is gone. */
  kill(): Promise<AppEnd> {
    this.#child.kill('SIGKILL')
    return this.ended
  }

  #onLine(line: string): void {
    let told: Report
    try {
      told = JSON.parse(line) as Report
    } catch {
      // a line that was cut off by the kill was not told
      return
    }
    this.reports.push(told)
    this.#onReport(told)
    for (const wake of this.#awaited) wake()
  }
}
