import type { TableOptions } from '@ducksink/core'
import { Random } from './random.ts'

// What a batch holds follows from its number and the payload's seed alone, so that the writing process, the verifying
// one and SQL know it without telling each other.

/** Table that most batches go to; its CHECK is what DuckDB refuses a record for. */
export const PLAIN_TABLE = 'batches'
/** Table that follows its records: some batches add a column. */
export const EVOLVING_TABLE = 'evolving_batches'

const COLUMNS = 'batch INTEGER, "row" INTEGER, value BIGINT CHECK (value >= 0), text VARCHAR'

/** How both tables are made. */
export const BATCH_TABLES: Readonly<Record<string, TableOptions>> = {
  [PLAIN_TABLE]: { createTableSql: `CREATE TABLE ${PLAIN_TABLE} (${COLUMNS})`, badRecords: 'dead-letter' },
  [EVOLVING_TABLE]: {
    createTableSql: `CREATE TABLE ${EVOLVING_TABLE} (${COLUMNS})`,
    badRecords: 'dead-letter',
    schemaContract: { columns: 'evolve' },
  },
}

/** What the batches of a run are like. */
export interface PayloadShape {
  readonly seed: number
  /** Rows of the largest batches: more than 8,192 go over in several parts. */
  readonly maxRows: number
  /** One batch in so many has records that are set aside; 0 for none. */
  readonly badOneIn: number
  /** One batch in so many goes to the table that follows it; 0 for none. */
  readonly evolvingOneIn: number
}

/** A batch, but for its records. */
export interface Batch {
  readonly number: number
  readonly key: string
  readonly table: string
  readonly rowCount: number
  readonly hasBadRecords: boolean
}

/** One row of a batch as it is written. */
export interface BatchRecord {
  readonly batch: number
  readonly row: number
  readonly value: number | string
  readonly text: string
  readonly [extra: string]: unknown
}

/** Describes a batch. */
export function batchOf(shape: PayloadShape, number: number): Batch {
  const random = new Random(shape.seed, 'batch', number)
  const rowCount = random.oneIn(4)
    ? random.int(Math.max(1, shape.maxRows >> 2), shape.maxRows)
    : random.int(1, Math.max(1, shape.maxRows >> 5))
  const isEvolving = shape.evolvingOneIn > 0 && random.oneIn(shape.evolvingOneIn)
  return {
    number,
    key: `${shape.seed}-${number}`,
    table: isEvolving ? EVOLVING_TABLE : PLAIN_TABLE,
    rowCount,
    hasBadRecords: shape.badOneIn > 0 && random.oneIn(shape.badOneIn),
  }
}

/** The ordered sources of what is written by channel and offset. */
export const CHANNELS = ['source a', 'source b', 'source c'] as const

/** Where a batch of one record is in its source; offsets count from 1. */
export function positionOf(number: number): { readonly channel: string; readonly offset: bigint } {
  const channel = CHANNELS[number % CHANNELS.length] as string
  return { channel, offset: BigInt(Math.floor(number / CHANNELS.length) + 1) }
}

/** The records of a batch. */
export function recordsOf({ number, table, rowCount, hasBadRecords }: Batch): BatchRecord[] {
  const extra = table === EVOLVING_TABLE ? { [`extra_${(number >> 3) % 12}`]: number } : undefined
  return Array.from({ length: rowCount }, (_, row) => ({
    batch: number,
    row,
    value: hasBadRecords ? (badValue(row) ?? numberOf(number, row)) : numberOf(number, row),
    text: textOf(number, row),
    ...extra,
  }))
}

/** What a file must hold of a batch: sums tell which rows there are, and SQL compares what is in them. */
export interface ExpectedBatch {
  readonly rows: number
  readonly rowSum: number
  readonly rowSquares: number
  readonly letters: number
}

/** What a file must hold of a batch that was committed once. */
export function expectedOf({ rowCount, hasBadRecords }: Batch): ExpectedBatch {
  let [rows, rowSum, rowSquares] = [0, 0, 0]
  for (let row = 0; row < rowCount; row++) {
    if (hasBadRecords && badValue(row) !== undefined) continue
    rows++
    rowSum += row
    rowSquares += row * row
  }
  return { rows, rowSum, rowSquares, letters: rowCount - rows }
}

/** One group for each batch in a table, with what tells whether it is whole. */
export const batchesSql = (table: string): string => `
  SELECT batch::INTEGER AS batch, count(*)::INTEGER AS rows, sum("row")::DOUBLE AS row_sum,
    sum("row" * "row"::BIGINT)::DOUBLE AS row_squares, min(copies)::INTEGER AS min_copies,
    max(copies)::INTEGER AS max_copies, sum(wrong)::INTEGER AS wrong
  FROM (
    SELECT batch, "row", count(*) AS copies, count(*) FILTER (
      value IS DISTINCT FROM (batch::BIGINT * 1000003 + "row" * 7919) % 1000000007
      OR text IS DISTINCT FROM 'batch ' || batch || ' row ' || "row" || repeat('.', "row" % 40)
    ) AS wrong
    FROM ${table} GROUP BY ALL
  ) GROUP BY batch`

/** The same of a dead letter table. */
export const lettersSql = (table: string): string => `
  SELECT batch, count(*)::INTEGER AS rows, min(copies)::INTEGER AS min_copies, max(copies)::INTEGER AS max_copies
  FROM (
    SELECT (record->>'$.batch')::INTEGER AS batch, (record->>'$.row')::INTEGER AS "row", count(*) AS copies
    FROM ${table}_dead_letters GROUP BY ALL
  ) GROUP BY batch`

const numberOf = (batch: number, row: number): number => (batch * 1_000_003 + row * 7_919) % 1_000_000_007

const textOf = (batch: number, row: number): string => `batch ${batch} row ${row}${'.'.repeat(row % 40)}`

/** A value that is set aside: the main thread refuses the text, DuckDB the number. */
function badValue(row: number): number | string | undefined {
  if (row % 50 === 7) return 'no number'
  return row % 50 === 23 ? -1 : undefined
}
