import { setTimeout } from 'node:timers/promises'
import { Bench } from 'tinybench'
import type { WriteJob, WriteResult, WritesWaiting } from '../job.ts'
import { MainThreadMeter } from '../main-thread.ts'
import type { OpenPeer, Peer } from '../peers/peer.ts'
import { quantiles } from '../statistics.ts'
import { createRanges } from '../workload.ts'

/** V8 goes on sweeping in threads of its own after a collection, which took up to 15 % from whoever uses a worker. */
const GC_SETTLE_MS = 150

/** Opens the peer, writes all batches under tinybench and says how that went. */
export async function measureWrites(job: WriteJob, openPeer: OpenPeer): Promise<WriteResult> {
  const peer = await openPeer(job)
  const run = new WriteRun(job, peer)
  const durationMs = await timeWrites(job, run)
  const rows = job.iterations * job.batchesPerIteration * job.batchRows
  const written: Omit<WriteResult, 'closeMs'> = {
    kind: 'write',
    rows,
    durationMs,
    latencyMs: quantiles(run.latenciesMs, job.latencyShares),
    mainThread: run.meter.read(rows),
    rssBytes: {
      staged: run.stagedRssBytes,
      written: process.memoryUsage.rss(),
      peak: process.resourceUsage().maxRSS * 1_024,
    },
    versions: { ...peer.versions, node: process.versions.node },
  }
  const checksum = job.path === ':memory:' ? await peer.checksum(job.checksumSql) : undefined
  const closedMs = performance.now()
  await peer.close()
  const result = { ...written, closeMs: performance.now() - closedMs }
  return checksum === undefined ? result : { ...result, checksum }
}

/** Has tinybench call the run, once to warm up and then once an iteration; the sum of the iterations in ms. */
async function timeWrites(job: WriteJob, run: WriteRun): Promise<number> {
  const bench = new Bench({
    time: 0,
    iterations: job.iterations,
    warmupTime: 0,
    warmupIterations: 1,
    throws: true,
  })
  bench.add('write', () => run.write(), {
    // Said to be asynchronous, or tinybench would call it once more to find that out, and write too many batches.
    async: true,
    beforeAll: (mode) => {
      if (mode === 'run') run.latenciesMs.length = 0
    },
    beforeEach: async (mode) => {
      await run.stage(mode === 'warmup' ? job.warmupBatches : job.batchesPerIteration)
      if (mode === 'warmup') return
      await setTimeout(GC_SETTLE_MS)
      await run.meter.start()
    },
    afterEach: (mode) => (mode === 'run' ? run.meter.stop() : undefined),
  })
  const [task] = await bench.run()
  const result = task?.result
  if (result?.state !== 'completed') throw new Error(`the measurement is ${result?.state}, not completed`)
  return result.totalTime
}

/** What one process writes: batches staged and written, group by group, with ids that never repeat. */
class WriteRun {
  readonly meter: MainThreadMeter = new MainThreadMeter()
  readonly latenciesMs: number[] = []
  stagedRssBytes = 0
  readonly #job: WriteJob
  readonly #peer: Peer
  #firstId = 0
  #batches = 0

  constructor(job: WriteJob, peer: Peer) {
    this.#job = job
    this.#peer = peer
  }

  async stage(batches: number): Promise<void> {
    const { batchRows } = this.#job
    await this.#peer.stage(createRanges(batches, batchRows, this.#firstId))
    this.#firstId += batches * batchRows
    this.#batches = batches
    // Staged rows are no garbage: moved to the old space now, they cost nobody anything while it is timed.
    globalThis.gc?.()
    this.stagedRssBytes = Math.max(this.stagedRssBytes, process.memoryUsage.rss())
  }

  write(): Promise<void> {
    return writeBatches(this.#peer, this.#batches, this.#job.writesWaiting, this.latenciesMs)
  }
}

/** Writes all staged batches with so many writes waiting at a time, and adds the latency of each. */
async function writeBatches(
  peer: Peer,
  batches: number,
  waiting: WritesWaiting,
  latenciesMs: number[],
): Promise<void> {
  let next = 0
  const writeNext = async (): Promise<void> => {
    const startedMs = performance.now()
    await peer.write(next++)
    latenciesMs.push(performance.now() - startedMs)
  }
  const writeInTurn = async (): Promise<void> => {
    while (next < batches) await writeNext()
  }
  if (waiting === 'ready') {
    const writes: Promise<void>[] = []
    while (next < batches) {
      await peer.room?.()
      writes.push(writeNext())
    }
    await Promise.all(writes)
  } else {
    await Promise.all(Array.from({ length: waiting }, writeInTurn))
  }
}
