import { DuckDBConnection, type DuckDBPreparedStatement, type DuckDBValue } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { ClosedError } from './protocol/errors.ts'

/** A row of a catalog query, by column name. */
export type Row = Readonly<Record<string, DuckDBValue>>

/**
 * One DuckDB connection whose calls are made one at a time.
 *
 * A second statement on a busy connection breaks the first (node-neo#145), and a thread that ends while a call is
 * in flight aborts the process; so the connection knows the call in flight and can be stopped.
 */
export class Connection {
  readonly raw: duckdb.Connection
  readonly #api: DuckDBConnection
  #inFlight: Promise<unknown> = Promise.resolve()
  #state: 'open' | 'stopped' = 'open'

  private constructor(raw: duckdb.Connection) {
    this.raw = raw
    this.#api = new DuckDBConnection(raw)
  }

  static async open(database: duckdb.Database): Promise<Connection> {
    return new Connection(await duckdb.connect(database))
  }

  /** Runs SQL whose rows nobody reads. */
  async run(sql: string): Promise<void> {
    await this.#call(() => duckdb.query(this.raw, sql))
  }

  /** Runs a query of the catalog and reads all its rows. */
  async rows(sql: string, values: readonly DuckDBValue[] = []): Promise<readonly Row[]> {
    const reader = await this.#call(() => this.#api.runAndReadAll(sql, [...values]))
    return reader.getRowObjects()
  }

  prepare(sql: string): Promise<duckdb.PreparedStatement> {
    return this.#call(() => duckdb.prepare(this.raw, sql))
  }

  /** Parses SQL; gives each statement's preparation. */
  async extract(sql: string): Promise<readonly (() => Promise<DuckDBPreparedStatement>)[]> {
    const extracted = await this.#call(() => this.#api.extractStatements(sql))
    return Array.from(
      { length: extracted.count },
      (_, index) => () => this.#call(() => extracted.prepare(index)),
    )
  }

  /** Makes one call of DuckDB that the connection then knows to be in flight. */
  call<T>(start: () => Promise<T>): Promise<T> {
    return this.#call(start)
  }

  /** Ends the statement in flight with an error; only ever for a read, never for one that may be committing. */
  interrupt(): void {
    duckdb.interrupt(this.raw)
  }

  /** Refuses further calls; resolves when none is in flight. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    await this.#inFlight
  }

  /** Closes the connection; only when no call is in flight. */
  disconnect(): void {
    this.#state = 'stopped'
    duckdb.disconnect_sync(this.raw)
  }

  #call<T>(start: () => Promise<T>): Promise<T> {
    if (this.#state === 'stopped') return Promise.reject(new ClosedError('the engine is closing'))
    const call = start()
    this.#inFlight = call.catch(() => undefined)
    return call
  }
}
