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

/** Records of a batch, `to` excluded. */
export interface PayloadRows {
  readonly records: readonly unknown[]
  readonly from: number
  readonly to: number
}

interface ColumnTarget {
  readonly tags: typeof PAYLOAD_TAGS
  readonly maxUnits: number
  readonly numbers: Float64Array
  readonly bigints: BigInt64Array
  readonly rowTags: Uint8Array
  /** Strings that are not written yet. */
  joined: string
}

type ValueLoop = Pick<FieldLoop<ColumnTarget>, 'run'>

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
  /** For fields of few records: none of them is worth a loop of its own. */
  readonly #plainLoop: ValueLoop = {
    run: (span, field, isGuarded) => packValues(span, field, isGuarded, this.#target),
  }
  readonly #span: MutableSpan = { records: [], from: 0, to: 0, startRow: 0, whole: true }

  constructor(bytes: PayloadBytes, values: PayloadValues) {
    this.#bytes = bytes
    this.#values = values
  }

  /** Writes nothing where the field is absent from all of the records; `only` are the rows that may have it. */
  write(loops: PayloadLoops, field: string, rows: PayloadRows, only?: readonly number[]): void {
    const { records, from, to } = rows
    const { numbers, rowTags } = this.#target
    this.#span.records = records
    if (only === undefined) this.#fill(loops.of(field, this.#target), field, rows, 0)
    else {
      numbers.fill(0, 0, to - from)
      rowTags.fill(PAYLOAD_TAGS.absent, 0, to - from)
      for (const index of only)
        this.#fill(this.#plainLoop, field, { records, from: index, to: index + 1 }, index - from)
    }
    this.#span.records = []
    this.#writeRows(field, to - from)
  }

  /** Has the loop read what it can: it stops at a value of another kind, and where there are enough strings. */
  #fill(loop: ValueLoop, field: string, { records, from, to }: PayloadRows, startRow: number): void {
    const isGuarded = field in Object.prototype
    const span = this.#span
    const target = this.#target
    let isCareful = false
    for (let index = from; index < to; ) {
      span.from = index
      span.startRow = startRow + index - from
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
      else if (index < span.to) {
        this.#writeOther(records[index] as FieldRecord, field, isGuarded, startRow + index - from)
        index++
      }
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
      numbers[row] = Date.prototype.getTime.call(value)
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
      numbers[row] = Number.isNaN(value) ? Number.NaN : value
      rowTags[row] = tags.number
    } else if (typeof value === 'string') {
      numbers[row] = value.length
      rowTags[row] = tags.string
      joined += value
    } else if (value instanceof Date) {
      const time = value.getTime()
      numbers[row] = Number.isNaN(time) ? Number.NaN : time
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
