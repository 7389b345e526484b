import {
  deadLetterTable,
  errorFromData,
  foldIdentifier,
  type PrepareReply,
  qualifiedName,
  type TableLayout,
  type TableSetup,
} from '@ducksink/worker'
import { BadRecords } from './bad-records.ts'
import type { SinkRecord } from './collect-options.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { RecordsContext } from './encoders.ts'
import { OptionsCheck } from './options-check.ts'
import type { Receipt } from './receipt.ts'
import { parseRecord } from './record-json.ts'
import { RecordOrigins } from './record-origins.ts'
import { RecordsSource } from './records-source.ts'
import type { TableState } from './table-state.ts'
import { unlessWorkerDied } from './worker-client.ts'

/** A record that could not be written. */
export interface DeadLetter {
  readonly id: string
  /** The key of its batch. */
  readonly key: string | undefined
  readonly channel: string | undefined
  readonly offset: bigint | undefined
  /** Its index in its batch, from 0. */
  readonly row: number
  /** The record, as far as JSON holds it: dates, bytes and values of other classes are texts. */
  readonly record: SinkRecord
  readonly code: string
  /** Why it could not be written. */
  readonly message: string
  /** The column at fault, where it is one. */
  readonly column: string | undefined
  readonly writtenAt: Date
}

/** Which dead letters are read. */
export interface DeadLetterOptions {
  /**
   * The oldest so many.
   * @defaultValue all
   */
  readonly limit?: number
}

/** How dead letters are written again. */
export interface ReplayOptions extends DeadLetterOptions {
  /** Gives what is to be written for a letter; nothing or `null` where the letter is to go. */
  transform?(
    record: SinkRecord,
    letter: DeadLetter,
  ): object | null | undefined | Promise<object | null | undefined>
}

/** What became of the letters that were replayed. */
export interface ReplaySummary {
  /** Rows that were written. */
  readonly rowCount: number
  /** Records that could not be written again, and are letters again. */
  readonly deadLetterCount: number
  /** Letters that `transform` gave nothing for. */
  readonly droppedCount: number
}

/** What dead letters are read and written with. */
export interface DeadLettersContext {
  readonly records: RecordsContext
  /** The catalog that tables are in that name none. */
  readonly catalog: () => string
  readonly query: (sql: string) => Promise<readonly SinkRecord[]>
  readonly prepareTable: (setup: TableSetup) => Promise<PrepareReply>
  readonly write: (source: RecordsSource) => Promise<Receipt>
}

/** The dead letters of an engine's tables. */
export class DeadLetters {
  readonly #context: DeadLettersContext

  constructor(context: DeadLettersContext) {
    this.#context = context
  }

  /** Reads a table's letters, the oldest first. */
  read(table: TableState, options: DeadLetterOptions): Promise<DeadLetter[]> {
    return unlessWorkerDied(this.#read(table, options))
  }

  /** Writes a table's letters again and takes them away, in one transaction. */
  replay(table: TableState, options: ReplayOptions): Promise<ReplaySummary> {
    return unlessWorkerDied(this.#replay(table, options))
  }

  async #read(table: TableState, options: DeadLetterOptions): Promise<DeadLetter[]> {
    const check = new OptionsCheck()
    const { limit } = check.object('options', options, ['limit', 'transform'])
    const count = limit === undefined ? undefined : check.count('limit', limit, 1)
    check.done('wrong options of dead letters')
    if (!(await this.#arePresent(table))) return []
    const { catalog, schema, name } = deadLetterTable(table.reference)
    const from = qualifiedName({
      catalog: catalog ?? this.#context.catalog(),
      schema: schema ?? 'main',
      name,
    })
    const rows = await this.#context.query(
      `SELECT * REPLACE (CAST(letter_id AS VARCHAR) AS letter_id, CAST(record AS VARCHAR) AS record)
       FROM ${from} ORDER BY written_at, row_index ${count === undefined ? '' : `LIMIT ${count}`}`,
    )
    return rows.map(letterOf)
  }

  async #replay(table: TableState, options: ReplayOptions): Promise<ReplaySummary> {
    const letters = await this.#read(table, options)
    const records: object[] = []
    const origins = new RecordOrigins()
    const keys: (string | undefined)[] = []
    const layout = await table.describe()
    for (const letter of letters) {
      const record = withDays(letter.record, layout)
      const replayed = options.transform === undefined ? record : await options.transform(record, letter)
      if (replayed === undefined || replayed === null) continue
      const { key, channel, offset } = letter
      origins.note(
        records.length,
        channel === undefined || offset === undefined ? undefined : { channel, offset },
      )
      keys.push(key)
      records.push(replayed)
    }
    const droppedCount = letters.length - records.length
    if (letters.length === 0) return { rowCount: 0, deadLetterCount: 0, droppedCount }
    const source = new RecordsSource(table, records as FieldRecord[], this.#context.records, {
      // whatever the table's option is now: a letter is lost only where the app says so
      badRecords: new BadRecords(table.name, 'dead-letter'),
      letterIds: letters.map(({ id }) => id),
      ...{ origins, keys },
    })
    const { rowCount, deadLetterCount } = await this.#context.write(source)
    return { rowCount, deadLetterCount, droppedCount }
  }

  async #arePresent(table: TableState): Promise<boolean> {
    const setup: TableSetup = { table: deadLetterTable(table.reference), origin: 'declared' }
    const reply = await this.#context.prepareTable(setup)
    if (reply.status === 'failed') throw errorFromData(reply.error)
    return reply.status === 'present'
  }
}

/** A `Date` for a DATE column was written as a point in time, which such a column takes no text of. */
function withDays(record: SinkRecord, layout: TableLayout | undefined): SinkRecord {
  if (layout === undefined || typeof record !== 'object' || record === null) return record
  const days = Object.entries(record).flatMap(([field, value]) => {
    const column = layout.columns.find(({ name }) => foldIdentifier(name) === foldIdentifier(field))
    const isMidnight = typeof value === 'string' && /^\d{4}-\d\d-\d\dT00:00:00\.000Z$/.test(value)
    return column?.type === 'DATE' && isMidnight ? [[field, value.slice(0, 10)]] : []
  })
  return days.length === 0 ? record : { ...record, ...(Object.fromEntries(days) as SinkRecord) }
}

function letterOf(row: SinkRecord): DeadLetter {
  const text = (name: string): string | undefined => (row[name] as string | null) ?? undefined
  const { offset } = row
  return {
    id: String(row.letter_id),
    key: text('key'),
    channel: text('channel'),
    offset: typeof offset === 'bigint' ? offset : undefined,
    row: Number(row.row_index),
    record: parseRecord(String(row.record)) as SinkRecord,
    code: String(row.code),
    message: String(row.message),
    column: text('column'),
    writtenAt: row.written_at as Date,
  }
}
