import { isUint8Array } from 'node:util/types'
import { INLINE_BYTES, MAX_CHUNK_ROWS } from '@ducksink/worker'
import { bytesOf } from './bytes.ts'
import { ColumnEncoder, type ColumnInfo, type FieldRecord, ownValue, type Span } from './column-encoder.ts'
import { FieldLoop } from './field-loop.ts'
import { Refusal, type TextForm } from './refusal.ts'

// A VARCHAR's entries are written here, on the main thread, so that the worker only adds an address to them.
//
// Short ASCII strings go straight into their entries, character by character. Others are concatenated, up to
// RUN_ROWS of them, and encoded by one call: where it writes as many bytes as there were UTF-16 units, all were
// ASCII and the lengths are the offsets. Otherwise that run is encoded again, string by string.
// One write a run takes 2-6 ms for 122,880 strings, one write a string 5-11.

const RUN_ROWS = 512
const ENTRY_WORDS = 4
const FIRST_HEAP_BYTES = 2 ** 14

/** Bytes of strings in one chunk beyond which it takes no more rows: DuckDB gets them in one piece. */
const MAX_HEAP_BYTES = 8 * 2 ** 20

const offsets = new Uint32Array(MAX_CHUNK_ROWS + 1)

/** What VARCHAR, BLOB and every type that travels as text have in common: entries, and a heap they point into. */
abstract class HeapColumn extends ColumnEncoder {
  protected readonly entries: Uint32Array = new Uint32Array(this.buffer)
  protected readonly entryBytes: Uint8Array = new Uint8Array(this.buffer)
  protected bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_HEAP_BYTES)
  protected used = 0
  /** Bytes of the rows that are kept; set at the start of each `fill`. */
  #mark = 0
  #markRow = 0
  #hasLong = false

  override get heap(): Uint8Array {
    return this.bytes
  }

  override get heapBytes(): number {
    // where every string is inline, nothing points into the heap
    return this.#hasLong ? this.used : 0
  }

  override truncate(rowCount: number): void {
    super.truncate(rowCount)
    if (rowCount === 0) {
      this.used = 0
      this.#hasLong = false
      // one huge string must not keep its room for ever
      if (this.bytes.byteLength > 2 * MAX_HEAP_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_HEAP_BYTES)
    } else if (rowCount === this.#markRow) {
      this.used = this.#mark
    }
  }

  override fillNulls(from: number, to: number): void {
    super.fillNulls(from, to)
    this.entries.fill(0, from * ENTRY_WORDS, to * ENTRY_WORDS)
  }

  protected mark(row: number): void {
    this.#mark = this.used
    this.#markRow = row
  }

  protected setNullEntry(row: number): void {
    this.setNull(row)
    this.entries.fill(0, row * ENTRY_WORDS, (row + 1) * ENTRY_WORDS)
  }

  /** Makes the entry of the `length` bytes that stand at `start` in the heap. */
  protected setEntry(row: number, start: number, length: number): void {
    const { entries, entryBytes, bytes } = this
    const word = row * ENTRY_WORDS
    entries[word] = length
    entries[word + 1] = 0
    entries[word + 2] = 0
    entries[word + 3] = 0
    const target = (word << 2) + 4
    if (length > INLINE_BYTES) {
      for (let i = 0; i < 4; i++) entryBytes[target + i] = bytes[start + i] as number
      entries[word + 2] = start
      this.#hasLong = true
      return
    }
    for (let i = 0; i < length; i++) entryBytes[target + i] = bytes[start + i] as number
  }

  protected reserve(byteCount: number): void {
    const needed = this.used + byteCount
    if (needed <= this.bytes.byteLength) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.byteLength * 2))
    grown.set(this.bytes.subarray(0, this.used))
    this.bytes = grown
  }

  /** Appends one string and makes its entry; the slow way, right for all of Unicode. */
  protected appendString(text: string, row: number): void {
    this.reserve(text.length > 1 << 16 ? Buffer.byteLength(text) : text.length * 3)
    const start = this.used
    const length = this.bytes.write(text, start)
    this.used += length
    this.setEntry(row, start, length)
  }
}

interface ShortTarget {
  readonly entries: Uint32Array
  readonly entryBytes: Uint8Array
  readonly fillOther: (value: unknown, row: number, index: number) => void
}

interface RunTarget {
  /** The end of each string in the text, in UTF-16 units; the first is 0. */
  readonly ends: Uint32Array
  readonly fillOther: (value: unknown, row: number, index: number) => void
  /** Units at which a run ends. */
  maxUnits: number
  text: string
}

