import { StatementError } from './protocol/errors.ts'

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
    const result = this.#tail.then(async () => {
      try {
        signal.throwIfAborted()
        return await read(signal)
      } finally {
        this.#controllers.delete(queryId)
      }
    })
    this.#tail = result.catch(() => undefined)
    return result
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

  /** Ends a query that runs or waits. */
  cancel(queryId: number): void {
    this.#controllers.get(queryId)?.abort(new StatementError('STATEMENT_FAILED', 'the query was cancelled'))
  }

  /** Ends every query. */
  cancelAll(): void {
    for (const queryId of this.#controllers.keys()) this.cancel(queryId)
  }
}
