import type { Database } from './database.ts'
import { isCheckpointBusy, messageOf } from './duckdb-error.ts'
import type { WorkerLog } from './log.ts'
import type { ReadQueue } from './read-queue.ts'

// A crash leaves the log to be replayed, which takes 0.2 ms a commit, however small: this bounds it to some seconds.
const MAX_COMMITS = 10_000

/** Does what may take long on the writing connection, of which main is told. */
export type TakingLong = <R>(run: () => Promise<R>) => Promise<R>

/** What checkpoints are made with. */
export interface CheckpointsContext {
  readonly database: Database
  readonly reads: ReadQueue
  /** Bytes of the log from which on it is checkpointed. */
  readonly checkpointBytes: number
  readonly log: WorkerLog
  /** Has one made in the writer's turn. */
  readonly onIdle: () => void
  readonly takingLong: TakingLong
}

/**
 * Writes the log into the database file where DuckDB does not: after an ALTER, where the log holds very many commits,
 * and where it has grown long because DuckDB's own threshold is high or readers were in the way whenever it was reached.
 */
export class Checkpoints {
  readonly #context: CheckpointsContext
  #writtenBytes = 0
  /** Since the last one made here. */
  #commits = 0
  #isWaiting = false

  constructor(context: CheckpointsContext) {
    this.#context = context
  }

  /** Counts a commit and its bytes; a statement of the app may have written any number. */
  written(byteLength: number): void {
    this.#commits++
    this.#writtenBytes += byteLength
  }

  /** True where enough was committed since the last time to look at the log again. */
  get isDue(): boolean {
    return this.#writtenBytes >= this.#context.checkpointBytes / 4 || this.#commits >= MAX_COMMITS
  }

  /** True where the log is too long, and there is room for what it holds: on a full disk DuckDB would be invalidated. */
  async isLogLong(): Promise<boolean> {
    const isManyCommits = this.#commits >= MAX_COMMITS
    this.#writtenBytes = 0
    if (isManyCommits) this.#commits = 0
    const { database, checkpointBytes } = this.#context
    const { room } = database
    if (room === undefined) return false
    const logBytes = await room.logBytes()
    return (isManyCommits || logBytes >= checkpointBytes) && (await room.freeBytes()) > logBytes
  }

  /**
   * Makes one; no write may be open. Where a query is in the way it is done when none runs any more: forcing it would
   * wait for the app. It is asked for where DuckDB does not always replay the log rightly: with an ALTER some files
   * cannot be opened by path after a crash, and deleted rows of a PRIMARY KEY table have come back.
   * @see https://github.com/duckdb/duckdb/issues/18259
   * @see https://github.com/duckdb/duckdb/issues/24744
   */
  async make(): Promise<void> {
    const { database, reads, log, onIdle, takingLong } = this.#context
    try {
      await takingLong(() => database.checkpoint())
    } catch (error) {
      if (!isCheckpointBusy(error)) {
        log.warn('a checkpoint failed; the log is kept', { reason: messageOf(error) })
        return
      }
      if (this.#isWaiting) return
      this.#isWaiting = true
      void reads.idle().then(() => {
        this.#isWaiting = false
        onIdle()
      })
    }
  }
}
