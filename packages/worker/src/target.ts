import {
  applySettings,
  mergeSettings,
  type RunSql,
  redactor,
  type Settings,
  type SetupStep,
  settingError,
} from './config.ts'
import { messageOf } from './duckdb-error.ts'
import { quoteIdentifier } from './identifier.ts'
import { InvalidOptionsError, type SinkError, TargetUnavailableError } from './protocol/errors.ts'
import {
  type FileTarget,
  fileAttachError,
  fileTarget,
  LOCAL_INSTANCE,
  LOCAL_LOCK_DOWN,
} from './target-file.ts'
import {
  MOTHERDUCK_SCHEME,
  type MotherDuckTarget,
  motherDuckAttachError,
  motherDuckTarget,
} from './target-motherduck.ts'

/** The instance in memory itself: nothing is attached, nothing survives. */
interface MemoryTarget {
  readonly kind: 'memory'
  readonly file: undefined
  readonly catalog: 'memory'
  readonly displayPath: ':memory:'
  readonly instanceConfig: Readonly<Record<string, string>>
  readonly beforeAttach: readonly SetupStep[]
  readonly attachSql: undefined
  readonly lockDown: readonly SetupStep[]
  redact(text: string): string
}

/**
 * Where the rows go, and how an instance in memory gets there.
 *
 * In order: create the instance with `instanceConfig`, {@link attachTarget}, then {@link lockDownTarget}, with
 * `USE` of the catalog on every connection.
 */
export type Target = FileTarget | MemoryTarget | MotherDuckTarget

/** What a path means beside what it says. */
export interface TargetSurroundings {
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** The file that the path has meant before: a link, or the working directory, may have changed since. */
  readonly file?: string | undefined
}

const MEMORY = ':memory:'

// A file opened by path, not attached, can become unopenable after a crash (duckdb#18259): so a target is always
// attached to an instance in memory.

/**
 * Describes how a path is opened: a file, `:memory:` or `md:`, each with DuckDB settings as query parameters.
 *
 * Looks at the file system, to resolve links, and at the environment, for MotherDuck's token; loads no native code.
 *
 * @throws {@link InvalidOptionsError} when path or settings are wrong, with every problem of the settings at once.
 * @throws {@link TargetUnavailableError} when a file's directory is missing, or there is no token for MotherDuck.
 */
export function parseTarget(
  path: string,
  config?: Readonly<Record<string, string>>,
  { environment = process.env, file }: TargetSurroundings = {},
): Target {
  const { location, query } = splitPath(path)
  const settings = mergeSettings(query, config)
  if (location === MEMORY) return memoryTarget(settings)
  const scheme = schemeOf(location)
  if (scheme === undefined) return fileTarget(file ?? location, settings)
  if (scheme !== MOTHERDUCK_SCHEME) throw refusal(scheme, location)
  return motherDuckTarget(location.slice(scheme.length + 1), settings, environment)
}

/** The statement that makes the target a connection's current database. */
export function useSql(target: Target): string {
  return `USE ${quoteIdentifier(target.catalog)}`
}

/**
 * Applies the target's settings, attaches it and makes it the connection's current database.
 *
 * @throws {@link InvalidOptionsError} when DuckDB refuses a setting.
 * @throws {@link TargetUnavailableError} when DuckDB cannot attach the target.
 */
export async function attachTarget(target: Target, run: RunSql): Promise<void> {
  await runSteps(target, target.beforeAttach, run)
  if (target.attachSql !== undefined) {
    const sql = target.attachSql
    await runStep(target, { sql: () => sql }, run)
  }
  await run(useSql(target))
}

/**
 * Closes what the target does not need, external access where it is local, and locks the configuration.
 *
 * @throws {@link InvalidOptionsError} when DuckDB refuses a setting.
 */
export async function lockDownTarget(target: Target, run: RunSql): Promise<void> {
  await runSteps(target, target.lockDown, run)
}

