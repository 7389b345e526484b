import duckdb from '@duckdb/node-bindings'
import { Connection, endingError } from './connection.ts'
import { acquireLock, type LockFile, type LockRecord } from './lock-file.ts'
import { TargetUnavailableError } from './protocol/errors.ts'
import type { TargetInfo } from './protocol/messages.ts'
import { attachError, attachTarget, lockDownTarget, parseTarget, type Target, useSql } from './target.ts'

// Before this a full disk could take committed rows with it, and files were lost after some crashes.
const OLDEST_DUCKDB = [1, 5, 5] as const

/** The open target: one instance, a writing connection, a second one where commits overlap, and a reading one. */
export class Database {
  readonly target: TargetInfo
  readonly writer: Connection
  readonly reader: Connection
  /** The `memory_limit`, where it is the default and not the app's choice. */
  readonly defaultMemoryLimit: string | undefined
  /** True for a file on this machine, where a commit writes and syncs. */
  readonly isFile: boolean
  readonly #instance: duckdb.Database
  readonly #lock: LockFile | undefined
  readonly #useSql: string
  #secondWriter: Connection | undefined
  /** The second writer's connection being made: a call like any other. Never rejects. */
  #connecting: Promise<unknown> = Promise.resolve()
  #state: 'open' | 'stopped' = 'open'

  constructor(parts: DatabaseParts) {
    this.target = parts.target
    this.#useSql = parts.useSql
    this.writer = parts.writer
    this.reader = parts.reader
    this.defaultMemoryLimit = parts.defaultMemoryLimit
    this.#instance = parts.instance
    this.#lock = parts.lock
    this.isFile = parts.lock !== undefined
  }

  /** Connects a second writer, once. */
  async connectSecondWriter(): Promise<Connection> {
    if (this.#state === 'stopped') throw endingError()
    const connecting = Connection.open(this.#instance).then((connection) => {
      this.#secondWriter = connection
      return connection
    })
    this.#connecting = connecting.catch(() => undefined)
    const connection = await connecting
    await connection.run(this.#useSql)
    return connection
  }

  /** Writes the log into the database file. */
  async checkpoint(): Promise<void> {
    await this.writer.run('CHECKPOINT')
  }

  /** Refuses further calls; resolves when none is in flight, and whoever waited for the last has gone on. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    const stopping = [this.writer.stop(), this.#secondWriter?.stop(), this.reader.stop()]
    await this.#connecting
    await Promise.all([...stopping, this.#secondWriter?.stop()])
    await new Promise((resolve) => setImmediate(resolve))
  }

  /**
   * Closes connections and instance and releases the lock; no call may be in flight, and a prepared statement that
   * is left would keep the file locked.
   */
  close(): void {
    this.reader.disconnect()
    this.#secondWriter?.disconnect()
    this.writer.disconnect()
    duckdb.close_sync(this.#instance)
    this.#lock?.release()
  }
}

interface DatabaseParts {
  readonly target: TargetInfo
  /** What a connection runs first, so that names mean the target's. */
  readonly useSql: string
  readonly writer: Connection
  readonly reader: Connection
  readonly defaultMemoryLimit: string | undefined
  readonly instance: duckdb.Database
  readonly lock: LockFile | undefined
}

/** How the target is locked, and who is told where. */
export interface LockRequest {
  /** Names the engine in the lock file. */
  readonly nonce: string
  readonly onLocked: (path: string) => void
}

/**
 * Opens a target for writing.
 * @throws {@link InvalidOptionsError} where path or settings are wrong.
 * @throws {@link TargetUnavailableError} where the target cannot be opened, or another writer has it.
 */
export async function openDatabase(
  path: string,
  config: Readonly<Record<string, string>>,
  { nonce, onLocked }: LockRequest,
): Promise<Database> {
  requireVersion(duckdb.library_version())
  const target = parseTarget(path, config)
  const lock = target.file === undefined ? undefined : acquireLock(target.file, nonce)
  if (lock !== undefined) onLocked(lock.path)
  try {
    return await openLocked(target, lock)
  } catch (error) {
    if (!(error instanceof TargetUnavailableError) || error.code !== 'TARGET_LOCKED') {
      lock?.release()
      throw error
    }
    // the lock was one of another container or machine, and who has it lives there
    lock?.giveBack()
    throw lock?.replaced === undefined ? error : lockedElsewhere(lock.replaced, target, error)
  }
}

/** DuckDB's own lock knows no process that cannot be seen from here. */
function lockedElsewhere(
  { pid, hostname, recordedAt }: LockRecord,
  { displayPath }: Target,
  cause: unknown,
): TargetUnavailableError {
  const holder = `process ${pid} of another container or machine (since ${recordedAt}, host ${hostname})`
  return new TargetUnavailableError(
    `cannot open ${displayPath}: ${holder} has it open`,
    { cause },
    'TARGET_LOCKED',
  )
}

async function openLocked(target: Target, lock: LockFile | undefined): Promise<Database> {
  const instance = await createInstance(target)
  const connections: Connection[] = []
  const connect = async (): Promise<Connection> => {
    const connection = await Connection.open(instance)
    connections.push(connection)
    return connection
  }
  try {
    const writer = await connect()
    await attachTarget(target, (sql) => writer.run(sql))
    const reader = await connect()
    const use = useSql(target)
    await reader.run(use)
    await lockDownTarget(target, (sql) => writer.run(sql))
    const info: TargetInfo = {
      path: target.displayPath,
      catalog: target.catalog,
      duckdbVersion: duckdb.library_version(),
      isDurable: target.kind !== 'memory',
    }
    const defaultMemoryLimit = target.kind === 'file' ? target.defaultMemoryLimit : undefined
    return new Database({ target: info, useSql: use, writer, reader, defaultMemoryLimit, instance, lock })
  } catch (error) {
    // a connection that is left open keeps the file attached
    for (const connection of connections) connection.disconnect()
    duckdb.close_sync(instance)
    throw error
  }
}

async function createInstance(target: Target): Promise<duckdb.Database> {
  const config = duckdb.create_config()
  try {
    for (const [name, value] of Object.entries(target.instanceConfig)) duckdb.set_config(config, name, value)
    return await duckdb.open(':memory:', config)
  } catch (error) {
    throw attachError(target, error)
  }
}

function requireVersion(version: string): void {
  const found = version.replace(/^v/, '').split('.').map(Number)
  for (let index = 0; index < OLDEST_DUCKDB.length; index++) {
    const difference = (found[index] ?? 0) - (OLDEST_DUCKDB[index] as number)
    if (difference > 0) return
    if (difference < 0) {
      throw new TargetUnavailableError(
        `DuckDB ${version} is too old: ${OLDEST_DUCKDB.join('.')} or newer is needed`,
      )
    }
  }
}
