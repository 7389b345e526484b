import type { DatabaseOptions } from '../src/database.ts'
import { WorkerLog } from '../src/log.ts'

const FATAL = 6

/** What a database is opened with, by an engine of this name, when nobody listens. */
export const databaseOptions = (nonce: string): DatabaseOptions => ({
  nonce,
  onLocked: () => undefined,
  repairTornCheckpoint: false,
  log: new WorkerLog(FATAL, () => undefined),
})
