import { readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Account } from './account.ts'
import { type AppOptions, AppProcess } from './app-process.ts'
import type { FileContent } from './file-content.ts'
import type { AppJob, Mode } from './job.ts'
import { type Expectation, type Finding, judge } from './judge.ts'
import { CHANNELS, type PayloadShape } from './payload.ts'
import { Random } from './random.ts'
import type { Verifier } from './verifier.ts'

/** One way to break things, run again and again. */
export interface Fault {
  /** As the command line names it. */
  readonly id: string
  /** As the page of results names it. */
  readonly name: string
  /** Runs of the whole suite. */
  readonly runs: number
  /** What the page says beside the figures. */
  readonly note?: string
  /** Why it cannot be tried on this machine. */
  unavailable?(): string | undefined
  /** Breaks something once; what it finds wrong goes into `run.findings`. */
  run(run: FaultRun): Promise<void>
}

/** What a run is given, beside its index. */
export interface RunContext {
  readonly index: number
  readonly seed: number
  /** A directory of its own. */
  readonly directory: string
  readonly verifier: Verifier
  /** A deliberately broken build to run with. */
  readonly build?: string
}

/** One run after another: two of three have a ledger. */
const MODES: readonly Mode[] = ['keys', 'at-least-once', 'keys']
const ORDERED_EVERY = 4

/** What is written by channels and offsets: batches of a single record, which a collector puts together. */
const SINGLE_RECORDS = { maxRows: 1, badOneIn: 0, evolvingOneIn: 0 }
const RECORDS_FOR_A_BATCH = 20

/** A number above all batches of a run. */
const FRESH_BATCH = 1_000_000

/** One run of a fault: its apps, its file, and what was found wrong. */
export class FaultRun {
  readonly index: number
  readonly random: Random
  readonly directory: string
  readonly path: string
  readonly account: Account = new Account()
  readonly findings: Finding[] = []
  /** For the page: receipts, restarts and the like. */
  readonly counts: Record<string, number> = {}
  readonly build: string | undefined
  readonly #context: RunContext
  readonly #apps: AppProcess[] = []
  readonly #seed: number

  constructor(fault: string, context: RunContext) {
    this.#context = context
    this.index = context.index
    this.random = new Random(context.seed, fault, context.index)
    this.#seed = this.random.int(1, 1_000_000_000)
    this.directory = context.directory
    this.path = join(context.directory, 'run.duckdb')
    this.build = context.build
  }

  /** How this run's batches are known again. */
  mode(): Mode {
    return MODES[this.index % MODES.length] as Mode
  }

  /** The same for a job that one app writes, from its first batch on: one in four by channels and offsets. */
  orderedMode(): Mode {
    return this.index % ORDERED_EVERY === ORDERED_EVERY - 1 ? 'channels' : this.mode()
  }

