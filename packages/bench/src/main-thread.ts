import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import type { MainThread } from './job.ts'
import { DELAY_SHARES, medianQuantiles } from './statistics.ts'

/** Milliseconds in which the histogram's own timer surely fires: it counts no delay before its first tick. */
const SETTLE_MS = 3

/** Watches the thread it is made on, from each `start` to its `stop`: its CPU time and its event loop's delay. */
export class MainThreadMeter {
  /** One for each stretch: a histogram that is enabled again counts the pause as a delay, and two cannot be added. */
  readonly #delays: IntervalHistogram[] = []
  #started: NodeJS.CpuUsage = { user: 0, system: 0 }
  #cpuUs = 0

  async start(): Promise<void> {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    this.#delays.push(delay)
    delay.enable()
    await setTimeout(SETTLE_MS)
    this.#started = process.threadCpuUsage()
  }

  async stop(): Promise<void> {
    const { user, system } = process.threadCpuUsage(this.#started)
    this.#cpuUs += user + system
    // A delay that lasted to the end is counted only at the tick that ends it.
    await setTimeout(SETTLE_MS)
    this.#delays.at(-1)?.disable()
  }

  /** What was measured in all, while so many records were written; of the stretches' delays the medians. */
  read(records: number): MainThread {
    const delays = this.#delays.map((delay) =>
      DELAY_SHARES.map((q) => ({ q, ms: (q === 1 ? delay.max : delay.percentile(100 * q)) / 1e6 })),
    )
    return { cpuUsPerRecord: this.#cpuUs / records, delayMs: medianQuantiles(delays) }
  }
}
