import { createHash } from 'node:crypto'
import { type GeneratedColumn, valueAt } from './generated-columns.ts'
import { createRecord, FIRST_TS_MS } from './workload.ts'

/** A sum for each name, exact. */
export type Sums = Readonly<Record<string, number | bigint>>

// A sum over a column alone would not tell whose value is whose, nor a length what a text says. So a value counts as many
// times as its row's id says, and of each text a character counts, another in each row: with rows enough, all of them.

const WEIGHTS = 251
const CHARACTERS = 1_024

const weightOf = (id: number): number => (id % WEIGHTS) + 1

/** What a text counts: its length, and the character that its row's turn it is to show. */
function textFigure(text: string, id: number): number {
  return text.length * CHARACTERS + (text.codePointAt(id % text.length) ?? Number.NaN)
}

/** The SQL of each sum over the workload's columns, plain enough for DuckDB and SQLite alike. */
export function sumWorkloadSql(dialect: 'duckdb' | 'sqlite'): Readonly<Record<string, string>> {
  const tsMs = dialect === 'duckdb' ? 'epoch_ms(ts)' : 'ts'
  const sum = (figure: string): string => `sum((id % ${WEIGHTS} + 1) * (${figure}))`
  const sumText = (text: string): string =>
    sum(`length(${text}) * ${CHARACTERS} + unicode(substr(${text}, id % length(${text}) + 1, 1))`)
  return {
    rows: 'count(*)',
    id: 'sum(id)',
    name: sumText('name'),
    age: sum('age'),
    location: sumText('location'),
    priceCents: sum('CAST(round(price * 100) AS BIGINT)'),
    ok: sum('CAST(ok AS INTEGER)'),
    // from the first on, or SQLite's sum of 64 bits would overflow
    tsMs: sum(`${tsMs} - ${FIRST_TS_MS}`),
    note: sumText('note'),
  }
}

/** The sums of the workload's first `rows` records. */
export function expectedWorkloadSums(rows: number): Sums {
  const sums = { id: 0, name: 0, age: 0, location: 0, ok: 0, note: 0 }
  let priceCents = 0n
  let tsMs = 0n
  for (let id = 0; id < rows; id++) {
    const record = createRecord(id)
    const weight = weightOf(id)
    sums.id += id
    sums.name += weight * textFigure(record.name, id)
    sums.age += weight * record.age
    sums.location += weight * textFigure(record.location, id)
    sums.ok += record.ok ? weight : 0
    sums.note += weight * textFigure(record.note, id)
    priceCents += BigInt(weight * Math.round(record.price * 100))
    tsMs += BigInt(weight * (record.ts.getTime() - FIRST_TS_MS))
  }
  return { rows, ...sums, priceCents, tsMs }
}

/** The SQL of each sum over generated columns: how many values, a sum over all of them, and one over whole records. */
export function sumColumnsSql(columns: readonly GeneratedColumn[]): Readonly<Record<string, string>> {
  const sums: Record<string, string> = { rows: 'count(*)' }
  for (const { name, kind } of columns) {
    const figure = figureSql(kind, name)
    sums[`${name} values`] = `count(${name})`
    sums[name] = `coalesce(sum(${kind === 'text' ? `md5_number_lower(${figure})` : figure}), 0)`
  }
  // which values stand side by side in a row
  const figures = columns.map(({ name, kind }) => `coalesce(CAST(${figureSql(kind, name)} AS VARCHAR), '-')`)
  sums.records = `sum(md5_number_lower(concat_ws(' ', ${figures.join(', ')})))`
  return sums
}

/** A text, or the whole number that a value stands for. */
function figureSql(kind: GeneratedColumn['kind'], name: string): string {
  switch (kind) {
    case 'integer':
    case 'text':
      return name
    case 'double':
      return `CAST(${name} * ${QUARTERS} AS BIGINT)`
    case 'boolean':
      return `CAST(${name} AS INTEGER)`
    case 'timestamp':
      return `epoch_ms(${name})`
    default:
      return kind satisfies never
  }
}

/** Every double is a number of quarters. */
const QUARTERS = 4

/** The same of a value. */
function figureOf(column: GeneratedColumn, row: number): string | number | null {
  const value = valueAt(column, row)
  if (value === null || typeof value === 'string') return value
  return Number(value) * (column.kind === 'double' ? QUARTERS : 1)
}

/** The sums of the first `rows` records of generated columns. */
export function expectedColumnSums(columns: readonly GeneratedColumn[], rows: number): Sums {
  const sums: Record<string, number | bigint> = { rows }
  // Of five hundred columns many are alike but for their name, and nothing in a column without NULLs hangs on that.
  const known = new Map<string, readonly [count: number, sum: bigint]>()
  for (const column of columns) {
    const key = JSON.stringify(column.nullPercent === 0 ? { ...column, name: '' } : column)
    const [count, sum] = known.get(key) ?? sumColumn(column, rows)
    known.set(key, [count, sum])
    sums[`${column.name} values`] = count
    sums[column.name] = sum
  }
  return { ...sums, records: sumRecords(columns, rows) }
}

function sumColumn(column: GeneratedColumn, rows: number): readonly [count: number, sum: bigint] {
  let count = 0
  let sum = 0n
  for (let row = 0; row < rows; row++) {
    const figure = figureOf(column, row)
    if (figure === null) continue
    count++
    sum += typeof figure === 'string' ? hashOf(figure) : BigInt(figure)
  }
  return [count, sum]
}

function sumRecords(columns: readonly GeneratedColumn[], rows: number): bigint {
  let sum = 0n
  for (let row = 0; row < rows; row++)
    sum += hashOf(columns.map((column) => figureOf(column, row) ?? '-').join(' '))
  return sum
}

/** As DuckDB's `md5_number_lower`. */
function hashOf(text: string): bigint {
  return createHash('md5').update(text).digest().readBigUInt64LE(8)
}
