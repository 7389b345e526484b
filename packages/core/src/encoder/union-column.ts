import type { TypeField } from '@ducksink/worker'
import {
  type ColumnEncoder,
  type ColumnInfo,
  type FieldRecord,
  fieldValue,
  type Span,
} from './column-encoder.ts'
import { FieldsColumn, placesOf } from './fields-column.ts'
import { IntegerColumn } from './integer-columns.ts'
import { isPlainRecord } from './plain-record.ts'
import { plainValue } from './plain-value.ts'
import { RefusedValue } from './refused-value.ts'

/**
 * UNION: each value names its member, as `{ tag, value }`, as node-api has it, or `{ [tag]: value }`. Its vectors are
 * the tags and the members, of which all but the one named are NULL.
 */
export class UnionColumn extends FieldsColumn {
  readonly #members: readonly TypeField[]
  readonly #placeOf: (tag: string) => number | undefined
  /** The member of each row of a span, and its value there. */
  readonly #tags: (number | null)[] = []
  readonly #values: unknown[] = []
  /** What one member has in each row. */
  readonly #memberValues: unknown[] = []

  constructor(column: ColumnInfo, members: readonly TypeField[], encoders: readonly ColumnEncoder[]) {
    const tags = new IntegerColumn({ ...column, type: { id: 'UTINYINT' } }, 1, false)
    // the tags, then the members
    const all = [tags, ...encoders]
    super(column, all)
    this.#members = members
    this.#placeOf = placesOf(members)
    for (const encoder of all) encoder.field = null
  }

  override fill(span: Span): number {
    try {
      return this.#fill(span)
    } finally {
      // what belongs to the app is not kept
      this.#values.fill(null, 0, span.to - span.from)
      this.#memberValues.fill(null, 0, span.to - span.from)
    }
  }

  #fill({ records, from, to, startRow, whole }: Span): number {
    const { field, guarded } = this
    const count = to - from
    for (let i = 0; i < count; i++) {
      const record = records[from + i] as FieldRecord
      const value = fieldValue(record, field, guarded)
      if (value !== null && value !== undefined) {
        this.#take(value, i, from)
        continue
      }
      this.setNull(startRow + i)
      this.#tags[i] = null
      this.#values[i] = null
    }
    return this.fillVectors({ records: this.#memberValues, from: 0, to: count, startRow, whole }, from)
  }

  #take(value: unknown, i: number, from: number): void {
    const tagged = taggedValue(value)
    const tag = tagged === undefined ? undefined : this.#placeOf(tagged.tag)
    if (tagged === undefined || tag === undefined) {
      this.refuse(from + i, value, 'it is not { tag, value } or { [tag]: value } with a member of the UNION')
    }
    if (tagged.value === undefined) {
      const { name, type } = this.#members[tag] as TypeField
      const found = { value: undefined, type, because: 'it is undefined; NULL is null', cause: undefined }
      throw new RefusedValue(from + i, found, `.${name}`)
    }
    this.#tags[i] = tag
    this.#values[i] = tagged.value
  }

  protected override nameOf(place: number): string {
    return (this.#members[place - 1] as TypeField).name
  }

  /** Sets what a member has in each row; the tags themselves come before the first member. */
  protected override choose(place: number, count: number): void {
    const tags = this.#tags
    const member = place - 1
    for (let i = 0; i < count; i++) {
      if (member === -1) this.#memberValues[i] = tags[i]
      else this.#memberValues[i] = tags[i] === member ? this.#values[i] : null
    }
  }
}

/** What a value says: `{ tag, value }`, or `{ [tag]: value }`. */
function taggedValue(given: unknown): { tag: string; value: unknown } | undefined {
  const value = plainValue('UNION', given)
  if (!isPlainRecord(value)) return undefined
  const keys = Object.keys(value)
  const [only] = keys
  if (keys.length === 1 && only !== undefined) return { tag: only, value: value[only] }
  const { tag } = value
  const isTagged = keys.length === 2 && keys.includes('tag') && keys.includes('value')
  return isTagged && typeof tag === 'string' ? { tag, value: value.value } : undefined
}
