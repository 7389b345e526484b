import type { Catalog, KnownLayout } from './catalog.ts'
import type { Connection } from './connection.ts'
import { errorKind, firstLine, messageOf, unlessDurable } from './duckdb-error.ts'
import { qualifiedName, quoteLiteral } from './identifier.ts'
import { KeyFilter } from './key-filter.ts'
import { ledgerKeyProblem } from './ledger-key.ts'
import { encodeLedgerPart, type LedgerValues } from './ledger-part.ts'
import { KEYS_TABLE, type LedgerTable, OFFSETS_TABLE, prepareLedgerTables } from './ledger-tables.ts'
import { SchemaError, StatementError } from './protocol/errors.ts'
import type { InsertRequest } from './protocol/insert-messages.ts'
import type { ChannelOffset, CommittedWrite, LedgerEntry, WriteIdentity } from './protocol/ledger-messages.ts'
import type { Row } from './value-rows.ts'
import type { Writer } from './writer.ts'

// From 2,048 rows on, DuckDB may read the table instead of the index.
const MAX_KEYS_A_QUERY = 1024

// To read so many takes 0.2 s at the opening; a filter saves 0.3 ms a commit.
const MAX_FILTERED_KEYS = 100_000

/** A write that goes into the ledger. */
export interface LedgerWrite {
  readonly identity: WriteIdentity
  readonly entry: LedgerEntry
  readonly sequence: number
}

/** What was forgotten. */
export interface PrunedRows {
  readonly keyCount: number
  readonly offsetCount: number
}

/** What the target itself keeps of the writes that were committed, each in its own transaction. */
export class Ledger {
  readonly #catalog: Catalog
  readonly #keysTable: string
  readonly #offsetsTable: string
  /** The highest sequence of a write that is in it. */
  readonly lastSequence: number
  /** The highest committed offset of each channel, when it was opened. */
  readonly committedOffsets: readonly ChannelOffset[]
  /** Has every key of the ledger and perhaps more; absent where others may add some, or there are too many. */
  #filter: KeyFilter | undefined

  private constructor({ catalog, lastSequence, committedOffsets, filter }: LedgerState) {
    this.#catalog = catalog
    this.#filter = filter
    this.#keysTable = sqlName(catalog, KEYS_TABLE)
    this.#offsetsTable = sqlName(catalog, OFFSETS_TABLE)
    this.lastSequence = lastSequence
    this.committedOffsets = committedOffsets
  }

  /**
   * Reads what is there; the tables are made where they are absent. `isShared`: others may write to the target as well.
   * @throws {@link SchemaError} where tables of their names are there that are something else.
   */
  static async open(
    connection: Connection,
    catalog: Catalog,
    { isShared = false }: { readonly isShared?: boolean } = {},
  ): Promise<Ledger> {
    await prepareLedgerTables(connection, catalog)
    const keysTable = sqlName(catalog, KEYS_TABLE)
    const offsetsTable = sqlName(catalog, OFFSETS_TABLE)
    const [last] = await connection.rows(`
      SELECT system.main.max(sequence) AS sequence
      FROM (SELECT sequence FROM ${keysTable} UNION ALL SELECT sequence FROM ${offsetsTable})`)
    const offsets = await connection.rows(`
      SELECT channel, system.main.max("offset") AS "offset" FROM ${offsetsTable} GROUP BY channel ORDER BY channel`)
    const committed = offsets.map((row) => ({ channel: row.channel as string, offset: row.offset as bigint }))
    return new Ledger({
      ...{ catalog, lastSequence: Number(last?.sequence ?? 0), committedOffsets: committed },
      filter: isShared ? undefined : await filterOf(connection, keysTable),
    })
  }

  /** The same as {@link lookUp} for keys that are mostly new: of those hardly one is asked for. */
  find(connection: Connection, keys: readonly string[]): Promise<ReadonlyMap<string, CommittedWrite>> {
    const filter = this.#filter
    return this.lookUp(connection, filter === undefined ? keys : keys.filter((key) => filter.mayHave(key)))
  }

