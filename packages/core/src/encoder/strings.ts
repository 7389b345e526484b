import { type FieldRecord, MAX_CHUNK_BYTES, type MutableSpan, type Span } from './column-encoder.ts'
import { FieldLoop } from './field-loop.ts'
import type { GivenValues } from './given-values.ts'
import { HeapColumn } from './heap-column.ts'
import { scalarText } from './scalar-text.ts'

// A VARCHAR's entries are written here, on the main thread, so that the worker only adds an address to them.
//
// Short ASCII strings go straight into their entries, character by character. Others are concatenated, up to
// RUN_ROWS of them, and encoded by one call: where it writes as many bytes as there were UTF-16 units, all were
// ASCII and the lengths are the offsets. Otherwise the bytes of each string are counted.
// One write a run takes 2-6 ms for 122,880 strings, one write a string 5-11.

const RUN_ROWS = 512

// A joined text of more than 128 KiB would be a large object, which V8 maps and unmaps each time: 3 us a string of 1,000.
const RUN_UNITS = 2 ** 15

interface ShortTarget {
  /** Replaced where the buffer has grown. */
  entries: Uint32Array
  /** Gives the text of what is no string, or makes the row NULL. */
  readonly textOf: (value: unknown, row: number, index: number) => string | undefined
}

interface RunTarget {
  /** The end of each string in the text, in UTF-16 units; the first is 0. */
  readonly ends: Uint32Array
  readonly textOf: ShortTarget['textOf']
  /** Units at which a run ends. */
  maxUnits: number
  text: string
}

/** VARCHAR. */
export class StringColumn extends HeapColumn {
  /** True while the strings seen fit into their entries, which is then tried first. */
  #expectsShort = true
  /** Its own: a getter that is read for one column may push a record that another takes. */
  readonly #ends: Uint32Array<ArrayBuffer> = new Uint32Array(RUN_ROWS + 1)
  readonly #runTarget: RunTarget = {
    ends: this.#ends,
    textOf: (value, row, index) => this.#textOf(value, row, index),
    maxUnits: 0,
    text: '',
  }
  readonly #runLoop = new FieldLoop(joinStrings, this.#runTarget)
  readonly #shortTarget: ShortTarget = {
    entries: this.entries,
    textOf: (value, row, index) => this.#textOf(value, row, index),
  }
  readonly #shortLoop = new FieldLoop(fillShortStrings, this.#shortTarget)
  readonly #run: MutableSpan = {
    records: [],
    from: 0,
    to: 0,
    startRow: 0,
    whole: true,
  }

  override fill(span: Span): number {
    const { from, to, startRow, whole } = span
    let index = from
    if (this.#expectsShort) {
      index += this.#shortLoop.run(span, this.field, this.guarded)
      this.#expectsShort = index === to
    }
    while (index < to) {
      const row = startRow + index - from
      if (row > 0 && !whole && this.used >= MAX_CHUNK_BYTES) break
      index = this.#fillRun(span, index, row)
    }
    return index - from
  }

  override truncate(rowCount: number): void {
    super.truncate(rowCount)
    // a chunk of short strings after one with a long one is worth finding out
    if (rowCount === 0) this.#expectsShort = this.#expectsShort || this.used === 0
  }

  override given(): GivenValues | undefined {
    if (this.hasConverted) return undefined
    return { kind: 'strings', entries: this.entries, heap: this.bytes }
  }

  /** Encodes the strings of at most RUN_ROWS records together; returns the index after the last it took. */
  #fillRun({ records, to }: Span, from: number, startRow: number): number {
    const run = this.#run
    run.records = records
    run.from = from
    run.to = Math.min(to, from + RUN_ROWS)
    run.startRow = startRow
    // elements of lists go on beyond the bound, a run of its length at a time
    const room = MAX_CHUNK_BYTES - (this.used < MAX_CHUNK_BYTES ? this.used : 0)
    this.#runTarget.maxUnits = Math.min(RUN_UNITS, room)
    const rowCount = this.#runLoop.run(run, this.field, this.guarded)
    const { text } = this.#runTarget
    run.records = []
    this.#runTarget.text = ''
    this.#writeRun(text, rowCount, startRow, from)
    return from + rowCount
  }

  protected override mapBuffer(): void {
    super.mapBuffer()
    this.#shortTarget.entries = this.entries
  }

  #textOf(value: unknown, row: number, index: number): string | undefined {
    if (value === null || value === undefined) {
      this.setNullEntry(row)
      return undefined
    }
    this.hasConverted = true
    const text = this.column.takesScalars === true ? scalarText(value) : undefined
    return text ?? this.refuse(index, value, 'only a string can; convert it first')
  }

  #writeRun(text: string, rowCount: number, startRow: number, index: number): void {
    const ends = this.#ends
    const units = text.length
    // room for three bytes a unit: a write that is cut short could pass for ASCII
    this.reserveBytes(units > 1 << 20 ? Buffer.byteLength(text) : units * 3)
    const start = this.used
    const written = this.bytes.write(text, start)
    if (written !== units) {
      if (!isEachWellFormed(text, ends, rowCount)) {
        this.#writeEach(text, rowCount, startRow, index)
        return
      }
      countBytes(this.bytes, start, ends, rowCount)
    }
    this.used = start + written
    this.setEntries(startRow, rowCount, start, ends)
  }

  /** Encodes strings one by one, to find the one that has a lone surrogate: UTF-8 would silently make it U+FFFD. */
  #writeEach(text: string, rowCount: number, startRow: number, index: number): void {
    for (let i = 0; i < rowCount; i++) {
      const one = text.slice(this.#ends[i], this.#ends[i + 1])
      if (!one.isWellFormed()) this.refuse(index + i, one, 'it has a lone surrogate, which UTF-8 cannot hold')
      this.appendString(one, startRow + i)
    }
  }
}

