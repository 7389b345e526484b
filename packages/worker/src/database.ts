import { existsSync, rmSync, statSync } from 'node:fs'
import duckdb from '@duckdb/node-bindings'
import { Connection, endingError } from './connection.ts'
import { DiskRoom } from './disk-room.ts'
import { acquireLock, type LockFile, type LockRecord } from './lock-file.ts'
import type { WorkerLog } from './log.ts'
import { TargetUnavailableError } from './protocol/errors.ts'
import type { OpenedFile, TargetInfo } from './protocol/messages.ts'
import { attachError, attachTarget, lockDownTarget, parseTarget, type Target, useSql } from './target.ts'
import { requireWholeCheckpoint } from './torn-checkpoint.ts'

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
  /** The disk's, where the target is a file. */
  readonly room: DiskRoom | undefined
  readonly #parsed: Target
  readonly #lock: LockFile | undefined
  /** Absent while the target is opened anew, and where that has failed. */
  #instance: duckdb.Database | undefined
  #secondWriter: Connection | undefined
  /** The second writer's connection being made: a call like any other. Never rejects. */
  #connecting: Promise<unknown> = Promise.resolve()
  #state: 'open' | 'stopped' = 'open'

  constructor({ parsed, writer, reader, instance, lock, room }: DatabaseParts) {
    this.target = {
      path: parsed.displayPath,
      catalog: parsed.catalog,
      duckdbVersion: duckdb.library_version(),
      isDurable: parsed.kind !== 'memory',
      fileId: parsed.file === undefined ? undefined : fileIdOf(parsed.file),
    }
    this.#parsed = parsed
    this.writer = writer
    this.reader = reader
    this.defaultMemoryLimit = parsed.kind === 'file' ? parsed.defaultMemoryLimit : undefined
    this.#instance = instance
    this.#lock = lock
    this.isFile = lock !== undefined
    this.room = room
  }

  /** Connects a second writer, once. */
  async connectSecondWriter(): Promise<Connection> {
    if (this.#state === 'stopped' || this.#instance === undefined) throw endingError()
    const onFailure = (error: unknown): void => this.room?.failed(error)
    const connecting = Connection.open(this.#instance, onFailure).then((connection) => {
      this.#secondWriter = connection
      return connection
    })
    this.#connecting = connecting.catch(() => undefined)
    const connection = await connecting
    try {
      await connection.run(useSql(this.#parsed))
      return connection
    } catch (error) {
      this.#secondWriter = undefined
      connection.disconnect()
      throw error
    }
  }

  /**
   * Opens a target again that DuckDB has invalidated, under the same lock, with the same connections; no call may be
   * in flight, and no prepared statement be left. What functions they had is to be made again.
   * @throws {@link TargetUnavailableError} where it cannot be opened, or is not the file any more that was open.
   */
  async reopen(): Promise<void> {
    this.#disconnect()
    const { file } = this.#parsed
    if (file !== undefined) requireSameFile({ path: file, id: this.target.fileId })
    const instance = await createInstance(this.#parsed)
    const connected: Connection[] = []
    try {
      for (const connection of this.#connections) {
        await connection.reconnect(instance)
        connected.push(connection)
      }
      await setUp(this.#parsed, this.#connections)
    } catch (error) {
      for (const connection of connected) connection.disconnect()
      duckdb.close_sync(instance)
      throw error
    }
    this.#instance = instance
    this.room?.reopened()
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
    this.#disconnect()
    this.#lock?.release()
  }

  /** The writer first. */
  get #connections(): readonly Connection[] {
    const connections = [this.writer, this.reader]
    return this.#secondWriter === undefined ? connections : [...connections, this.#secondWriter]
  }

  #disconnect(): void {
    const instance = this.#instance
    if (instance === undefined) return
    this.#instance = undefined
    for (const connection of this.#connections) connection.disconnect()
    duckdb.close_sync(instance)
  }
}

interface DatabaseParts {
  readonly parsed: Target
  readonly writer: Connection
  readonly reader: Connection
  readonly instance: duckdb.Database
  readonly lock: LockFile | undefined
  readonly room: DiskRoom | undefined
}

/** How the target is locked, who is told where, and what is done where a crash has torn it. */
export interface DatabaseOptions {
  /** Names the engine in the lock file. */
  readonly nonce: string
  readonly onLocked: (path: string) => void
  readonly repairTornCheckpoint: boolean
  readonly log: WorkerLog
  /** The file of a target that was open before, and is still to be there. */
  readonly file?: OpenedFile | undefined
}

/**
 * Opens a target for writing.
 * @throws {@link InvalidOptionsError} where path or settings are wrong.
 * @throws {@link TargetUnavailableError} where the target cannot be opened, or another writer has it.
 */
export async function openDatabase(
  path: string,
  config: Readonly<Record<string, string>>,
  { nonce, onLocked, repairTornCheckpoint: repairs, log, file }: DatabaseOptions,
): Promise<Database> {
  requireVersion(duckdb.library_version())
  const target = parseTarget(path, config, { file: file?.path })
  if (file !== undefined) requireSameFile(file)
  // in memory, by a thread of its own: it touches no file before the lock is there
  const creating = createInstance(target)
  let lock: LockFile | undefined
  try {
    lock = target.file === undefined ? undefined : acquireLock(target.file, nonce)
  } catch (error) {
    await creating.then(duckdb.close_sync, () => undefined)
    throw error
  }
  if (lock !== undefined) onLocked(lock.path)
  const isNew = target.file !== undefined && !existsSync(target.file)
  try {
    const instance = await creating
    try {
      const wasLeftOpen = lock?.replaced !== undefined
      const options = { repairs, wasLeftOpen, createInstance: () => createInstance(target), log }
      if (target.kind === 'file') await requireWholeCheckpoint(target, options)
    } catch (error) {
      duckdb.close_sync(instance)
      throw error
    }
    return await openLocked(target, instance, lock)
  } catch (error) {
    const code = error instanceof TargetUnavailableError ? error.code : undefined
    // what DuckDB has begun to make could not be opened when there is room
    if (isNew && code === 'TARGET_FULL') rmSync(target.file as string, { force: true })
    // a lock that was left behind tells the next time as well that the file was not closed, or that who has it lives elsewhere
    lock?.giveBack()
    if (code !== 'TARGET_LOCKED' || lock?.replaced === undefined) throw error
    throw lockedElsewhere(lock.replaced, target, error)
  }
}

function requireSameFile({ path, id }: OpenedFile): void {
  const found = fileIdOf(path)
  if (found !== undefined && found === id) return
  const reason = found === undefined ? 'it is not there any more' : 'another file has its place'
  throw new TargetUnavailableError(`cannot open ${path} again: ${reason}`)
}

/** What no two files have at a time; undefined where there is none. */
function fileIdOf(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`
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

async function openLocked(
  parsed: Target,
  instance: duckdb.Database,
  lock: LockFile | undefined,
): Promise<Database> {
  const room = parsed.file === undefined ? undefined : new DiskRoom(parsed.file)
  const connections: Connection[] = []
  const connect = async (onFailure?: (error: unknown) => void): Promise<Connection> => {
    const connection = await Connection.open(instance, onFailure)
    connections.push(connection)
    return connection
  }
  try {
    const writer = await connect((error) => room?.failed(error))
    const reader = await connect()
    await setUp(parsed, connections)
    return new Database({ parsed, writer, reader, instance, lock, room })
  } catch (error) {
    // a connection that is left open keeps the file attached
    for (const connection of connections) connection.disconnect()
    duckdb.close_sync(instance)
    throw error
  }
}

/** Attaches the target, makes names mean its own on every connection, and locks the configuration. */
async function setUp(target: Target, connections: readonly Connection[]): Promise<void> {
  const [writer, ...others] = connections as readonly [Connection, ...Connection[]]
  await attachTarget(target, (sql) => writer.run(sql))
  for (const connection of others) await connection.run(useSql(target))
  await lockDownTarget(target, (sql) => writer.run(sql))
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
