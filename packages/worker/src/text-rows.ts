import duckdb from '@duckdb/node-bindings'

// duckdb_string_t: a length of 4 bytes, then up to 12 bytes in place, or 4 of them and a pointer
const ENTRY_BYTES = 16
const INLINE_BYTES = 12

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A row of VARCHAR columns. */
export type TextRow = readonly (string | null)[]

/** Reads a result of VARCHAR columns by the binding alone: to load node-api would take longer than to open a target. */
export function readTextRows(result: duckdb.Result): readonly TextRow[] {
  const rows: (string | null)[][] = []
  const chunkCount = duckdb.result_chunk_count(result)
  for (let index = 0; index < chunkCount; index++) {
    const chunk = duckdb.result_get_chunk(result, index)
    const columns = Array.from({ length: duckdb.data_chunk_get_column_count(chunk) }, (_, column) =>
      readTexts(duckdb.data_chunk_get_vector(chunk, column), duckdb.data_chunk_get_size(chunk)),
    )
    for (let row = 0; row < duckdb.data_chunk_get_size(chunk); row++)
      rows.push(columns.map((texts) => texts[row] ?? null))
  }
  return rows
}

function readTexts(vector: duckdb.Vector, rowCount: number): readonly (string | null)[] {
  const entries = duckdb.vector_get_data(vector, rowCount * ENTRY_BYTES)
  const validity = duckdb.vector_get_validity(vector, Math.ceil(rowCount / 64) * 8)
  return Array.from({ length: rowCount }, (_, row) =>
    duckdb.validity_row_is_valid(validity, row) ? textOf(entries, row * ENTRY_BYTES) : null,
  )
}

function textOf({ buffer, byteOffset }: Uint8Array, offset: number): string {
  const start = byteOffset + offset
  const byteLength = new DataView(buffer, start, ENTRY_BYTES).getUint32(0, true)
  const bytes =
    byteLength <= INLINE_BYTES
      ? new Uint8Array(buffer, start + 4, byteLength)
      : duckdb.get_data_from_pointer(buffer as ArrayBuffer, start + 8, byteLength)
  return decoder.decode(bytes)
}
