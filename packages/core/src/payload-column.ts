import { types } from 'node:util'
import { type FieldRecord, fieldValue, type MutableSpan, type Span } from './encoder/column-encoder.ts'
import { FieldLoop } from './encoder/field-loop.ts'
import type { PayloadRows } from './payload-rows.ts'
import { PAYLOAD_TAGS } from './payload-value.ts'

/** Strings are written when they have so many units together: what is joined and encoded stays in the cache. */
const MAX_JOINED_UNITS = 1 << 14

/** Of records whose field names are data there are no two alike. */
const MAX_LOOPS = 1_024

/** Records of a batch, `to` excluded. */
export interface RecordRange {
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
  /** Strings that are not in their rows yet, which have their lengths. */
  joined: string
}

type ValueLoop = Pick<FieldLoop<ColumnTarget>, 'run'>

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

/** Reads the values that records have in a field. */
export class PayloadColumn {
  readonly #rows: PayloadRows
  readonly #target: ColumnTarget
  /** For fields of few records: none of them is worth a loop of its own. */
  readonly #plainLoop: ValueLoop
  readonly #span: MutableSpan = { records: [], from: 0, to: 0, startRow: 0, whole: true }
  /** The first row whose string may be among those that are joined. */
  #joinedRow = 0
  /** Where joined strings are encoded. */
  #scratch: Buffer = Buffer.allocUnsafeSlow(4 * MAX_JOINED_UNITS)

  constructor(rows: PayloadRows) {
    this.#rows = rows
    const { numbers, bigints, tags: rowTags } = rows
    this.#target = {
      tags: PAYLOAD_TAGS,
      maxUnits: MAX_JOINED_UNITS,
      ...{ numbers, bigints, rowTags, joined: '' },
    }
    this.#plainLoop = {
      run: (span, field, isGuarded) => packValues(span, field, isGuarded, this.#target),
    }
  }

  /** Writes nothing where the field is absent from all of the records; `only` are the rows that may have it. */
  write(loops: PayloadLoops, field: string, range: RecordRange, only?: readonly number[]): void {
    const { records, from, to } = range
    this.#span.records = records
    this.#joinedRow = 0
    if (only === undefined) this.#fill(loops.of(field, this.#target), field, range, 0)
    else {
      this.#rows.clear(to - from)
      for (const index of only)
        this.#fill(this.#plainLoop, field, { records, from: index, to: index + 1 }, index - from)
    }
    this.#span.records = []
    this.#settleStrings(to - from)
    this.#rows.write(field, to - from)
  }

  /** Has the loop read what it can: it stops at a value of another kind, and where there are enough strings. */
  #fill(loop: ValueLoop, field: string, { records, from, to }: RecordRange, startRow: number): void {
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
      if (target.joined.length >= MAX_JOINED_UNITS) this.#settleStrings(startRow + index - from)
      else if (index < span.to) {
        this.#readOther(records[index] as FieldRecord, field, isGuarded, startRow + index - from)
        index++
      }
    }
  }

  #readOther(record: FieldRecord, field: string, isGuarded: boolean, row: number): void {
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
      numbers[row] = Date.prototype.getTime.call(value) + 0
    } else {
      // other values come in the order of their rows, and a string may be one
      this.#settleStrings(row)
      this.#rows.setOther(row, value)
    }
  }

  /** Puts the strings that are joined into their rows, all before `end`. */
  #settleStrings(end: number): void {
    const { joined, numbers, rowTags } = this.#target
    this.#target.joined = ''
    const first = this.#joinedRow
    this.#joinedRow = end
    const units = joined.length
    const needed = units > 1 << 20 ? Buffer.byteLength(joined) : 3 * units
    if (needed > this.#scratch.byteLength) this.#scratch = Buffer.allocUnsafeSlow(needed)
    const isAscii = this.#scratch.write(joined) === units
    let start = 0
    for (let row = first; row < end; row++) {
      if (rowTags[row] !== PAYLOAD_TAGS.string) continue
      const length = numbers[row] as number
      if (isAscii) this.#rows.setString(row, this.#scratch, start, length)
      else this.#setText(row, joined.slice(start, start + length))
      start += length
    }
    if (needed > 16 * MAX_JOINED_UNITS) this.#scratch = Buffer.allocUnsafeSlow(4 * MAX_JOINED_UNITS)
  }

  #setText(row: number, text: string): void {
    // a lone surrogate has no UTF-8
    if (!text.isWellFormed()) this.#rows.setOther(row, text)
    else this.#rows.setString(row, this.#scratch, 0, this.#scratch.write(text))
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
      // NaN has many forms in memory, and 0 two
      numbers[row] = Number.isNaN(value) ? Number.NaN : value + 0
      rowTags[row] = tags.number
    } else if (typeof value === 'string') {
      numbers[row] = value.length
      rowTags[row] = tags.string
      joined += value
    } else if (value instanceof Date) {
      const time = value.getTime()
      numbers[row] = Number.isNaN(time) ? Number.NaN : time + 0
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
