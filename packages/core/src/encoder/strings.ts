import { type FieldRecord, MAX_CHUNK_BYTES, type Span } from './column-encoder.ts'
import { FieldLoop } from './field-loop.ts'
import type { GivenValues } from './given-values.ts'
import { HeapColumn } from './heap-column.ts'
import { scalarText } from './scalar-text.ts'

// A VARCHAR's entries are written here, on the main thread, so that the worker only adds an address to them.
//
// Short ASCII strings go straight into their entries, character by character. Others are concatenated, up to
// RUN_ROWS of them, and encoded by one call: where it writes as many bytes as there were UTF-16 units, all were
// ASCII and the lengths are the offsets. Otherwise that run is encoded again, string by string.
// One write a run takes 2-6 ms for 122,880 strings, one write a string 5-11.

const RUN_ROWS = 512

const ends = new Uint32Array(RUN_ROWS + 1)

interface ShortTarget {
  /** Both replaced where the buffer has grown. */
  entries: Uint32Array
  entryBytes: Uint8Array
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
  readonly #runTarget: RunTarget = {
    ends,
    textOf: (value, row, index) => this.#textOf(value, row, index),
    maxUnits: 0,
    text: '',
  }
  readonly #runLoop = new FieldLoop(joinStrings, this.#runTarget)
  readonly #shortTarget: ShortTarget = {
    entries: this.entries,
    entryBytes: this.entryBytes,
    textOf: (value, row, index) => this.#textOf(value, row, index),
  }
  readonly #shortLoop = new FieldLoop(fillShortStrings, this.#shortTarget)
  readonly #run: { -readonly [K in keyof Span]: Span[K] } = {
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
    this.#runTarget.maxUnits = MAX_CHUNK_BYTES - (this.used < MAX_CHUNK_BYTES ? this.used : 0)
    const rowCount = this.#runLoop.run(run, this.field, this.guarded)
    const { text } = this.#runTarget
    run.records = []
    this.#runTarget.text = ''
    this.#writeRun(text, ends[rowCount] as number, rowCount, startRow, from)
    return from + rowCount
  }

  protected override mapBuffer(): void {
    super.mapBuffer()
    this.#shortTarget.entries = this.entries
    this.#shortTarget.entryBytes = this.entryBytes
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

  #writeRun(text: string, units: number, rowCount: number, startRow: number, index: number): void {
    // room for three bytes a unit: a write that is cut short could pass for ASCII
    this.reserve(units > 1 << 20 ? Buffer.byteLength(text) : units * 3)
    const start = this.used
    const written = this.bytes.write(text, start)
    if (written === units) {
      this.used = start + units
      for (let i = 0; i < rowCount; i++) {
        const offset = ends[i] as number
        this.setEntry(startRow + i, start + offset, (ends[i + 1] as number) - offset)
      }
      return
    }
    for (let i = 0; i < rowCount; i++) {
      const one = text.slice(ends[i], ends[i + 1])
      // a lone surrogate has no UTF-8 and would silently become U+FFFD; two halves side by side in the
      // concatenation would even join, which is why each string is looked at by itself
      if (!one.isWellFormed()) this.refuse(index + i, one, 'it has a lone surrogate, which UTF-8 cannot hold')
      this.appendString(one, startRow + i)
    }
  }
}

ends[0] = 0

/** Writes strings into their entries, up to the first that is not short ASCII. */
function fillShortStrings(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  { entries, entryBytes, textOf }: ShortTarget,
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
    const target = (word << 2) + 4
    let seen = 0
    for (let j = 0; j < length; j++) {
      const unit = text.charCodeAt(j)
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
