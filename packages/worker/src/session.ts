import type { ILogObj, Logger } from 'tslog'
import { BlockCache } from './block-cache.ts'
import { Catalog } from './catalog.ts'
import type { Database } from './database.ts'
import { Evolution } from './evolution.ts'
import type { OpenRequest, WorkerEvent } from './protocol/messages.ts'
import { ReadQueue } from './read-queue.ts'
import { logSchemaChange } from './schema-log.ts'
import { Transactions } from './transaction.ts'
import { WriteJobs } from './write-jobs.ts'
import { createWriter } from './writer.ts'

/** All that exists while the target is open. */
export interface Session {
  readonly database: Database
  readonly catalog: Catalog
  readonly evolution: Evolution
  readonly transactions: Transactions
  readonly jobs: WriteJobs
  readonly reads: ReadQueue
  /** Absent where the app chose its own `memory_limit`. */
  readonly cache: BlockCache | undefined
  readonly maxDelayMs: number
}

/** Who hears of what happens in a session. */
export interface SessionEvents {
  readonly log: Logger<ILogObj>
  readonly post: (event: WorkerEvent) => void
}

/** Puts together what works on an open database. */
export function startSession(
  database: Database,
  { groupCommit, resume = { layoutId: 1, sequence: 0 } }: OpenRequest,
  { log, post }: SessionEvents,
): Session {
  const { writer, target, defaultMemoryLimit } = database
  const catalog = new Catalog(writer, target.catalog, resume.layoutId)
  const transactions = new Transactions({
    writer: createWriter(writer, catalog),
    catalog,
    sequence: resume.sequence,
    connectSecondWriter: database.isFile
      ? async () => createWriter(await database.connectSecondWriter(), catalog, '2')
      : undefined,
  })
  const evolution = new Evolution(writer, catalog, (change) => {
    logSchemaChange(log, change)
    // any DDL makes DuckDB bind every prepared statement anew at every run
    transactions.clearStatements()
    post({ type: 'schemaChange', change })
  })
  return {
    database,
    catalog,
    evolution,
    transactions,
    jobs: new WriteJobs(groupCommit),
    reads: new ReadQueue(),
    cache: defaultMemoryLimit === undefined ? undefined : new BlockCache(writer, defaultMemoryLimit),
    maxDelayMs: groupCommit === false ? 0 : groupCommit.maxDelayMs,
  }
}
