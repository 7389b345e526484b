import { SchemaError } from './errors.ts'

const SPACE = /\s*/y
const WORD = /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy
const QUOTED = /"([^"]+(?:""[^"]*)*|(?:""[^"]*)+)"/y
const STRING = /'([^']*(?:''[^']*)*)'/y
const DIGITS = /\d{1,9}/y

/** Reads the text of a type's name from left to right, word by word; space between words does not count. */
export class TypeCursor {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#skipSpace()
  }

  /** Where the next word starts; set it to go back. */
  get at(): number {
    return this.#at
  }

  set at(at: number) {
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  /** The text from `start` to here, without space at its end. */
  since(start: number): string {
    return this.#text.slice(start, this.#at).trimEnd()
  }

  /** Takes what the sticky pattern matches here: its first group, if it has one. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    this.#skipSpace()
    return match[1] ?? match[0]
  }

  word(): string | undefined {
    return this.take(WORD)
  }

  quotedName(): string {
    const quoted = this.take(QUOTED)
    if (quoted === undefined) throw this.refusal('misses a name')
    return quoted.replaceAll('""', '"')
  }

  name(): string {
    return this.word() ?? this.quotedName()
  }

  string(): string | undefined {
    return this.take(STRING)?.replaceAll("''", "'")
  }

  digits(): string | undefined {
    return this.take(DIGITS)
  }

  number(min: number, max: number): number {
    const digits = this.digits()
    const value = Number(digits)
    if (digits === undefined || value < min || value > max) {
      throw this.refusal(`needs a whole number from ${min} to ${max}`)
    }
    return value
  }

  symbol(symbol: string): boolean {
    if (this.#text[this.#at] !== symbol) return false
    this.#at++
    this.#skipSpace()
    return true
  }

  expect(symbol: string): void {
    if (!this.symbol(symbol)) throw this.refusal(`misses '${symbol}'`)
  }

  refusal(what: string): SchemaError {
    const text = this.#text.length > 100 ? `${this.#text.slice(0, 100)}...` : this.#text
    return new SchemaError(`the type ${JSON.stringify(text)} ${what} at position ${this.#at}`)
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
  }
}
