import { applySettings, redactor, type Settings, type SetupStep, setStep } from './config.ts'
import { firstLine, messageOf } from './duckdb-error.ts'
import { quoteIdentifier, quoteLiteral } from './identifier.ts'
import { InvalidOptionsError, TargetUnavailableError } from './protocol/errors.ts'

/** The scheme of MotherDuck paths, as in `md:my_database`. */
export const MOTHERDUCK_SCHEME = 'md'

/** A database in MotherDuck, attached by its extension. */
export interface MotherDuckTarget {
  readonly kind: 'motherduck'
  readonly file: undefined
  readonly catalog: string
  readonly displayPath: string
  readonly instanceConfig: Readonly<Record<string, string>>
  readonly beforeAttach: readonly SetupStep[]
  readonly attachSql: string
  readonly lockDown: readonly SetupStep[]
  redact(text: string): string
}

/** Where a connection string without a database goes. */
const DEFAULT_DATABASE = 'my_db'
const DEFAULT_USER_AGENT = 'ducksink'
const TOKEN = 'motherduck_token'

// Connection-string names that MotherDuck documents; as settings they have its prefix (duckdb_engine#1399).
const UNPREFIXED: ReadonlySet<string> = new Set([
  'attach_mode',
  'saas_mode',
  'session_name',
  'session_hint',
  'dbinstance_inactivity_ttl',
  'connection_timeout',
])

/**
 * Describes how a MotherDuck database is opened; its token comes from the settings or from the environment.
 *
 * @param database what follows `md:` in the path, without the query.
 * @throws {@link InvalidOptionsError} when the name is a share's, which cannot be written to.
 * @throws {@link TargetUnavailableError} when there is no token.
 * @see https://motherduck.com/docs/sql-reference/motherduck-sql-reference/attach/
 */
export function motherDuckTarget(
  database: string,
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): MotherDuckTarget {
  const catalog = database === '' ? DEFAULT_DATABASE : database
  const displayPath = `${MOTHERDUCK_SCHEME}:${database}`
  if (catalog.startsWith('_share/')) throw invalidPath(`${displayPath}: a share is read-only`)
  const own = new Map([[TOKEN, tokenOf(settings, environment, displayPath)]])
  const instanceSettings = new Map<string, string>()
  for (const [name, value] of settings) {
    const prefixed = UNPREFIXED.has(name) ? `motherduck_${name}` : name
    if (prefixed.startsWith('motherduck_')) own.set(prefixed, value)
    else instanceSettings.set(name, value)
  }
  const { instance, steps, lockDown } = applySettings(
    instanceSettings,
    { threads: '1', custom_user_agent: DEFAULT_USER_AGENT },
    { lock_configuration: 'true' },
  )
  return {
    kind: 'motherduck',
    file: undefined,
    catalog,
    displayPath,
    instanceConfig: instance,
    // Its own settings are known once the extension is loaded, and fixed once it is connected. A token in the
    // string of ATTACH is not seen there: the extension then waits a minute for somebody to sign in by browser.
    beforeAttach: [
      ...steps,
      { sql: () => 'INSTALL motherduck' },
      { sql: () => 'LOAD motherduck' },
      ...[...own].map(([name, value]) => setStep(name, value, 'SESSION')),
    ],
    // no alias: MotherDuck takes none for databases of one's own
    attachSql: `ATTACH ${quoteLiteral(`${MOTHERDUCK_SCHEME}:${checkedName(catalog)}`)}`,
    lockDown,
    redact: redactor(new Map([...settings, ...own])),
  }
}

/** What MotherDuck could not be reached or used for; without the token, in the cause as well. */
export function motherDuckAttachError(target: MotherDuckTarget, cause: unknown): TargetUnavailableError {
  const message = target.redact(messageOf(cause))
  return new TargetUnavailableError(`cannot open ${target.displayPath}: ${reasonOf(message)}`, {
    cause: new Error(message),
  })
}

function reasonOf(message: string): string {
  const detail = firstLine(message)
  if (/Failed to download extension|Could not establish connection/.test(message)) {
    return `the MotherDuck extension of DuckDB could not be downloaded, is there a network? (${detail})`
  }
  if (/extension/i.test(message)) return `the MotherDuck extension of DuckDB could not be loaded (${detail})`
  if (/token|authenticat|authoriz|jwt/i.test(message)) return `MotherDuck refused the token (${detail})`
  return detail
}

function tokenOf(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  displayPath: string,
): string {
  const token = settings.get(TOKEN) ?? environment[TOKEN] ?? environment[TOKEN.toUpperCase()]
  if (token !== undefined && token !== '') return token
  // without one the extension asks for a browser
  const places = `the path (${MOTHERDUCK_SCHEME}:...?${TOKEN}=...), the config or the environment (${TOKEN})`
  throw new TargetUnavailableError(
    `cannot open ${displayPath}: there is no MotherDuck token; give one in ${places}`,
  )
}

function checkedName(catalog: string): string {
  quoteIdentifier(catalog)
  return catalog
}

const invalidPath = (problem: string): InvalidOptionsError =>
  new InvalidOptionsError(problem, { problems: [problem] })
