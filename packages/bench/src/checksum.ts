import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import { createRecord, FIRST_TS_MS, WORKLOAD_TABLE } from './datasets.ts'

/** Sums over every column of what a peer wrote, as text: some are larger than a JS number holds exactly. */
export type Checksum = Readonly<Record<(typeof SUM_NAMES)[number], string>>

const SUM_NAMES = [
  'rows',
  'id',
  'nameLength',
  'age',
  'locationLength',
  'priceCents',
  'ok',
  'tsMs',
  'noteLength',
] as const

/** The query that reads a {@link Checksum} back; plain enough for DuckDB and SQLite alike. */
export function checksumSql(dialect: 'duckdb' | 'sqlite', table: string = WORKLOAD_TABLE): string {
  const tsMs = dialect === 'duckdb' ? 'epoch_ms(ts)' : 'ts'
  const sums: Record<(typeof SUM_NAMES)[number], string> = {
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
  const columns = SUM_NAMES.map((name) => `CAST(${sums[name]} AS VARCHAR) AS "${name}"`)
  return `SELECT ${columns.join(', ')} FROM ${table}`
}

const expected = new Map<number, Checksum>()

/** What the first `rows` records of the workload sum up to; kept, as it takes a while. */
export function expectedChecksum(rows: number): Checksum {
  const known = expected.get(rows)
  if (known !== undefined) return known
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
  const checksum = toChecksum({ rows, ...sums, priceCents, tsMs })
  expected.set(rows, checksum)
  return checksum
}

/** The checksum of the same rows so many times over. */
export function repeatChecksum(checksum: Checksum, times: number): Checksum {
  const sums = SUM_NAMES.map((name) => [name, BigInt(checksum[name]) * BigInt(times)] as const)
  return toChecksum(Object.fromEntries(sums))
}

/** Reads a checksum out of the single row that {@link checksumSql} gives. */
export function toChecksum(row: Readonly<Record<string, unknown>>): Checksum {
  const texts = SUM_NAMES.map((name) => [name, String(row[name])] as const)
  return Object.fromEntries(texts) as Record<(typeof SUM_NAMES)[number], string>
}

/** Says which sums differ, or nothing when all are equal. */
export function describeDifference(actual: Checksum, expected: Checksum): string | undefined {
  const wrong = SUM_NAMES.filter((name) => actual[name] !== expected[name])
  if (wrong.length === 0) return undefined
  return wrong.map((name) => `${name} is ${actual[name]}, not ${expected[name]}`).join('; ')
}

/** Reads a DuckDB file that another process wrote and closed. */
export async function readDuckDBFile(path: string): Promise<Checksum> {
  const instance = await DuckDBInstance.create(':memory:')
  try {
    const connection = await instance.connect()
    await connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS target (READ_ONLY)`)
    const reader = await connection.runAndReadAll(checksumSql('duckdb', `target.${WORKLOAD_TABLE}`))
    connection.closeSync()
    return toChecksum(reader.getRowObjects()[0] ?? {})
  } finally {
    instance.closeSync()
  }
}

/** Reads a SQLite file that another process wrote and closed. */
export function readSqliteFile(path: string): Checksum {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return toChecksum(database.prepare(checksumSql('sqlite')).get() ?? {})
  } finally {
    database.close()
  }
}
