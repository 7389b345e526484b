import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SinkEngine } from '@ducksink/core'
import { TemporaryDirectory } from '../demo/temporary-directory.ts'
import { type RealFile, realFilePath } from './files.ts'

/** A column as ducksink has inferred it, beside the one of DuckDB's reader. */
interface ComparedColumn {
  readonly name: string
  readonly ours: string
  readonly theirs: string
  /** Cells that are not the same. */
  readonly differentCells: number
  /** Why the types differ; left out where they do not. */
  readonly because?: string
}

export interface Comparison {
  readonly rowCount: number
  readonly columns: readonly ComparedColumn[]
}

/** Writes a file's records with inference, and has another process compare every cell with DuckDB's own reader. */
export async function compareFile(
  file: RealFile,
  rowLimit: number = Number.POSITIVE_INFINITY,
): Promise<Comparison> {
  using directory = new TemporaryDirectory()
  const path = join(directory.path, 'real.duckdb')
  const rowCount = await writeFile(file, path, rowLimit)
  const ours = `SELECT * FROM ours.records`
  const theirs = `SELECT * FROM ${file.readerSql(realFilePath(file.name))} LIMIT ${rowCount}`
  const [ourColumns, theirColumns] = [await describe(path, ours), await describe(path, theirs)]
  const columns = [...ourColumns].map(([name, type]) => {
    const difference = file.differences[name]
    return { name, ours: type, theirs: theirColumns.get(name) ?? 'absent', because: difference?.because }
  })
  const counts = columns.map(({ name }, index) => {
    const comparable = file.differences[name]?.comparable.replaceAll('theirs', `t.${quoted(name)}`)
    return `count(*) FILTER (o.${quoted(name)} IS DISTINCT FROM (${comparable ?? `t.${quoted(name)}`}))::INTEGER AS c${index}`
  })
  // rows of a positional join are those of the longer side
  const [cells = {}] = await ask(
    path,
    `SELECT count(*)::INTEGER AS rows, ${counts.join(', ')} FROM (${ours}) AS o POSITIONAL JOIN (${theirs}) AS t`,
  )
  if (cells.rows !== rowCount || theirColumns.size !== columns.length) {
    throw new Error(
      `${file.name}: ${cells.rows} rows of ${theirColumns.size} columns, not ${rowCount} of ${columns.length}`,
    )
  }
  return {
    rowCount,
    columns: columns.map(({ because, ...column }, index) => ({
      ...column,
      differentCells: cells[`c${index}`] as number,
      ...(because === undefined ? undefined : { because }),
    })),
  }
}

async function writeFile(file: RealFile, path: string, rowLimit: number): Promise<number> {
  await using engine = await SinkEngine.open({ path })
  let rowCount = 0
  for await (const records of file.slices(realFilePath(file.name), rowLimit)) {
    const receipt = await engine.write('records', records)
    rowCount += receipt.rowCount
  }
  return rowCount
}

async function describe(path: string, sql: string): Promise<ReadonlyMap<string, string>> {
  const rows = await ask(path, `DESCRIBE ${sql}`)
  return new Map(rows.map((row) => [row.column_name as string, row.column_type as string]))
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

type Row = Readonly<Record<string, unknown>>

const SCRIPT = `
import { DuckDBInstance } from '@duckdb/node-api'
const connection = await (await DuckDBInstance.create(':memory:')).connect()
const [path, sql] = process.argv.slice(1)
await connection.run("ATTACH '" + path + "' AS ours (READ_ONLY)")
const rows = await connection.runAndReadAll(sql)
process.stdout.write(JSON.stringify(rows.getRowObjectsJson()))`

/** Asks in a process of its own: a second instance of the file in this one would be a danger to it. */
async function ask(path: string, sql: string): Promise<readonly Row[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', SCRIPT, path, sql],
    {
      cwd: import.meta.dirname,
    },
  )
  return JSON.parse(stdout) as Row[]
}
