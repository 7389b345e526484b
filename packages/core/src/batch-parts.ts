import type { ChannelOffset, Part, PartAction } from '@ducksink/worker'
import type { BadRecord } from './bad-records.ts'
import { type BatchHead, type BatchSource, isEmpty, type SourcePart } from './batch-source.ts'
import type { FieldRecord } from './encoder/column-encoder.ts'
import type { RecordsContext } from './encoders.ts'
import { encodeLetters, type LetterRows } from './letter-parts.ts'

/** A part of a batch on its way, with what is to be done with it. */
export interface BatchPart {
  /** Absent where its rows are inserted. */
  readonly action: PartAction | undefined
  readonly layoutId: number
  readonly columns: readonly number[]
  readonly part: Part
  /** True where the batch is to be committed after it. */
  readonly last: boolean
  /** The record that a row of the part is; absent where they are none of the batch's own. */
  readonly rowOf: ((index: number) => number) | undefined
}

/** How a batch is run. */
export interface BatchRun {
  readonly key: string | undefined
  readonly at: ChannelOffset | undefined
  /** True where the ledger is told of the batch, even where nothing of it is written. */
  readonly isEntered: boolean
  /** True where the worker is to look at each row, because DuckDB has refused one. */
  readonly isChecked: boolean
  /** Resolves when every part that was given has its reply, and what it refuses is with the bad records. */
  readonly settled: () => Promise<unknown>
}

const NOWHERE = { channel: undefined, offset: undefined }
const LETTER_FIELDS = ['key', 'channel', 'offset', 'row_index', 'record', 'code', 'message', 'column']

/**
 * All parts of a batch, in the order in which they go into one transaction: its rows, then a dead letter for each
 * record that was set aside, then the letters that are taken away.
 */
export class BatchParts {
  readonly #source: BatchSource
  readonly #run: BatchRun
  readonly #records: RecordsContext
  #head: BatchHead | undefined
  #hasMoreRows = true
  /** What comes after the rows. */
  #tail: AsyncGenerator<BatchPart> | undefined

  constructor(source: BatchSource, run: BatchRun, records: RecordsContext) {
    this.#source = source
    this.#run = run
    this.#records = records
  }

  /**
   * The next part, until one is the last; `left-out` where there is nothing to write; or `begin-again`, where records
   * that were set aside change what the rows are, and the batch must begin again with a run of its own.
   * @throws what the batch fails with where it has a bad record and may have none.
   */
  async next(): Promise<BatchPart | 'begin-again' | 'left-out'> {
    const { isEntered } = this.#run
    if (isEntered && isEmpty(this.#source)) return commitPart(undefined)
    this.#head ??= await this.#source.begin()
    if (this.#head === undefined) return isEntered ? commitPart(undefined) : 'left-out'
    const rows = this.#hasMoreRows ? await this.#source.next() : undefined
    if (rows !== undefined) return this.#rowsPart(this.#head, rows)
    this.#tail ??= await this.#beginTail(this.#head)
    if (this.#tail === undefined) return 'begin-again'
    const next = await this.#tail.next()
    return next.done === true ? commitPart(this.#head) : next.value
  }

  #rowsPart({ layout, columns }: BatchHead, rows: SourcePart): BatchPart | 'begin-again' {
    const { badRecords, letterIds } = this.#source
    const { isChecked } = this.#run
    this.#hasMoreRows = !rows.last
    const isLast = rows.last && !isChecked && badRecords.deadLetterCount === 0 && letterIds.length === 0
    if (isLast && !this.#source.holds()) return 'begin-again'
    const action = isChecked ? 'check' : undefined
    const { part, rowOf } = rows
    return { action, layoutId: layout?.layoutId ?? 0, columns, part, last: isLast, rowOf }
  }

  async #beginTail(head: BatchHead): Promise<AsyncGenerator<BatchPart> | undefined> {
    const { badRecords } = this.#source
    this.#hasMoreRows = false
    await this.#run.settled()
    if (badRecords.failsBatch) throw badRecords.failure(this.#run.key)
    return this.#source.holds() ? letterParts(this.#source, head, this.#run, this.#records) : undefined
  }
}

/** Dead letters that come, and those that go. */
async function* letterParts(
  source: BatchSource,
  { letterLayout: layout }: BatchHead,
  run: BatchRun,
  context: RecordsContext,
): AsyncGenerator<BatchPart> {
  const { badRecords, letterIds } = source
  if (layout === undefined) return
  const { layoutId } = layout
  const table = source.table.deadLetters
  const letters = badRecords.mode === 'dead-letter' ? badRecords.records : []
  const added: LetterRows = {
    ...{ table, layout, fields: LETTER_FIELDS, count: letters.length },
    at: (index) => letterOf(letters[index] as BadRecord, source, run),
  }
  for await (const { last, ...part } of encodeLetters(added, context))
    yield {
      ...{ ...part, action: undefined, layoutId, rowOf: undefined },
      last: last && letterIds.length === 0,
    }
  const removed: LetterRows = {
    ...{ table, layout, fields: ['letter_id'], count: letterIds.length },
    at: (index) => ({ letter_id: letterIds[index] }),
  }
  for await (const part of encodeLetters(removed, context))
    yield { ...part, action: 'delete', layoutId, rowOf: undefined }
}

function letterOf(bad: BadRecord, source: BatchSource, { key, at }: BatchRun): FieldRecord {
  const { row, code, message, column } = bad
  const record = bad.json ?? source.json(row)
  const { keys } = source
  const { channel, offset } = source.origins?.of(row) ?? at ?? NOWHERE
  // names of fields may hold what no text in DuckDB can
  return {
    ...{ key: keys === undefined ? key : keys[row], channel, offset, row_index: row, record, code },
    ...{ message: message.toWellFormed(), column: column?.toWellFormed() },
  }
}

/** The end of a batch whose last rows are on their way already. */
function commitPart(head: BatchHead | undefined): BatchPart {
  const part = { buffer: new ArrayBuffer(0), byteLength: 0, rowCount: 0 }
  const { layout, columns = [] } = head ?? {}
  return { action: 'commit', layoutId: layout?.layoutId ?? 0, columns, part, last: true, rowOf: undefined }
}
