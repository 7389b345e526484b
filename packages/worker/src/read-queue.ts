import { StatementError } from './protocol/errors.ts'

/** What a query is refused with that its caller wants no more. */
export const cancelledQuery = (): StatementError =>
  new StatementError('STATEMENT_FAILED', 'the query was cancelled')

/** One query at a time on the reading connection, in the order they came. */
export class ReadQueue {
  /** Of each query that waits or runs. */
  readonly #controllers = new Map<number, AbortController>()
  #tail: Promise<unknown> = Promise.resolve()

  /** Runs `read` when those before it are done; its signal tells that the query is cancelled. */
  run<T>(queryId: number, read: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const { signal } = controller
    this.#controllers.set(queryId, controller)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#controllers.delete(queryId)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave)
      this.#tail = this.#tail.then(async () => {
        if (signal.aborted) return
        signal.removeEventListener('abort', leave)
        try {
          resolve(await read(signal))
        } catch (error) {
          reject(error)
        } finally {
          this.#controllers.delete(queryId)
        }
      })
    })
  }

  /** Resolves when no query runs or waits. */
  async idle(): Promise<void> {
    let tail: unknown
    do {
      tail = this.#tail
      await tail
    } while (tail !== this.#tail)
  }

  /** True while no query runs or waits. */
  get isIdle(): boolean {
    return this.#controllers.size === 0
  }

  /** Ends a query that runs, and rejects one that waits at once. */
  cancel(queryId: number): void {
    this.#controllers.get(queryId)?.abort(cancelledQuery())
  }

  /** Ends every query. */
  cancelAll(): void {
    for (const queryId of this.#controllers.keys()) this.cancel(queryId)
  }
}
