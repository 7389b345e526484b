import type { EventEmitter } from 'node:events'
import type { SinkError, WorkerEvent } from '@ducksink/worker'
import type { SinkEngineEvents } from './engine-events.ts'
import type { WriteOutcome } from './receipt.ts'
import type { RestartEvent } from './recovery.ts'
import type { Telemetry } from './telemetry.ts'

/** Tells the telemetry and the listeners of an engine what happens; listeners never inside the call that it happens in. */
export class EngineNews {
  readonly #emitter: EventEmitter<SinkEngineEvents>
  readonly #telemetry: Telemetry
  readonly #opened: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(emitter: EventEmitter<SinkEngineEvents>, telemetry: Telemetry) {
    this.#emitter = emitter
    this.#telemetry = telemetry
  }

  /** The engine is open: from here on someone can listen. */
  opened(): void {
    this.#opened.resolve()
  }

  settled(outcome: WriteOutcome): void {
    this.#telemetry.settled(outcome)
    if (outcome.status === 'failed' || outcome.receipt.duplicate) return
    if (outcome.receipt.deadLetterCount === 0) return
    const { table, receipt } = outcome
    const event = { table, count: receipt.deadLetterCount, key: receipt.key }
    process.nextTick(() => this.#emitter.emit('deadLetter', event))
  }

  pressure(on: boolean, held: Parameters<Telemetry['pressure']>[1]): void {
    this.#telemetry.pressure(on, held)
    if (!on) process.nextTick(() => this.#emitter.emit('drain'))
  }

  duplicateRecord(): void {
    this.#telemetry.duplicateRecord()
  }

  workerEvent(event: WorkerEvent): void {
    this.#telemetry.workerEvent(event)
    if (event.type !== 'schemaChange') return
    const { change } = event
    // tables that are made while the engine opens: nobody can listen before it is open
    void this.#opened.promise.then(() => setImmediate(() => this.#emitter.emit('schemaChange', change)))
  }

  diskFull(path: string): void {
    process.nextTick(() => this.#emitter.emit('degraded', { reason: 'disk-full', path }))
  }

  death(reason: string): void {
    this.#telemetry.death(reason)
  }

  restart(event: RestartEvent): void {
    this.#telemetry.restart(event)
    process.nextTick(() => this.#emitter.emit('restart', event))
  }

  // an 'error' that nobody listens to ends the process, as anywhere in Node; not inside a promise, which would hide it
  error(error: SinkError): void {
    process.nextTick(() => this.#emitter.emit('error', error))
  }

  /** The engine has failed: `closed` and every later call carry it, so an app that does not listen need not die of it. */
  failure(error: SinkError): void {
    if (this.#emitter.listenerCount('error') > 0) this.error(error)
  }

  closed(): void {
    this.#emitter.emit('close')
  }
}
