import { flatText } from './flat-text.ts'
import { type BatchRange, FIRST_TS_MS } from './workload.ts'

/** The letters that a text is made of: 1, 2, 3 or 4 bytes each in UTF-8. */
export type Alphabet = 'ascii' | 'latin' | 'cjk' | 'emoji'

/** A column whose value in each row follows from the row's number alone; the same in peers-python/datasets.py. */
export type GeneratedColumn = {
  readonly name: string
  /** Of a hundred rows, so many are NULL. */
  readonly nullPercent: number
} & (
  | { readonly kind: 'integer' | 'double' | 'boolean' | 'timestamp' }
  | {
      readonly kind: 'text'
      readonly alphabet: Alphabet
      /** At most so many bytes in UTF-8, and at most three fewer. */
      readonly bytes: number
      /** How many different texts there are; 0: every row has its own. */
      readonly distinct: number
    }
)

type TextColumn = Extract<GeneratedColumn, { kind: 'text' }>

type Value = string | number | boolean | Date

/** The letters of each alphabet; an emoji is two of JavaScript's units, so they are lists. */
const LETTERS: Readonly<Record<Alphabet, readonly string[]>> = {
  ascii: [...'the quick brown fox jumps over a lazy dog '],
  latin: [...'äöüßéèêñçåøæîôûáíóúýþð'],
  cjk: [...'数据库引擎将记录批量写入表中并返回回执'],
  emoji: [...'🦆🐤🐣🐥🪿🦢🐧🕊🐦🦉🦅🌊'],
}

/** UTF-8 bytes of each of an alphabet's letters. */
const LETTER_BYTES: Readonly<Record<Alphabet, number>> = { ascii: 1, latin: 2, cjk: 3, emoji: 4 }

const COLUMN_TYPES = {
  integer: 'INTEGER',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
  text: 'VARCHAR',
} as const satisfies Record<GeneratedColumn['kind'], string>

/** The columns of a CREATE TABLE statement. */
export function columnsSqlOf(columns: readonly GeneratedColumn[]): string {
  return columns.map(({ name, kind }) => `${name} ${COLUMN_TYPES[kind]}`).join(', ')
}

/** Makes the records of one batch. */
export function createGenerated(columns: readonly GeneratedColumn[], range: BatchRange): object[] {
  // Filled key by key, an object of many fields would become a hash table, which no source of wide records gives.
  const template = Object.fromEntries(columns.map(({ name }) => [name, null])) as Record<string, Value | null>
  return Array.from({ length: range.rows }, (_, i) => {
    const record = { ...template }
    for (const column of columns) record[column.name] = valueAt(column, range.firstId + i)
    return record
  })
}

/** Whether a column has a value in a row. */
function hasValue({ name, nullPercent }: GeneratedColumn, row: number): boolean {
  // The last letter of its name sets the NULLs of a column apart from those of its neighbours.
  return nullPercent === 0 || (row * 37 + name.charCodeAt(name.length - 1)) % 100 >= nullPercent
}

/** The value of a column in a row. */
export function valueAt(column: GeneratedColumn, row: number): Value | null {
  if (!hasValue(column, row)) return null
  switch (column.kind) {
    case 'integer':
      return row
    case 'double':
      return row * 0.25
    case 'boolean':
      return row % 3 === 0
    case 'timestamp':
      return new Date(FIRST_TS_MS + row * 1_000)
    case 'text':
      return textAt(column, row)
    default:
      return column satisfies never
  }
}

/** The number of a text, and letters up to its length. */
function textAt({ alphabet, bytes, distinct }: TextColumn, row: number): string {
  const number = String(distinct === 0 ? row : row % distinct)
  const letterCount = Math.floor((bytes - number.length) / LETTER_BYTES[alphabet])
  return flatText(number + lettersFrom(alphabet, row % LETTERS[alphabet].length, letterCount))
}

const runs = new Map<string, string>()

/** So many letters of an alphabet, from one of them on, over and over; kept, as there are few. */
function lettersFrom(alphabet: Alphabet, first: number, count: number): string {
  const key = `${alphabet} ${first} ${count}`
  const known = runs.get(key)
  if (known !== undefined) return known
  const letters = LETTERS[alphabet]
  const run = Array.from({ length: count }, (_, i) => letters[(first + i) % letters.length]).join('')
  runs.set(key, run)
  return run
}
