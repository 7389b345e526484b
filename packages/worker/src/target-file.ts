import { existsSync, realpathSync } from 'node:fs'
import { homedir, totalmem } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { applySettings, redactor, type Settings, type SetupStep } from './config.ts'
import { realDatabasePath } from './database-path.ts'
import { errorKind, messageOf } from './duckdb-error.ts'
import { quoteIdentifier, quoteLiteral } from './identifier.ts'
import { TargetUnavailableError } from './protocol/errors.ts'

/** A database file, attached to an instance in memory. */
export interface FileTarget {
  readonly kind: 'file'
  /** The file by its real path; what {@link acquireLock} takes. */
  readonly file: string
  /** The name of the attached database. */
  readonly catalog: string
  /** For messages and logs. */
  readonly displayPath: string
  readonly instanceConfig: Readonly<Record<string, string>>
  readonly beforeAttach: readonly SetupStep[]
  readonly attachSql: string
  readonly lockDown: readonly SetupStep[]
  /** The `memory_limit`, where it is the default and not the app's choice. */
  readonly defaultMemoryLimit: string | undefined
  redact(text: string): string
}

const MEBIBYTE = 1024 * 1024
const DEFAULT_MEMORY_LIMIT_MIB = 1024

// Each checkpoint writes the last row group of a table once more, and every block of an index that has changed. At DuckDB's
// own 16 MB that took a third of small writes with 100,000 keys in the ledger.
const CHECKPOINT_THRESHOLD = '64MiB'

/** What every instance without a network is created with; `threads: 1` was 1.4 times as fast as two. */
export const LOCAL_INSTANCE: Readonly<Record<string, string>> = {
  threads: '1',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
}

/** What locks an instance down that needs nothing from outside. */
export const LOCAL_LOCK_DOWN: Readonly<Record<string, string>> = {
  enable_external_access: 'false',
  lock_configuration: 'true',
}

// DuckDB guards the lower-case spellings of the first three alone: TEMP.duckdb makes it fail with internal errors,
// and a catalog named like a schema makes `main.t` ambiguous.
const RESERVED_CATALOGS: ReadonlySet<string> = new Set([
  'main',
  'temp',
  'system',
  'memory',
  'information_schema',
  'pg_catalog',
])

/**
 * Describes how a database file is opened.
 *
 * @throws {@link TargetUnavailableError} when its directory is missing, or when it is given by a link beside which
 * another program left a write-ahead log.
 */
export function fileTarget(path: string, settings: Settings): FileTarget {
  const given = resolve(/^~[/\\]/.test(path) ? join(homedir(), path.slice(2)) : path)
  const file = realDatabasePath(given)
  refuseStrayLog(given, file)
  const catalog = catalogOf(file)
  const ownLimit = settings.has('memory_limit') ? undefined : defaultMemoryLimit()
  const { instance, steps, lockDown } = applySettings(settings, LOCAL_INSTANCE, {
    // the engine lowers its own limit for a moment now and then: see block-cache.ts
    ...(ownLimit === undefined ? {} : { memory_limit: ownLimit, allowed_configs: '[memory_limit]' }),
    // where DuckDB spills when it opens a file by path; the instance in memory would use `.tmp` in the cwd
    temp_directory: `${file}.tmp`,
    checkpoint_threshold: CHECKPOINT_THRESHOLD,
    ...LOCAL_LOCK_DOWN,
  })
  return {
    kind: 'file',
    file,
    catalog,
    displayPath: file,
    instanceConfig: instance,
    beforeAttach: steps,
    // with its type: DuckDB takes a Parquet or SQLite file for a database of that type otherwise
    attachSql: `ATTACH ${quoteLiteral(file)} AS ${quoteIdentifier(catalog)} (TYPE duckdb)`,
    lockDown,
    defaultMemoryLimit: ownLimit,
    redact: redactor(settings),
  }
}

