import { BlockCache } from './block-cache.ts'
import { Catalog } from './catalog.ts'
import { Checkpoints, type TakingLong } from './checkpoints.ts'
import type { Database } from './database.ts'
import { Evolution } from './evolution.ts'
import { ExactlyOnce } from './exactly-once.ts'
import { Ledger } from './ledger.ts'
import type { WorkerLog } from './log.ts'
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
  /** Absent unless delivery is exactly-once. */
  readonly ledger: Ledger | undefined
  readonly transactions: Transactions
  readonly jobs: WriteJobs
  readonly reads: ReadQueue
  /** Absent where the app chose its own `memory_limit`. */
  readonly cache: BlockCache | undefined
  readonly checkpoints: Checkpoints
  readonly maxDelayMs: number
}

/** Who hears of what happens in a session. */
export interface SessionEvents {
  readonly log: WorkerLog
  readonly post: (event: WorkerEvent) => void
  /** A checkpoint that waited for queries may be made now, in the writer's turn. */
  readonly onReadsIdle: () => void
  readonly takingLong: TakingLong
}

/** Puts together what works on an open database. */
export async function startSession(
  database: Database,
  { groupCommit, deliveryMode, checkpointBytes, resume }: OpenRequest,
  { log, post, onReadsIdle, takingLong }: SessionEvents,
): Promise<Session> {
  const { writer, target, defaultMemoryLimit } = database
  const catalog = new Catalog(writer, target.catalog, resume?.layoutId ?? 1)
  // a file has one writer, and a database in memory is this process's own
  const isShared = target.isDurable && !database.isFile
  const ledger =
    deliveryMode === 'exactly-once' ? await Ledger.open(writer, catalog, { isShared }) : undefined
  const transactions = new Transactions({
    writer: createWriter(writer, catalog),
    catalog,
    sequence: Math.max(resume?.sequence ?? 0, ledger?.lastSequence ?? 0),
    connectSecondWriter: database.isFile
      ? async () => createWriter(await database.connectSecondWriter(), catalog, '2')
      : undefined,
    exactlyOnce: ledger && new ExactlyOnce(ledger),
  })
  const evolution = new Evolution(writer, catalog, (change) => {
    logSchemaChange(log, change)
    // any DDL makes DuckDB bind every prepared statement anew at every run
    transactions.clearStatements()
    post({ type: 'schemaChange', change })
  })
  const reads = new ReadQueue()
  return {
    database,
    catalog,
    evolution,
    ledger,
    transactions,
    jobs: new WriteJobs(groupCommit),
    reads,
    checkpoints: new Checkpoints({ database, reads, checkpointBytes, log, onIdle: onReadsIdle, takingLong }),
    cache: defaultMemoryLimit === undefined ? undefined : new BlockCache(writer, defaultMemoryLimit),
    maxDelayMs: groupCommit === false ? 0 : groupCommit.maxDelayMs,
  }
}