/** What opening the target failed with, in ducksink's terms, without secrets. */
export function attachError(target: Target, cause: unknown): SinkError {
  const creation = instanceError(target, messageOf(cause))
  if (creation !== undefined) return creation
  switch (target.kind) {
    case 'file':
      return fileAttachError(target.file, cause)
    case 'motherduck':
      return motherDuckAttachError(target, cause)
    case 'memory':
      return new TargetUnavailableError(`cannot open ${MEMORY}: ${target.redact(messageOf(cause))}`)
    default:
      return unknownTarget(target)
  }
}

/** Settings in one call; where DuckDB refuses one, it is found by making them one by one. */
async function runSteps(target: Target, steps: readonly SetupStep[], run: RunSql): Promise<void> {
  // an extension that cannot be installed says so after a minute: once is enough
  if (steps.some(({ setting }) => setting === undefined)) return runEach(target, steps, run)
  if (steps.length === 0) return
  await run(steps.map((step) => step.sql()).join('; ')).catch(() => runEach(target, steps, run))
}

async function runEach(target: Target, steps: readonly SetupStep[], run: RunSql): Promise<void> {
  for (const step of steps) await runStep(target, step, run)
}

async function runStep(target: Target, step: SetupStep, run: RunSql): Promise<void> {
  try {
    await run(step.sql())
  } catch (error) {
    if (step.setting === undefined) throw attachError(target, error)
    throw settingError(step, target.redact(messageOf(error)))
  }
}

// DuckDB does not say which of the settings that it was created with it did not like
function instanceError(target: Target, message: string): InvalidOptionsError | undefined {
  if (!/^Failed to set config$|options were not recognized/.test(message)) return undefined
  const names = Object.keys(target.instanceConfig).join(', ')
  return invalid(`wrong settings: DuckDB refused one of ${names}`)
}

function memoryTarget(settings: Settings): MemoryTarget {
  const { instance, steps, lockDown } = applySettings(settings, LOCAL_INSTANCE, LOCAL_LOCK_DOWN)
  return {
    kind: 'memory',
    file: undefined,
    catalog: 'memory',
    displayPath: MEMORY,
    instanceConfig: instance,
    beforeAttach: steps,
    attachSql: undefined,
    lockDown,
    redact: redactor(settings),
  }
}

/** Cuts the query off a path. */
function splitPath(path: unknown): { location: string; query: string } {
  if (typeof path !== 'string')
    throw invalid(`path: must be a string, got ${path === null ? 'null' : typeof path}`)
  if (path.includes('\0') || !path.isWellFormed())
    throw invalid('path: must hold neither a NUL nor a lone surrogate')
  // Windows writes long paths as \\?\C:\...
  const mark = path.indexOf('?', path.startsWith('\\\\?\\') ? 4 : 0)
  const location = mark === -1 ? path : path.slice(0, mark)
  if (location === '') throw invalid(`path: must not be empty; '${MEMORY}' is a database in memory`)
  if (location.startsWith(MEMORY) && location !== MEMORY)
    throw invalid(`path: a database in memory is '${MEMORY}'`)
  return { location, query: mark === -1 ? '' : path.slice(mark + 1) }
}

/** The scheme of a path; one letter is a drive of Windows. */
function schemeOf(location: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):/i.exec(location)?.[1]?.toLowerCase()
}

function refusal(scheme: string, location: string): InvalidOptionsError {
  const reasons: Readonly<Record<string, string>> = {
    quack: "DuckDB's remote protocol is not transactional yet: a ROLLBACK leaves remote rows in place",
    ducklake: 'DuckLake is not supported yet',
    motherduck: "write 'md:'",
    file: 'give the path itself, as fileURLToPath() makes it',
    s3: 'DuckDB cannot write to a database file in object storage',
    gs: 'DuckDB cannot write to a database file in object storage',
    http: 'DuckDB cannot write to a database file over HTTP',
    https: 'DuckDB cannot write to a database file over HTTP',
  }
  const reason = reasons[scheme] ?? `no such target; a file of this name is './${scheme}:...'`
  return invalid(`path: '${location.slice(0, scheme.length + 1)}' cannot be opened: ${reason}`)
}

const invalid = (problem: string): InvalidOptionsError =>
  new InvalidOptionsError(problem, { problems: [problem] })

function unknownTarget(target: never): never {
  throw new TypeError(`unknown target ${String(target)}`)
}
