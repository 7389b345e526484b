import type { Worker } from 'node:worker_threads'
import {
  type InsertAnswer,
  type InsertRequest,
  type OpenReply,
  type OpenRequest,
  portEndpoint,
  type SinkApi,
  type StopMessage,
  transferredBuffers,
  type WorkerEvent,
} from '@ducksink/worker'
import * as Comlink from 'comlink'
import type { ExitGuard } from './exit-guard.ts'
import { HangWatch } from './hang-watch.ts'
import type { StartedWorker, StartOptions } from './started-worker.ts'

/** What every thread of an engine is started with. */
export interface ThreadOptions extends StartOptions {
  /** Milliseconds without any progress after which the thread hangs; 0: it may take as long as it likes. */
  readonly hangTimeoutMs: number
  readonly onEvent: (event: WorkerEvent) => void
}

/** Who is told how a thread ends. */
export interface ThreadEnd {
  /** It will end by itself, and refuses whatever else is sent to it. */
  onDying(): void
  /** Called once where it ends without being asked to. */
  onDeath(death: WorkerDeath): void
}

/** How a thread ended, where that was not asked for. */
export interface WorkerDeath {
  readonly reason: string
  /** True where it did not end at all, and cannot be made to: it is in a call of DuckDB that does not return. */
  readonly hangs: boolean
}

/** What a call and its answer say of a hang. */
interface Watching<T> {
  /** True where it is to be answered in time. */
  readonly isWatched: boolean
  /** True for an answer that no worker gives which hangs. */
  readonly isProgress: (answer: T) => boolean
}

type Call<K extends keyof SinkApi> = (...parameters: Parameters<SinkApi[K]>) => ReturnType<SinkApi[K]>

// what the app asks for and a log that is written into its file may take as long as they like
const UNWATCHED: ReadonlySet<keyof SinkApi> = new Set(['open', 'query', 'cancelQuery', 'close'])

// all others can be answered beside a writing connection that hangs
const ON_WRITER: ReadonlySet<keyof SinkApi> = new Set([
  'insertReply',
  'prepareTable',
  'evolveTable',
  'readLedger',
  'pruneLedger',
])

/**
 * One life of the worker. Every call settles: Comlink forgets those that are pending when a worker dies (comlink#601),
 * so each is known here and rejected then.
 */
export class WorkerThread {
  readonly #worker: Worker
  readonly #end: ThreadEnd
  readonly #stopped: Int32Array<SharedArrayBuffer>
  /** Held, because Comlink releases a proxy that is collected (comlink#692). */
  readonly #remote: Comlink.Remote<SinkApi>
  readonly #insert: Call<'insert'>
  readonly #pending = new Set<(death: WorkerDeath) => void>()
  readonly #watch: HangWatch
  readonly #guard: ExitGuard
  readonly #exited: Promise<void>
  #state: 'running' | 'dying' | 'ending' | 'dead' = 'running'
  #death: WorkerDeath | undefined

  constructor(
    { worker, port, stopped, guard, exited }: StartedWorker,
    { hangTimeoutMs, onEvent }: Pick<ThreadOptions, 'hangTimeoutMs' | 'onEvent'>,
    end: ThreadEnd,
  ) {
    this.#end = end
    this.#stopped = stopped
    this.#worker = worker
    this.#remote = Comlink.wrap<SinkApi>(portEndpoint(port))
    // a proxy's property is another proxy, made at each access: this one is made once
    this.#insert = this.#remote.insert as unknown as Call<'insert'>
    this.#guard = guard
    this.#watch = new HangWatch(hangTimeoutMs, () => this.#onHang(hangTimeoutMs))
    this.#worker.on('message', (event: WorkerEvent) => this.#onEvent(event, onEvent))
    this.#exited = exited.then((reason) => this.#onExit(reason))
    // to listen to it has made it one that is waited for
    port.unref()
  }

  /** True while it takes calls, and has not told that it will end. */
  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /** True where it does not end, and cannot be made to. */
  get hangs(): boolean {
    return this.#death?.hangs === true
  }

