import { readFileSync, writeSync } from 'node:fs'
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  parentPort,
  Worker,
  type WorkerOptions,
  workerData,
} from 'node:worker_threads'
import { SinkEngine, type SinkEngineOptions, type SinkError } from '@ducksink/core'
import type { BreakingStart } from './breaking-worker.ts'
import { ChannelWriter } from './channel-writer.ts'
import { Flood } from './flood.ts'
import type { AppJob, Breakage, EventName, Order, Report, Statement } from './job.ts'
import type { JobWriter } from './job-writer.ts'
import { KeyedWriter } from './keyed-writer.ts'
import { BATCH_TABLES } from './payload.ts'

// The app that is broken: writes what its job says, and tells of everything at once, in a way that a kill cannot undo.

/** Milliseconds until whoever had a call pending must be told: the second that is promised, and what timers may lag. */
const MAX_SETTLING_MS = 1_500
/** Megabytes that a worker has whose heap is to be exhausted. */
const SMALL_HEAP_MB = 48

/** What this exits with where another has the file. */
const REFUSED = 2

const job = (isMainThread ? JSON.parse(readFileSync(0, 'utf8')) : workerData) as AppJob

function report(told: Report): void {
  if (told.kind === 'rejected' && !told.isDefinite && late.delete(told.batch))
    event('unsettled', String(told.batch))
  for (let bytes = Buffer.from(`${JSON.stringify(told)}\n`); bytes.byteLength > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (error) {
      // the pipe is full, and does not wait
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}
const event = (name: EventName, detail = ''): void => report({ kind: 'event', name, detail })

let steering: MessagePort | undefined
let worker: Worker | undefined
let startedWorkers = 0
let isLeaving = false
/** Pending when the last worker ended, and a while after: if they were with that worker, they are too late. */
const late = new Set<number>()
/** Word 0 is 1 while workers are broken where their point says. */
const armed = new Int32Array(new SharedArrayBuffer(4))
const writer: JobWriter =
  job.mode === 'channels' ? new ChannelWriter(job, report) : new KeyedWriter(job, report)

/** Starts the engine's worker, broken as the job says. */
function createWorker({ workerData: data, transferList = [], ...rest }: WorkerOptions): Worker {
  const { port1, port2 } = new MessageChannel()
  const breakage: Breakage = job.breakages[startedWorkers++] ?? {}
  const start: BreakingStart = { ...data, breakage, steering: port2, armed }
  const hasSmallHeap = breakage.point?.deed === 'exhaust the heap'
  steering = port1
  port1.on('message', (statement: Statement) => {
    writer.onPoint(statement)
    setImmediate(() => port1.postMessage('heard'))
  })
  port1.unref()
  worker = new Worker(new URL('./breaking-worker.ts', import.meta.url), {
    ...rest,
    workerData: start,
    transferList: [...transferList, port2],
    ...(hasSmallHeap ? { resourceLimits: { maxOldGenerationSizeMb: SMALL_HEAP_MB } } : undefined),
  })
  worker.once('exit', (code) => {
    if (isLeaving) return
    event('worker exit', String(code))
    late.clear()
    const pending = [...writer.pending]
    setTimeout(() => {
      for (const number of pending) if (writer.pending.has(number)) late.add(number)
    }, MAX_SETTLING_MS)
  })
  return worker
}

async function openEngine(): Promise<SinkEngine | undefined> {
  const { path, config, mode, maxBufferedBytes, hangTimeoutMs, degradedTimeoutMs } = job
  const { repairs: repairTornCheckpoint = false } = job
  const options: SinkEngineOptions = {
    ...{ path, config, createWorker, tables: BATCH_TABLES, repairTornCheckpoint },
    deliveryMode: mode === 'at-least-once' ? 'at-least-once' : 'exactly-once',
    ...(maxBufferedBytes !== undefined && { maxBufferedBytes }),
    ...(hangTimeoutMs !== undefined && { hangTimeoutMs }),
    ...(degradedTimeoutMs !== undefined && { degradedTimeoutMs }),
  }
  try {
    return await SinkEngine.open(options)
  } catch (error) {
    const { code, message } = error as SinkError
    report({ kind: 'refused', code, message })
    return undefined
  }
}

function takeOrder(order: Order): void {
  switch (order.order) {
    case 'finish':
      writer.finish()
      return
    case 'do':
      steering?.postMessage(order.deed)
      return
    case 'terminate':
      void worker?.terminate()
      return
    default:
      order satisfies never
  }
}

function listen(engine: SinkEngine): void {
  if (isMainThread) {
    process.on('message', takeOrder)
    process.channel?.unref()
  } else {
    parentPort?.on('message', takeOrder)
    parentPort?.unref()
  }
  for (const name of ['restart', 'degraded'] as const) engine.on(name, () => event(name))
  engine.on('error', (error) => event('error', `${error.code} ${error.message}`))
  engine.closed.catch((error: SinkError) => event('failed', error.code))
}

async function writeAll(engine: SinkEngine): Promise<void> {
  const { idle, floodMs } = job
  if (floodMs !== undefined) {
    const flood = new Flood(engine, job, report)
    event('flooded', JSON.stringify(await flood.run(floodMs)))
  }
  if (idle !== undefined) {
    await writer.write(engine, idle.afterBatches)
    // nothing else keeps the process alive while the engine is idle
    const alive = setInterval(() => undefined, 1_000)
    const exited = new Promise((resolve) => worker?.once('exit', resolve))
    steering?.postMessage(idle.deed)
    await exited
    clearInterval(alive)
  }
  await writer.write(engine)
  event('written')
}

const engine = await openEngine()
if (engine === undefined) process.exitCode = REFUSED
else {
  listen(engine)
  Atomics.store(armed, 0, 1)
  report({ kind: 'open' })
  await writeAll(engine)
  isLeaving = true
  if (job.leavesOpen !== true) {
    await engine.close().then(
      () => report({ kind: 'closed' }),
      (error: SinkError) => event('close failed', `${error.code} ${error.message}`),
    )
  }
}
