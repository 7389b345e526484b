import { flatText } from './flat-text.ts'

/** One record of the workload: eight columns of the kinds that sinks see most. */
export interface WorkloadRecord {
  readonly id: number
  readonly name: string
  readonly age: number
  readonly location: string
  readonly price: number
  readonly ok: boolean
  readonly ts: Date
  readonly note: string
}

/** A batch of the workload: `rows` records whose ids count up from `firstId`. */
export interface BatchRange {
  readonly firstId: number
  readonly rows: number
}

/** The columns of the workload and their DuckDB types, in the order of the record's fields. */
export const WORKLOAD_COLUMNS_SQL: string =
  'id INTEGER, name VARCHAR, age INTEGER, location VARCHAR, price DOUBLE, ok BOOLEAN, ts TIMESTAMP, note VARCHAR'

/** How the workload's values can be nested. */
export type Nesting = 'none' | 'list' | 'struct' | 'list-of-struct'

/** The workload in one shape: the same values, some of them inside nested columns. */
interface NestedShape {
  readonly columnsSql: string
  shape(record: WorkloadRecord): object
  /** A query that gives the columns of the workload back. */
  readonly flatSql: string
}

/** Every peer writes to a table of this name, so that one query reads them all back. */
export const WORKLOAD_TABLE = 't'

/** The moment of record 0 in milliseconds; each further record is a second later. */
export const FIRST_TS_MS = 1_700_000_000_000

const NAMES = ['Alice', 'Bob', 'Charlie', 'Diana', 'Eve'] as const
const LOCATIONS = ['New York', 'Los Angeles', 'Chicago', 'Houston', 'Phoenix'] as const

/** Makes record `id` of the workload; the same id always gives the same record. */
export function createRecord(id: number): WorkloadRecord {
  const note = `order ${id} shipped from warehouse ${id % 97} to customer ${(id * 31) % 10_007}`
  return {
    id,
    name: NAMES[id % 5] ?? '',
    age: 20 + (id % 40),
    location: LOCATIONS[(id * 7) % 5] ?? '',
    price: id * 1.37,
    ok: id % 3 === 0,
    ts: new Date(FIRST_TS_MS + id * 1_000),
    note: flatText(note),
  }
}

/** Makes the records of one batch. */
export function createRecords(range: BatchRange): WorkloadRecord[] {
  const records = new Array<WorkloadRecord>(range.rows)
  for (let i = 0; i < range.rows; i++) records[i] = createRecord(range.firstId + i)
  return records
}

/** Lists `count` batches of `batchRows` rows, with ids that never repeat. */
export function createRanges(count: number, batchRows: number, firstId = 0): BatchRange[] {
  return Array.from({ length: count }, (_, k) => ({ firstId: firstId + k * batchRows, rows: batchRows }))
}

/** The same rows as {@link createRecords}, made by DuckDB itself, for the peer that reads no records. */
export function selectRowsSql(range: BatchRange): string {
  return `SELECT id::INTEGER AS id, ['${NAMES.join("', '")}'][id % 5 + 1] AS name, (20 + id % 40)::INTEGER AS age,
    ['${LOCATIONS.join("', '")}'][id * 7 % 5 + 1] AS location, id * 1.37::DOUBLE AS price, id % 3 = 0 AS ok,
    epoch_ms(${FIRST_TS_MS} + id * 1000) AS ts,
    'order ' || id || ' shipped from warehouse ' || id % 97 || ' to customer ' || id * 31 % 10007 AS note
    FROM range(${range.firstId}, ${range.firstId + range.rows}) AS ids(id)`
}

const PRICE_PARTS = 10
const LINES = 3

/** The workload as it is, and with its values in lists and structs. */
export const NESTED_SHAPES: Readonly<Record<Nesting, NestedShape>> = {
  none: { columnsSql: WORKLOAD_COLUMNS_SQL, shape: (record) => record, flatSql: `FROM ${WORKLOAD_TABLE}` },
  list: {
    columnsSql:
      'id INTEGER, name VARCHAR, age INTEGER, location VARCHAR, prices DOUBLE[], ok BOOLEAN, ts TIMESTAMP, note VARCHAR',
    shape: ({ price, ...rest }) => ({
      ...rest,
      prices: new Array<number>(PRICE_PARTS).fill(price / PRICE_PARTS),
    }),
    flatSql: `SELECT *, list_sum(prices) AS price FROM ${WORKLOAD_TABLE}`,
  },
  struct: {
    columnsSql:
      'id INTEGER, person STRUCT(name VARCHAR, age INTEGER, location VARCHAR, ok BOOLEAN), price DOUBLE, ts TIMESTAMP, note VARCHAR',
    shape: ({ name, age, location, ok, ...rest }) => ({ ...rest, person: { name, age, location, ok } }),
    flatSql: `SELECT *, person.* FROM ${WORKLOAD_TABLE}`,
  },
  'list-of-struct': {
    columnsSql:
      'id INTEGER, lines STRUCT(name VARCHAR, age INTEGER, location VARCHAR, price DOUBLE)[], ok BOOLEAN, ts TIMESTAMP, note VARCHAR',
    shape: ({ name, age, location, price, ...rest }) => ({
      ...rest,
      lines: Array.from({ length: LINES }, () => ({ name, age, location, price: price / LINES })),
    }),
    flatSql: `SELECT *, lines[1].name AS name, lines[2].age AS age, lines[${LINES}].location AS location,
      list_sum([line.price FOR line IN lines]) AS price FROM ${WORKLOAD_TABLE}`,
  },
}
