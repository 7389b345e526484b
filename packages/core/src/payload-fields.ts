import type { FieldRecord } from './encoder/column-encoder.ts'
import { hasShape, isPlainRecord } from './encoder/plain-record.ts'
import { PayloadLoops, type PayloadRows } from './payload-column.ts'

/** The fields that the records of a table have, as the last chunk had them, and the loops that read them. */
export class PayloadFields {
  readonly loops: PayloadLoops = new PayloadLoops()
  readonly #names = new Set<string>()
  #sorted: readonly string[] = []
  #shape: readonly string[] = []
  #shapeCount = 0

  /** The fields of a chunk, by name; some may be absent from all of its records. */
  get sorted(): readonly string[] {
    return this.#sorted
  }

  /** Finds out which fields records have; gives the indices of those that are no records, or cannot be looked at. */
  look({ records, from, to }: PayloadRows): readonly number[] {
    const unusable: number[] = []
    // fields come and go: those that have gone would be looked for in vain
    if (this.#shapeCount > 1) this.#forget()
    const known = this.#names.size
    for (let i = from; i < to; i++) {
      try {
        const record = records[i]
        if (!isPlainRecord(record)) unusable.push(i)
        else if (!hasShape(record, this.#shape)) this.#learn(record)
      } catch {
        unusable.push(i)
      }
    }
    if (this.#names.size !== known) this.#sorted = [...this.#names].sort()
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
