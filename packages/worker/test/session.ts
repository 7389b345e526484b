import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { BatchFunction } from '../src/batch-function.ts'
import { Catalog, type KnownLayout } from '../src/catalog.ts'
import { type Database, openDatabase } from '../src/database.ts'
import { Evolution } from '../src/evolution.ts'
import { ExactlyOnce } from '../src/exactly-once.ts'
import type { InsertStatements } from '../src/insert-statement.ts'
import { Ledger } from '../src/ledger.ts'
import type { InsertReply, InsertRequest } from '../src/protocol/insert-messages.ts'
import type { DeliveryMode } from '../src/protocol/messages.ts'
import type { SchemaChange, TableReference } from '../src/protocol/table-messages.ts'
import { Transactions } from '../src/transaction.ts'
import type { Row } from '../src/value-rows.ts'
import { createWriter, type Writer } from '../src/writer.ts'
import { databaseOptions } from './database-options.ts'
import { encodePart, type PhysicalValue } from './parts.ts'

/** A directory that is gone when the test has ended. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-worker-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** What the worker holds while a target is open, without the queue around it. */
export interface Session {
  readonly database: Database
  readonly writer: Writer
  readonly batch: BatchFunction
  readonly catalog: Catalog
  readonly statements: InsertStatements
  readonly evolution: Evolution
  /** Present where delivery is exactly-once. */
  readonly ledger: Ledger | undefined
  readonly transactions: Transactions
  readonly changes: readonly SchemaChange[]
  /** How often a second writer was made. */
  readonly secondWriters: number
  /** Runs SQL on the writing connection. */
  rows(sql: string): Promise<readonly Row[]>
  /** The columns of a table that is there. */
  layout(table: string | TableReference): Promise<KnownLayout>
  close(): void
}

export async function openSession(
  path = ':memory:',
  config: Readonly<Record<string, string>> = {},
  deliveryMode: DeliveryMode = 'at-least-once',
): Promise<Session> {
  const database = await openDatabase(path, config, databaseOptions(randomUUID()))
  const { writer: connection, target } = database
  const catalog = new Catalog(connection, target.catalog, 1)
  const writer = createWriter(connection, catalog)
  const { batch, statements } = writer
  const changes: SchemaChange[] = []
  const evolution = new Evolution(connection, catalog, (change) => changes.push(change))
  const ledger = deliveryMode === 'exactly-once' ? await Ledger.open(connection, catalog) : undefined
  let secondWriters = 0
  const transactions = new Transactions({
    writer,
    catalog,
    sequence: ledger?.lastSequence ?? 0,
    connectSecondWriter: async () => {
      secondWriters++
      return createWriter(await database.connectSecondWriter(), catalog, '2')
    },
    exactlyOnce: ledger && new ExactlyOnce(ledger),
  })
  let isOpen = true
  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    transactions.clearStatements()
    database.close()
  }
  onTestFinished(close)
  return {
    database,
    writer,
    batch,
    catalog,
    statements,
    evolution,
    ledger,
    transactions,
    changes,
    get secondWriters() {
      return secondWriters
    },
    rows: (sql) => connection.rows(sql),
    async layout(table) {
      const layout = await catalog.describe(typeof table === 'string' ? { name: table } : table)
      if (layout === undefined) throw new Error('there is no such table')
      return layout
    },
    close,
  }
}

/** Commits a group as an app does that gives up what is to be run again. */
export async function insertGroup(
  { transactions }: Session,
  requests: readonly InsertRequest[],
): Promise<InsertReply[]> {
  const replies: InsertReply[] = []
  while (replies.length < requests.length) {
    replies.push(...(await transactions.insertGroup(requests.slice(replies.length))))
    const { writeId } = requests[replies.length - 1] as InsertRequest
    await transactions.abandon(writeId)
  }
  return replies
}

let nextWriteId = 1

/** Makes the request that writes rows, given by column, into a table; what is left out gets its DEFAULT. */
export function insertRequest(
  layout: { readonly layoutId: number; readonly columns: KnownLayout['columns'] },
  values: Readonly<Record<string, readonly PhysicalValue[]>>,
  options: Partial<InsertRequest> & { readonly chunkRows?: number } = {},
): InsertRequest {
  const { chunkRows, ...request } = options
  const columns = layout.columns.map(({ name, type }) => {
    return { type, values: values[name] }
  })
  const part = encodePart(columns, chunkRows)
  return {
    writeId: nextWriteId++,
    layoutId: layout.layoutId,
    columns: columns.flatMap((column, index) => (column.values === undefined ? [] : index)),
    buffer: part.buffer,
    run: 0,
    first: true,
    last: true,
    key: undefined,
    ...request,
  }
}
