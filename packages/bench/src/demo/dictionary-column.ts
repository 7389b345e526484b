import type { DataReader } from 'hyparquet'
import { parquetHeader, readPage } from 'hyparquet/src/column.js'
import { convert } from 'hyparquet/src/convert.js'
import { decompressPage } from 'hyparquet/src/datapage.js'
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
import { readVarInt } from 'hyparquet/src/thrift.js'

// parquetRead decodes a column of a row group in one go: 20 ms of CPU for 272,727 values, and 40 to 150 ms of stall on
// two busy cores. The page itself is a sequence of runs, here of at most 8,192 values, so it is read run by run.

/** How hyparquet reads a column: its type, its place in the schema, its compression. */
export type ColumnDecoder = Parameters<typeof convert>[1]

/** The values of one column of a row group, one after another: a dictionary, and one page of places in it. */
export class DictionaryColumn {
  readonly #dictionary: ArrayLike<unknown>
  readonly #page: DataReader
  readonly #bitWidth: number
  #run: Uint32Array = new Uint32Array(0)
  #taken = 0

  /** @param chunk - the column's bytes in the file; it must hold no nulls. */
  constructor(chunk: ArrayBuffer, decoder: ColumnDecoder) {
    const reader = { view: new DataView(chunk), offset: 0 }
    this.#dictionary = readDictionary(reader, decoder)
    this.#page = readIndexPage(reader, decoder)
    this.#bitWidth = this.#page.view.getUint8(this.#page.offset++)
  }

  next(): unknown {
    if (this.#taken === this.#run.length) this.#readRun()
    return this.#dictionary[this.#run[this.#taken++]!]
  }

  #readRun(): void {
    const page = this.#page
    const start = page.offset
    const header = readVarInt(page)
    const isPacked = (header & 1) === 1
    const groups = header >>> 1
    const byteLength = isPacked ? groups * this.#bitWidth : (this.#bitWidth + 7) >>> 3
    const runLength = page.offset - start + byteLength
    page.offset = start
    this.#run = new Uint32Array(isPacked ? groups * 8 : groups)
    this.#taken = 0
    readRleBitPackedHybrid(page, this.#bitWidth, this.#run, runLength)
  }
}

function readDictionary(reader: DataReader, decoder: ColumnDecoder): ArrayLike<unknown> {
  const header = parquetHeader(reader)
  const { data } = readPage(reader, header, decoder, undefined, undefined, 0)
  if (header.type !== 'DICTIONARY_PAGE' || data === undefined) throw unexpected(decoder, header.type)
  const values = convert(data, decoder)
  // numbers that V8 keeps without an object each, unlike bigints and the values of a Float64Array
  return values instanceof BigInt64Array ? Array.from(values, Number) : values
}

function readIndexPage(reader: DataReader, decoder: ColumnDecoder): DataReader {
  const header = parquetHeader(reader)
  if (header.data_page_header?.encoding !== 'RLE_DICTIONARY') throw unexpected(decoder, header.type)
  const { buffer, byteOffset } = reader.view
  const packed = new Uint8Array(buffer, byteOffset + reader.offset, header.compressed_page_size)
  const page = decompressPage(packed, header.uncompressed_page_size, decoder.codec, decoder.compressors)
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  // what says which values are null comes first, after its own length
  return { view, offset: 4 + view.getUint32(0, true) }
}

function unexpected({ pathInSchema }: ColumnDecoder, pageType: string): Error {
  return new Error(`column ${pathInSchema.join('.')} has an unexpected ${pageType}`)
}
