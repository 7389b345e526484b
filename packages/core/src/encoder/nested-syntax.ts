import type { LogicalType } from '@ducksink/worker'
import { bytesOf } from './bytes.ts'
import type { ScalarType } from './literal-scalar.ts'
import { Refusal, type TextForm } from './refusal.ts'

/** How nested values are written: DuckDB has two ways of reading them, and neither can carry everything. */
export interface NestedSyntax {
  readonly nullText: string
  /** What stands between a key of a MAP and its value. */
  readonly mapSeparator: string
  /** True where JSON stands among the rest as it is. */
  readonly embedsJson: boolean
  /** Quotes a scalar's text, or a name. */
  quoted(text: string): string
  /** Writes a value that holds others, inside another. */
  nested(form: TextForm, value: unknown): string | Refusal
  /** What this syntax can carry of a scalar type. */
  scalarForm(type: ScalarType, form: TextForm): TextForm
  /** What this syntax can carry of a type as a MAP's key. */
  keyForm(type: LogicalType, form: TextForm): TextForm
}

/** Each level of quotes doubles the escapes; this many of them are more than any sensible value needs. */
const MAX_ESCAPES = 2 ** 20

/**
 * DuckDB's own literals: `{"a":"1","b":["x",NULL]}`, `{"key"="value"}`.
 *
 * A nested value may stand bare inside another, except that where text in it has a closing bracket, DuckDB 1.5.5
 * takes that bracket for the value's own, quoted or not, and drops the quotes after it. Such a value is quoted as a
 * whole, which works at any depth.
 */
export function literalSyntax(): NestedSyntax {
  let hasClosingBracket = false
  const quoted = (text: string): string => {
    if (/[\]}]/.test(text)) hasClosingBracket = true
    return `"${text.replace(/["\\]/g, '\\$&')}"`
  }
  return {
    nullText: 'NULL',
    mapSeparator: '=',
    embedsJson: false,
    quoted,
    nested(form, value) {
      const before = hasClosingBracket
      hasClosingBracket = false
      const text = form(value)
      const mustQuote = hasClosingBracket
      hasClosingBracket ||= before
      if (!mustQuote || text instanceof Refusal) return text
      return hasTooManyEscapes(text) ? new Refusal('it nests too deep for its brackets') : quoted(text)
    },
    scalarForm: (_, form) => form,
    keyForm: (_, form) => form,
  }
}

function hasTooManyEscapes(text: string): boolean {
  if (text.length <= MAX_ESCAPES) return false
  let escapes = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === 0x22 || unit === 0x5c) escapes++
  }
  return escapes > MAX_ESCAPES
}

/** JSON, which DuckDB's reader turns into the type: the only way to say which member of a UNION is meant. */
export function jsonSyntax(): NestedSyntax {
  return {
    nullText: 'null',
    mapSeparator: ':',
    embedsJson: true,
    quoted: JSON.stringify,
    nested: (form, value) => form(value),
    scalarForm(type, form) {
      if (type.id === 'BLOB') return utf8Text
      // so that a key that is there twice shows
      if (type.id === 'UUID') return (value) => lowerCase(form(value))
      return form
    },
    keyForm(type, form) {
      if (KEYS.has(type.id)) return form
      return () => new Refusal(`keys of type ${type.id} beside a UNION are not supported yet`)
    },
  }
}

/** Types with one text a value: DuckDB's JSON reader does not see that a key is there twice. */
const KEYS: ReadonlySet<string> = new Set([
  ...['BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  ...['UBIGINT', 'UHUGEINT', 'VARCHAR', 'ENUM', 'UUID'],
])

const lowerCase = (text: string | Refusal): string | Refusal =>
  typeof text === 'string' ? text.toLowerCase() : text

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** DuckDB's JSON reader takes a string's UTF-8 bytes for a BLOB. */
function utf8Text(value: unknown): string | Refusal {
  const bytes = bytesOf(value)
  if (bytes instanceof Refusal) return bytes
  try {
    return UTF_8.decode(bytes)
  } catch {
    return new Refusal('bytes that are not UTF-8 are not supported beside a UNION yet')
  }
}
