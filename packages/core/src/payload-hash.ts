import type { PayloadDigest } from '@ducksink/worker'
import type { IHasher } from 'hash-wasm'
import { hasShape, isPlainRecord } from './encoder/plain-record.ts'
import { PayloadBytes } from './payload-bytes.ts'
import { PayloadColumn, PayloadLoops } from './payload-column.ts'
import { PayloadValues } from './payload-value.ts'

export class PayloadHasher {
  readonly #chunk: PayloadChunk
  readonly #shapes = new WeakMap<object, RecordShape>()

  private constructor(hash: IHasher) {
    this.#chunk = new PayloadChunk(hash)
  }

  static async load(): Promise<PayloadHasher> {
    const { createXXHash128 } = await import('hash-wasm')
    return new PayloadHasher(await createXXHash128())
  }

  hash(table: object, records: readonly unknown[], rowCount: number = records.length): PayloadHash {
    let shape = this.#shapes.get(table)
    if (shape === undefined) {
      shape = new RecordShape()
      this.#shapes.set(table, shape)
    }
    return new PayloadHash(this.#chunk, shape, records, rowCount)
  }
}

const MAX_ROWS = 2048
const MIN_ROWS = 64
const MAX_VALUES = 1 << 16
const VERSION = 1

export class PayloadHash {
  readonly #chunk: PayloadChunk
  readonly #shape: RecordShape
  readonly #records: readonly unknown[]
  readonly #rowCount: number
  #index = 0
  #state: Uint8Array = new Uint8Array(0)

  constructor(chunk: PayloadChunk, shape: RecordShape, records: readonly unknown[], rowCount: number) {
    this.#chunk = chunk
    this.#shape = shape
    this.#records = records
    this.#rowCount = rowCount
  }

  advance(toRow: number): void {
    for (;;) {
      const end = Math.min(this.#rowCount, this.#index + MAX_ROWS)
      if (end > toRow || end === this.#index) return
      this.#state = this.#chunk.hash(this.#state, this.#shape, this.#records, this.#index, end)
      this.#index = end
    }
  }

  digest(): PayloadDigest {
    this.advance(this.#rowCount)
    return { version: VERSION, hash: Buffer.from(this.#state).toString('hex') }
  }
}

class RecordShape {
  readonly loops = new PayloadLoops()
  shape: readonly string[] = []
  fields: readonly string[] = []
}

class PayloadChunk {
  readonly #bytes: PayloadBytes
  readonly #values: PayloadValues
  readonly #column: PayloadColumn

  constructor(hash: IHasher) {
    this.#bytes = new PayloadBytes(hash)
    this.#values = new PayloadValues(this.#bytes)
    this.#column = new PayloadColumn(this.#bytes, this.#values)
  }

  hash(
    state: Uint8Array,
    shape: RecordShape,
    records: readonly unknown[],
    from: number,
    to: number,
  ): Uint8Array {
    const bytes = this.#bytes
    bytes.begin()
    bytes.writeBytes(state)
    bytes.writeUint32(to - from)
    this.#look(shape, records, from, to)
    for (const field of shape.fields) this.#column.write(shape.loops, field, records, from, to)
    return bytes.end()
  }

  #look(shape: RecordShape, records: readonly unknown[], from: number, to: number): void {
    let known = shape.shape
    for (let i = from; i < to; i++) {
      const record = records[i]
      if (isPlainRecord(record) && hasShape(record, known)) continue
      known = shape.shape = Object.keys(record as object)
      shape.fields = known.toSorted()
    }
  }
}
