import { isPlainRecord } from './plain-record.ts'
import { Refusal } from './refusal.ts'

/** Levels of arrays and objects; a value that contains itself ends here too. */
const MAX_DEPTH = 1_000

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g
/** Significant digits that every double keeps. */
const SAFE_DIGITS = 15
const LONE_SURROGATE = 'it has a lone surrogate, which UTF-8 cannot hold'

/**
 * The text of a JSON value: text is taken for JSON itself, as DuckDB's literal is, other values are written as it.
 *
 * Not `JSON.stringify`, which changes values without a word: it leaves out `undefined` and functions, makes null of
 * NaN, 0 of -0, text of a `Date`, and half a character of a lone surrogate.
 */
export function jsonText(value: unknown): string | Refusal {
  return typeof value === 'string' ? checkedJson(value) : writtenJson(value, 0)
}

/** The same for JSON inside a value that DuckDB's JSON reader takes apart: it writes numbers anew. */
export function embeddedJsonText(value: unknown): string | Refusal {
  const text = jsonText(value)
  if (typeof value !== 'string' || text instanceof Refusal) return text
  for (const [token] of text.matchAll(TOKENS)) {
    if (!token.startsWith('"') && !isKeptNumber(token)) {
      return new Refusal('it is JSON text with a number that has more digits than a double keeps')
    }
  }
  return text
}

function checkedJson(text: string): string | Refusal {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return new Refusal('it is no JSON text; a string becomes JSON by JSON.stringify()')
  }
  // JSON.stringify escapes what is left of lone surrogates, and only that
  const isWellFormed =
    !SURROGATE_ESCAPE.test(text) || !SURROGATE_ESCAPE.test(JSON.stringify(value).replaceAll('\\\\', ''))
  return isWellFormed ? text : new Refusal(LONE_SURROGATE)
}

function writtenJson(value: unknown, depth: number): string | Refusal {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? JSON.stringify(value) : new Refusal(LONE_SURROGATE)
    case 'number':
      if (!Number.isFinite(value)) return new Refusal('JSON has no NaN and no infinity')
      return Object.is(value, -0) ? '-0.0' : String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return 'null'
      if (depth >= MAX_DEPTH)
        return new Refusal(`it nests deeper than ${MAX_DEPTH} levels, or contains itself`)
      if (Array.isArray(value)) return writtenArray(value, depth + 1)
      return isPlainRecord(value)
        ? writtenObject(value, depth + 1)
        : new Refusal('JSON has no class instances')
    default:
      return new Refusal(`JSON has no ${typeof value}`)
  }
}

function writtenArray(values: readonly unknown[], depth: number): string | Refusal {
  let text = '['
  for (let i = 0; i < values.length; i++) {
    const element = writtenJson(values[i], depth)
    if (element instanceof Refusal) return element
    text += i === 0 ? element : `,${element}`
  }
  return `${text}]`
}

function writtenObject(value: Readonly<Record<string, unknown>>, depth: number): string | Refusal {
  if (Object.getOwnPropertySymbols(value).length > 0) return new Refusal('JSON has no symbols')
  let text = '{'
  for (const key of Object.keys(value)) {
    const name = writtenJson(key, depth)
    const field = name instanceof Refusal ? name : writtenJson(value[key], depth)
    if (field instanceof Refusal) return field
    text += text === '{' ? `${name}:${field}` : `,${name}:${field}`
  }
  return `${text}}`
}

function isKeptNumber(token: string): boolean {
  // DuckDB keeps whole numbers of any length as they stand
  if (/^-?\d+$/.test(token)) return true
  const digits = token
    .replace(/[eE].*$/, '')
    .replace(/[.-]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '')
  const number = Math.abs(Number(token))
  const isNormal = number < 1e300 && number > 1e-300
  return digits === '' || (digits.length <= SAFE_DIGITS && isNormal)
}
