import { InvalidOptionsError, type PayloadDigest } from '@ducksink/worker'
import type { IHasher } from 'hash-wasm'
import { ColumnsHash } from './columns/columns-hash.ts'
import type { EncodedChunk } from './encoder/batch-encoder.ts'
import { chunkRows, PayloadChunk } from './payload-chunk.ts'
import { PayloadFields } from './payload-fields.ts'

// The hash of a payload is over what the caller gave: the name, kind and value of every own enumerable field of every
// record, in the order of the records. It knows nothing of columns, and gives the same for the same payload whatever
// the order of fields, the borders of parts, the table's types, what was discarded or failed a validation. A field that
// is undefined is as absent as one that is not there. One that is not enumerable is absent as well, unless other records
// of its chunk have it: then the encoder writes it too.
//
// It is of a canonical form that only equal payloads share: whoever reads it from front to back knows at every place
// what comes next. Texts, bytes and lists have their length in front; all else begins with a tag, which says what it is
// and how it goes on.
//
//   chunk      the hash of the chunks before (16 bytes, 0 for the first); how many rows it has (u32); those that are no
//              records; its fields, sorted by name in UTF-16 order, but for those that are absent from all rows
//   no record  a tag, its row in the chunk (u32), and what it is, as a value
//   field      pieces, in the order of the rows that complete them: values of other kinds; and of the heap, the UTF-8 of
//              all strings longer than 12 bytes, joined to 1 MiB or more (the last may be shorter). Then its name, and the
//              tags of its rows: one for them all, or one for each. A tag says whether its row has a number, a bigint of 64
//              bits, a Date's milliseconds, a string, the next value of the pieces, or what needs nothing more, as null.
//              Then 8 bytes a row, where some have a number, bigint or Date; and 16 bytes a row, where some have a string:
//              DuckDB's entry, of its length and, up to 12 bytes, the string itself
//   value      a tag of PAYLOAD_TAGS, and what is said there
//   text       how many units it has (u32), then for each 2^20 of them 1 or 2, and so many bytes a unit: one where all
//              are ASCII, else two, as in UTF-16. A string in a row that has lone surrogates, and so no UTF-8, is a value
//
// That is close to what the columns' encoders make, on purpose: where all values of a field became what most of its type
// do, as numbers in a DOUBLE, the hash is made of their memory (payload-encoded.ts), and else the records are read.
//
// A chunk has 2,048 rows, or fewer where its first record has more than 32 fields. What throws when it is read, by a
// getter or a Proxy, is a tag of its own: those who encode the record refuse it, or set it aside.
//
// Beside the encoder, 1,000 records of 8 columns take 0.02 to 0.04 us each, where encoding them takes 0.12; by reading
// them 0.16.
//
// The hash is XXH128, for its speed. It is no proof against intent: who looks for two payloads of one hash finds them,
// and the second, given the key of the first, is answered as a duplicate.
// hash-wasm 4.13.0, on 12 KB and 200 KB: 7.2 and 8.7 GB/s, 0.3 us a hash. Others there: xxhash-wasm 8.8 and 11.2, but
// 64 bits; @node-rs/xxhash 2.5, native code; node:crypto's SHA-256 1.7, SHA-1 2.0, BLAKE2b 1.0; hash-wasm's BLAKE3 0.75.

/** Of the canonical form and the hash: digests of two versions say nothing about each other. */
const VERSION = 1

const HASH_BYTES = 16

/**
 * Hashes the payloads of an engine's keyed writes.
 *
 * One for an engine, loaded when it is opened (8 ms the first time); one {@link PayloadHash} for a write. They take
 * turns on one hash, a chunk at a time, so that any number of them may be under way.
 */
export class PayloadHasher {
  readonly #chunk: PayloadChunk
  readonly #fields = new WeakMap<object, PayloadFields>()

  private constructor(hash: IHasher) {
    this.#chunk = new PayloadChunk(hash)
  }

  /** @throws {@link InvalidOptionsError} where the process has no WebAssembly. */
  static async load(): Promise<PayloadHasher> {
    try {
      const { createXXHash128 } = await import('hash-wasm')
      return new PayloadHasher(await createXXHash128())
    } catch (cause) {
      const message =
        'exactly-once delivery needs WebAssembly, which this process does without (see --jitless)'
      throw new InvalidOptionsError(message, { cause })
    }
  }

  /** Begins the hash of a write; `table` is any object that its table's writes have in common. */
  begin(table: object, records: readonly unknown[]): PayloadHash {
    return new PayloadHash(this.#chunk, this.#fieldsOf(table), records)
  }

  /** Begins the hash of a write of columns. */
  beginColumns(table: { readonly name: string }): ColumnsHash {
    return new ColumnsHash(table.name, this.#chunk, this.#fieldsOf(table), digestOf)
  }

  #fieldsOf(table: object): PayloadFields {
    let fields = this.#fields.get(table)
    if (fields === undefined) {
      fields = new PayloadFields()
      this.#fields.set(table, fields)
    }
    return fields
  }
}

/**
 * The hash of one write's records, as many as there were when it was begun.
 *
 * It is asked to {@link advance} after each step of the encoder, while what the encoder has read is in the processor's
 * cache, and for its {@link digest} after the last. A batch that is begun again goes on with the hash that it has.
 */
export class PayloadHash {
  readonly #chunk: PayloadChunk
  readonly #fields: PayloadFields
  readonly #records: readonly unknown[]
  readonly #rowCount: number
  #from = 0
  /** Where the chunk ends that begins there; the same where that is not known yet. */
  #to = 0
  #hash: Uint8Array = new Uint8Array(HASH_BYTES)

  constructor(chunk: PayloadChunk, fields: PayloadFields, records: readonly unknown[]) {
    this.#chunk = chunk
    this.#fields = fields
    this.#records = records
    this.#rowCount = records.length
  }

  /** Hashes the records before `row`, but for those of a chunk that goes on after it. Never throws. */
  advance(row: number): void {
    const records = this.#records
    const last = Math.min(row, this.#rowCount)
    while (this.#from < last) {
      const from = this.#from
      const to = this.#chunkEnd()
      if (to > last) return
      this.#hash = this.#chunk.hash(this.#hash, this.#fields, { records, from, to })
      this.#from = to
    }
  }

  /** Hashes the next records from what the encoder has just made of them; false where they are not a chunk. */
  take(chunk: EncodedChunk): boolean {
    if (chunk.from !== this.#from || chunk.records !== this.#records || chunk.to > this.#rowCount)
      return false
    if (chunk.to !== this.#chunkEnd()) return false
    this.#hash = this.#chunk.hashEncoded(this.#hash, this.#fields, chunk)
    this.#from = chunk.to
    return true
  }

  /** The digest of all records; it hashes those first that were not yet. */
  digest(): PayloadDigest {
    this.advance(this.#rowCount)
    return digestOf(this.#hash)
  }

  #chunkEnd(): number {
    const from = this.#from
    if (this.#to === from) this.#to = Math.min(this.#rowCount, from + chunkRows(this.#records[from]))
    return this.#to
  }
}

const digestOf = (hash: Uint8Array): PayloadDigest => ({
  version: VERSION,
  hash: Buffer.from(hash).toString('hex'),
})
