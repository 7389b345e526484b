import type { WorkerLog } from './log.ts'
import type { SchemaChange } from './protocol/table-messages.ts'

/** Writes a change to a table's schema down, with what there was before and after. */
export function logSchemaChange(log: WorkerLog, change: SchemaChange): void {
  const { kind, before, after, origin } = change
  const table = change.table.name
  switch (kind) {
    case 'create-table':
      log.info('table created', { table, columns: after, origin })
      return
    case 'add-column':
      log.info('column added', { table, before, after })
      return
    case 'alter-type':
      log.info('column type widened', { table, before, after })
      return
    default:
      kind satisfies never
  }
}
