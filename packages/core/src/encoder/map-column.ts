import type { LogicalType, MapType, VectorBlock } from '@ducksink/worker'
import type { ColumnEncoder, ColumnInfo } from './column-encoder.ts'
import { Elements } from './elements.ts'
import { EntriesColumn } from './list-columns.ts'
import { MapEntries } from './map-entries.ts'
import { RefusedValue } from './refused-value.ts'

/** The types of which different numbers are always different values. */
const NUMBERS: ReadonlySet<LogicalType['id']> = new Set([
  ...(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'FLOAT', 'DOUBLE'] as const),
  ...(['UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT', 'BIGNUM', 'DECIMAL'] as const),
])

/** MAP, from a Map, entries, what stands for them or, where keys are VARCHAR, a plain object. */
export class MapColumn extends EntriesColumn {
  readonly #type: MapType
  /** Whether different strings, or numbers, are always different keys. */
  readonly #stringsTell: boolean
  readonly #numbersTell: boolean
  readonly #keys: Elements
  readonly #values: Elements
  /** The entries of the row at hand. */
  readonly #entries: MapEntries

  constructor(column: ColumnInfo, type: MapType, key: ColumnEncoder, value: ColumnEncoder) {
    super(column)
    this.#type = type
    this.#entries = new MapEntries(type)
    this.#stringsTell = type.key.id === 'VARCHAR' || type.key.id === 'ENUM'
    this.#numbersTell = NUMBERS.has(type.key.id)
    this.#keys = new Elements(key, '.key')
    this.#values = new Elements(value, '.value')
  }

  override get variableBytes(): number {
    return this.#keys.byteLength + this.#values.byteLength
  }

  override appendBlocks(rowCount: number, blocks: (VectorBlock | undefined)[]): void {
    const entryCount = this.#keys.rowCount
    blocks.push(this.ownBlock(rowCount, entryCount), entryCount === 0 ? undefined : entryBlock(entryCount))
    this.#keys.encoder.appendBlocks(entryCount, blocks)
    this.#values.encoder.appendBlocks(entryCount, blocks)
  }

  override identity(row: number): string {
    const [from, to] = [this.elementsBefore(row), this.elementsBefore(row + 1)]
    return `${to - from}:${this.#keys.identity(from, to)}${this.#values.identity(from, to)}`
  }

  protected override get isFull(): boolean {
    return this.#keys.isFull || this.#values.isFull
  }

  protected override fillRow(value: unknown, row: number, index: number): void {
    const entries = this.#entries
    const refusal = entries.take(value)
    if (refusal !== undefined) this.refuse(index, value, refusal.expected)
    const { count } = entries
    const first = this.#keys.rowCount
    this.setEntry(row, first, count)
    const isUnique = this.#areTelling(entries, value, index) && entries.areDistinct
    this.#keys.push(entries.keys, count)
    this.#values.push(entries.values, count)
    if (!isUnique && count > 1) this.#requireUnique(first, count, index, value)
  }

  protected override fillNullRow(row: number): void {
    this.setEntry(row, this.#keys.rowCount, 0)
  }

  protected override flush(): void {
    this.#keys.flush()
    this.#values.flush()
  }

  protected override truncateElements(elementCount: number): void {
    this.#entries.clear()
    this.#keys.truncate(elementCount)
    this.#values.truncate(elementCount)
  }

  /** Refuses null; true where different keys are known to become different values. */
  #areTelling({ keys, count }: MapEntries, value: unknown, index: number): boolean {
    let areTelling = true
    for (let i = 0; i < count; i++) {
      const key = keys[i]
      if (key === null) this.#refuseEntry(index, value, i, 'a key of a MAP cannot be null')
      areTelling &&=
        typeof key === 'string' ? this.#stringsTell : typeof key === 'number' && this.#numbersTell
    }
    return areTelling
  }

  #requireUnique(first: number, length: number, index: number, value: unknown): void {
    this.#keys.flush()
    const seen = new Set<string>()
    for (let i = 0; i < length; i++) {
      seen.add(this.#keys.identity(first + i, first + i + 1))
      if (seen.size === i) this.#refuseEntry(index, value, i, 'it has the key of another entry')
    }
  }

  #refuseEntry(index: number, value: unknown, entry: number, because: string): never {
    throw new RefusedValue(index, { value, type: this.#type, because, cause: undefined }, `[${entry}]`)
  }
}

const NOTHING = new Uint8Array(0)

/** The STRUCT of an entry, between a MAP and its keys and values: it is never NULL. */
function entryBlock(rowCount: number): VectorBlock {
  return {
    rowCount,
    width: 0,
    values: NOTHING,
    validity: NOTHING,
    nullCount: 0,
    extent: undefined,
    heap: undefined,
  }
}
