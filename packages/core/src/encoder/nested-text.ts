import type { LogicalType } from '@ducksink/worker'
import { Refusal } from './refusal.ts'

/**
 * Reads nested values as DuckDB prints them: `[a, NULL, 'b c']`, `{'a': 1, 'b': [x]}`, `{key=value}`.
 *
 * It is a strict part of what DuckDB's own cast reads, with the same meaning: a value with a quote, bracket or comma in
 * it stands in quotes, in which a backslash goes before a quote or another backslash. Where DuckDB 1.5.5 loses the
 * quotes of a value with a closing bracket in it, this does not. Values become arrays, objects, entries and strings.
 */
export function parseNested(text: string, type: LogicalType): unknown {
  const untold = untoldIn(type)
  if (untold !== undefined) return new Refusal(`text does not say what is in a ${untold}`)
  const parser = new NestedParser(text)
  const value = parser.nested(type)
  return value !== undefined && parser.isAtEnd
    ? value
    : new Refusal(`it is not a ${type.id} as DuckDB prints it`)
}

/** A type inside this one whose text does not say what value it is: the member of a UNION, null or JSON's null. */
function untoldIn(type: LogicalType): string | undefined {
  switch (type.id) {
    case 'LIST':
    case 'ARRAY':
      return untoldIn(type.element)
    case 'STRUCT':
      return type.fields.map((field) => untoldIn(field.type)).find((untold) => untold !== undefined)
    case 'MAP':
      return untoldIn(type.key) ?? untoldIn(type.value)
    case 'UNION':
    case 'JSON':
    case 'VARIANT':
    case 'OTHER':
      return type.id
    default:
      return undefined
  }
}

const SPACE = /[ \t\n\r\v\f]*/y
const QUOTED = /'([^'\\]*(?:\\['"\\][^'\\]*)*)'|"([^"\\]*(?:\\['"\\][^"\\]*)*)"/y
// a backslash counts as itself before a letter or digit, as in a BLOB's \x00
const BARE = /(?:[^\\'"()[\]{},]|\\(?=[a-z\d]))+/iy
const BARE_KEY = /(?:[^\\'"()[\]{},:=]|\\(?=[a-z\d]))+/iy
const ESCAPE = /\\(['"\\])/g
const SPACE_AT_END = /[ \t\n\r\v\f]+$/

/** What cannot be read gives undefined; a `null` is NULL. */
class NestedParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#skipSpace()
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  nested(type: LogicalType): unknown {
    switch (type.id) {
      case 'LIST':
      case 'ARRAY':
        return this.#sequence('[', ']', () => this.#value(type.element))
      case 'STRUCT':
        return this.#struct(new Map(type.fields.map((field) => [field.name, field.type])))
      case 'MAP':
        return this.#sequence('{', '}', () => {
          const key = this.#value(type.key, BARE_KEY)
          if (key === undefined || !this.#take('=')) return undefined
          const value = this.#value(type.value)
          return value === undefined ? undefined : [key, value]
        })
      default:
        return undefined
    }
  }

  #struct(types: ReadonlyMap<string, LogicalType>): unknown {
    const fields = Object.create(null) as Record<string, unknown>
    const names = this.#sequence('{', '}', () => {
      const name = this.#quoted() ?? this.#bare(BARE_KEY)
      const type = name === undefined ? undefined : types.get(name)
      if (name === undefined || type === undefined || name in fields || !this.#take(':')) return undefined
      const value = this.#value(type)
      fields[name] = value
      return value === undefined ? undefined : name
    })
    return names === undefined ? undefined : fields
  }

  #sequence(open: string, close: string, item: () => unknown): unknown[] | undefined {
    if (!this.#take(open)) return undefined
    const items: unknown[] = []
    if (this.#take(close)) return items
    do {
      const read = item()
      if (read === undefined) return undefined
      items.push(read)
    } while (this.#take(','))
    return this.#take(close) ? items : undefined
  }

  #value(type: LogicalType, bare: RegExp = BARE): unknown {
    const quoted = this.#quoted()
    // of a nested value that was quoted as a whole, this is the text
    if (quoted !== undefined) return quoted
    const text = this.#text[this.#at]
    if (text === '[' || text === '{') return this.nested(type)
    const value = this.#bare(bare)
    return value?.toUpperCase() === 'NULL' ? null : value
  }

  #quoted(): string | undefined {
    const match = this.#match(QUOTED)
    return match && (match[1] ?? match[2] ?? '').replace(ESCAPE, '$1')
  }

  #bare(pattern: RegExp): string | undefined {
    const text = this.#match(pattern)?.[0].replace(SPACE_AT_END, '')
    return text === '' ? undefined : text
  }

  #take(symbol: string): boolean {
    if (this.#text[this.#at] !== symbol) return false
    this.#at++
    this.#skipSpace()
    return true
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    this.#skipSpace()
    return match
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
  }
}
