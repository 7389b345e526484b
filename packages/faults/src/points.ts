import { setTimeout as delay } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import type { Deed, Point, Statement } from './job.ts'

// DuckDB's bindings are one object that the engine's worker reads its functions from at each call. Another object in
// their place, in the module cache of this thread, sees each call and the SQL that it runs.

/** Milliseconds for which a call is held back that something is done before. */
const LINGER_MS = 60

type Native = (...parameters: unknown[]) => unknown

/** Puts a look-out before and after DuckDB's functions, which does the deed where the point is reached. */
export function wrapBindings(require: NodeJS.Require, watch: Watch): void {
  const path = require.resolve('@duckdb/node-bindings')
  const native = require(path) as Record<string, unknown>
  const addon = Object.values(require.cache).find(
    (module) => module?.exports === native && module.filename !== path,
  )
  if (addon === undefined) throw new Error('the bindings are not in the module cache')
  const wrapped = Object.fromEntries(
    Object.getOwnPropertyNames(native).map((name) => {
      const value = native[name]
      return [name, typeof value === 'function' ? (value as Native).bind(native) : value]
    }),
  ) as Record<string, Native>
  const { query, prepare, execute_prepared, close_sync, data_chunk_set_size } = wrapped as Record<
    string,
    Native
  >
  const sqlOf = new WeakMap<object, string>()
  wrapped.query = (connection, sql) => watch.call(statementOf(String(sql)), () => query?.(connection, sql))
  wrapped.prepare = async (connection, sql) => {
    const prepared = (await prepare?.(connection, sql)) as object
    sqlOf.set(prepared, String(sql))
    return prepared
  }
  wrapped.execute_prepared = (prepared) =>
    watch.call(statementOf(sqlOf.get(prepared as object) ?? ''), () => execute_prepared?.(prepared))
  wrapped.close_sync = (database) => watch.callSync('close', () => close_sync?.(database))
  wrapped.data_chunk_set_size = (chunk, size) =>
    watch.callSync('chunk', () => data_chunk_set_size?.(chunk, size))
  addon.exports = wrapped
  // what imports the bindings from here on loads them anew, from the addon in the cache
  delete require.cache[path]
}

/** The same for receipts as they are posted to the main thread. */
export function guardPort(port: MessagePort, watch: Watch): void {
  const post = port.postMessage.bind(port) as (message: unknown, transfers: unknown) => void
  port.postMessage = (message: unknown, transfers: unknown) => {
    if (hasReceipt(message)) watch.callSync('reply', () => post(message, transfers))
    else post(message, transfers)
  }
}

/** What is done where a point is reached. */
export interface WatchEvents {
  act(deed: Deed, statement: Statement): void
  /** Resolves when the main thread has done what it does about the deed that was told last. */
  heard(): Promise<void> | undefined
}

/** Waits for a point to be reached, and does there what is to be done. */
export class Watch {
  readonly #point: Point
  readonly #armed: Int32Array
  readonly #act: WatchEvents['act']
  readonly #heard: WatchEvents['heard']
  #count = 0

  constructor(point: Point, armed: Int32Array, { act, heard }: WatchEvents) {
    this.#point = point
    this.#armed = armed
    this.#act = act
    this.#heard = heard
  }

  /** A call that DuckDB runs on a thread of its own. */
  async call(statement: Statement | undefined, start: () => unknown): Promise<unknown> {
    if (statement === undefined || !this.#isReached(statement)) return start()
    const { moment, deed, delayUs = 0 } = this.#point
    if (moment === 'before') {
      // a receipt that does not wait for the call would be given in this time
      await delay(LINGER_MS)
      this.#act(deed, statement)
    }
    const running = start()
    let heard: Promise<void> | undefined
    if (moment === 'during') {
      spin(delayUs)
      this.#act(deed, statement)
      if (deed === 'tell') heard = this.#heard()
    }
    try {
      return await running
    } finally {
      // to the engine the call is under way until then, however fast DuckDB was
      await heard
      if (moment === 'after') this.#act(deed, statement)
    }
  }

  callSync(statement: Statement, start: () => unknown): unknown {
    if (!this.#isReached(statement)) return start()
    const { moment, deed } = this.#point
    if (moment === 'before') this.#act(deed, statement)
    const result = start()
    if (moment !== 'before') this.#act(deed, statement)
    return result
  }

  #isReached(statement: Statement): boolean {
    const { statement: awaited, also, occurrence, deed } = this.#point
    if ((statement !== awaited && statement !== also) || Atomics.load(this.#armed, 0) === 0) return false
    this.#count++
    return deed === 'tell' ? this.#count % occurrence === 0 : this.#count === occurrence
  }
}

const PATTERNS: readonly (readonly [Statement, RegExp])[] = [
  ['BEGIN', /^BEGIN/i],
  ['COMMIT', /^COMMIT/i],
  ['CHECKPOINT', /^(FORCE )?CHECKPOINT/i],
  ['ALTER', /^ALTER/i],
  ['ledger', /^INSERT INTO .*ducksink_(ledger|offsets)/is],
  ['INSERT', /^INSERT INTO .*batches/is],
]

const statementOf = (sql: string): Statement | undefined =>
  PATTERNS.find(([, pattern]) => pattern.test(sql.trim()))?.[0]

function hasReceipt(message: unknown): boolean {
  const value = (message as { readonly value?: unknown } | null)?.value
  const answers = Array.isArray(value) ? value : [value]
  return answers.some(
    (answer) => (answer as { readonly status?: unknown } | undefined)?.status === 'committed',
  )
}

/** Holds this thread for so many microseconds, more exactly than a timer. */
function spin(durationUs: number): void {
  const end = process.hrtime.bigint() + BigInt(durationUs) * 1_000n
  while (process.hrtime.bigint() < end);
}
