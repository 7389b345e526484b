import { foldIdentifier, type TypeField, type VectorBlock } from '@ducksink/worker'
import { ColumnEncoder, type ColumnInfo, type RowSize, type Span } from './column-encoder.ts'
import { elementIdentity } from './elements.ts'
import { RefusedValue } from './refused-value.ts'

/** What STRUCT and UNION have in common: no values of their own, and vectors below them of as many rows. */
export abstract class FieldsColumn extends ColumnEncoder {
  readonly #encoders: readonly ColumnEncoder[]

  constructor(column: ColumnInfo, encoders: readonly ColumnEncoder[]) {
    super(column, 0, sumOfSizes(encoders))
    this.#encoders = encoders
  }

  override get variableBytes(): number {
    let bytes = 0
    for (const encoder of this.#encoders) bytes += encoder.variableBytes
    return bytes
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

  /** Readies the records of a span for the vector at `place`. */
  protected abstract choose(place: number, count: number): void

  /** What the vector at `place` is called in errors. */
  protected abstract nameOf(place: number): string

  /**
   * Fills the vectors one after another; where one takes fewer rows, those before give theirs back. `from` is the index
   * of the app's record of which the span's first is.
   */
  protected fillVectors(whole: Span, from: number): number {
    let span = whole
    for (const [place, encoder] of this.#encoders.entries()) {
      this.choose(place, span.to)
      const taken = this.#fillVector(encoder, place, span, from)
      if (taken === span.to) continue
      span = { ...span, to: taken }
      for (let i = 0; i <= place; i++) (this.#encoders[i] as ColumnEncoder).truncate(span.startRow + taken)
    }
    if (span.to < whole.to) super.truncate(span.startRow + span.to)
    return span.to
  }

  #fillVector(encoder: ColumnEncoder, place: number, span: Span, from: number): number {
    try {
      return encoder.fill(span)
    } catch (error) {
      if (!(error instanceof RefusedValue)) throw error
      throw error.within(from + error.index, `.${this.nameOf(place)}`)
    }
  }
}

/** What a row takes in all of some vectors, and in one above them. */
function sumOfSizes(encoders: readonly ColumnEncoder[]): RowSize {
  let [bytes, values, isVariable] = [0, 1, false]
  for (const { rowSize } of encoders) {
    bytes += rowSize.bytes
    values += rowSize.values
    isVariable ||= rowSize.isVariable
  }
  return { bytes, values, isVariable }
}

/** Where each field is: by its exact name or, as DuckDB does, without regard to the case of ASCII letters. */
export function placesOf(fields: readonly TypeField[]): (key: string) => number | undefined {
  const exact = new Map(fields.map(({ name }, place) => [name, place]))
  const folded = new Map(fields.map(({ name }, place) => [foldIdentifier(name), place]))
  return (key) => exact.get(key) ?? folded.get(foldIdentifier(key))
}
