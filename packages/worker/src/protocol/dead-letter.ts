import type { DeclaredColumn, TableReference } from './table-messages.ts'

/**
 * The columns of a dead letter table. It has no index and no key, as what goes there must not fail; two of the
 * columns are filled by their DEFAULT.
 */
export const DEAD_LETTER_COLUMNS: readonly DeclaredColumn[] = [
  { name: 'letter_id', type: 'UUID', defaultSql: 'uuid()' },
  { name: 'key', type: 'VARCHAR' },
  { name: 'channel', type: 'VARCHAR' },
  { name: 'offset', type: 'BIGINT' },
  { name: 'row_index', type: 'BIGINT' },
  { name: 'record', type: 'JSON' },
  { name: 'code', type: 'VARCHAR' },
  { name: 'message', type: 'VARCHAR' },
  { name: 'column', type: 'VARCHAR' },
  { name: 'written_at', type: 'TIMESTAMP WITH TIME ZONE', defaultSql: 'now()' },
]

/** The table beside a table that its dead letters go to. */
export function deadLetterTable(table: TableReference): TableReference {
  return { ...table, name: `${table.name}_dead_letters` }
}
