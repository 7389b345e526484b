/**
 * A column that travels as the caller's own arrays, beside the part that has its rows: nothing of it is copied on main.
 *
 * The part says which rows are NULL, and which chunks there are; the values begin with those of its first row.
 */
export interface WholeColumn {
  /** The place of its vector in the part's directory. */
  readonly slot: number
  /** Values in the layout of a DuckDB vector; for strings the bytes of all of them. */
  readonly values: Uint8Array<ArrayBuffer>
  /** Where in `values` each string begins, and where the last one ends. */
  readonly offsets: StringOffsets | undefined
}

/** One more than there are rows. */
export type StringOffsets = Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>

/** What of a part goes from thread to thread without a copy. */
export interface TransferredPart {
  readonly buffer: ArrayBuffer
  readonly whole?: readonly WholeColumn[] | undefined
}

/** The buffers of a part and the columns beside it, each once, as they are transferred; an empty one is copied. */
export function transferredBuffers({ buffer, whole }: TransferredPart): ArrayBuffer[] {
  if (whole === undefined) return buffer.byteLength === 0 ? [] : [buffer]
  const buffers = new Set([buffer])
  for (const { values, offsets } of whole) {
    buffers.add(values.buffer)
    if (offsets !== undefined) buffers.add(offsets.buffer)
  }
  return [...buffers]
}

/** Bytes of the columns beside a part. */
export function wholeBytes(whole: readonly WholeColumn[]): number {
  return whole.reduce(
    (bytes, { values, offsets }) => bytes + values.byteLength + (offsets?.byteLength ?? 0),
    0,
  )
}
