import type { Connection } from './connection.ts'
import { StatementError } from './protocol/errors.ts'

/** One query at a time on the reading connection, in the order they came. */
export class ReadQueue {
  readonly #connection: Connection
  readonly #cancelled = new Set<number>()
  #tail: Promise<unknown> = Promise.resolve()
  #running: number | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Runs `read` when those before it are done. */
  run<T>(queryId: number, read: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(async () => {
      this.#running = queryId
      try {
        if (this.#cancelled.has(queryId))
          throw new StatementError('STATEMENT_FAILED', 'the query was cancelled')
        return await read()
      } finally {
        this.#running = undefined
        this.#cancelled.delete(queryId)
      }
    })
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** Ends a query that runs or waits. */
  cancel(queryId: number): void {
    this.#cancelled.add(queryId)
    if (this.#running === queryId) this.#connection.interrupt()
  }

  /** Ends the query that runs, if there is one. */
  interrupt(): void {
    if (this.#running !== undefined) this.#connection.interrupt()
  }
}
