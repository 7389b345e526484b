import {
  type InsertAnswer,
  type InsertReply,
  type InsertRequest,
  type QueryReply,
  type QueryRequest,
  type SinkApi,
  type SinkError,
  WorkerDiedError,
} from '@ducksink/worker'
import { type StartedWorker, startWorker } from './started-worker.ts'
import { type ThreadOptions, type WorkerDeath, WorkerGoneError, WorkerThread } from './worker-thread.ts'

/** Who is told of the threads that end. */
export interface ClientEvents {
  /** The thread has ended, or is about to: what is called from now on waits for the next one. */
  readonly onSuspend: () => void
  /** It has ended; {@link WorkerClient.resume} or {@link WorkerClient.fail} is to be called. */
  readonly onDeath: (death: WorkerDeath) => void
}

/** What was called while there was no thread. */
interface WaitingCall {
  readonly since: number
  readonly proceed: () => void
  readonly refuse: (error: unknown) => void
}

/** Main's side of the channel: one face for the calls of an engine, whatever thread answers them. */
export class WorkerClient {
  readonly #options: ThreadOptions
  readonly #events: ClientEvents
  #thread: WorkerThread
  #state: 'running' | 'suspended' | 'ending' | 'failed' = 'running'
  #generation = 0
  /** What was called while there was no thread, in the order of the calls. */
  readonly #waiting = new Set<WaitingCall>()
  #failure: SinkError | undefined

  /** @param first - the worker that answers first */
  constructor(options: ThreadOptions, events: ClientEvents, first: StartedWorker) {
    this.#options = options
    this.#events = events
    this.#thread = this.#listenTo(first)
  }

  /** Counts the threads that have answered calls: parts of one write are for one of them. */
  get generation(): number {
    return this.#generation
  }

  /** False while there is no thread, and calls wait for one. */
  get isRunning(): boolean {
    return this.#state !== 'suspended'
  }

  /**
   * Resolves when there is a thread.
   * @throws the engine's failure where there will be none.
   */
  running(): Promise<void> {
    return this.#whenRunning(() => Promise.resolve())
  }

  /** Sends parts, while {@link isRunning}; their buffers are transferred and come back with the replies. */
  insert(requests: readonly InsertRequest[]): Promise<readonly InsertAnswer[]> {
    return this.#thread.insert(requests)
  }

  /** Asks for a reply as soon as it is known to be deferred: the thread at hand has it, even if it is about to end. */
  insertReply(writeId: number): Promise<InsertReply> {
    return this.#thread.call('insertReply', writeId)
  }

  /** Asks a query, which waits for no thread any more where its signal aborts. */
  query(request: QueryRequest, signal: AbortSignal | undefined): Promise<QueryReply> {
    return this.#whenRunning(() => this.#thread.call('query', request), signal)
  }

  /** Calls any other method. */
  call<K extends Exclude<keyof SinkApi, 'insert'>>(
    method: K,
    ...parameters: Parameters<SinkApi[K]>
  ): Promise<Awaited<ReturnType<SinkApi[K]>>> {
    return this.#whenRunning(() => this.#thread.call(method, ...parameters))
  }

  /** Starts another thread, which answers nobody until it is given to {@link resume}. */
  start(): WorkerThread {
    return this.#listenTo(startWorker(this.#options))
  }

  #listenTo(worker: StartedWorker): WorkerThread {
    const thread: WorkerThread = new WorkerThread(worker, this.#options, {
      onDying: () => this.#suspend(thread),
      onDeath: (death) => {
        if (thread !== this.#thread) return
        this.#suspend(thread)
        this.#events.onDeath(death)
      },
    })
    return thread
  }

  /** Lets the calls that wait, and all that come, go to this thread. */
  resume(thread: WorkerThread): void {
    this.#thread = thread
    this.#state = 'running'
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const { proceed } of waiting) proceed()
  }

  /** There will be no other thread. */
  fail(error: SinkError): void {
    this.#state = 'failed'
    this.#failure = error
    this.refuseWaiting(Number.POSITIVE_INFINITY, error)
  }

  /** Rejects what was called before this time, and waits for a thread. */
  refuseWaiting(before: number, error: SinkError): void {
    for (const waiting of this.#waiting) {
      if (waiting.since > before) continue
      this.#waiting.delete(waiting)
      waiting.refuse(error)
    }
  }

  /** Ends the thread. */
  async end(): Promise<void> {
    if (this.#state === 'running') this.#state = 'ending'
    await this.#thread.end()
  }

  #suspend(thread: WorkerThread): void {
    if (thread !== this.#thread || this.#state !== 'running') return
    this.#state = 'suspended'
    this.#generation++
    this.#events.onSuspend()
  }

  #whenRunning<T>(start: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#state !== 'suspended') return start()
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiting)
        reject(signal?.reason)
      }
      const settled = (settle: () => void): void => {
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      const waiting: WaitingCall = {
        since: performance.now(),
        proceed: () => settled(() => resolve(start())),
        refuse: (error) => settled(() => reject(error)),
      }
      this.#waiting.add(waiting)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}

/** Settles as the call does, or rejects in the terms of callers where its worker died. */
export function unlessWorkerDied<T>(call: Promise<T>): Promise<T> {
  return call.catch((error: unknown) => {
    if (!(error instanceof WorkerGoneError)) throw error
    throw new WorkerDiedError('the worker ended before it answered', { cause: error })
  })
}
