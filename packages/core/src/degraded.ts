import { TargetUnavailableError } from '@ducksink/worker'
import type { Admission } from './admission.ts'
import type { WorkerClient } from './worker-client.ts'
import type { WriteQueue } from './write-queue.ts'

const LOOK_EVERY_MS = 1_000

/** What a full disk holds up. */
export interface DegradedContext {
  readonly admission: Admission
  readonly queue: WriteQueue
  readonly client: WorkerClient
  /** How long what waits meanwhile may wait. */
  readonly timeoutMs: number
}

/**
 * The times that the target's disk is full: the worker holds what was sent to it and looks for room, and what waits
 * here gets old.
 */
export class Degraded {
  readonly #context: DegradedContext
  #timer: NodeJS.Timeout | undefined
  #path = ''

  constructor(context: DegradedContext) {
    this.#context = context
  }

  get isOn(): boolean {
    return this.#timer !== undefined
  }

  begin(path: string): void {
    const { admission, timeoutMs } = this.#context
    this.#path = path
    const since = performance.now()
    this.#timer ??= setInterval(() => this.#expire(since), Math.max(1, Math.min(LOOK_EVERY_MS, timeoutMs)))
    this.#timer.unref()
    admission.suspend('disk-full')
  }

  end(): void {
    if (this.#timer === undefined) return
    const { admission, queue } = this.#context
    clearInterval(this.#timer)
    this.#timer = undefined
    queue.refuse(undefined)
    admission.resume('disk-full')
  }

  /** Waits no longer: refuses what waits, here and in the worker, and what comes until there is room. */
  giveUp(): void {
    const { queue, client } = this.#context
    queue.refuse((table, key) => this.#refusal(table, key))
    client.refuseWaiting(Number.POSITIVE_INFINITY, this.#callRefusal())
    // a worker that has died holds nothing
    client.call('refuseHeld').catch(() => undefined)
  }

  #expire(since: number): void {
    const { queue, client, timeoutMs } = this.#context
    const before = performance.now() - timeoutMs
    const because = `, as there was no room for ${timeoutMs} ms`
    if (since > before) return
    queue.expire(before, (table, key) => this.#refusal(table, key, because))
    client.refuseWaiting(before, this.#callRefusal(because))
  }

  /** What a call other than a batch is refused with that waits for a worker, which waits for room. */
  #callRefusal(because = ''): TargetUnavailableError {
    const message = `the disk of ${this.#path} is full: this was not run${because}; make room, and try it again`
    return new TargetUnavailableError(message, undefined, 'TARGET_FULL')
  }

  #refusal(table: string, key: string | undefined, because = ''): TargetUnavailableError {
    const message = `the disk of ${this.#path} is full: the batch of table "${table}" is not written${because}; make room, and write it again`
    return new TargetUnavailableError(message, { table, key }, 'TARGET_FULL')
  }
}
