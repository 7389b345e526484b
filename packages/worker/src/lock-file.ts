import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { realDatabasePath } from './database-path.ts'
import { codeOf, isNoRoom, pathError } from './file-error.ts'
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts'
import { TargetUnavailableError } from './protocol/errors.ts'

// DuckDB's own lock is a POSIX lock: it keeps other processes out, but not this one, where two instances of a file
// silently lose each other's rows (duckdb#17343), and closing any descriptor of the file drops it. Module state is
// a thread's own, so a file beside the database says who has it. Nothing here ever opens the database file itself.
//
// A lock file appears whole, by link(2), and a stale one is replaced by rename(2). Who replaces it must first hold
// a lock named after that very stale record; otherwise a slow thread could judge a record stale and then replace
// the fresh one that another has put there since.

/** Who holds a database file; kept as JSON in the lock file. */
export interface LockRecord extends ProcessIdentity {
  readonly version: 1
  readonly threadId: number
  /** Names this lock among all others. */
  readonly nonce: string
}

/** A lock held; `release` may be called more than once. */
export interface LockFile {
  /** The lock file itself, beside the database. */
  readonly path: string
  readonly record: LockRecord
  /** Whose lock was replaced, as it was nobody's that can be seen from here. */
  readonly replaced: LockRecord | undefined
  release(): void
  /** Puts back the lock that was replaced, where there is room for it; or else releases this one. */
  giveBack(): void
}

/** What a lock file held when it was read; `id` differs for any two lock files. */
interface FoundLock {
  readonly id: string
  readonly record: LockRecord | undefined
  readonly modifiedMs: number
}

/** Age in milliseconds up to which a lock file without a record may be one that is being written. */
const TORN_GRACE_MS = 10_000
/** Something that is no lock file, such as a dangling link, must not make a loop without end. */
const MAX_TRIES = 100
/** Bytes of a file name to which suffixes can be added within the usual 255. */
const MAX_STEM_BYTES = 180
/** Codes of a file system that has no hard links. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES']

/**
 * Takes the lock of a database file for this thread.
 *
 * A lock is held while its process lives, whatever the thread; the thread that comes after it takes it over by its nonce.
 * One left behind by a process that is gone, by an earlier boot, another machine or another container is replaced: there
 * DuckDB's own lock on the file decides.
 *
 * @param nonce names the lock, so that another thread can release it, or go on with it, when this one has died.
 * @throws {@link TargetUnavailableError} with code `TARGET_LOCKED` when another holds it or this process has the file
 * open by other means (seen on Linux); with `TARGET_FULL` when there is no room for it; with `TARGET_UNAVAILABLE` when the
 * directory is missing or not writable.
 */
export function acquireLock(databasePath: string, nonce: string = crypto().randomUUID()): LockFile {
  const file = realDatabasePath(databasePath)
  const path = lockPathOf(file)
  const record: LockRecord = { version: 1, ...ownIdentity(), threadId, nonce }
  let replaced: LockRecord | undefined
  try {
    replaced = take(path, record, file)?.record
  } catch (error) {
    throw error instanceof TargetUnavailableError ? error : pathError(file, error)
  }
  if (isOpenHere(file)) {
    releaseLockOf(path, nonce)
    const reason = 'this process has it open by other means: a DuckDB instance or file handle of its own'
    throw new TargetUnavailableError(`${file}: ${reason}; close that first`, undefined, 'TARGET_LOCKED')
  }
  const release = (): void => void releaseLockOf(path, nonce)
  const giveBack = (): void => {
    try {
      if (replaced !== undefined && isOf(readLock(path)?.record, record)) {
        renameSync(writeWhole(path, replaced), path)
        return
      }
    } catch {
      // no room for it, or no right to write any more: what the file could not be opened for is to be told, not that
    }
    release()
  }
  return { path, record, replaced, release, giveBack }
}

/**
 * Removes a lock file if it is the one of this nonce, from any thread of the process that holds it.
 *
 * @returns whether there was such a lock.
 */
export function releaseLockOf(lockPath: string, nonce: string): boolean {
  if (readLock(lockPath)?.record?.nonce !== nonce) return false
  rmSync(lockPath, { force: true })
  return true
}

/** The lock file of a database file; its argument comes from {@link realDatabasePath}. */
export function lockPathOf(file: string): string {
  const name = basename(file)
  const stem = Buffer.byteLength(name) <= MAX_STEM_BYTES ? name : digest(name)
  return join(dirname(file), `${stem}.ducksink-lock`)
}

