import { isLength, NO_LENGTH } from './array-length.ts'
import { isPlainRecord } from './plain-record.ts'
import { Refusal } from './refusal.ts'

/** Levels of arrays and objects; a value that contains itself ends here too. */
const MAX_DEPTH = 1_000

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/
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
  const { length } = values
  if (!isLength(length)) return new Refusal(NO_LENGTH)
  let text = '['
  for (let i = 0; i < length; i++) {
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