/** Writes strings into their entries, up to the first that is not short ASCII. */
function fillShortStrings(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  { entries, textOf }: ShortTarget,
): number {
  let word = startRow * 4
  for (let i = from; i < to; i++, word += 4) {
    const record = records[i] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    const text = typeof value === 'string' ? value : textOf(value, startRow + i - from, i)
    if (text === undefined) continue
    const { length } = text
    if (length > 12) return i - from
    entries[word] = length
    entries[word + 1] = 0
    entries[word + 2] = 0
    entries[word + 3] = 0
    let seen = 0
    // four characters a store: 2 ns less than one a store
    for (let at = word + 1, j = 0; j < length; at++, j += 4) {
      const first = text.charCodeAt(j)
      const second = j + 1 < length ? text.charCodeAt(j + 1) : 0
      const third = j + 2 < length ? text.charCodeAt(j + 2) : 0
      const fourth = j + 3 < length ? text.charCodeAt(j + 3) : 0
      seen |= first | second | third | fourth
      entries[at] = first | (second << 8) | (third << 16) | (fourth << 24)
    }
    if (seen > 127) return i - from
  }
  return to - from
}

/** Concatenates strings, up to the first that makes them too long. */
function joinStrings(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  target: RunTarget,
): number {
  const { ends, textOf, maxUnits } = target
  let joined = ''
  let units = 0
  let taken = 0
  for (; taken < to - from && units < maxUnits; taken++) {
    const record = records[from + taken] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    const text = typeof value === 'string' ? value : textOf(value, startRow + taken, from + taken)
    if (text !== undefined) {
      joined += text
      units += text.length
    }
    ends[taken + 1] = units
  }
  target.text = joined
  return taken
}

/** True where no string of a run has a lone surrogate: two such, side by side, could join to a pair in the text. */
function isEachWellFormed(text: string, ends: Uint32Array, rowCount: number): boolean {
  if (!text.isWellFormed()) return false
  for (let i = 1; i < rowCount; i++) {
    const unit = text.charCodeAt(ends[i] as number)
    if (unit >= 0xdc00 && unit <= 0xdfff) return false
  }
  return true
}

/** Turns the end of each string of a well-formed run from units of UTF-16 into bytes of UTF-8, which stand at `start`. */
function countBytes(bytes: Uint8Array, start: number, ends: Uint32Array, rowCount: number): void {
  let at = start
  let units = 0
  for (let i = 1; i <= rowCount; i++) {
    const end = ends[i] as number
    while (units < end) {
      const lead = bytes[at] as number
      // of four bytes are those that take two units
      const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
      units += length === 4 ? 2 : 1
      at += length
    }
    ends[i] = at - start
  }
}
