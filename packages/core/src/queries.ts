import {
  beginsAsRead,
  errorFromData,
  InvalidOptionsError,
  OutcomeUnknownError,
  type QueryRequest,
  StatementError,
  WorkerDiedError,
} from '@ducksink/worker'
import type { WorkerClient } from './worker-client.ts'
import { WorkerGoneError } from './worker-thread.ts'

/** Values for `$1`, `$2`, ... or for `$name`. */
export type QueryParameters = readonly unknown[] | Readonly<Record<string, unknown>>

export interface QueryOptions {
  /** Ends a SELECT, and takes back a statement that has not begun; the query then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Statements that the app runs itself. */
export class Queries {
  readonly #client: WorkerClient
  readonly #onSchemaChange: () => void
  readonly #running = new Set<Promise<unknown>>()
  #nextId = 1

  constructor(client: WorkerClient, onSchemaChange: () => void) {
    this.#client = client
    this.#onSchemaChange = onSchemaChange
  }

  /** Runs one statement and gives its rows. */
  async run<R extends object>(
    sql: string,
    parameters: QueryParameters | undefined,
    { signal }: QueryOptions,
  ): Promise<R[]> {
    if (typeof sql !== 'string' || sql.includes('\0')) {
      throw new InvalidOptionsError('sql must be a string without NUL characters', {}, 'INVALID_ARGUMENT')
    }
    signal?.throwIfAborted()
    const queryId = this.#nextId++
    const onAbort = (): void => {
      // where there is no worker, there is nothing to be told: the query waits for one, or has ended with it
      if (this.#client.isRunning) this.#client.call('cancelQuery', queryId).catch(() => undefined)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const running = this.#ask<R>({ queryId, sql, parameters }, signal)
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      // that a statement may have been run is worth more than that nobody waits for it
      if (!(error instanceof OutcomeUnknownError)) signal?.throwIfAborted()
      throw error
    } finally {
      this.#running.delete(running)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Resolves when none is running. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  async #ask<R extends object>(request: QueryRequest, signal: AbortSignal | undefined): Promise<R[]> {
    try {
      const reply = await this.#client.query(request, signal)
      if (reply.status === 'failed') throw errorFromData(reply.error)
      if (reply.changedSchema) this.#onSchemaChange()
      return reply.rows as R[]
    } catch (error) {
      if (error instanceof WorkerGoneError) {
        throw lossError(request.sql, error)
      }
      if (error instanceof DOMException && error.name === 'DataCloneError') {
        throw new StatementError('STATEMENT_FAILED', 'a parameter cannot be sent to the worker', {
          cause: error,
        })
      }
      throw error
    }
  }
}

function lossError(sql: string, cause: WorkerGoneError): Error {
  // a WITH may come before an INSERT
  if (beginsAsRead(sql) && !/\bwith\b|\banalyze\b/i.test(sql))
    return new WorkerDiedError('the worker ended before it answered the query', { cause })
  const message = 'the worker ended while the statement ran: it may have been run or not'
  return new OutcomeUnknownError(message, { cause })
}