/**
 * Gives the stale lock that was replaced, if one was in the way. One of the same name was left by the thread before
 * this one, and goes on being held: on a full disk there is no room for another.
 */
function take(path: string, record: LockRecord, file: string): FoundLock | undefined {
  if (isOf(readLock(path)?.record, record)) return undefined
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (createLock(path, record)) return undefined
    const found = readLock(path)
    if (found === undefined) continue
    refuseIfHeld(found, path, file)
    if (replaceStale(path, found, record, file)) return found
  }
  throw new TargetUnavailableError(`${file}: ${path} is no lock file and is in the way`)
}

function replaceStale(path: string, stale: FoundLock, record: LockRecord, file: string): boolean {
  const reclaimPath = `${path}.${stale.id}`
  take(reclaimPath, record, file)
  try {
    if (readLock(path)?.id !== stale.id) return false
    const whole = writeWhole(path, record)
    renameSync(whole, path)
    return true
  } finally {
    releaseLockOf(reclaimPath, record.nonce)
  }
}

function createLock(path: string, record: LockRecord): boolean {
  const whole = writeWhole(path, record)
  try {
    linkSync(whole, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!NO_LINKS.includes(codeOf(error))) throw error
    return createWithoutLinks(path, record)
  } finally {
    rmSync(whole, { force: true })
  }
}

function createWithoutLinks(path: string, record: LockRecord): boolean {
  try {
    writeNew(path, record)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  // someone may have taken the empty file for a torn one, if this thread was suspended between its two steps
  return readLock(path)?.record?.nonce === record.nonce
}

function writeWhole(path: string, record: LockRecord): string {
  const whole = `${path}.${record.nonce.slice(0, 8)}-${threadId}`
  writeNew(whole, record)
  return whole
}

/** Leaves nothing where there is room for a name, but not for what is in it. */
function writeNew(path: string, record: LockRecord): void {
  try {
    writeFileSync(path, JSON.stringify(record), { flag: 'wx' })
  } catch (error) {
    // any other error may be told of a file that another made
    if (isNoRoom(error)) rmSync(path, { force: true })
    throw error
  }
}

function isOf(found: LockRecord | undefined, { pid, nonce }: LockRecord): boolean {
  return found?.pid === pid && found.nonce === nonce
}

function readLock(path: string): FoundLock | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const { ino, mtimeNs, mtimeMs } = fstatSync(descriptor, { bigint: true })
    const text = readFileSync(descriptor, 'utf8')
    return { id: digest(`${ino}:${mtimeNs}:${text}`), record: parseRecord(text), modifiedMs: Number(mtimeMs) }
  } finally {
    closeSync(descriptor)
  }
}

function parseRecord(text: string): LockRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<LockRecord> | null
    const complete =
      Number.isSafeInteger(record?.pid) && Number(record?.pid) > 0 && typeof record?.nonce === 'string'
    return complete ? (record as LockRecord) : undefined
  } catch {
    return undefined
  }
}

function refuseIfHeld({ record, modifiedMs }: FoundLock, path: string, file: string): void {
  if (record === undefined) {
    if (Math.abs(Date.now() - modifiedMs) > TORN_GRACE_MS) return
    throw new TargetUnavailableError(`${file}: another thread is opening it`, undefined, 'TARGET_LOCKED')
  }
  if (!isAlive(record)) return
  const since = `thread ${record.threadId}, since ${record.recordedAt}`
  const holder =
    record.pid === process.pid
      ? `this process (${record.pid}, ${since}) has it open already; two instances would lose each other's rows`
      : `process ${record.pid} (${since}, host ${record.hostname}) has it open; if that is not so, delete ${path}`
  throw new TargetUnavailableError(`${file}: ${holder}`, undefined, 'TARGET_LOCKED')
}

/** True when any descriptor of this process, DuckDB's own included, is of this file; false where there is no /proc. */
function isOpenHere(file: string): boolean {
  const database = statSync(file, { bigint: true, throwIfNoEntry: false })
  if (database === undefined || !existsSync('/proc/self/fd')) return false
  return readdirSync('/proc/self/fd').some((descriptor) => {
    try {
      const { dev, ino } = statSync(`/proc/self/fd/${descriptor}`, { bigint: true })
      return dev === database.dev && ino === database.ino
    } catch {
      return false
    }
  })
}

const digest = (text: string): string => crypto().createHash('sha256').update(text).digest('hex').slice(0, 16)

/** Most opens need nothing of it, and to load it takes each thread 3 ms. */
function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto')
}
