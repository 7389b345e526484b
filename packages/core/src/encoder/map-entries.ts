import { isMap } from 'node:util/types'
import type { MapType } from '@ducksink/worker'
import { isLength, NO_LENGTH } from './array-length.ts'
import { isPlainRecord } from './plain-record.ts'
import { plainValue } from './plain-value.ts'
import { Refusal } from './refusal.ts'

const NO_MAP = new Refusal('only a Map, an array of entries or, for VARCHAR keys, a plain object can')
const NO_ENTRIES = new Refusal(NO_LENGTH)

/** The entries of one MAP at a time, keys and values apart; the arrays are kept, and longer than `count`. */
export class MapEntries {
  readonly keys: unknown[] = []
  readonly values: unknown[] = []
  readonly #type: MapType
  #count = 0
  /** True where no two keys are the same JS value. */
  #areDistinct = true

  constructor(type: MapType) {
    this.#type = type
  }

  get count(): number {
    return this.#count
  }

  get areDistinct(): boolean {
    return this.#areDistinct
  }

  /** Takes the entries of a value in place of those before. */
  take(value: unknown): Refusal | undefined {
    this.#count = 0
    this.#areDistinct = true
    if (isMap(value)) {
      for (const [key, part] of value) this.#add(key, part)
      return undefined
    }
    if (this.#type.key.id === 'VARCHAR' && isPlainRecord(value)) {
      for (const key of Object.keys(value)) this.#add(key, value[key])
      return undefined
    }
    this.#areDistinct = false
    const entries = this.#listed(value)
    if (entries instanceof Refusal) return entries
    const { length } = entries
    if (!isLength(length)) return NO_ENTRIES
    for (let i = 0; i < length; i++) {
      const entry: unknown = entries[i]
      if (!Array.isArray(entry) || entry.length !== 2) return NO_MAP
      this.#add(entry[0], entry[1])
    }
    return undefined
  }

  /** Lets what belongs to the app go. */
  clear(): void {
    this.#count = 0
    this.keys.length = 0
    this.values.length = 0
  }

  #add(key: unknown, value: unknown): void {
    this.keys[this.#count] = key
    this.values[this.#count++] = value
  }

  #listed(value: unknown): readonly unknown[] | Refusal {
    const entries = plainValue('MAP', value)
    return Array.isArray(entries) ? entries : NO_MAP
  }
}
