import { BatchFunction } from './batch-function.ts'
import type { Catalog } from './catalog.ts'
import type { Connection } from './connection.ts'
import { InsertStatements } from './insert-statement.ts'
import { PartsWriter } from './parts-writer.ts'

/** A writing connection, and what inserts by it. */
export interface Writer {
  readonly connection: Connection
  readonly batch: BatchFunction
  readonly statements: InsertStatements
  readonly parts: PartsWriter
  /** Makes good what was lost when the connection was made anew. */
  reconnected(): void
}

/** Makes a writer of a connection; the second one's table function has another name. */
export function createWriter(connection: Connection, catalog: Catalog, suffix: '' | '2' = ''): Writer {
  const batch = new BatchFunction(connection.raw, suffix)
  const statements = new InsertStatements(connection, catalog, batch)
  const parts = new PartsWriter({ connection, statements, batch })
  return { connection, batch, statements, parts, reconnected: () => batch.register(connection.raw) }
}
