import type { PayloadDigest } from '@ducksink/worker'
import type { IHasher } from 'hash-wasm'
import { chunkRows, PayloadChunk, PayloadFields } from './payload-chunk.ts'

/** Of the canonical form and the hash; a digest of another version says nothing about the payload. */
const VERSION = 1

/** Hashes the payloads of an engine's keyed writes; it is loaded where delivery is exactly-once. */
export class PayloadHasher {
  readonly #chunk: PayloadChunk
  readonly #fields = new WeakMap<object, PayloadFields>()

  private constructor(hash: IHasher) {
    this.#chunk = new PayloadChunk(hash)
  }

  static async load(): Promise<PayloadHasher> {
    const { createXXHash128 } = await import('hash-wasm')
    return new PayloadHasher(await createXXHash128())
  }

  /** Begins the hash of a batch; `table` is what its batches have in common, as their records look alike. */
  hash(table: object, records: readonly unknown[], rowCount: number = records.length): PayloadHash {
    let fields = this.#fields.get(table)
    if (fields === undefined) {
      fields = new PayloadFields()
      this.#fields.set(table, fields)
    }
    return new PayloadHash({ chunk: this.#chunk, fields, records, rowCount })
  }
}

interface Payload {
  readonly chunk: PayloadChunk
  readonly fields: PayloadFields
  readonly records: readonly unknown[]
  readonly rowCount: number
}

/** The hash of one batch, made as its parts are. */
export class PayloadHash {
  readonly #payload: Payload
  #from = 0
  /** Where the chunk ends that begins there; 0 where that is not known yet. */
  #to = 0
  #state: Uint8Array = new Uint8Array(16)

  constructor(payload: Payload) {
    this.#payload = payload
  }

  /** Hashes what can be of the records before `row`; costs nothing where that was done before. */
  advance(row: number): void {
    const { chunk, fields, records, rowCount } = this.#payload
    while (this.#from < Math.min(row, rowCount)) {
      if (this.#to === 0) this.#to = Math.min(rowCount, this.#from + chunkRows(records[this.#from]))
      if (this.#to > row) return
      this.#state = chunk.hash(this.#state, fields, records, this.#from, this.#to)
      this.#from = this.#to
      this.#to = 0
    }
  }

  /** The digest of all records, those that were not hashed yet included. */
  digest(): PayloadDigest {
    this.advance(this.#payload.rowCount)
    return { version: VERSION, hash: Buffer.from(this.#state).toString('hex') }
  }
}
