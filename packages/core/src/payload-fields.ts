import type { FieldRecord } from './encoder/column-encoder.ts'
import { hasShape, isPlainRecord } from './encoder/plain-record.ts'
import { PayloadLoops, type RecordRange } from './payload-column.ts'

// Where records have fewer than one of so many fields of their chunk, it is noted who has which: 2,048 records with
// eight fields of their own each take 0.3 s instead of 7.
const SPARSE = 4

/** The fields that the records of a table have, as the last chunk had them, and the loops that read them. */
export class PayloadFields {
  readonly loops: PayloadLoops = new PayloadLoops()
  readonly #names = new Set<string>()
  #sorted: readonly string[] = []
  #shape: readonly string[] = []
  #shapeCount = 0
  #valueCount = 0
  /** A shape that somebody else has looked for, and its fields by name. */
  #given: readonly string[] = []
  #givenSorted: readonly string[] = []

  /** The fields of a chunk, by name; some may be absent from all of its records. */
  get sorted(): readonly string[] {
    return this.#sorted
  }

  /**
   * The rows of a chunk that have a field, by its name, where most have not; `undefined` where it is worth reading all.
   */
  rowsOf({ records, from, to }: RecordRange): ReadonlyMap<string, readonly number[]> | undefined {
    if (this.#names.size * (to - from) < SPARSE * this.#valueCount) return undefined
    const rows = new Map<string, number[]>()
    for (const name of this.#names) rows.set(name, [])
    for (let i = from; i < to; i++) {
      for (const name of ownNames(records[i] as FieldRecord)) rows.get(name)?.push(i)
    }
    return rows
  }

  /** The fields of a chunk whose records are known to have all of this shape, by name. */
  sortedOf(shape: readonly string[]): readonly string[] {
    if (shape !== this.#given) {
      this.#given = shape
      this.#givenSorted = shape.toSorted()
    }
    return this.#givenSorted
  }

  /** Finds out which fields records have; gives the indices of those that are no records, or cannot be looked at. */
  look({ records, from, to }: RecordRange): readonly number[] {
    const unusable: number[] = []
    // fields come and go: those that have gone would be looked for in vain
    if (this.#shapeCount > 1) this.#forget()
    this.#valueCount = 0
    for (let i = from; i < to; i++) {
      try {
        const record = records[i]
        if (isPlainRecord(record)) {
          if (!hasShape(record, this.#shape)) {
            // no record has them any more: one could only have them hidden, and a hash knows nothing of other chunks
            if (this.#valueCount === 0) this.#forget()
            this.#learn(record)
          }
          this.#valueCount += this.#shape.length
        } else unusable.push(i)
      } catch {
        unusable.push(i)
      }
    }
    if (this.#names.size !== this.#sorted.length) this.#sorted = [...this.#names].sort()
    return unusable
  }

  #learn(record: FieldRecord): void {
    const shape = Object.keys(record)
    for (const name of shape) this.#names.add(name)
    this.#shape = shape
    this.#shapeCount++
  }

  #forget(): void {
    this.#names.clear()
    this.#sorted = []
    this.#shape = []
    this.#shapeCount = 0
  }
}

/** All that reading a field could find. */
function ownNames(record: FieldRecord): readonly string[] {
  try {
    return Object.getOwnPropertyNames(record)
  } catch {
    return []
  }
}