  /** Sends parts; their buffers are transferred and come back with the replies. */
  insert(requests: readonly InsertRequest[]): Promise<readonly InsertAnswer[]> {
    // a buffer that others share may be in the next message as well
    const buffers = requests.flatMap((request) =>
      request.rows === undefined ? transferredBuffers(request) : [],
    )
    return this.#race(() => this.#insert(Comlink.transfer(requests, buffers)), {
      isWatched: true,
      isProgress,
    })
  }

  /** Opens a target that was open before, which is to be done in time. */
  reopen(request: OpenRequest): Promise<OpenReply> {
    return this.#race<OpenReply>(async () => this.#remote.open(request), {
      isWatched: true,
      isProgress: () => true,
    })
  }

  /** Calls any other method. */
  call<K extends Exclude<keyof SinkApi, 'insert'>>(
    method: K,
    ...parameters: Parameters<SinkApi[K]>
  ): Promise<Awaited<ReturnType<SinkApi[K]>>> {
    const remote = this.#remote[method] as unknown as (...p: Parameters<SinkApi[K]>) => Promise<unknown>
    return this.#race(() => remote(...parameters), {
      isWatched: !UNWATCHED.has(method),
      isProgress: (answer) => ON_WRITER.has(method) && isProgress([answer as { readonly status: string }]),
    }) as Promise<Awaited<ReturnType<SinkApi[K]>>>
  }

  /** Ends the thread, once it is idle: one that is ended during a call of DuckDB takes the process with it. */
  async end(): Promise<void> {
    if (this.hangs) return
    if (this.#state !== 'dead') this.#state = 'ending'
    const stop: StopMessage = { type: 'stop' }
    this.#worker.ref()
    this.#worker.postMessage(stop)
    await Promise.race([Atomics.waitAsync(this.#stopped, 0, 0).value, this.#exited])
    void this.#worker.terminate()
    await this.#exited
  }

  #race<T>(start: () => Promise<T>, { isWatched, isProgress }: Watching<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'dead') {
        reject(new WorkerGoneError((this.#death as WorkerDeath).reason, false))
        return
      }
      const onDeath = ({ reason }: WorkerDeath): void => reject(new WorkerGoneError(reason, true))
      this.#add(onDeath)
      if (isWatched) this.#watch.begin()
      const onSettled = (): void => {
        this.#remove(onDeath)
        if (isWatched) this.#watch.end()
      }
      start().then(
        (value) => {
          onSettled()
          if (isProgress(value)) this.#watch.progress()
          resolve(value)
        },
        (error: unknown) => {
          onSettled()
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
    if (this.#pending.size === 0 && this.#state !== 'dying') this.#worker.unref()
  }

  #onEvent(event: WorkerEvent, onEvent: (event: WorkerEvent) => void): void {
    onEvent(event)
    if (event.type === 'busy') this.#watch.pause(event.isBusy)
    if (event.type !== 'fatal' || this.#state !== 'running') return
    this.#state = 'dying'
    // calls wait for the next thread, which is started when this one is gone
    this.#worker.ref()
    this.#end.onDying()
  }

  #onExit(reason: string): void {
    if (this.#state === 'dead') return
    const wasAsked = this.#state === 'ending'
    this.#settle({ reason, hangs: false })
    if (!wasAsked) this.#end.onDeath({ reason, hangs: false })
  }

  #onHang(hangTimeoutMs: number): void {
    if (this.#state === 'dead') return
    const reason = `nothing has come from the worker for ${hangTimeoutMs} ms: it hangs in a call of DuckDB`
    this.#guard.expectNothing()
    this.#settle({ reason, hangs: true })
    this.#worker.unref()
    this.#end.onDeath({ reason, hangs: true })
  }

  #settle(death: WorkerDeath): void {
    this.#state = 'dead'
    this.#death = death
    this.#watch.stop()
    for (const reject of this.#pending) reject(death)
    this.#pending.clear()
  }
}

/** True unless all that was waited for was only taken out of the line that it stood in. */
function isProgress(answers: readonly { readonly status: string }[]): boolean {
  return answers.some(({ status }) => status !== 'cancelled')
}

/** Tells a call that its worker is gone; whoever made the call knows what that means for it. */
export class WorkerGoneError extends Error {
  /** False where the worker was gone already when the call was made. */
  readonly wasSent: boolean

  constructor(reason: string, wasSent: boolean) {
    super(reason)
    this.name = 'WorkerGoneError'
    this.wasSent = wasSent
  }
}
