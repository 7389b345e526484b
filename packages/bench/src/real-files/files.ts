import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { FlightFile } from '../demo/flight-file.ts'

/** Where what is inferred from records is not what DuckDB's own reader makes of the file. */
interface Difference {
  /** The type of the reader's column. */
  readonly theirs: string
  /** The reader's value as ours is, of the column `theirs`. */
  readonly comparable: string
  readonly because: string
}

/** A file that people keep, its records as JS has them, and DuckDB's reader of it. */
export interface RealFile {
  readonly name: string
  readonly readerSql: (path: string) => string
  /** The records, in slices; as many as there are or `rowLimit`. */
  readonly slices: (path: string, rowLimit: number) => Iterable<object[]> | AsyncIterable<object[]>
  /** By column; in all others the types are the same. */
  readonly differences: Readonly<Record<string, Difference>>
}

const A_STRING_IS_A_STRING = 'a string of a record is a string: no text is searched for dates'

/** The files of vega-datasets that hold one table each of what others put down. */
export const REAL_FILES: readonly RealFile[] = [
  {
    name: 'movies.json',
    readerSql: (path) => `read_json('${path}')`,
    slices: (path, rowLimit) => [(JSON.parse(readFileSync(path, 'utf8')) as object[]).slice(0, rowLimit)],
    differences: {
      Title: {
        theirs: 'JSON',
        comparable: `theirs->>'$'`,
        because:
          'nine titles are numbers among strings, whose text goes into a VARCHAR; the reader keeps JSON',
      },
    },
  },
  {
    name: 'birdstrikes.csv',
    readerSql: (path) => `read_csv('${path}')`,
    slices: (path, rowLimit) => [csvRecords(path).slice(0, rowLimit)],
    differences: {
      'Flight Date': { theirs: 'DATE', comparable: 'theirs::VARCHAR', because: A_STRING_IS_A_STRING },
    },
  },
  {
    name: 'github.csv',
    readerSql: (path) => `read_csv('${path}')`,
    slices: (path, rowLimit) => [csvRecords(path).slice(0, rowLimit)],
    differences: {
      time: {
        theirs: 'TIMESTAMP',
        comparable: `strftime(theirs, '%Y/%m/%d %H:%M:%S')`,
        because: A_STRING_IS_A_STRING,
      },
    },
  },
  {
    name: 'flights-3m.parquet',
    readerSql: (path) => `read_parquet('${path}')`,
    slices: async function* (_path, rowLimit) {
      const file = await FlightFile.open()
      yield* file.slices(Math.min(rowLimit, file.rowCount))
    },
    differences: {},
  },
]

/** The path of a file of vega-datasets. */
export function realFilePath(name: string): string {
  return fileURLToPath(new URL(`../data/${name}`, import.meta.resolve('vega-datasets')))
}

/**
 * The records of a CSV file: a cell without text is null, and the cells of a column that all print as a number does
 * are numbers. Nothing else is guessed.
 */
function csvRecords(path: string): Record<string, unknown>[] {
  const records = parse<Record<string, unknown>>(readFileSync(path), { columns: true, bom: true })
  for (const column of Object.keys(records[0] ?? {})) {
    const isNumeric = records.every(
      (record) => record[column] === '' || isNumberText(record[column] as string),
    )
    for (const record of records) {
      if (record[column] === '') record[column] = null
      else if (isNumeric) record[column] = Number(record[column])
    }
  }
  return records
}

const isNumberText = (text: string): boolean => String(Number(text)) === text
