import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  type RowGroup,
} from 'hyparquet'
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { getSchemaPath } from 'hyparquet/src/schema.js'
import { type ColumnDecoder, DictionaryColumn } from './dictionary-column.ts'

/** One flight of the file, as it is there. */
export interface Flight {
  /** Departure, local time. */
  readonly date: Date
  /** Minutes late at arrival, below 0 when early. */
  readonly delay: number
  /** Miles. */
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

/** Records made in one turn of the event loop: about 1 ms. */
const SLICE_ROWS = 8_192

/** The 3 million flights of `vega-datasets`, from January to July 2001, in the order of their departure. */
export class FlightFile {
  readonly rowCount: number
  readonly #file: AsyncBuffer
  readonly #metadata: FileMetaData

  private constructor(file: AsyncBuffer, metadata: FileMetaData) {
    this.#file = file
    this.#metadata = metadata
    this.rowCount = Number(metadata.num_rows)
  }

  static async open(): Promise<FlightFile> {
    const url = new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets'))
    const file = await asyncBufferFromFile(fileURLToPath(url))
    return new FlightFile(file, await parquetMetadataAsync(file))
  }

  /** The first flights of the file, as many as there are or `rowLimit`, in slices between which the event loop turns. */
  async *slices(rowLimit: number): AsyncGenerator<Flight[]> {
    let left = rowLimit
    for (const rowGroup of this.#metadata.row_groups) {
      const rowCount = Math.min(left, Number(rowGroup.num_rows))
      if (rowCount === 0) return
      left -= rowCount
      const columns = await this.#openColumns(rowGroup)
      for (let row = 0; row < rowCount; row += SLICE_ROWS) {
        await setImmediate()
        yield takeFlights(columns, Math.min(SLICE_ROWS, rowCount - row))
      }
    }
  }

  async #openColumns(rowGroup: RowGroup): Promise<FlightColumns> {
    const open = (name: keyof Flight): Promise<DictionaryColumn> => this.#openColumn(rowGroup, name)
    return {
      date: await open('date'),
      delay: await open('delay'),
      distance: await open('distance'),
      origin: await open('origin'),
      destination: await open('destination'),
    }
  }

  async #openColumn(rowGroup: RowGroup, name: keyof Flight): Promise<DictionaryColumn> {
    const chunk = rowGroup.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name)?.meta_data
    if (chunk?.statistics?.null_count !== 0n) throw new Error(`column ${name} is not there, or has nulls`)
    const schemaPath = getSchemaPath(this.#metadata.schema, [name])
    const decoder: ColumnDecoder = {
      pathInSchema: [name],
      type: chunk.type,
      element: schemaPath.at(-1)!.element,
      schemaPath,
      codec: chunk.codec,
      parsers: DEFAULT_PARSERS,
      compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) },
    }
    const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
    const bytes = await this.#file.slice(start, start + Number(chunk.total_compressed_size))
    return new DictionaryColumn(bytes, decoder)
  }
}

type FlightColumns = Readonly<Record<keyof Flight, DictionaryColumn>>

function takeFlights({ date, delay, distance, origin, destination }: FlightColumns, count: number): Flight[] {
  const flights: Flight[] = []
  for (let i = 0; i < count; i++) {
    flights.push({
      date: date.next() as Date,
      delay: delay.next() as number,
      distance: distance.next() as number,
      origin: origin.next() as string,
      destination: destination.next() as string,
    })
  }
  return flights
}
