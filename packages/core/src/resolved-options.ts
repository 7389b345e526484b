import { isMainThread, type Worker, type WorkerOptions } from 'node:worker_threads'
import type { DeliveryMode } from '@ducksink/worker'
import type { ILogObj, Logger } from 'tslog'
import type { SinkEngineOptions } from './options.ts'
import { OptionsCheck } from './options-check.ts'
import { type ResolvedTableOptions, resolveTables } from './resolved-tables.ts'

/** An engine's options with every default filled in. */
export interface ResolvedOptions {
  readonly path: string
  readonly config: Readonly<Record<string, string>>
  readonly tables: ReadonlyMap<string, ResolvedTableOptions>
  readonly maxBufferedBytes: number
  readonly maxBufferedBatches: number
  readonly whenFull: 'block' | 'reject'
  readonly deliveryMode: DeliveryMode
  readonly groupCommit: false | { readonly maxBatches: number; readonly maxDelayMs: number }
  readonly restart: false | { readonly maxAttempts: number }
  readonly hangTimeoutMs: number
  readonly handleSignals: false | { readonly timeoutMs: number }
  readonly checkpointBytes: number
  readonly repairTornCheckpoint: boolean
  readonly degradedTimeoutMs: number
  readonly logger: Logger<ILogObj> | undefined
  readonly createWorker: ((options: WorkerOptions) => Worker) | undefined
}

const DELIVERY_MODES: readonly DeliveryMode[] = ['at-least-once', 'exactly-once']
const DEFAULT_GROUP_COMMIT = { maxBatches: 128, maxDelayMs: 0 } as const

/**
 * Checks options and fills in the defaults.
 * @throws {@link InvalidOptionsError} with every problem at once.
 */
export function resolveOptions(options: SinkEngineOptions): ResolvedOptions {
  const check = new OptionsCheck()
  const given = check.object('options', options, [
    'path',
    'config',
    'tables',
    'maxBufferedBytes',
    'maxBufferedBatches',
    'whenFull',
    'deliveryMode',
    'groupCommit',
    'restart',
    'hangTimeoutMs',
    'handleSignals',
    'checkpointBytes',
    'repairTornCheckpoint',
    'degradedTimeoutMs',
    'logger',
    'createWorker',
  ])
  const resolved: ResolvedOptions = {
    path: check.text('path', given.path) ?? '',
    config: check.texts('config', given.config) ?? {},
    tables: resolveTables(check, given.tables),
    maxBufferedBytes: check.count('maxBufferedBytes', given.maxBufferedBytes, 64 * 2 ** 20),
    maxBufferedBatches: check.count('maxBufferedBatches', given.maxBufferedBatches, 1_024),
    whenFull: check.oneOf('whenFull', given.whenFull, ['block', 'reject'], 'block'),
    deliveryMode: check.oneOf('deliveryMode', given.deliveryMode, DELIVERY_MODES, 'at-least-once'),
    groupCommit: resolveGroupCommit(check, given.groupCommit),
    restart: resolveRestart(check, given.restart),
    hangTimeoutMs: check.duration('hangTimeoutMs', given.hangTimeoutMs, 60_000),
    handleSignals: resolveSignals(check, given.handleSignals),
    checkpointBytes: check.count('checkpointBytes', given.checkpointBytes, 64 * 2 ** 20),
    repairTornCheckpoint: check.flag('repairTornCheckpoint', given.repairTornCheckpoint),
    degradedTimeoutMs: check.duration('degradedTimeoutMs', given.degradedTimeoutMs, 30_000),
    logger: check.logger(given.logger),
    createWorker: check.fn('createWorker', given.createWorker) as ResolvedOptions['createWorker'],
  }
  check.done('wrong options')
  return resolved
}

function resolveGroupCommit(check: OptionsCheck, value: unknown): ResolvedOptions['groupCommit'] {
  if (value === undefined) return DEFAULT_GROUP_COMMIT
  if (value === false) return false
  const given = check.object('groupCommit', value, ['maxBatches', 'maxDelayMs'])
  return {
    maxBatches: check.count('groupCommit.maxBatches', given.maxBatches, DEFAULT_GROUP_COMMIT.maxBatches),
    maxDelayMs: check.duration('groupCommit.maxDelayMs', given.maxDelayMs, DEFAULT_GROUP_COMMIT.maxDelayMs),
  }
}

function resolveRestart(check: OptionsCheck, value: unknown): ResolvedOptions['restart'] {
  if (value === false) return false
  const given = value === undefined ? {} : check.object('restart', value, ['maxAttempts'])
  return { maxAttempts: check.count('restart.maxAttempts', given.maxAttempts, 5) }
}

function resolveSignals(check: OptionsCheck, value: unknown): ResolvedOptions['handleSignals'] {
  if (value === undefined || value === false) return false
  if (!isMainThread) check.problem('handleSignals needs the main thread: no signal reaches a worker thread')
  const given = value === true ? {} : check.object('handleSignals', value, ['timeoutMs'])
  return { timeoutMs: check.duration('handleSignals.timeoutMs', given.timeoutMs, 5_000) }
}

/**
 * How long `close` may take, in milliseconds; `undefined` and `Infinity` mean as long as it takes.
 * @throws {@link InvalidOptionsError} where it is no duration.
 */
export function closeTimeout(timeoutMs: unknown): number | undefined {
  if (timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY) return undefined
  const check = new OptionsCheck()
  const duration = check.duration('timeoutMs', timeoutMs, 0)
  check.done('wrong options of close')
  return duration
}
