import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Dataset } from './dataset.ts'
import { expectedColumnSums, expectedWorkloadSums, type Sums, sumColumnsSql, sumWorkloadSql } from './sums.ts'
import { NESTED_SHAPES, WORKLOAD_TABLE } from './workload.ts'

/** Sums over every column of what a peer wrote, as text: some are larger than a JS number holds exactly. */
export type Checksum = Readonly<Record<string, string>>

/** What speaks SQL: its functions have names of its own. */
export type Dialect = 'duckdb' | 'sqlite'

/** The query that reads a {@link Checksum} back, from within the database that was written. */
export function checksumSql(dataset: Dataset, dialect: Dialect): string {
  const sums = dataset.kind === 'workload' ? sumWorkloadSql(dialect) : sumColumnsSql(dataset.columns)
  const source =
    dataset.kind === 'workload' && dataset.nesting !== 'none'
      ? `(${NESTED_SHAPES[dataset.nesting].flatSql}) AS flat`
      : WORKLOAD_TABLE
  const columns = Object.entries(sums).map(([name, sql]) => `CAST(${sql} AS VARCHAR) AS "${name}"`)
  return `SELECT ${columns.join(', ')} FROM ${source}`
}

const expected = new Map<string, Checksum>()

/** What the first `rows` records of a dataset sum up to; kept, as it takes a while. */
export function expectedChecksum(dataset: Dataset, rows: number): Checksum {
  // However the workload is nested, its values are the same.
  const key = dataset.kind === 'workload' ? `workload ${rows}` : `${JSON.stringify(dataset)} ${rows}`
  const known = expected.get(key)
  if (known !== undefined) return known
  const sums =
    dataset.kind === 'workload' ? expectedWorkloadSums(rows) : expectedColumnSums(dataset.columns, rows)
  const checksum = toChecksum(sums)
  expected.set(key, checksum)
  return checksum
}

/** The checksum of the same rows so many times over. */
export function repeatChecksum(checksum: Checksum, times: number): Checksum {
  const sums = Object.entries(checksum).map(([name, sum]) => [name, BigInt(sum) * BigInt(times)] as const)
  return toChecksum(Object.fromEntries(sums))
}

/** Reads a checksum out of the single row that {@link checksumSql} gives. */
export function toChecksum(row: Sums | Readonly<Record<string, unknown>>): Checksum {
  return Object.fromEntries(Object.entries(row).map(([name, sum]) => [name, String(sum)]))
}

/** Says which sums differ, or nothing when all are equal. */
export function describeDifference(actual: Checksum, expected: Checksum): string | undefined {
  const wrong = Object.keys(expected).filter((name) => actual[name] !== expected[name])
  if (wrong.length === 0) return undefined
  return wrong.map((name) => `${name} is ${actual[name]}, not ${expected[name]}`).join('; ')
}

/** Reads a DuckDB file that another process wrote and closed. */
export async function readDuckDBFile(path: string, dataset: Dataset): Promise<Checksum> {
  const instance = await DuckDBInstance.create(':memory:')
  try {
    const connection = await instance.connect()
    await connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS target (READ_ONLY); USE target`)
    const reader = await connection.runAndReadAll(checksumSql(dataset, 'duckdb'))
    connection.closeSync()
    return toChecksum(reader.getRowObjects()[0] ?? {})
  } finally {
    instance.closeSync()
  }
}

/** Reads a SQLite file that another process wrote and closed. */
export function readSqliteFile(path: string, dataset: Dataset): Checksum {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return toChecksum(database.prepare(checksumSql(dataset, 'sqlite')).get() ?? {})
  } finally {
    database.close()
  }
}
