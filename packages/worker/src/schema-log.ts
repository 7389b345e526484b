import type { ILogObj, Logger } from 'tslog'
import type { SchemaChange } from './protocol/messages.ts'

/** Writes a change to a table's schema down, with what there was before and after. */
export function logSchemaChange(log: Logger<ILogObj>, change: SchemaChange): void {
  const { kind, before, after, origin } = change
  const table = change.table.name
  switch (kind) {
    case 'create-table':
      log.info({ table, columns: after, origin }, 'table created')
      return
    case 'add-column':
      log.info({ table, before, after }, 'column added')
      return
    case 'alter-type':
      log.info({ table, before, after }, 'column type widened')
      return
    default:
      kind satisfies never
  }
}