  /** Batches as most runs write them. */
  shape(shape: Partial<PayloadShape> = {}): PayloadShape {
    return { seed: this.#seed, maxRows: 9_000, badOneIn: 8, evolvingOneIn: 0, ...shape }
  }

  /** A job with what most runs have in common. */
  job(job: Partial<AppJob> & { readonly mode: Mode }): AppJob {
    const { build } = this
    const breakages = (job.breakages ?? [{}]).map((breakage) => ({
      ...breakage,
      ...(build === undefined ? undefined : { build }),
    }))
    const whole = {
      ...{ path: this.path, shape: this.shape(), batches: numbers(0, 2_000), maxInFlight: 6, config: {} },
      ...job,
      breakages,
    }
    if (job.mode !== 'channels') return whole
    const { length } = whole.batches
    return {
      ...whole,
      shape: { ...whole.shape, ...SINGLE_RECORDS },
      batches: numbers(0, length * RECORDS_FOR_A_BATCH),
    }
  }

  /** Starts an app, or several as threads of one process; what they tell goes into the account. */
  start(job: AppJob | readonly AppJob[], { onReport, ...options }: AppOptions = {}): AppProcess {
    const account = this.account.open()
    const app = new AppProcess(job, {
      ...options,
      onReport: (told) => {
        account.take(told)
        onReport?.(told)
      },
    })
    void app.ended.then(account.end)
    this.#apps.push(app)
    return app
  }

  /** Ends what still runs; what the apps told is kept where something was found. */
  async end(): Promise<void> {
    for (const [index, app] of this.#apps.entries()) {
      const { stderr } = await app.kill()
      if (this.findings.length === 0) continue
      const lines = app.reports.map((report) => JSON.stringify(report))
      writeFileSync(
        join(this.directory, `app-${index}.log`),
        `${[JSON.stringify(app.job), ...lines, stderr].join('\n')}\n`,
      )
    }
  }

  find(kind: Finding['kind'], message: string): void {
    this.findings.push({ kind, message })
  }

  count(name: string, count = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + count
  }

  /** Has a checkpoint of a file cut off when its metadata is written; gives the blocks that had metadata before. */
  async cutCheckpoint(path: string): Promise<readonly number[]> {
    const cut = await this.#context.verifier.cut(path)
    if (cut.status === 'unreadable') throw new Error(cut.message)
    return cut.metadata
  }

  /** Compares the file with the account; where DuckDB refuses it, as the engine has repaired it. */
  async verify(job: AppJob, rest: Pick<Expectation, 'mayLoseLast'> = {}): Promise<FileContent> {
    const { verifier } = this.#context
    // other programs cannot open every file by path after an ALTER and a crash
    const by = job.shape.evolvingOneIn === 0 && this.index % 2 === 1 ? 'path' : 'attach'
    let content = await verifier.read({ path: job.path, by })
    if (content.status === 'unreadable' && (await this.#repair(job)))
      content = await verifier.read({ path: job.path, by })
    this.findings.push(
      ...judge(content, { account: this.account, mode: job.mode, shape: job.shape, ...rest }),
    )
    return content
  }

  /**
   * What must hold after any fault: the file agrees with what was told; when a new engine has written everything again,
   * each key is there once; and it accepts a fresh batch.
   */
  async checkAftermath(job: AppJob, { mayLoseLast = false } = {}): Promise<void> {
    this.count('receipts', this.account.count('receipts'))
    this.count('unanswered', this.account.count('unknowns'))
    const content = await this.verify(job, { mayLoseLast })
    if (content.status === 'unreadable' || this.findings.length > 0) return
    const copies = new Map(content.batches.map(({ number, maxCopies }) => [number, maxCopies]))
    const there = new Set(copies.keys())
    this.count(
      'unanswered, there',
      this.account.batches.filter(({ number, receipts }) => receipts === 0 && there.has(number)).length,
    )
    const sent = this.account.batches.map(({ number }) => number)
    if (mayLoseLast)
      this.count(
        'receipts lost',
        this.account.batches.filter(({ number, receipts }) => receipts > 0 && !there.has(number)).length,
      )
    this.account.reset((number) => copies.get(number) ?? 0)
    // without a ledger only what is missing is written again, as an app would do that has read the table
    const replayed = job.mode === 'at-least-once' ? sent.filter((number) => !there.has(number)) : sent
    // in a channel the fresh ones are those that come next
    const fresh = job.mode === 'channels' ? numbers(sent.length, CHANNELS.length) : [FRESH_BATCH]
    await this.#replay(job, [...replayed, ...fresh])
  }

  /** Opens a file as the engine does that is to repair it; true where it has. */
  async #repair({ path, mode, shape, maxInFlight }: AppJob): Promise<boolean> {
    const whole = { path, mode, shape, maxInFlight, batches: [], breakages: [], config: {} }
    await this.start({ ...whole, repairs: true }).ended
    if (isRepaired(path)) this.counts.repaired = 1
    return isRepaired(path)
  }

  async #replay(job: AppJob, batches: readonly number[]): Promise<void> {
    const { path, mode, shape, maxInFlight } = job
    const whole = { path, mode, shape, maxInFlight, batches, breakages: [], config: {} }
    // what was torn may be where nothing has been read yet
    const replay = this.start({ ...whole, repairs: true })
    const { code, signal, stderr } = await replay.ended
    if (isRepaired(path)) this.counts.repaired = 1
    const failed = replay.reports.filter(({ kind }) => kind === 'refused' || kind === 'rejected')
    if (code !== 0 || failed.length > 0)
      this.find(
        'unopenable',
        `the replay ended with ${signal ?? code}: ${JSON.stringify(failed.slice(0, 3))} ${stderr.slice(0, 2_000)}`,
      )
    const content = await this.verify(job)
    if (content.status === 'unreadable') return
    const there = new Set(content.batches.map(({ number }) => number))
    const missing = batches.filter((number) => !there.has(number))
    if (missing.length > 0)
      this.find('lost', `not there after the replay: batches ${missing.slice(0, 10).join(', ')}`)
    if (!replay.reports.some(({ kind }) => kind === 'closed'))
      this.find('unmet', 'the replaying engine did not close')
  }
}

/** True where an engine has kept what it has repaired. */
const isRepaired = (path: string): boolean =>
  readdirSync(dirname(path)).some((name) => name.startsWith(`${basename(path)}.torn-block-`))

/** The whole numbers from `from` on. */
export const numbers = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index)
