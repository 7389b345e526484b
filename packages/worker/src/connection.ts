import type { DuckDBValue } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { isInvalidated } from './duckdb-error.ts'
import { WorkerDiedError } from './protocol/errors.ts'
import { readTextRows, type TextRow } from './text-rows.ts'
import type { Row } from './value-rows.ts'

const INTERRUPT_INTERVAL_MS = 5

// Run again and again: to parse and plan them each time would cost 0.07 ms of the 0.12 and of the 0.5 they take.
const PREPARED_ONCE: ReadonlySet<string> = new Set(['BEGIN', 'COMMIT'])

/** What is refused once the worker is about to end. */
export const endingError = (): WorkerDiedError =>
  new WorkerDiedError('the worker is ending: this was not run')

/**
 * One DuckDB connection whose calls are made one at a time.
 *
 * A second statement on a busy connection breaks the first (node-neo#145), and a thread that ends while a call is
 * in flight aborts the process; so the connection knows the call in flight and can be stopped.
 */
export class Connection {
  readonly #onFailure: (error: unknown) => void
  #raw: duckdb.Connection
  #inFlight: Promise<unknown> = Promise.resolve()
  /** By their SQL. */
  readonly #prepared = new Map<string, duckdb.PreparedStatement>()
  #state: 'open' | 'disconnected' | 'stopped' = 'open'

  private constructor(raw: duckdb.Connection, onFailure: (error: unknown) => void) {
    this.#raw = raw
    this.#onFailure = onFailure
  }

  /** @param onFailure - hears of every failed call, before whoever made it does */
  static async open(
    database: duckdb.Database,
    onFailure: (error: unknown) => void = () => undefined,
  ): Promise<Connection> {
    return new Connection(await duckdb.connect(database), onFailure)
  }

  get raw(): duckdb.Connection {
    return this.#raw
  }

  /** Connects again, to another instance; a connection that was stopped stays so. */
  async reconnect(database: duckdb.Database): Promise<void> {
    if (this.#state === 'stopped') throw endingError()
    const connecting = duckdb.connect(database)
    this.#inFlight = connecting.catch(() => undefined)
    this.#raw = await connecting
    if (this.#state === 'disconnected') this.#state = 'open'
  }

  /** Runs SQL whose rows nobody reads. */
  async run(sql: string): Promise<void> {
    if (!PREPARED_ONCE.has(sql)) {
      await this.#call(() => duckdb.query(this.raw, sql))
      return
    }
    let prepared = this.#prepared.get(sql)
    if (prepared === undefined) {
      prepared = await this.prepare(sql)
      this.#prepared.set(sql, prepared)
    }
    const statement = prepared
    await this.#call(() => duckdb.execute_prepared(statement))
  }

  /** Runs a query whose columns are all VARCHAR and reads its rows. */
  async texts(sql: string): Promise<readonly TextRow[]> {
    return readTextRows(await this.#call(() => duckdb.query(this.raw, sql)))
  }

  /** Runs a query of the engine and reads its rows of any types: what an open needs is asked as {@link texts}. */
  async rows(sql: string, values: readonly DuckDBValue[] = []): Promise<readonly Row[]> {
    const { readValueRows } = await import('./value-rows.ts')
    return this.#call(() => readValueRows(this.raw, sql, values))
  }

  /** True where a query has any row; reads none. */
  async hasRows(sql: string): Promise<boolean> {
    const result = await this.#call(() => duckdb.query(this.raw, sql))
    return duckdb.row_count(result) > 0
  }

  prepare(sql: string): Promise<duckdb.PreparedStatement> {
    return this.#call(() => duckdb.prepare(this.raw, sql))
  }

  /** Parses SQL; gives each statement's preparation, none where the SQL holds no statement. */
  async extract(sql: string): Promise<readonly (() => Promise<duckdb.PreparedStatement>)[]> {
    const { extracted_statements: extracted, statement_count: length } = await this.#call(() =>
      duckdb.extract_statements(this.raw, sql),
    )
    const error = length === 0 ? extractError(extracted) : undefined
    if (error !== undefined) throw new Error(error)
    return Array.from(
      { length },
      (_, index) => () => this.#call(() => duckdb.prepare_extracted_statement(this.raw, extracted, index)),
    )
  }

  /** Rolls back the transaction that is open, if there is one: a COMMIT that failed has ended it already. */
  async rollBack(): Promise<void> {
    await this.run('ROLLBACK').catch((error: unknown) => {
      // a connection that was stopped rolls back as it closes
      if (error instanceof WorkerDiedError) return
      // and one of an invalidated database when that is opened anew
      if (error instanceof Error && isInvalidated(error)) return
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error
    })
  }

  /** Makes one call of DuckDB that the connection then knows to be in flight; an aborted signal interrupts it. */
  async call<T>(start: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal === undefined) return this.#call(start)
    signal.throwIfAborted()
    const onAbort = (): void => this.interrupt()
    signal.addEventListener('abort', onAbort)
    try {
      return await this.#call(start)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Ends the call in flight with an error; only ever for a read, never for one that may be committing. */
  interrupt(): void {
    // an interrupt is lost that comes before DuckDB has begun to execute
    duckdb.interrupt(this.raw)
    const timer = setInterval(() => duckdb.interrupt(this.raw), INTERRUPT_INTERVAL_MS)
    void this.#inFlight.finally(() => clearInterval(timer))
  }

  /** Refuses further calls; resolves when none is in flight. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    await this.#inFlight
  }

  /** Closes the connection; only when no call is in flight. */
  disconnect(): void {
    if (this.#state === 'open') this.#state = 'disconnected'
    // a live one would keep the file locked
    for (const prepared of this.#prepared.values()) duckdb.destroy_prepare_sync(prepared)
    this.#prepared.clear()
    duckdb.disconnect_sync(this.raw)
  }

  #call<T>(start: () => Promise<T>): Promise<T> {
    if (this.#state !== 'open') return Promise.reject(endingError())
    const call = start()
    this.#inFlight = call.catch(this.#onFailure)
    return call
  }
}

// the binding throws where there is no error: then there was nothing to extract
function extractError(extracted: duckdb.ExtractedStatements): string | undefined {
  try {
    return duckdb.extract_statements_error(extracted)
  } catch {
    return undefined
  }
}
