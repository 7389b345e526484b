import {
  type ChannelOffset,
  ClosedError,
  errorFromData,
  type SinkError,
  TargetUnavailableError,
} from '@ducksink/worker'
import type { EngineNews } from './engine-news.ts'
import type { EngineParts } from './engine-parts.ts'
import { unlessTimedOut } from './race.ts'
import type { RestartEvent } from './recovery.ts'
import { closeTimeout, type ResolvedOptions } from './resolved-options.ts'
import { handleSignals } from './signals.ts'
import { WorkerGoneError } from './worker-thread.ts'

/**
 * Where an engine is in its life; while it is `degraded` it has no worker, or its disk is full: writes are taken in, and
 * wait for the next worker, or for room.
 */
export type SinkEngineState = 'open' | 'degraded' | 'closing' | 'closed' | 'failed'

/** The life of an engine: opened, held up for a while and going on, closed or failed. */
export class EngineLife {
  readonly #parts: EngineParts
  readonly #news: EngineNews
  readonly #closed: PromiseWithResolvers<void> = Promise.withResolvers()
  #state: SinkEngineState = 'open'
  #failure: SinkError | undefined
  #closing: Promise<void> | undefined
  #ignoreSignals: () => void = () => undefined

  constructor(parts: EngineParts, news: EngineNews) {
    this.#parts = parts
    this.#news = news
    this.#closed.promise.catch(() => undefined)
  }

  get state(): SinkEngineState {
    return this.#state === 'open' && this.#parts.degraded.isOn ? 'degraded' : this.#state
  }

  /** Settled when the engine is closed, rejected when it has failed. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** @throws the engine's failure, or a {@link ClosedError}, where it takes no more calls. */
  requireOpen(): void {
    if (this.#state === 'open' || this.#state === 'degraded') return
    throw this.#failure ?? new ClosedError(`the engine is ${this.#state}`)
  }

  async open(signals: ResolvedOptions['handleSignals']): Promise<void> {
    const { client, target, queue, ledger } = this.#parts
    try {
      const { committedOffsets, sequence } = await target.open(client)
      queue.lastSequence = sequence
      await ledger?.begin(committedOffsets)
      if (signals !== false) this.#ignoreSignals = handleSignals(() => this.close(signals.timeoutMs))
      this.#news.opened()
    } catch (error) {
      const failure = this.#failure
      this.#state = 'failed'
      await client.end()
      target.releaseLock()
      // it may have ended before the call as well
      if (!(error instanceof WorkerGoneError) && error !== failure) throw error
      const { message } = error as Error
      throw new TargetUnavailableError(`the worker did not start: ${message}`, { cause: error })
    }
  }

  /** Closes once; further calls wait for the same end. */
  async close(timeoutMs: number | undefined): Promise<void> {
    const limitMs = closeTimeout(timeoutMs)
    this.#closing ??= this.#close()
    await unlessTimedOut(this.#closing, limitMs, () => {
      const left = this.#parts.queue.unsettledCount
      return new ClosedError(`close() ran into its deadline with ${left} batches left`, {}, 'CLOSE_TIMEOUT')
    })
  }

  /** The worker has ended or will. */
  suspend(): void {
    const { admission, degraded } = this.#parts
    if (this.#state === 'open') this.#state = 'degraded'
    admission.suspend('no-worker')
    // the next one finds out by itself
    degraded.end()
  }

  /** Another worker has the target open. */
  resume(event: RestartEvent, committedOffsets: readonly ChannelOffset[]): void {
    const { admission, ledger, tables } = this.#parts
    ledger?.channels.learn(committedOffsets)
    if (this.#state === 'degraded') this.#state = 'open'
    // its layouts are numbered anew
    tables.invalidate()
    admission.resume('no-worker')
    this.#news.restart(event)
  }

  /** The worker waits for room on the target's disk. */
  degrade(path: string): void {
    const { degraded } = this.#parts
    degraded.begin(path)
    if (this.#state === 'closing') degraded.giveUp()
    this.#news.diskFull(path)
  }

  /** Ends it for good: nothing more is written, and every later call carries the error. */
  fail(error: SinkError): void {
    if (this.#state === 'failed' || this.#state === 'closed') return
    const { admission, client, queue } = this.#parts
    this.#failure = error
    this.#state = 'failed'
    client.fail(error)
    this.#ignoreSignals()
    queue.fail(error)
    admission.fail(error)
    this.#closed.reject(error)
    this.#news.failure(error)
  }

  async #close(): Promise<void> {
    const { client, target, recovery, queue, queries, collectors, degraded } = this.#parts
    if (this.#state === 'failed') {
      // its failure was told when it happened; what collectors hold is handed back
      await collectors.close()
      await client.end()
      return
    }
    this.#state = 'closing'
    if (degraded.isOn) degraded.giveUp()
    await collectors.close()
    await queue.flush()
    await queries.idle()
    recovery.stop()
    await this.#closeTarget()
    await client.end()
    target.releaseLock()
    this.#ignoreSignals()
    if (this.#failure !== undefined) throw this.#failure
    this.#state = 'closed'
    this.#closed.resolve()
    this.#news.closed()
  }

  async #closeTarget(): Promise<void> {
    try {
      const reply = await this.#parts.client.call('close')
      if (reply.status === 'failed') this.fail(errorFromData(reply.error))
    } catch (error) {
      // the worker's death is a failure already
      if (!(error instanceof WorkerGoneError) && error !== this.#failure) throw error
    }
  }
}
