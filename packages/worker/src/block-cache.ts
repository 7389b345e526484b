import type { Connection } from './connection.ts'
import { messageOf } from './duckdb-error.ts'
import { quoteLiteral } from './identifier.ts'

// DuckDB keeps a copy of every block that it has written until `memory_limit` is full, so an app that only ever
// appends would grow to that limit, for copies that nobody reads: 19 bytes a row, 380 MB in 20 million. Lowering the
// limit is the one thing that makes DuckDB let go of them.

// each time costs the overlap of one commit: at a quarter of this 1.2 instead of 1.4 million rows/s
const TRIM_EVERY_BYTES = 256 * 2 ** 20
const MIN_CACHED_BYTES = 16n * 2n ** 20n

const USAGE_SQL = `
  SELECT sum(memory_usage_bytes)::BIGINT::VARCHAR,
    (sum(memory_usage_bytes) FILTER (tag = 'BASE_TABLE'))::BIGINT::VARCHAR
  FROM duckdb_memory()`

/** Bounds DuckDB's copies of the blocks that it has written. */
export class BlockCache {
  readonly #connection: Connection
  readonly #memoryLimit: string
  #writtenBytes = 0

  /** @param memoryLimit - the limit to go back to */
  constructor(connection: Connection, memoryLimit: string) {
    this.#connection = connection
    this.#memoryLimit = memoryLimit
  }

  /** Counts bytes that were inserted. */
  written(byteLength: number): void {
    this.#writtenBytes += byteLength
  }

  /** True where enough was inserted since the last time to look at the cache again. */
  get isDue(): boolean {
    return this.#writtenBytes >= TRIM_EVERY_BYTES
  }

  /** Makes DuckDB let go of its copies; nothing else may run meanwhile, as it would meet the lowered limit. */
  async trim(): Promise<void> {
    this.#writtenBytes = 0
    const [usage] = await this.#connection.texts(USAGE_SQL)
    const used = BigInt(usage?.[0] ?? 0)
    const cached = BigInt(usage?.[1] ?? 0)
    if (cached < MIN_CACHED_BYTES) return
    try {
      // clean blocks are the first to go, so what is in use stays where it is
      await this.#setLimit(`${(used - cached + MIN_CACHED_BYTES) / 1024n}KiB`)
    } catch (error) {
      if (!/could not free up enough memory/.test(messageOf(error))) throw error
    } finally {
      await this.#setLimit(this.#memoryLimit)
    }
  }

  async #setLimit(limit: string): Promise<void> {
    await this.#connection.run(`SET GLOBAL memory_limit = ${quoteLiteral(limit)}`)
  }
}
