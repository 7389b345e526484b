import { DuckDBConnection, type DuckDBValue } from '@duckdb/node-api'
import type duckdb from '@duckdb/node-bindings'

/** A row of any types, by column name. */
export type Row = Readonly<Record<string, DuckDBValue>>

/** Runs a query and reads all its rows, as node-api reads each type. */
export async function readValueRows(
  connection: duckdb.Connection,
  sql: string,
  values: readonly DuckDBValue[],
): Promise<readonly Row[]> {
  const reader = await new DuckDBConnection(connection).runAndReadAll(sql, [...values])
  return reader.getRowObjects()
}
