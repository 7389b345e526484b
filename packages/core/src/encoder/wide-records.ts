import { isProxy } from 'node:util/types'
import type { ColumnEncoder, FieldRecord, MutableSpan, Span } from './column-encoder.ts'
import { hasShape } from './plain-record.ts'

// Field by field, each value of a wide record is looked up by its name (28 ns, and no less in copies of loops, of which
// there are too many then), and lies 4 KiB behind that of the record before. Record by record, as V8 lists the values of
// an object, and given to the encoders as columns of values, a record of 512 columns takes 31 instead of 42 us.

/** From so many columns on, records are wide. */
export const WIDE_COLUMNS = 128
/** Fewer records are not worth the look for where their fields are. */
export const WIDE_ROWS = 16

/** Fills columns with the values of wide records, which are read record by record. */
export class WideRecords {
  /** The values of each column. */
  readonly #columns: unknown[][] = []
  readonly #span: MutableSpan = { records: [], from: 0, to: 0, startRow: 0, whole: false }

  /**
   * Gives how many records it took of a span, as {@link ColumnEncoder.fill} does, or `undefined` where they are to be
   * read field by field: they differ in their fields, have other fields than the columns are read from, or have a value
   * that its column refuses. Encoders may then have rows that are to be forgotten, and getters are called once more.
   */
  fill(span: Span, encoders: readonly ColumnEncoder[]): number | undefined {
    try {
      if (!this.#read(span, encoders)) return undefined
      return this.#give(span, encoders)
    } catch {
      // read once more, it is named
      return undefined
    } finally {
      this.#span.records = []
      // what belongs to the app is not kept
      for (const column of this.#columns) column.fill(undefined)
    }
  }

  #read({ records, from, to }: Span, encoders: readonly ColumnEncoder[]): boolean {
    const shape = Object.keys(records[from] as FieldRecord)
    const places = placesOf(shape, encoders)
    if (places === undefined) return false
    const columns = this.#columns
    while (columns.length < encoders.length) columns.push([])
    for (let row = from; row < to; row++) {
      const record = records[row] as FieldRecord
      // a Proxy may have other fields each time it is asked
      if (isProxy(record) || !hasShape(record, shape)) return false
      const values = Object.values(record)
      if (values.length !== shape.length) return false
      for (let index = 0; index < places.length; index++)
        (columns[index] as unknown[])[row - from] = values[places[index] as number]
    }
    return true
  }

  #give({ from, to, startRow }: Span, encoders: readonly ColumnEncoder[]): number {
    const span = this.#span
    span.to = to - from
    span.startRow = startRow
    for (let index = 0; index < encoders.length; index++) {
      const encoder = encoders[index] as ColumnEncoder
      const { field } = encoder
      span.records = this.#columns[index] as unknown[]
      encoder.field = null
      try {
        span.to = encoder.fill(span)
      } finally {
        encoder.field = field
      }
    }
    return span.to
  }
}

/** The place of each column's field in a shape; `undefined` where one is not there. */
function placesOf(
  shape: readonly string[],
  encoders: readonly ColumnEncoder[],
): readonly number[] | undefined {
  const placeOf = new Map(shape.map((field, place) => [field, place]))
  const places: number[] = []
  for (const { field } of encoders) {
    const place = field === null ? undefined : placeOf.get(field)
    if (place === undefined) return undefined
    places.push(place)
  }
  return places
}
