import { MessageChannel, type Worker, type WorkerOptions } from 'node:worker_threads'
import {
  type InsertAnswer,
  type InsertRequest,
  type SinkApi,
  type StopMessage,
  spawnWorker,
  type WorkerEvent,
  type WorkerStart,
} from '@ducksink/worker'
import * as Comlink from 'comlink'
import { guardExit } from './exit-guard.ts'

/** How the worker ended, where that was not asked for. */
export interface WorkerDeath {
  readonly reason: string
}

export interface WorkerClientOptions {
  readonly minLogLevel: number
  readonly createWorker: ((options: WorkerOptions) => Worker) | undefined
  readonly onEvent: (event: WorkerEvent) => void
  /** Called once where the worker ends without being asked to. */
  readonly onDeath: (death: WorkerDeath) => void
}

type Call<K extends keyof SinkApi> = (...parameters: Parameters<SinkApi[K]>) => ReturnType<SinkApi[K]>

/**
 * Main's side of the channel. Every call settles: Comlink forgets those that are pending when a worker dies
 * (comlink#601), so each is known here and rejected then.
 */
export class WorkerClient {
  readonly #worker: Worker
  /** Word 0 is 1 when the worker is idle for good. */
  readonly #stopped: Int32Array<SharedArrayBuffer>
  /** Held, because Comlink releases a proxy that is collected (comlink#692). */
  readonly #remote: Comlink.Remote<SinkApi>
  readonly #insert: Call<'insert'>
  readonly #pending = new Set<(death: WorkerDeath) => void>()
  readonly #removeGuard: () => void
  readonly #exited: Promise<void>
  #state: 'running' | 'ending' | 'dead' = 'running'
  #lastError: string | undefined

  constructor({ minLogLevel, createWorker, onEvent, onDeath }: WorkerClientOptions) {
    const { port1, port2 } = new MessageChannel()
    const stopped = new SharedArrayBuffer(4)
    this.#stopped = new Int32Array(stopped)
    const workerData: WorkerStart = { port: port2, minLogLevel, stopped }
    this.#worker = (createWorker ?? spawnWorker)({ workerData, transferList: [port2], name: 'ducksink' })
    this.#remote = Comlink.wrap<SinkApi>(port1 as unknown as Comlink.Endpoint)
    // a proxy's property is another proxy, made at each access: this one is made once
    this.#insert = this.#remote.insert as unknown as Call<'insert'>
    this.#removeGuard = guardExit(this.#worker, this.#stopped)
    const portClosed = new Promise((resolve) => port1.once('close', resolve))
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', async (code) => {
        // what the worker answered at the last comes before its port's end
        port1.ref()
        await portClosed
        this.#onExit({ reason: this.#lastError ?? `the worker thread exited with code ${code}` }, onDeath)
        resolve()
      })
    })
    this.#worker.on('message', (event: WorkerEvent) => {
      if (event.type === 'fatal') this.#lastError = event.error.message
      onEvent(event)
    })
    this.#worker.on('error', (error) => {
      this.#lastError = error.message
    })
    // an engine that nobody waits for must not keep the process alive; a pending call does
    port1.unref()
    this.#worker.unref()
  }

  /** Sends parts; their buffers are transferred and come back with the replies. */
  insert(requests: readonly InsertRequest[]): Promise<readonly InsertAnswer[]> {
    const buffers = requests.map((request) => request.buffer)
    return this.#race(() => this.#insert(Comlink.transfer(requests, buffers)))
  }

  /** Calls any other method. */
  call<K extends Exclude<keyof SinkApi, 'insert'>>(
    method: K,
    ...parameters: Parameters<SinkApi[K]>
  ): Promise<Awaited<ReturnType<SinkApi[K]>>> {
    const remote = this.#remote[method] as unknown as (...p: Parameters<SinkApi[K]>) => Promise<unknown>
    return this.#race(() => remote(...parameters)) as Promise<Awaited<ReturnType<SinkApi[K]>>>
  }

  /** Ends the thread, once it is idle: one that is ended during a call of DuckDB takes the process with it. */
  async end(): Promise<void> {
    if (this.#state === 'running') this.#state = 'ending'
    const stop: StopMessage = { type: 'stop' }
    this.#worker.ref()
    this.#worker.postMessage(stop)
    await Promise.race([Atomics.waitAsync(this.#stopped, 0, 0).value, this.#exited])
    void this.#worker.terminate()
    await this.#exited
  }

  #race<T>(start: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'dead') {
        reject(new WorkerGoneError({ reason: this.#lastError ?? 'the worker thread is gone' }, false))
        return
      }
      const onDeath = (death: WorkerDeath): void => reject(new WorkerGoneError(death, true))
      this.#add(onDeath)
      start().then(
        (value) => {
          this.#remove(onDeath)
          resolve(value)
        },
        (error: unknown) => {
          this.#remove(onDeath)
          reject(error)
        },
      )
    })
  }

  #add(onDeath: (death: WorkerDeath) => void): void {
    if (this.#pending.size === 0) this.#worker.ref()
    this.#pending.add(onDeath)
  }

  #remove(onDeath: (death: WorkerDeath) => void): void {
    this.#pending.delete(onDeath)
    if (this.#pending.size === 0) this.#worker.unref()
  }

  #onExit(death: WorkerDeath, onDeath: (death: WorkerDeath) => void): void {
    const wasAsked = this.#state === 'ending'
    this.#state = 'dead'
    this.#removeGuard()
    for (const reject of this.#pending) reject(death)
    this.#pending.clear()
    if (!wasAsked) onDeath(death)
  }
}

/** Tells a call that its worker is gone; whoever made the call knows what that means for it. */
export class WorkerGoneError extends Error {
  /** False where the worker was gone already when the call was made. */
  readonly wasSent: boolean

  constructor({ reason }: WorkerDeath, wasSent: boolean) {
    super(reason)
    this.name = 'WorkerGoneError'
    this.wasSent = wasSent
  }
}