/** VARCHAR. */
export class StringColumn extends HeapColumn {
  /** True while the strings seen fit into their entries, which is then tried first. */
  #expectsShort = true
  readonly #runTarget: RunTarget = {
    ends: offsets,
    fillOther: (value, row, index) => this.#fillOther(value, row, index),
    maxUnits: 0,
    text: '',
  }
  readonly #runLoop = new FieldLoop(joinStrings, this.#runTarget)
  readonly #shortLoop = new FieldLoop(fillShortStrings, {
    entries: this.entries,
    entryBytes: this.entryBytes,
    fillOther: (value, row, index) => this.#fillOther(value, row, index),
  })
  readonly #run: { -readonly [K in keyof Span]: Span[K] } = { records: [], from: 0, to: 0, startRow: 0 }

  override fill(span: Span): number {
    const { from, to, startRow } = span
    this.mark(startRow)
    let index = from
    if (this.#expectsShort) {
      index += this.#shortLoop.run(span, this.field, this.guarded)
      this.#expectsShort = index === to
    }
    while (index < to) {
      const row = startRow + index - from
      if (row > 0 && this.used >= MAX_HEAP_BYTES) break
      index = this.#fillRun(span, index, row)
    }
    return index - from
  }

  override truncate(rowCount: number): void {
    super.truncate(rowCount)
    // a chunk of short strings after one with a long one is worth finding out
    if (rowCount === 0) this.#expectsShort = this.#expectsShort || this.used === 0
  }

  /** Encodes the strings of at most RUN_ROWS records together; returns the index after the last it took. */
  #fillRun({ records, to }: Span, from: number, startRow: number): number {
    const run = this.#run
    run.records = records
    run.from = from
    run.to = Math.min(to, from + RUN_ROWS)
    run.startRow = startRow
    this.#runTarget.maxUnits = MAX_HEAP_BYTES - this.used
    const rowCount = this.#runLoop.run(run, this.field, this.guarded)
    const { text } = this.#runTarget
    run.records = []
    this.#runTarget.text = ''
    this.#writeRun(text, offsets[rowCount] as number, rowCount, startRow, from)
    return from + rowCount
  }

  #fillOther(value: unknown, row: number, index: number): void {
    if (value !== null && value !== undefined) {
      this.refuse(index, value, 'only a string can; convert it first')
    }
    this.setNullEntry(row)
  }

  #writeRun(text: string, units: number, rowCount: number, startRow: number, index: number): void {
    // room for three bytes a unit: a write that is cut short could pass for ASCII
    this.reserve(units > 1 << 20 ? Buffer.byteLength(text) : units * 3)
    const start = this.used
    const written = this.bytes.write(text, start)
    if (written === units) {
      this.used = start + units
      for (let i = 0; i < rowCount; i++) {
        const offset = offsets[i] as number
        this.setEntry(startRow + i, start + offset, (offsets[i + 1] as number) - offset)
      }
      return
    }
    for (let i = 0; i < rowCount; i++) {
      const one = text.slice(offsets[i], offsets[i + 1])
      // a lone surrogate has no UTF-8 and would silently become U+FFFD; two halves side by side in the
      // concatenation would even join, which is why each string is looked at by itself
      if (!one.isWellFormed()) this.refuse(index + i, one, 'it has a lone surrogate, which UTF-8 cannot hold')
      this.appendString(one, startRow + i)
    }
  }
}

offsets[0] = 0

/** Writes strings into their entries, up to the first that is not short ASCII. */
function fillShortStrings(
  { records, from, to, startRow }: Span,
  field: string,
  isGuarded: boolean,
  { entries, entryBytes, fillOther }: ShortTarget,
): number {
  let word = startRow * 4
  for (let i = from; i < to; i++, word += 4) {
    const record = records[i] as FieldRecord
    const value = isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    if (typeof value !== 'string') {
      fillOther(value, startRow + i - from, i)
      continue
    }
    const { length } = value
    if (length > 12) return i - from
    entries[word] = length
    entries[word + 1] = 0
    entries[word + 2] = 0
    entries[word + 3] = 0
    const target = (word << 2) + 4
    let seen = 0
    for (let j = 0; j < length; j++) {
      const unit = value.charCodeAt(j)
      seen |= unit
      entryBytes[target + j] = unit
    }
    if (seen > 127) return i - from
  }
  return to - from
}

/** Concatenates strings, up to the first that makes them too long. */
function joinStrings(
  { records, from, to, startRow }: Span,
  field: string,
  isGuarded: boolean,
  target: RunTarget,
): number {
  const { ends, fillOther, maxUnits } = target
  let text = ''
  let units = 0
  let taken = 0
  for (; taken < to - from && units < maxUnits; taken++) {
    const record = records[from + taken] as FieldRecord
    const value = isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    if (typeof value === 'string') {
      text += value
      units += value.length
    } else {
      fillOther(value, startRow + taken, from + taken)
    }
    ends[taken + 1] = units
  }
  target.text = text
  return taken
}

/** BLOB. */
export class BlobColumn extends HeapColumn {
  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    this.mark(startRow)
    for (let i = from, row = startRow; i < to; i++, row++) {
      if (row > 0 && this.used >= MAX_HEAP_BYTES) return i - from
      const record = records[i] as FieldRecord
      const value = guarded ? ownValue(record, field) : record[field]
      if (value === null || value === undefined) {
        this.setNullEntry(row)
        continue
      }
      const bytes = isUint8Array(value) && value.byteLength > 0 ? value : this.#otherBytes(value, i)
      this.reserve(bytes.byteLength)
      this.bytes.set(bytes, this.used)
      this.setEntry(row, this.used, bytes.byteLength)
      this.used += bytes.byteLength
    }
    return to - from
  }

  #otherBytes(value: unknown, index: number): Uint8Array {
    const bytes = bytesOf(value)
    if (bytes instanceof Refusal) this.refuse(index, value, bytes.expected)
    return bytes
  }
}

/** A column whose values travel as text, which the worker has DuckDB cast. */
export class TextFormColumn extends HeapColumn {
  readonly #textForm: TextForm

  constructor(column: ColumnInfo, textForm: TextForm) {
    super(column)
    this.#textForm = textForm
  }

  override fill({ records, from, to, startRow }: Span): number {
    const { field, guarded } = this
    this.mark(startRow)
    for (let i = from, row = startRow; i < to; i++, row++) {
      if (row > 0 && this.used >= MAX_HEAP_BYTES) return i - from
      const record = records[i] as FieldRecord
      const value = guarded ? ownValue(record, field) : record[field]
      if (value === null || value === undefined) {
        this.setNullEntry(row)
        continue
      }
      const text = this.#textForm(value)
      if (typeof text !== 'string') this.refuse(i, value, text.expected, text.cause)
      if (!text.isWellFormed()) this.refuse(i, value, 'it has a lone surrogate, which UTF-8 cannot hold')
      this.appendString(text, row)
    }
    return to - from
  }
}
