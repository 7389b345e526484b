import {
  ConstraintError,
  type RecordFailure,
  type RowFault,
  type SinkError,
  ValueError,
} from '@ducksink/worker'

/** What becomes of the records of a batch that cannot be written. */
export type BadRecordsMode = 'fail-batch' | 'skip' | 'dead-letter'

/** Failures that an error lists; where the batch is to fail, no more are looked for on the main thread. */
const MAX_FAILURES = 100

/** A record that was set aside. */
export interface BadRecord extends RecordFailure {
  /** Its JSON, where the record itself will not be there when it is written. */
  readonly json: string | undefined
  /** What the table has against it; absent where the main thread refused it. */
  readonly fault: RowFault | undefined
  /** What the main thread refused it with, where the batch fails by it: a stack is worth many records. */
  readonly error: SinkError | undefined
}

/** The records of one batch that cannot be written, as they are found. */
export class BadRecords {
  readonly mode: BadRecordsMode
  readonly #table: string
  /** Made with the first of them: most batches have none. */
  #byRow: Map<number, BadRecord> | undefined
  /** The same rows in their order. */
  #rows: number[] | undefined
  #isSorted = true
  #jsonLength = 0

  constructor(table: string, mode: BadRecordsMode) {
    this.#table = table
    this.mode = mode
  }

  get count(): number {
    return this.#byRow?.size ?? 0
  }

  /** Rows that are written to the dead letter table. */
  get deadLetterCount(): number {
    return this.mode === 'dead-letter' ? this.count : 0
  }

  get skippedCount(): number {
    return this.mode === 'skip' ? this.count : 0
  }

  /** Characters of the JSON that is kept, which are at least as many bytes. */
  get jsonLength(): number {
    return this.#jsonLength
  }

  /** True where the batch is to fail. */
  get failsBatch(): boolean {
    return this.mode === 'fail-batch' && this.count > 0
  }

  /** True where the batch is to fail and enough is known of why. */
  get isFull(): boolean {
    return this.mode === 'fail-batch' && this.count >= MAX_FAILURES
  }

  has(row: number): boolean {
    return this.#byRow?.has(row) === true
  }

  /** All of them, in the order of their rows. */
  get records(): readonly BadRecord[] {
    return this.#sorted().map((row) => this.#byRow?.get(row) as BadRecord)
  }

  /** The first row from `row` on that is among them; `Infinity` where none is. */
  next(row: number): number {
    if (this.#rows === undefined) return Number.POSITIVE_INFINITY
    const rows = this.#sorted()
    let low = 0
    for (let high = rows.length; low < high; ) {
      const middle = (low + high) >> 1
      if ((rows[middle] as number) < row) low = middle + 1
      else high = middle
    }
    return rows[low] ?? Number.POSITIVE_INFINITY
  }

  /** Sets a record aside. */
  refuse(row: number, error: SinkError, json?: string): void {
    const { code, message, column } = error
    const kept = this.mode === 'fail-batch' ? error : undefined
    this.#add({ row, code, message, column, json, fault: undefined, error: kept })
  }

  /** Sets a record aside that the table does not take. */
  refuseRow(row: number, fault: RowFault): void {
    const { code, column } = fault
    const message = `row ${row} of a batch for table "${this.#table}": ${fault.message}`
    this.#add({ row, code, message, column, json: undefined, fault, error: undefined })
  }

  /** Takes back what the table has against records, but for those that are to be kept. */
  takeBack(keeps: (row: number) => boolean): void {
    for (const [row, { fault }] of this.#byRow ?? [])
      if (fault !== undefined && !keeps(row)) this.#byRow?.delete(row)
    this.#rows = this.#rows?.filter((row) => this.has(row))
  }

  /** Sets a record aside that was looked at by itself, as row 0 of nothing else. */
  refuseAlone(row: number, error: SinkError, json?: string): void {
    error.message = error.message.replace(/^row 0\b/, `row ${row}`)
    this.refuse(row, Object.assign(error, { row }), json)
  }

  /** Takes a record over that was set aside in another batch. */
  adopt(row: number, bad: BadRecord): void {
    this.#add({ ...bad, row, message: bad.message.replace(/^row \d+\b/, `row ${row}`) })
  }

  /** What the batch fails with: the error of the first of these records, with a list of them all. */
  failure(key: string | undefined): SinkError {
    const first = this.records[0] as BadRecord
    const failures = this.records.slice(0, MAX_FAILURES).map(({ row, code, message, column }) => ({
      ...{ row, code, message, column },
    }))
    const error = first.error ?? this.#tableError(first)
    error.message += this.#others
    return Object.assign(error, { failures }, key === undefined ? undefined : { key })
  }

  get #others(): string {
    const count = this.count - 1
    if (count === 0) return ''
    return ` (and ${this.isFull ? 'at least ' : ''}${count} more ${count === 1 ? 'record' : 'records'}: see \`failures\`)`
  }

  #tableError({ row, code, message, column, fault }: BadRecord): SinkError {
    const details = { table: this.#table, column, row, expected: fault?.expected }
    return code === 'INVALID_VALUE' ? new ValueError(message, details) : new ConstraintError(message, details)
  }

  #add(bad: BadRecord): void {
    const { row, json } = bad
    this.#byRow ??= new Map()
    this.#rows ??= []
    if (this.#byRow.has(row)) return
    this.#byRow.set(row, bad)
    this.#isSorted &&= row > (this.#rows.at(-1) ?? -1)
    this.#rows.push(row)
    this.#jsonLength += json?.length ?? 0
  }

  #sorted(): readonly number[] {
    const rows = this.#rows ?? []
    if (!this.#isSorted) rows.sort((a, b) => a - b)
    this.#isSorted = true
    return rows
  }
}
