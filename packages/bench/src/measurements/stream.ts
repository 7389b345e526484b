import { setTimeout } from 'node:timers/promises'
import { SinkEngine } from '@ducksink/core'
import type { MemorySample, StreamJob, StreamResult } from '../job.ts'
import { MainThreadMeter } from '../main-thread.ts'
import {
  createRanges,
  createRecords,
  WORKLOAD_COLUMNS_SQL,
  WORKLOAD_TABLE,
  type WorkloadRecord,
} from '../workload.ts'

const SAMPLE_EVERY_MS = 100

/** How often the app fills what it holds before the engine is opened, so that its own heap has grown to its size. */
const WARMUP_FILLINGS = 8

/** The batch of this index, made or taken from those that there are. */
type BatchSource = (index: number) => readonly WorkloadRecord[]

/** An app that writes as fast as the engine lets it, at the engine's defaults, and looks at its memory. */
export async function measureStream(job: StreamJob): Promise<StreamResult> {
  const nextBatch = prepareBatches(job)
  globalThis.gc?.()
  const startRssBytes = process.memoryUsage.rss()
  const createTableSql = `CREATE TABLE ${WORKLOAD_TABLE} (${WORKLOAD_COLUMNS_SQL})`
  const engine = await SinkEngine.open({
    path: job.path,
    tables: { [WORKLOAD_TABLE]: { createTableSql } },
  })
  try {
    return { kind: 'stream', startRssBytes, ...(await watchStream(engine, job, nextBatch)) }
  } finally {
    await engine.close()
  }
}

async function watchStream(
  engine: SinkEngine,
  job: StreamJob,
  nextBatch: BatchSource,
): Promise<Omit<StreamResult, 'kind' | 'startRssBytes'>> {
  const [settings] = await engine.query<{ memoryLimit: string; duckdb: string }>(
    `SELECT current_setting('memory_limit') AS "memoryLimit", version() AS duckdb`,
  )
  const meter = new MainThreadMeter()
  const watch = new MemoryWatch(engine)
  await meter.start()
  const startedMs = performance.now()
  await Promise.all([
    writeAll(engine, job, nextBatch, watch).finally(() => {
      watch.done = true
    }),
    watch.sampleUntilDone(startedMs),
  ])
  const durationMs = performance.now() - startedMs
  await meter.stop()
  return {
    rows: watch.rows,
    durationMs,
    mainThread: meter.read(watch.rows),
    memoryLimitBytes: parseBytes(settings?.memoryLimit ?? ''),
    samples: watch.samples,
    versions: { duckdb: settings?.duckdb ?? 'unknown', node: process.versions.node },
  }
}

/**
 * Records over and over show what the engine itself takes; records made as it goes show what an app sees, whose
 * garbage is then a large part of all.
 */
function prepareBatches(job: StreamJob): BatchSource {
  const { batchRows, distinctBatches } = job
  if (job.records === 'reused') {
    const batches = createRanges(distinctBatches, batchRows).map(createRecords)
    return (index) => batches[index % distinctBatches] ?? []
  }
  const held: WorkloadRecord[][] = []
  for (const [i, range] of createRanges(WARMUP_FILLINGS * distinctBatches, batchRows).entries()) {
    // The engine borrows the records of writes that wait, so an app holds a few batches at any time.
    held[i % distinctBatches] = createRecords(range)
  }
  return (index) => createRecords({ firstId: index * batchRows, rows: batchRows })
}

async function writeAll(
  engine: SinkEngine,
  job: StreamJob,
  nextBatch: BatchSource,
  watch: MemoryWatch,
): Promise<void> {
  const writes: Promise<void>[] = []
  for (let i = 0; i < job.batches; i++) {
    if (engine.writableNeedDrain) await engine.ready
    const write = engine.write(WORKLOAD_TABLE, nextBatch(i)).then((receipt) => {
      watch.rows += receipt.rowCount
    })
    // Awaited at the end; until then a failure of this one is not unhandled.
    write.catch(() => undefined)
    writes.push(write)
  }
  await Promise.all(writes)
}

/** Looks at the process's memory, and at DuckDB's own share of it, while rows are written. */
class MemoryWatch {
  rows = 0
  done = false
  readonly samples: MemorySample[] = []
  readonly #engine: SinkEngine

  constructor(engine: SinkEngine) {
    this.#engine = engine
  }

  async sampleUntilDone(startedMs: number): Promise<void> {
    let last = false
    while (!last) {
      last = this.done
      const [row] = await this.#engine.query<{ bytes: number }>(
        'SELECT sum(memory_usage_bytes)::DOUBLE AS bytes FROM duckdb_memory()',
      )
      this.samples.push({
        rows: this.rows,
        elapsedMs: performance.now() - startedMs,
        rssBytes: process.memoryUsage.rss(),
        duckdbBytes: row?.bytes ?? 0,
      })
      await setTimeout(SAMPLE_EVERY_MS)
    }
  }
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** Reads DuckDB's own way to print sizes, such as `512.0 MiB`. */
function parseBytes(text: string): number {
  const [, count, unit] = /^([\d.]+) (\w+)$/.exec(text) ?? []
  const factor = UNIT_BYTES[unit ?? '']
  if (count === undefined || factor === undefined) throw new RangeError(`no size: '${text}'`)
  return Number(count) * factor
}