  /** Statements of the app may have added keys: from now on every key is asked for. */
  mayHaveChanged(): void {
    this.#filter = undefined
  }

  /** The writes that these keys name, as far as they are committed. */
  async lookUp(
    connection: Connection,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, CommittedWrite>> {
    const found = new Map<string, CommittedWrite>()
    const askable = keys.filter((key) => ledgerKeyProblem(key) === undefined)
    for (let start = 0; start < askable.length; start += MAX_KEYS_A_QUERY) {
      // Literals, not a list to be unnested: for those DuckDB asks the index, however many rows there are (of 1,000,000
      // 256 keys in 3.5 ms, against 49 ms). Parameters of a prepared statement would cost the same.
      const literals = askable.slice(start, start + MAX_KEYS_A_QUERY).map(quoteLiteral)
      const from = `FROM ${this.#keysTable} WHERE key IN (${literals.join(', ')})`
      // mostly there is none, and the index alone says so: 0.3 ms for a key, against 0.7 with all columns
      if (!(await connection.hasRows(`SELECT key ${from}`).catch(failed))) continue
      const rows = await connection.rows(`SELECT * ${from}`).catch(failed)
      for (const row of rows) found.set(row.key as string, committedWrite(row))
    }
    return found
  }

  /**
   * Inserts what these writes leave in the ledger, one statement a table.
   *
   * There is no ON CONFLICT, which would make one row cost 1.9 ms instead of 0.6: a row that is there all the same, by
   * another writer of the database, fails the transaction.
   */
  async insert(writer: Writer, writes: readonly LedgerWrite[]): Promise<void> {
    const committedAt = BigInt(Date.now()) * 1000n
    const keys = keyColumns(writes, committedAt)
    // before they are there: a key too many is only looked up in vain
    for (const key of keys.key as readonly string[]) this.#filter?.add(key)
    const offsets = offsetColumns(writes, committedAt)
    if ((keys.key as readonly string[]).length > 0) await this.#insertRows(writer, KEYS_TABLE, keys)
    if ((offsets.channel as readonly string[]).length > 0)
      await this.#insertRows(writer, OFFSETS_TABLE, offsets)
  }

  /** Deletes what was committed before a time, but the newest offset of each channel. */
  async prune(connection: Connection, beforeMs: number): Promise<PrunedRows> {
    const isBefore = `system.main.epoch_us(committed_at) < ${BigInt(Math.trunc(beforeMs)) * 1000n}`
    const count = async (sql: string): Promise<number> =>
      Number((await connection.rows(sql).catch(failed))[0]?.Count ?? 0)
    await connection.run('BEGIN')
    try {
      const keyCount = await count(`DELETE FROM ${this.#keysTable} WHERE ${isBefore}`)
      const offsetCount = await count(`
        DELETE FROM ${this.#offsetsTable} AS old WHERE ${isBefore}
          AND EXISTS (FROM ${this.#offsetsTable} AS newer
            WHERE newer.channel = old.channel AND newer."offset" > old."offset")`)
      await unlessDurable(connection.run('COMMIT'))
      return { keyCount, offsetCount }
    } catch (error) {
      await connection.rollBack()
      throw error
    }
  }

  async #insertRows(writer: Writer, { name }: LedgerTable, values: LedgerColumns): Promise<void> {
    try {
      const layout = await this.#catalog.describe({ name })
      if (layout === undefined) throw new SchemaError(`table "${name}" is not there any more`)
      await writer.parts.write([ledgerRequest(layout, values)])
    } catch (error) {
      failed(error)
    }
  }
}

interface LedgerState extends Pick<Ledger, 'lastSequence' | 'committedOffsets'> {
  readonly catalog: Catalog
  readonly filter: KeyFilter | undefined
}

