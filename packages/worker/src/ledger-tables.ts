import type { Catalog, KnownLayout } from './catalog.ts'
import type { Connection } from './connection.ts'
import { readConstraints } from './constraints.ts'
import { errorKind, unlessDurable } from './duckdb-error.ts'
import { qualifiedName, quoteIdentifier } from './identifier.ts'
import { SchemaError } from './protocol/errors.ts'
import { LEDGER_NAMES } from './protocol/ledger-names.ts'
import type { TableColumn } from './protocol/table-messages.ts'

// Rows are only ever inserted, and deleted by pruning: an update of a table with an index, and DDL on it, are what
// DuckDB has replayed wrongly after a crash. No column has a DEFAULT.

/** One of the tables in which the target itself keeps what was committed. */
export interface LedgerTable {
  readonly name: string
  readonly columns: readonly TableColumn[]
  /** The columns of its PRIMARY KEY. */
  readonly keyColumns: readonly string[]
}

/** A row for each key. */
export const KEYS_TABLE: LedgerTable = {
  name: LEDGER_NAMES.keys,
  columns: [
    { name: 'key', type: 'VARCHAR' },
    { name: 'table', type: 'VARCHAR' },
    { name: 'hash', type: 'VARCHAR' },
    { name: 'hash_version', type: 'INTEGER' },
    { name: 'row_count', type: 'BIGINT' },
    { name: 'dead_letter_count', type: 'BIGINT' },
    { name: 'skipped_count', type: 'BIGINT' },
    { name: 'discarded_row_count', type: 'BIGINT' },
    { name: 'discarded_value_count', type: 'BIGINT' },
    { name: 'sequence', type: 'BIGINT' },
    { name: 'committed_at', type: 'TIMESTAMP WITH TIME ZONE' },
  ],
  keyColumns: ['key'],
}

/** A row for each write of a channel, with the highest offset that it had of it. */
export const OFFSETS_TABLE: LedgerTable = {
  name: LEDGER_NAMES.offsets,
  columns: [
    { name: 'channel', type: 'VARCHAR' },
    { name: 'offset', type: 'BIGINT' },
    { name: 'sequence', type: 'BIGINT' },
    { name: 'committed_at', type: 'TIMESTAMP WITH TIME ZONE' },
  ],
  keyColumns: ['channel', 'offset'],
}

/**
 * Makes the ledger's tables where they are absent.
 * @throws {@link SchemaError} where tables of their names are there that are something else.
 */
export async function prepareLedgerTables(connection: Connection, catalog: Catalog): Promise<void> {
  const absent: LedgerTable[] = []
  for (const table of [KEYS_TABLE, OFFSETS_TABLE]) {
    const layout = await catalog.describe({ name: table.name })
    if (layout === undefined) absent.push(table)
    else await requireLedgerTable(connection, table, layout)
  }
  if (absent.length === 0) return
  await connection.run('BEGIN')
  try {
    for (const table of absent) await createTable(connection, table, catalog)
    await unlessDurable(connection.run('COMMIT'))
  } catch (error) {
    await connection.rollBack()
    throw error
  }
}

async function requireLedgerTable(
  connection: Connection,
  { name, columns, keyColumns }: LedgerTable,
  layout: KnownLayout,
): Promise<void> {
  const refuse = (problem: string, column?: string): never => {
    throw unusable(name, `with ${problem}`, column)
  }
  for (const column of columns) {
    const found = layout.columns.find((one) => one.name === column.name)
    if (found === undefined) refuse(`no column "${column.name}"`, column.name)
    else if (found.type !== column.type)
      refuse(`column "${column.name}" as ${found.type}, which should be ${column.type}`, column.name)
  }
  if (layout.columns.length !== columns.length) refuse('columns that do not belong to it')
  const constraints = await readConstraints(connection, layout.table)
  const keys = constraints.flatMap((one) => (one.kind === 'key' ? [one.expressions] : []))
  const wanted = keyColumns.map(quoteIdentifier).join()
  if (!keys.some((expressions) => expressions.join() === wanted))
    refuse(`no PRIMARY KEY (${keyColumns.join(', ')})`)
}

async function createTable(connection: Connection, table: LedgerTable, catalog: Catalog): Promise<void> {
  try {
    await connection.run(createSql(table, catalog))
  } catch (error) {
    if (errorKind(error) === 'Catalog') throw unusable(table.name, 'as something else, such as a view')
    throw error
  }
}

function unusable(name: string, as: string, column?: string): SchemaError {
  const message = `table "${name}", in which exactly-once delivery keeps what was committed, is there ${as}; rename it, or open the target 'at-least-once'`
  return new SchemaError(message, { table: name, column })
}

function createSql({ name, columns, keyColumns }: LedgerTable, catalog: Catalog): string {
  const definitions = columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`)
  const key = keyColumns.map(quoteIdentifier).join(', ')
  return `CREATE TABLE ${qualifiedName(catalog.resolve({ name }))} (${definitions.join(', ')}, PRIMARY KEY (${key}))`
}
