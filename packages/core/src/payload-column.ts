import { types } from 'node:util'
import { MAX_CHUNK_ROWS } from '@ducksink/worker'
import { type FieldRecord, fieldValue, type Span } from './encoder/column-encoder.ts'
import { FieldLoop } from './encoder/field-loop.ts'
import type { PayloadBytes } from './payload-bytes.ts'
import { PAYLOAD_TAGS, type PayloadValues } from './payload-value.ts'

// One field of the rows of a chunk at a time. Every row has eight bytes and a tag, whatever its value: a number itself,
// the milliseconds of a Date, the length of a string. What has no room there goes before them, in pieces: strings
// joined, and values of all other kinds.

/** Tags beside PAYLOAD_TAGS: in front of a piece of strings, and of the rows, which come after all pieces. */
const STRINGS = 32
const ROWS = 33
/** The tag of a row whose value is one of those in front. */
const OTHER = 34

/** Strings are written when they have so many units together: what is joined and encoded stays in the cache. */
const MAX_JOINED_UNITS = 1 << 14

/** Of records whose field names are data there are no two alike. */
const MAX_LOOPS = 1_024

interface ColumnTarget {
  readonly tags: typeof PAYLOAD_TAGS
  readonly maxUnits: number
  readonly numbers: Float64Array
  readonly bigints: BigInt64Array
  readonly rowTags: Uint8Array
  /** Strings that are not written yet. */
  joined: string
}

type MutableSpan = { -readonly [K in keyof Span]: Span[K] }

/** The loops that read the records of one table, each its field. */
export class PayloadLoops {
  readonly #loops = new Map<string, FieldLoop<ColumnTarget>>()

  of(field: string, target: ColumnTarget): FieldLoop<ColumnTarget> {
    const known = this.#loops.get(field)
    if (known !== undefined) return known
    if (this.#loops.size >= MAX_LOOPS) this.#loops.clear()
    const loop = new FieldLoop(packValues, target)
    this.#loops.set(field, loop)
    return loop
  }
}

/** Writes the values that records have in a field. */
export class PayloadColumn {
  readonly #bytes: PayloadBytes
  readonly #values: PayloadValues
  readonly #slots = new Uint8Array(new ArrayBuffer(MAX_CHUNK_ROWS * 8))
  readonly #target: ColumnTarget = {
    tags: PAYLOAD_TAGS,
    maxUnits: MAX_JOINED_UNITS,
    numbers: new Float64Array(this.#slots.buffer),
    bigints: new BigInt64Array(this.#slots.buffer),
    rowTags: new Uint8Array(MAX_CHUNK_ROWS),
    joined: '',
  }
  readonly #span: MutableSpan = { records: [], from: 0, to: 0, startRow: 0, whole: true }

  constructor(bytes: PayloadBytes, values: PayloadValues) {
    this.#bytes = bytes
    this.#values = values
  }

  /** Writes nothing where the field is absent from all of the records. */
  write(loops: PayloadLoops, field: string, records: readonly unknown[], from: number, to: number): void {
    const span = this.#span
    span.records = records
    span.from = from
    span.to = to
    span.startRow = 0
    this.#fill(loops.of(field, this.#target), field, span)
    span.records = []
    this.#writeRows(field, to - from)
  }

  /** Reads what the loop can; it stops at a value of another kind, and where there are enough strings. */
  #fill(loop: FieldLoop<ColumnTarget>, field: string, span: MutableSpan): void {
    const { from, to, records } = span
    const isGuarded = field in Object.prototype
    const target = this.#target
    let isCareful = false
    for (let index = from; index < to; ) {
      span.from = index
      span.startRow = index - from
      span.to = isCareful ? index + 1 : to
      try {
        index += loop.run(span, field, isGuarded)
      } catch {
        // nothing of that run is kept: it is read again record by record, to find those that throw
        if (!isCareful) {
          isCareful = true
          continue
        }
      }
      if (target.joined.length >= MAX_JOINED_UNITS) this.#writeStrings()
      else if (index < span.to)
        this.#writeOther(records[index] as FieldRecord, field, isGuarded, index++ - from)
    }
  }

  #writeOther(record: FieldRecord, field: string, isGuarded: boolean, row: number): void {
    const { numbers, rowTags } = this.#target
    numbers[row] = 0
    let value: unknown
    try {
      value = fieldValue(record, field, isGuarded)
    } catch {
      rowTags[row] = PAYLOAD_TAGS.unreadable
      return
    }
    if (types.isDate(value)) {
      rowTags[row] = PAYLOAD_TAGS.Date
      numbers[row] = value.getTime()
    } else {
      rowTags[row] = OTHER
      this.#values.write(value)
    }
  }

  #writeStrings(): void {
    this.#bytes.writeByte(STRINGS)
    this.#bytes.writeText(this.#target.joined)
    this.#bytes.settle()
    this.#target.joined = ''
  }

  #writeRows(field: string, rowCount: number): void {
    const { joined, rowTags } = this.#target
    if (joined !== '') this.#writeStrings()
    const tags = rowTags.subarray(0, rowCount)
    if (tags[0] === PAYLOAD_TAGS.absent && tags.every((tag) => tag === PAYLOAD_TAGS.absent)) return
    const bytes = this.#bytes
    bytes.writeByte(ROWS)
    bytes.writeText(field)
    bytes.writeBytes(this.#slots.subarray(0, rowCount * 8))
    bytes.writeBytes(tags)
    bytes.settle()
  }
}

/** Takes values that have room in a row, and strings, up to the first of another kind or enough strings. */
function packValues(
  { records, from, to, startRow }: Span,
  field: string | null,
  isGuarded: boolean,
  target: ColumnTarget,
): number {
  const { tags, numbers, bigints, rowTags, maxUnits } = target
  let { joined } = target
  let i = from
  for (let row = startRow; i < to && joined.length < maxUnits; i++, row++) {
    const record = records[i] as FieldRecord
    const value =
      field === null ? record : isGuarded && !Object.hasOwn(record, field) ? undefined : record[field]
    if (typeof value === 'number') {
      // NaN has many forms in memory
      numbers[row] = value === value ? value : Number.NaN
      rowTags[row] = tags.number
    } else if (typeof value === 'string') {
      numbers[row] = value.length
      rowTags[row] = tags.string
      joined += value
    } else if (value instanceof Date) {
      numbers[row] = value.getTime()
      rowTags[row] = tags.Date
    } else if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value) break
      bigints[row] = value
      rowTags[row] = tags.bigint
    } else {
      if (value === null) rowTags[row] = tags.null
      else if (value === undefined) rowTags[row] = tags.absent
      else if (value === true) rowTags[row] = tags.true
      else if (value === false) rowTags[row] = tags.false
      else break
      numbers[row] = 0
    }
  }
  target.joined = joined
  return i - from
}
