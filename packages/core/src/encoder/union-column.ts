import type { TypeField, VectorBlock } from '@ducksink/worker'
import { ColumnEncoder, type ColumnInfo, type FieldRecord, fieldValue, type Span } from './column-encoder.ts'
import { elementIdentity } from './elements.ts'
import { IntegerColumn } from './numbers.ts'
import { isPlainRecord } from './plain-record.ts'
import { plainValue } from './plain-value.ts'
import { RefusedValue } from './refused-value.ts'
import { placesOf, sumOfSizes } from './struct-column.ts'

/**
 * UNION: each value names its member, as `{ tag, value }`, as node-api has it, or `{ [tag]: value }`. Its vectors are
 * the tags and the members, of which all but the one named are NULL.
 */
export class UnionColumn extends ColumnEncoder {
  readonly #members: readonly TypeField[]
  /** The tags' encoder, then those of the members. */
  readonly #encoders: readonly ColumnEncoder[]
  readonly #placeOf: (tag: string) => number | undefined
  /** The member of each row of a span, and its value there. */
  readonly #tags: (number | null)[] = []
  readonly #values: unknown[] = []
  /** What one member has in each row. */
  readonly #memberValues: unknown[] = []

  constructor(column: ColumnInfo, members: readonly TypeField[], encoders: readonly ColumnEncoder[]) {
    const tags = new IntegerColumn({ ...column, type: { id: 'UTINYINT' } }, 1, false)
    const all = [tags, ...encoders]
    super(column, 0, sumOfSizes(all))
    this.#members = members
    this.#encoders = all
    this.#placeOf = placesOf(members)
    for (const encoder of this.#encoders) encoder.field = null
  }

  override get variableBytes(): number {
    let bytes = 0
    for (const encoder of this.#encoders) bytes += encoder.variableBytes
    return bytes
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

  override fillNulls(from: number, to: number): void {
    super.fillNulls(from, to)
    for (const encoder of this.#encoders) encoder.fillNulls(from, to)
  }

  override truncate(rowCount: number): void {
    super.truncate(rowCount)
    for (const encoder of this.#encoders) encoder.truncate(rowCount)
  }

  override reserve(rowCount: number): void {
    super.reserve(rowCount)
    for (const encoder of this.#encoders) encoder.reserve(rowCount)
  }

  override appendBlocks(rowCount: number, blocks: (VectorBlock | undefined)[]): void {
    super.appendBlocks(rowCount, blocks)
    for (const encoder of this.#encoders) encoder.appendBlocks(rowCount, blocks)
  }

  override identity(row: number): string {
    return this.#encoders.map((encoder) => elementIdentity(encoder, row)).join('')
  }

  protected override mapBuffer(): void {
    // it has no values of its own
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
    const taken = this.#fillMembers(
      { records: this.#memberValues, from: 0, to: count, startRow, whole },
      from,
    )
    if (taken < count) super.truncate(startRow + taken)
    return taken
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

  #fillMembers(whole: Span, from: number): number {
    let span = whole
    for (const [place, encoder] of this.#encoders.entries()) {
      this.#chooseMember(place - 1, span.to)
      const taken = this.#fillMember(encoder, place - 1, span, from)
      if (taken === span.to) continue
      span = { ...span, to: taken }
      for (let i = 0; i <= place; i++) (this.#encoders[i] as ColumnEncoder).truncate(span.startRow + taken)
    }
    return span.to
  }

  /** Sets what a member has in each row; the tags themselves come before the first member. */
  #chooseMember(member: number, count: number): void {
    const tags = this.#tags
    for (let i = 0; i < count; i++) {
      if (member === -1) this.#memberValues[i] = tags[i]
      else this.#memberValues[i] = tags[i] === member ? this.#values[i] : null
    }
  }

  #fillMember(encoder: ColumnEncoder, member: number, span: Span, from: number): number {
    try {
      return encoder.fill(span)
    } catch (error) {
      if (!(error instanceof RefusedValue)) throw error
      throw error.within(from + error.index, `.${(this.#members[member] as TypeField).name}`)
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
