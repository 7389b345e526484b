import duckdb from '@duckdb/node-bindings'
import { createDuckDBType } from './duckdb-type.ts'
import type { LogicalType } from './protocol/logical-type.ts'
import type { PartReader } from './protocol/part-reader.ts'
import type { VectorNode } from './protocol/vector-tree.ts'
import { MAX_CHUNK_ROWS } from './protocol/wire.ts'
import type { Slice } from './vectors/slice.ts'
import { fillVector } from './vectors/vector.ts'

/** The name under which a writing connection's SQL reaches the parts at hand; a second one's has a 2 behind it. */
const BATCH_FUNCTION = 'sink_batch'

// chunks of several writes are merged into one only up to here, so that a vector's memory stays bounded
const MAX_MERGED_BYTES = 8 * 2 ** 20

/** A column as it comes out of `sink_batch(id)`. */
export interface BatchColumn {
  readonly name: string
  /** The type in which its values travel. */
  readonly type: LogicalType
  /** Its vectors, with their places in the parts' directory. */
  readonly tree: VectorNode
}

interface BatchSchema {
  readonly columns: readonly BatchColumn[]
  /** One more column: each row's place in the scan, from 0. */
  readonly rowColumn: string | undefined
}

/**
 * `sink_batch(id)`, a table function that gives the rows of the parts it is armed with.
 *
 * `id` names one of the column sets that were defined, because DuckDB binds a statement again whenever it likes.
 * The function is visible to every connection of the instance, so it refuses to be bound by any but the writer, and
 * by the writer while it runs a statement of the app.
 */
export class BatchFunction {
  readonly name: string
  #connectionId = -1
  readonly #schemas = new Map<number, BatchSchema>()
  #nextId = 1
  #isPreparing = false
  #isArmed = false
  #parts: readonly PartReader[] = []
  #rowCount = 0
  #part = 0
  #chunk = 0
  #emitted = 0

  constructor(connection: duckdb.Connection, suffix: '' | '2' = '') {
    this.name = `${BATCH_FUNCTION}${suffix}`
    this.register(connection)
  }

  /** Makes the function known to an instance, for this connection alone. */
  register(connection: duckdb.Connection): void {
    this.#connectionId = connectionId(duckdb.connection_get_client_context(connection))
    const fn = duckdb.create_table_function()
    duckdb.table_function_set_name(fn, this.name)
    duckdb.table_function_add_parameter(fn, createDuckDBType({ id: 'INTEGER' }))
    duckdb.table_function_set_bind(fn, (info) => this.#bind(info))
    // a statement binds when it is prepared and not when it runs, so the position is set back here
    duckdb.table_function_set_init(fn, () => this.#rewind())
    duckdb.table_function_set_function(fn, (info, output) => this.#emit(info, output))
    duckdb.register_table_function(connection, fn)
  }

  /** Lets statements be bound to the function while they are prepared; at any other time only those that run may be. */
  async whilePreparing<T>(prepare: () => Promise<T>): Promise<T> {
    this.#isPreparing = true
    try {
      return await prepare()
    } finally {
      this.#isPreparing = false
    }
  }

  /** Makes a column set known and gives its id; `rowColumn` is the name of one more, each row's place in the scan. */
  define(columns: readonly BatchColumn[], rowColumn?: string): number {
    const id = this.#nextId++
    this.#schemas.set(id, { columns, rowColumn })
    return id
  }

  /** Forgets a column set. */
  forget(id: number): void {
    this.#schemas.delete(id)
  }

  /** Sets the parts that the next scans give, in all `rowCount` rows; every scan begins at the first part again. */
  arm(parts: readonly PartReader[], rowCount: number): void {
    this.#parts = parts
    this.#isArmed = true
    this.#rowCount = rowCount
    this.#rewind()
  }

  /** Lets the parts go; returns how many rows the last scan gave. */
  disarm(): number {
    this.#parts = []
    this.#isArmed = false
    return this.#emitted
  }

  #rewind(): void {
    this.#part = 0
    this.#chunk = 0
    this.#emitted = 0
  }

  #bind(info: duckdb.TableFunctionBindInfo): void {
    const id = duckdb.get_int32(duckdb.bind_get_parameter(info, 0))
    const schema = this.#schemas.get(id)
    const caller = connectionId(duckdb.table_function_get_client_context(info))
    const isInUse = this.#isPreparing || this.#isArmed
    if (schema === undefined || caller !== this.#connectionId || !isInUse) {
      duckdb.bind_set_error(info, `${this.name} belongs to the engine`)
      return
    }
    for (const { name, type } of schema.columns) {
      duckdb.bind_add_result_column(info, name, createDuckDBType(type))
    }
    if (schema.rowColumn !== undefined)
      duckdb.bind_add_result_column(info, schema.rowColumn, createDuckDBType({ id: 'BIGINT' }))
    duckdb.bind_set_bind_data(info, schema)
  }

  #emit(info: duckdb.TableFunctionInfo, output: duckdb.DataChunk): void {
    const slices = this.#nextSlices()
    const rowCount = slices.reduce((rows, slice) => rows + slice.rowCount, 0)
    const firstRow = this.#emitted
    duckdb.data_chunk_set_size(output, rowCount)
    this.#emitted += rowCount
    if (rowCount === 0) {
      // an error here fails the statement before it can commit fewer rows than it was given
      if (this.#emitted !== this.#rowCount) duckdb.function_set_error(info, 'rows of the batch are missing')
      return
    }
    const { columns, rowColumn } = duckdb.function_get_bind_data(info) as BatchSchema
    for (let index = 0; index < columns.length; index++) {
      const { tree } = columns[index] as BatchColumn
      fillVector(duckdb.data_chunk_get_vector(output, index), tree, slices)
    }
    if (rowColumn === undefined) return
    const rows = BigInt64Array.from({ length: rowCount }, (_, row) => BigInt(firstRow + row))
    const vector = duckdb.data_chunk_get_vector(output, columns.length)
    duckdb.copy_data_to_vector(vector, 0, rows.buffer, 0, rows.byteLength)
  }

  /** The next chunks that fit into one DuckDB chunk together: small writes that share a commit share it too. */
  #nextSlices(): readonly Slice[] {
    const slices: MutableSlice[] = []
    let startRow = 0
    let bytes = 0
    for (;;) {
      const part = this.#parts[this.#part]
      if (part === undefined) return slices
      if (this.#chunk === part.chunkCount) {
        this.#part++
        this.#chunk = 0
        continue
      }
      const { fromRow } = part
      const chunk = this.#chunk
      const blockRows = part.chunkRows(chunk)
      const rowCount = part.rowsOf(chunk)
      bytes += part.chunkBytes
      if (startRow + rowCount > MAX_CHUNK_ROWS || (startRow > 0 && bytes > MAX_MERGED_BYTES)) return slices
      const before = slices.at(-1)
      if (before !== undefined && follows(part, before)) before.rowCount += rowCount
      else slices.push({ part, chunk, blockRows, fromRow, rowCount, startRow })
      this.#chunk++
      startRow += rowCount
    }
  }
}

type MutableSlice = { -readonly [K in keyof Slice]: Slice[K] }

/** True for the rows of a part that come right after a slice of the same chunk: of writes that were encoded together. */
function follows({ buffer, fromRow }: PartReader, { part, fromRow: first, rowCount }: Slice): boolean {
  return fromRow > 0 && part.buffer === buffer && first + rowCount === fromRow
}

const connectionId = (context: duckdb.ClientContext): number =>
  duckdb.client_context_get_connection_id(context)
