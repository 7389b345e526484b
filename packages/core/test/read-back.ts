import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DuckDBArrayValue,
  DuckDBBitValue,
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBUnionValue,
  type DuckDBValue,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api'
import { type LogicalType, logicalTypeName } from '@ducksink/worker'
import { SinkEngine } from '../src/index.ts'

/** A DuckDB in memory whose session is in a zone that shows where one is not given. */
export async function connect(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'America/New_York'")
  return connection
}

/** What DuckDB itself makes of texts of a type; null where it makes nothing of one. */
export async function castByDuckDB(
  connection: DuckDBConnection,
  type: LogicalType,
  texts: readonly string[],
): Promise<unknown[]> {
  const sql = `SELECT TRY_CAST(x AS ${logicalTypeName(type)}) FROM (SELECT unnest($1::VARCHAR[]) AS x)`
  const reader = await connection.runAndReadAll(sql, [listValue([...texts])], [LIST(VARCHAR)])
  return reader.getRows().map(([value]) => comparable(type, value))
}

/** Values of a type, as an app gives them. */
export interface GivenColumn {
  readonly type: LogicalType
  readonly values: readonly unknown[]
}

/** Writes columns of values through an engine into a file, and reads what is in it then. */
export async function writeAndReadBack(columns: readonly GivenColumn[]): Promise<unknown[][]> {
  const rows = await writeAndRead(columns, '*')
  return columns.map(({ type, values }, index) =>
    values.map((_, row) => comparable(type, rows[row]?.[index] ?? null)),
  )
}

/** The same, as DuckDB prints it. */
export async function writeAndPrint(columns: readonly GivenColumn[]): Promise<(string | null)[][]> {
  const rows = await writeAndRead(columns, 'COLUMNS(*)::VARCHAR')
  return columns.map(({ values }, index) =>
    values.map((_, row) => (rows[row]?.[index] ?? null) as string | null),
  )
}

async function writeAndRead(columns: readonly GivenColumn[], select: string): Promise<DuckDBValue[][]> {
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-'))
  const path = join(directory, 'test.duckdb')
  try {
    await writeColumns(path, columns)
    const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' })
    const connection = await instance.connect()
    const sql = `SELECT ${select} FROM (SELECT * EXCLUDE (row) FROM t ORDER BY row)`
    const rows = (await connection.runAndReadAll(sql)).getRows()
    connection.closeSync()
    instance.closeSync()
    return rows
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function writeColumns(path: string, columns: readonly GivenColumn[]): Promise<void> {
  const types = columns.map(({ type }, index) => [`c${index}`, logicalTypeName(type)])
  const tables = { t: { columns: { row: 'INTEGER', ...Object.fromEntries(types) } } }
  const engine = await SinkEngine.open({ path, tables })
  try {
    const rowCount = Math.max(...columns.map(({ values }) => values.length))
    const records = Array.from({ length: rowCount }, (_, row) => ({
      row,
      ...Object.fromEntries(columns.map(({ values }, index) => [`c${index}`, values[row]])),
    }))
    await engine.write('t', records)
  } finally {
    await engine.close()
  }
}

/** A number's text, -0 told from 0. */
export const numberText = (value: unknown): string => (Object.is(value, -0) ? '-0' : String(value))

/** A JSON value that compares by its numbers' text and its fields' order. */
export function canonicalJson(value: unknown): unknown {
  if (typeof value === 'number') return numberText(value)
  if (Array.isArray(value)) return value.map(canonicalJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).map(([key, field]) => [key, canonicalJson(field)])
}

/** What node-api read back, in the form of a sample's expected value. */
function comparable(type: LogicalType, value: unknown): unknown {
  if (value === null) return null
  if (type.id === 'JSON') return canonicalJson(JSON.parse(value as string))
  if (type.id === 'FLOAT' || type.id === 'DOUBLE') return numberText(value)
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    const { element } = type as { element: LogicalType }
    return value.items.map((item) => comparable(element, item))
  }
  if (value instanceof DuckDBStructValue && type.id === 'STRUCT') {
    return type.fields.map((field) => [field.name, comparable(field.type, value.entries[field.name])])
  }
  if (value instanceof DuckDBMapValue && type.id === 'MAP') {
    return value.entries.map((entry) => [
      comparable(type.key, entry.key),
      comparable(type.value, entry.value),
    ])
  }
  if (value instanceof DuckDBUnionValue && type.id === 'UNION') {
    const member = type.members.find((candidate) => candidate.name === value.tag)
    return { tag: value.tag, value: comparable(member?.type ?? type, value.value) }
  }
  return comparableScalar(type, value)
}

function comparableScalar(type: LogicalType, value: unknown): unknown {
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('hex')
  if (value instanceof DuckDBBitValue) return value.toString()
  if (value instanceof DuckDBIntervalValue) return `${value.months} ${value.days} ${value.micros}`
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (type.id === 'UUID') return String(value)
  if (type.id === 'DECIMAL') return String((value as { value: bigint }).value)
  const parts = value as Readonly<Record<string, bigint | number>>
  const units = parts.bits ?? parts.days ?? parts.micros ?? parts.nanos ?? parts.millis ?? parts.seconds
  return String(units)
}
