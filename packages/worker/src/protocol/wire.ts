import type { WholeColumn } from './whole-column.ts'

// The layout of a part: one ArrayBuffer, little-endian, every block at a multiple of 8 bytes. part-writer.ts lays it out,
// part-reader.ts finds its way in it.
//
//   head       8 x u32: magic, rows, vectors, chunks, directory's offset, bytes in use, 0, 0
//   blocks     for each chunk, for each vector (vector-tree.ts) that has a value in it:
//                validity   ceil(rows / 64) x u64, bit 1 = valid; left out where no value is NULL
//                values     numbers and the like: rows x width bytes, as in a DuckDB vector
//                           strings: u32 heap bytes, u32 0, rows x string entry, heap
//                           LIST and MAP: u32 child rows, u32 0, rows x list entry
//                           STRUCT, ARRAY and UNION: nothing, their vectors follow
//   directory  for each chunk: u32 rows, then for each vector u32 offset of its validity, u32 of its values
//
// A values offset of 0 means that every row of the vector is NULL in this chunk; a validity offset of 0, that none
// is. Where a row of a STRUCT, ARRAY or UNION is NULL, so are its rows in the vectors below.
//
// The values of a column may be beside the part (whole-column.ts): then its blocks have a validity alone, and a values
// offset that means nothing but that not every row is NULL.
//
// A chunk's rows are those of its columns. A STRUCT's or UNION's vectors have as many rows as itself, an ARRAY's child
// `length` times as many, a list's child as many as its values say (none where all of its rows are NULL).
//
// A string entry is a `duckdb_string_t` (16 bytes): u32 length, then either up to 12 bytes of text padded with
// zeros, or the first 4 bytes of it, the u32 offset of the whole in the heap, and u32 0; the worker adds the heap's
// address to that offset. A list entry is a `duckdb_list_entry` (16 bytes): u64 first row in the child, u64 number of
// rows. The entry of a NULL has length 0.

/** Rows of a DuckDB data chunk at most (`STANDARD_VECTOR_SIZE`). */
export const MAX_CHUNK_ROWS = 2048

/** `DSK2`, the first word of a part. */
export const MAGIC = 0x324b_5344

/** Bytes before the first block. */
export const HEAD_BYTES = 32

/** Bytes before the values of strings and lists. */
export const VALUES_HEAD_BYTES = 8

/** A finished part; `buffer` may be longer than `byteLength`. */
export interface Part {
  readonly buffer: ArrayBuffer
  readonly byteLength: number
  readonly rowCount: number
  /** Columns that travel beside it. */
  readonly whole?: readonly WholeColumn[] | undefined
  /** Which rows of the buffer's only chunk are meant, where the others are of other parts. */
  readonly rows?: RowRange | undefined
}

/** Rows of a chunk, `to` excluded. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

/** Bytes of a validity mask for so many rows. */
export const validityBytes = (rows: number): number => ((rows + 63) >> 6) << 3
