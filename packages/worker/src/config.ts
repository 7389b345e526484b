import { quoteIdentifier, quoteLiteral } from './identifier.ts'
import { InvalidOptionsError } from './protocol/errors.ts'

/** One statement of setting a target up. */
export interface SetupStep {
  /** The setting it is about, where it is one. */
  readonly setting?: string
  /** The statement; a function, because it may hold a secret that `util.inspect` would show. */
  sql(): string
}

/** Runs one statement to its end. */
export type RunSql = (sql: string) => Promise<unknown>

/** DuckDB settings by their canonical names, from a path's query and the config option together. */
export type Settings = ReadonlyMap<string, string>

/** Settings sorted by when they can be applied. */
export interface AppliedSettings {
  /** What the instance is created with. */
  readonly instance: Readonly<Record<string, string>>
  /** What is set right after. */
  readonly steps: readonly SetupStep[]
  /** What is set last of all, because nothing can be set after it. */
  readonly lockDown: readonly SetupStep[]
}

// DuckDB 1.5.5 refuses to change these while an instance runs. All others are SET one by one: at creation DuckDB
// says "Failed to set config" without a name, knows no TimeZone yet, and force_mbedtls_unsafe ends the process.
const CREATION_ONLY: ReadonlySet<string> = new Set([
  'allow_community_extensions',
  'allow_unsigned_extensions',
  'custom_user_agent',
  'disable_database_invalidation',
  'duckdb_api',
  'vacuum_rebuild_indexes',
])

// in this order: after the lock nothing can be set
const LOCK_DOWN: ReadonlySet<string> = new Set(['enable_external_access', 'lock_configuration'])

const ALIASES: ReadonlyMap<string, string> = new Map([
  ['max_memory', 'memory_limit'],
  ['worker_threads', 'threads'],
  ['wal_autocheckpoint', 'checkpoint_threshold'],
  ['null_order', 'default_null_order'],
  ['user', 'username'],
])

const REFUSED: ReadonlyMap<string, string> = new Map([
  ['access_mode', 'a sink always opens its target for writing'],
  ['schema', "name the schema in the table's name instead"],
  ['search_path', "name the schema in the table's name instead"],
  ['errors_as_json', "the engine reads DuckDB's messages"],
])

const SECRET = /token|password|secret|key/

/**
 * Puts a path's query parameters and the config option together.
 *
 * A setting given twice must have the same value in both places: neither wins silently.
 *
 * @throws {@link InvalidOptionsError} with every problem at once; values are never shown.
 */
export function mergeSettings(query: string, config: unknown): Settings {
  const settings = new Map<string, string>()
  const problems: string[] = []
  const add = (where: string, written: string, value: unknown): void => {
    const name = canonicalName(written)
    const problem = settingProblem(name, value)
    const before = settings.get(name)
    if (problem !== undefined) problems.push(`${where}: ${problem}`)
    else if (before !== undefined && before !== value)
      problems.push(`${where}: given twice with different values`)
    else settings.set(name, value as string)
  }
  for (const [name, value] of new URLSearchParams(query))
    add(`path: parameter ${JSON.stringify(name)}`, name, value)
  if (config !== undefined) {
    if (!isRecord(config)) problems.push('config: must be an object of DuckDB settings')
    else
      for (const [name, value] of Object.entries(config))
        add(`config: setting ${JSON.stringify(name)}`, name, value)
  }
  if (problems.length > 0)
    throw new InvalidOptionsError(`wrong settings: ${problems.join('; ')}`, { problems })
  return settings
}

/** Sorts settings, and the defaults of what is not given, by when they can be applied. */
export function applySettings(
  settings: Settings,
  instanceDefaults: Readonly<Record<string, string>>,
  defaults: Readonly<Record<string, string>>,
): AppliedSettings {
  const instance: Record<string, string> = { ...instanceDefaults }
  const set = new Map(Object.entries(defaults))
  for (const [name, value] of settings) {
    if (CREATION_ONLY.has(name)) instance[name] = value
    else set.set(name, value)
  }
  const steps = [...set].filter(([name]) => !LOCK_DOWN.has(name))
  // DuckDB refuses to say yes to external access while it runs, even where it is given
  if (/^(true|t|1|yes|on)$/i.test(set.get('enable_external_access') ?? ''))
    set.delete('enable_external_access')
  const lockDown = [...LOCK_DOWN].flatMap((name) => {
    const value = set.get(name)
    return value === undefined ? [] : [setStep(name, value)]
  })
  return { instance, steps: steps.map(([name, value]) => setStep(name, value)), lockDown }
}

/** The statement that gives a setting its value, for the whole instance unless `SESSION` is said. */
export function setStep(setting: string, value: string, scope: 'GLOBAL' | 'SESSION' = 'GLOBAL'): SetupStep {
  const set = scope === 'GLOBAL' ? 'SET GLOBAL' : 'SET'
  return { setting, sql: () => `${set} ${quoteIdentifier(setting)} = ${quoteLiteral(value)}` }
}

/** Gives a function that takes the secrets among the settings out of a text. */
export function redactor(settings: Settings): (text: string) => string {
  const secrets = [...settings].flatMap(([name, value]) => (SECRET.test(name) && value !== '' ? [value] : []))
  const spellings = secrets.flatMap((secret) => [
    secret,
    quoteLiteral(secret).slice(1, -1),
    encodeURIComponent(secret),
  ])
  const longestFirst = [...new Set(spellings)].sort((a, b) => b.length - a.length)
  return (text) => longestFirst.reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
}

/** What DuckDB refused a setting with, as a mistake in the options. */
export function settingError(step: SetupStep, reason: string): InvalidOptionsError {
  const name = step.setting ?? ''
  const because = reason.includes('cannot be set globally')
    ? 'it belongs to a single connection, and the engine has several'
    : reason
  const problem = `setting "${name}": ${because}`
  return new InvalidOptionsError(`wrong settings: ${problem}`, { problems: [problem] })
}

const canonicalName = (written: string): string => {
  const name = written.toLowerCase()
  return ALIASES.get(name) ?? name
}

function settingProblem(name: string, value: unknown): string | undefined {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) return 'no name of a DuckDB setting'
  if (typeof value !== 'string') return `must be a string, got ${value === null ? 'null' : typeof value}`
  if (value.includes('\0') || !value.isWellFormed()) return 'must hold neither a NUL nor a lone surrogate'
  const refusal = REFUSED.get(name)
  return refusal === undefined ? undefined : `cannot be set: ${refusal}`
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
