import { randomUUID } from 'node:crypto'
import {
  errorFromData,
  type OpenReply,
  type OpenRequest,
  type ResumePoint,
  releaseLockOf,
  type TargetInfo,
} from '@ducksink/worker'
import type { WorkerThread } from './worker-thread.ts'

/** What a worker says of the target that it has opened. */
export type OpenedTarget = Extract<OpenReply, { status: 'open' }>

/** The target as the workers of an engine open it, one after another. */
export class Target {
  readonly #request: OpenRequest
  /** The worker's lock file, released here should the worker die. */
  #lockPath: string | undefined
  #info: TargetInfo | undefined

  constructor(request: Omit<OpenRequest, 'lockNonce' | 'resume'>) {
    this.#request = { ...request, lockNonce: randomUUID() }
  }

  /** What the target is attached as; empty until it was opened. */
  get catalog(): string {
    return this.#info?.catalog ?? ''
  }

  /** Where it is, once it was opened. */
  get path(): string {
    return this.#info?.path ?? ''
  }

  /** True where another worker can go on with what one has committed. */
  get isDurable(): boolean {
    return this.#info?.isDurable === true
  }

  /** True for a file on this machine. */
  get isFile(): boolean {
    return this.#lockPath !== undefined
  }

  /**
   * Has a worker open the target, which may take as long as it likes: there may be much to be read.
   * @throws what the worker could not open it for.
   */
  async open(worker: Pick<WorkerThread, 'call'>): Promise<OpenedTarget> {
    return this.#opened(await worker.call('open', this.#request))
  }

  /**
   * Has another worker open it, where one has died.
   * @throws what the worker could not open it for.
   */
  async reopen(thread: WorkerThread, resume: Omit<ResumePoint, 'file'>): Promise<OpenedTarget> {
    const info = this.isFile ? this.#info : undefined
    const file = info && { path: info.path, id: info.fileId }
    return this.#opened(await thread.reopen({ ...this.#request, resume: { ...resume, file } }))
  }

  #opened(reply: OpenReply): OpenedTarget {
    if (reply.status === 'failed') throw errorFromData(reply.error)
    this.#info = reply.target
    return reply
  }

  /** The worker has taken this lock file. */
  onLocked(path: string): void {
    this.#lockPath = path
  }

  /** Where the worker did not come to it; it must have ended. */
  releaseLock(): void {
    if (this.#lockPath !== undefined) releaseLockOf(this.#lockPath, this.#request.lockNonce)
  }
}