/** The name that DuckDB gives the database of a file: what precedes the first dot, unless that name is taken. */
export function catalogOf(file: string): string {
  const name = basename(file)
    .split('.')
    .find((part) => part !== '')
  if (name === undefined) return 'database'
  return RESERVED_CATALOGS.has(name.toLowerCase()) ? `${name}_db` : name
}

/** A quarter of the memory that this process may use, at most 1 GiB, as DuckDB writes it. */
export function defaultMemoryLimit(memoryBytes: number = usableMemoryBytes()): string {
  const quarter = Math.floor(memoryBytes / 4 / MEBIBYTE)
  return `${Math.max(1, Math.min(DEFAULT_MEMORY_LIMIT_MIB, quarter))}MiB`
}

// a container's limit, where there is one, is below the machine's memory
function usableMemoryBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** What DuckDB refused a database file with, as the state of the file. */
export function fileAttachError(file: string, cause: unknown): TargetUnavailableError {
  const message = messageOf(cause)
  const failure = FAILURES.find(({ pattern }) => pattern.test(message))
  const reason = failure?.reason(pidIn(message)) ?? withoutTrace(message)
  // a FATAL or INTERNAL error leaves the process in a state from which a second try can corrupt the heap (node-neo#393)
  const advice = ['FATAL', 'INTERNAL'].includes(errorKind(cause))
    ? '; restart the process before trying again'
    : ''
  const details = { cause: new Error(withoutTrace(message)) }
  return new TargetUnavailableError(`cannot open ${file}: ${reason}${advice}`, details, failure?.code)
}

interface Failure {
  readonly pattern: RegExp
  readonly code?: 'TARGET_LOCKED' | 'TARGET_FULL'
  reason(pid: string | undefined): string
}

const FAILURES: readonly Failure[] = [
  {
    pattern: /Could not set lock on file|being used by another process/,
    code: 'TARGET_LOCKED',
    reason: (pid) => `${pid === undefined ? 'another process' : `process ${pid}`} has it open`,
  },
  {
    pattern: /is already attached by database/,
    code: 'TARGET_LOCKED',
    reason: () => 'this instance has it attached already',
  },
  {
    pattern: /not a valid DuckDB database file/,
    reason: () => 'it is not a DuckDB database; name another file, or remove this one if it is empty',
  },
  {
    pattern: /version number|storage version|newer version/i,
    reason: () => 'it was written by a version of DuckDB that this one cannot read',
  },
  {
    pattern: /encrypted|encryption key/i,
    reason: () => 'it is encrypted, which the engine does not support',
  },
  {
    pattern: /replaying WAL/i,
    reason: () => 'its write-ahead log could not be replayed; keep the log, it holds committed rows',
  },
  { pattern: /Is a directory/, reason: () => 'it is a directory' },
  { pattern: /No such file or directory/, reason: () => 'its directory does not exist or takes no files' },
  { pattern: /Not a directory/, reason: () => 'a part of its path is not a directory' },
  { pattern: /Permission denied/, reason: () => 'no permission to read and write it' },
  { pattern: /Read-only file system/, reason: () => 'it is on a read-only file system' },
  { pattern: /No space left/, code: 'TARGET_FULL', reason: () => 'no space is left on its disk' },
  {
    pattern: /Dis[ck] quota exceeded/,
    code: 'TARGET_FULL',
    reason: () => 'the quota of its disk is used up',
  },
]

// 0 is a process of another container
const pidIn = (message: string): string | undefined => /\(PID ([1-9]\d*)\)/.exec(message)?.[1]

const withoutTrace = (message: string): string => message.split('\n\nStack Trace', 1)[0] as string

// Its commits would be missing here, and it would be useless once the file has been written by its own name.
function refuseStrayLog(given: string, file: string): void {
  const log = `${given}.wal`
  if (given === file || !existsSync(log) || realpathSync.native(log) === `${file}.wal`) return
  const reason = `it is a link to ${file}, and ${log} holds commits that were made through the link`
  throw new TargetUnavailableError(
    `cannot open ${given}: ${reason}; open and close it there with DuckDB first`,
  )
}
