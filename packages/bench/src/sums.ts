import { createHash } from 'node:crypto'
import { type GeneratedColumn, valueAt } from './generated-columns.ts'
import { createRecord, FIRST_TS_MS } from './workload.ts'

/** A sum for each name, exact. */
export type Sums = Readonly<Record<string, number | bigint>>

/** The SQL of each sum over the workload's columns, plain enough for DuckDB and SQLite alike. */
export function sumWorkloadSql(dialect: 'duckdb' | 'sqlite'): Readonly<Record<string, string>> {
  const tsMs = dialect === 'duckdb' ? 'epoch_ms(ts)' : 'ts'
  return {
    rows: 'count(*)',
    id: 'sum(id)',
    nameLength: 'sum(length(name))',
    age: 'sum(age)',
    locationLength: 'sum(length(location))',
    priceCents: 'sum(CAST(round(price * 100) AS BIGINT))',
    ok: 'sum(CAST(ok AS INTEGER))',
    tsMs: `sum(${tsMs})`,
    noteLength: 'sum(length(note))',
  }
}

/** The sums of the workload's first `rows` records. */
export function expectedWorkloadSums(rows: number): Sums {
  const sums = { id: 0, nameLength: 0, age: 0, locationLength: 0, ok: 0, noteLength: 0 }
  let priceCents = 0n
  for (let id = 0; id < rows; id++) {
    const record = createRecord(id)
    sums.id += id
    sums.nameLength += record.name.length
    sums.age += record.age
    sums.locationLength += record.location.length
    sums.ok += record.ok ? 1 : 0
    sums.noteLength += record.note.length
    priceCents += BigInt(Math.round(record.price * 100))
  }
  const tsMs = BigInt(FIRST_TS_MS) * BigInt(rows) + 1_000n * BigInt(sums.id)
  return { rows, ...sums, priceCents, tsMs }
}

/** The SQL of each sum over generated columns: how many values, and a sum over all of them. */
export function sumColumnsSql(columns: readonly GeneratedColumn[]): Readonly<Record<string, string>> {
  const sums: Record<string, string> = { rows: 'count(*)' }
  for (const { name, kind } of columns) {
    sums[`${name} values`] = `count(${name})`
    sums[name] = `coalesce(sum(${sumOf(kind, name)}), 0)`
  }
  return sums
}

function sumOf(kind: GeneratedColumn['kind'], name: string): string {
  switch (kind) {
    case 'integer':
      return name
    case 'double':
      return `CAST(${name} * 4 AS BIGINT)`
    case 'boolean':
      return `CAST(${name} AS INTEGER)`
    case 'timestamp':
      return `epoch_ms(${name})`
    case 'text':
      return `md5_number_lower(${name})`
    default:
      return kind satisfies never
  }
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
  return sums
}

function sumColumn(column: GeneratedColumn, rows: number): readonly [count: number, sum: bigint] {
  // Every double is a number of quarters.
  const factor = column.kind === 'double' ? 4 : 1
  let count = 0
  let sum = 0n
  for (let row = 0; row < rows; row++) {
    const value = valueAt(column, row)
    if (value === null) continue
    count++
    sum += typeof value === 'string' ? hashOf(value) : BigInt(Number(value) * factor)
  }
  return [count, sum]
}

/** As DuckDB's `md5_number_lower`. */
function hashOf(text: string): bigint {
  return createHash('md5').update(text).digest().readBigUInt64LE(8)
}
