/**
 * DuckDB's literals of nested values, read one level at a time: what stands inside another value stays text, for its
 * own type to read.
 *
 * A strict part of DuckDB's grammar, which holds all that it prints: a part is in quotes, in brackets, or bare.
 * Where a closing bracket stands in quotes, this reads what was printed, and DuckDB 1.5.5 itself does not.
 * @see https://duckdb.org/docs/stable/sql/data_types/literal_types
 */

/** The text of a part, or null for a bare NULL. */
type PartText = string | null

const SPACE = /[\t\n\v\f\r ]*/y
/** As in the text of a year before 1, `0044-03-15 (BC)`. */
const BRACKETED_WORD = /\([^[\]{}()'"\\]*\)/y
const BARE_END = /[,:=[\]{}()'"]/g
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}', '(': ')' }

/** The elements of a LIST's literal, `[a, 'b', NULL]`; undefined for what is none. */
export function listOfText(text: string): PartText[] | undefined {
  const elements: PartText[] = []
  const reader = new LiteralReader(text)
  return reader.parts('[', () => {
    const element = reader.part(',]')
    if (element !== undefined) elements.push(element)
    return element !== undefined
  })
    ? elements
    : undefined
}

/** The fields of a STRUCT's literal, `{'a': 1, 'b': NULL}`; undefined for what is none, or has a field twice. */
export function fieldsOfText(text: string): Record<string, PartText> | undefined {
  const fields: Record<string, PartText> = Object.create(null)
  const reader = new LiteralReader(text)
  return reader.parts('{', () => {
    const name = reader.part(':')
    if (typeof name !== 'string' || name in fields || !reader.take(':')) return false
    const value = reader.part(',}')
    if (value !== undefined) fields[name] = value
    return value !== undefined
  })
    ? fields
    : undefined
}

/** The entries of a MAP's literal, `{key=value}`; undefined for what is none. */
export function entriesOfText(text: string): [string, PartText][] | undefined {
  const entries: [string, PartText][] = []
  const reader = new LiteralReader(text)
  return reader.parts('{', () => {
    const key = reader.part('=')
    if (typeof key !== 'string' || !reader.take('=')) return false
    const value = reader.part(',}')
    if (value !== undefined) entries.push([key, value])
    return value !== undefined
  })
    ? entries
    : undefined
}

class LiteralReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Reads all of the text as parts between brackets, with a comma after each but the last. */
  parts(opening: string, readPart: () => boolean): boolean {
    if (!this.take(opening)) return false
    const closing = CLOSING[opening] as string
    if (!this.take(closing)) {
      do if (!readPart()) return false
      while (this.take(','))
      if (!this.take(closing)) return false
    }
    return this.#at === this.#text.length
  }

  /** Takes a character, and the space around it. */
  take(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    this.#skipSpace()
    return true
  }

  /** A part that one of the characters follows; undefined where there is none. */
  part(stops: string): PartText | undefined {
    this.#skipSpace()
    const first = this.#text[this.#at] ?? ''
    if (first === "'" || first === '"') return this.#quoted()
    return first in CLOSING ? this.#bracketed() : this.#bare(stops)
  }

  #quoted(): string | undefined {
    const start = this.#at + 1
    if (!this.#skipQuoted()) return undefined
    return this.#text.slice(start, this.#at - 1).replace(/\\(.)/gs, '$1')
  }

  #bracketed(): string | undefined {
    const start = this.#at
    const open: string[] = []
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at] as string
      if (character === "'" || character === '"') {
        if (!this.#skipQuoted()) return undefined
        this.#at--
      } else if (character === '\\' && /['"]/.test(this.#text[this.#at + 1] ?? '')) {
        return undefined
      } else if (character in CLOSING) {
        open.push(CLOSING[character] as string)
      } else if (character === open.at(-1)) {
        open.pop()
        if (open.length === 0) return this.#text.slice(start, ++this.#at)
      }
    }
    return undefined
  }

  #bare(stops: string): PartText | undefined {
    const start = this.#at
    for (;;) {
      BARE_END.lastIndex = this.#at
      const end = BARE_END.exec(this.#text)?.index
      if (end === undefined) return undefined
      this.#at = end
      const character = this.#text[end] as string
      if (stops.includes(character)) break
      // what would end another kind of part is a character like any other in this one
      if (character === ':' || character === '=' || character === ',') this.#at++
      else if (!this.#skipBracketedWord()) return undefined
    }
    // to DuckDB the backslash in [\,'x'] takes the meaning of the quote away
    if (/^\\.['"]/s.test(this.#text.slice(this.#at - 1, this.#at + 2))) return undefined
    let last = this.#at
    while (last > start && '\t\n\v\f\r '.includes(this.#text[last - 1] as string)) last--
    if (last === start) return undefined
    const text = this.#text.slice(start, last)
    return /^null$/i.test(text) ? null : text
  }

  #skipBracketedWord(): boolean {
    BRACKETED_WORD.lastIndex = this.#at
    if (!BRACKETED_WORD.test(this.#text)) return false
    this.#at = BRACKETED_WORD.lastIndex
    return true
  }

  /** Goes behind the quote that closes the one at hand; a backslash takes the next character's meaning away. */
  #skipQuoted(): boolean {
    const quote = this.#text[this.#at]
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const character = this.#text[at]
      if (character === '\\') at++
      else if (character === quote) {
        this.#at = at + 1
        return true
      }
    }
    return false
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at
    SPACE.exec(this.#text)
    this.#at = SPACE.lastIndex
  }
}
