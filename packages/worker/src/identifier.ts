import { InvalidOptionsError } from './protocol/errors.ts'
import type { TableReference } from './protocol/table-messages.ts'

/**
 * Longest identifier in UTF-8 bytes.
 *
 * DuckDB itself sets no limit (a table name of 20 MB works); this one is a file name's, as partitioned Parquet and
 * DuckLake put table and column names into paths. It keeps payloads passed as names out of catalogs and messages.
 */
export const MAX_IDENTIFIER_BYTES = 255

/** Says what makes a name no identifier, or gives `undefined` where nothing does. */
export function identifierProblem(name: unknown): string | undefined {
  return nameProblem(name, MAX_IDENTIFIER_BYTES)
}

/** Says what makes a text no name that DuckDB keeps as it is, or gives `undefined` where nothing does. */
export function nameProblem(name: unknown, maxBytes: number): string | undefined {
  if (typeof name !== 'string') return `must be a string, got ${name === null ? 'null' : typeof name}`
  if (name === '') return 'must not be empty'
  // DuckDB ends the statement at a NUL, so what follows it would be ignored
  if (name.includes('\0')) return 'must not hold a NUL character'
  // UTF-8 has no lone surrogates: two different names would become the same one
  if (!name.isWellFormed()) return 'must not hold a lone surrogate'
  const bytes = Buffer.byteLength(name)
  if (bytes > maxBytes) return `must be at most ${maxBytes} bytes of UTF-8, got ${bytes}`
  return undefined
}

/**
 * Quotes a name as a SQL identifier.
 *
 * @throws {@link InvalidOptionsError} when the name is empty, over-long, or holds a NUL or a lone surrogate.
 */
export function quoteIdentifier(name: string): string {
  const problem = identifierProblem(name)
  if (problem !== undefined) throw invalidArgument(`identifier ${shown(name)}: ${problem}`)
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Quotes a text as a SQL string literal.
 *
 * @throws {@link InvalidOptionsError} when the text holds a NUL or a lone surrogate; the message does not show it.
 */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw invalidArgument('a text for SQL must not hold a NUL character')
  if (!text.isWellFormed()) throw invalidArgument('a text for SQL must not hold a lone surrogate')
  return `'${text.replaceAll("'", "''")}'`
}

/**
 * Quotes a table's name with the catalog and schema it is in.
 *
 * A string is one name, dots and all. A catalog without a schema means its schema `main`: DuckDB takes `"a"."b"` for
 * a schema or a catalog, whichever it finds, and refuses it when it finds both.
 *
 * @throws {@link InvalidOptionsError} as {@link quoteIdentifier}.
 */
export function qualifiedName(table: string | TableReference): string {
  if (typeof table === 'string') return quoteIdentifier(table)
  const { catalog, name } = table
  const schema = table.schema ?? (catalog === undefined ? undefined : 'main')
  return [catalog, schema, name]
    .filter((part) => part !== undefined)
    .map(quoteIdentifier)
    .join('.')
}

/** The name as DuckDB compares it: identifiers do not tell upper from lower case, but in ASCII letters alone. */
export function foldIdentifier(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

const invalidArgument = (message: string): InvalidOptionsError =>
  new InvalidOptionsError(message, undefined, 'INVALID_ARGUMENT')

/** A text from outside for a message: escaped and short, so that one from a hostile record cannot forge lines of a log. */
export function shown(name: unknown): string {
  if (typeof name !== 'string') return ''
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name)
}