/** A filter of the keys that are there, unless there are too many. */
async function filterOf(connection: Connection, keysTable: string): Promise<KeyFilter | undefined> {
  const rows = await connection.rows(`SELECT key FROM ${keysTable} LIMIT ${MAX_FILTERED_KEYS + 1}`)
  if (rows.length > MAX_FILTERED_KEYS) return undefined
  const filter = new KeyFilter()
  for (const row of rows) filter.add(row.key as string)
  return filter
}

/** Values by the name of their column. */
type LedgerColumns = Readonly<Record<string, LedgerValues>>

const sqlName = (catalog: Catalog, { name }: LedgerTable): string => qualifiedName(catalog.resolve({ name }))

function keyColumns(writes: readonly LedgerWrite[], committedAt: bigint): LedgerColumns {
  const rows = writes.flatMap(({ identity, ...write }) =>
    identity.kind === 'key' ? { ...write, key: identity.key } : [],
  )
  const digests = rows.map(({ entry }) => entry.digest)
  const figures = rows.map(({ entry }) => entry.figures)
  return {
    key: rows.map(({ key }) => key),
    table: rows.map(({ entry }) => entry.table),
    hash: digests.map((digest) => digest?.hash),
    hash_version: digests.map((digest) => digest?.version),
    row_count: figures.map(({ rowCount }) => BigInt(rowCount)),
    dead_letter_count: figures.map(({ deadLetterCount }) => BigInt(deadLetterCount)),
    skipped_count: figures.map(({ skippedCount }) => BigInt(skippedCount)),
    discarded_row_count: figures.map(({ discardedRowCount }) => BigInt(discardedRowCount)),
    discarded_value_count: figures.map(({ discardedValueCount }) => BigInt(discardedValueCount)),
    sequence: rows.map(({ sequence }) => BigInt(sequence)),
    committed_at: rows.map(() => committedAt),
  }
}

function offsetColumns(writes: readonly LedgerWrite[], committedAt: bigint): LedgerColumns {
  const rows = writes.flatMap(({ identity, sequence }) =>
    identity.kind === 'offsets' ? identity.offsets.map((at) => ({ ...at, sequence })) : [],
  )
  return {
    channel: rows.map(({ channel }) => channel),
    offset: rows.map(({ offset }) => offset),
    sequence: rows.map(({ sequence }) => BigInt(sequence)),
    committed_at: rows.map(() => committedAt),
  }
}

function ledgerRequest({ layoutId, columns }: KnownLayout, values: LedgerColumns): InsertRequest {
  const ordered = columns.map(({ name }) => {
    const column = values[name]
    if (column === undefined) throw new SchemaError(`column "${name}" does not belong to it`)
    return column
  })
  return {
    ...{ writeId: 0, run: 0, layoutId, columns: columns.map((_, index) => index) },
    ...{ buffer: encodeLedgerPart(ordered), first: true, last: true, key: undefined },
  }
}

function committedWrite(row: Row): CommittedWrite {
  return {
    rowCount: Number(row.row_count),
    deadLetterCount: Number(row.dead_letter_count),
    skippedCount: Number(row.skipped_count),
    discardedRowCount: Number(row.discarded_row_count),
    discardedValueCount: Number(row.discarded_value_count),
    sequence: Number(row.sequence),
    table: String(row.table),
    digest: row.hash === null ? undefined : { hash: String(row.hash), version: Number(row.hash_version) },
  }
}

/** What the ledger failed with is not the batch's: it is not to be written again row by row. */
function failed(error: unknown): never {
  const kind = errorKind(error)
  if (kind === 'Constraint') {
    const message = 'another writer of the database has committed the same key or offset meanwhile'
    throw new StatementError('INSERT_FAILED', `${message}: nothing of this batch is written`)
  }
  if (error instanceof SchemaError || kind === 'Catalog' || kind === 'Binder') {
    const because = firstLine(messageOf(error))
    throw new SchemaError(`the ledger's tables were changed while the target was open: ${because}`)
  }
  throw error
}
