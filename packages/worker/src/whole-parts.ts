import type { InsertRequest } from './protocol/insert-messages.ts'
import { PartReader } from './protocol/part-reader.ts'
import { wholeBytes } from './protocol/whole-column.ts'

// Some of these share a statement (write-jobs.ts), which should be over in some ten milliseconds: whether the write is
// still wanted is looked at between statements.
const MAX_CHUNKS = 16
const MAX_BYTES = 4 * 2 ** 20

/** Cuts a part with columns beside it, which may be as large as its batch, into such as are inserted one by one. */
export function cutWholePart(request: InsertRequest): readonly InsertRequest[] {
  const { buffer, whole = [], first, last, entry, ...rest } = request
  const { chunkCount } = new PartReader(buffer)
  const bytes = buffer.byteLength + wholeBytes(whole)
  const chunks = Math.max(1, Math.min(MAX_CHUNKS, Math.floor((MAX_BYTES * chunkCount) / bytes)))
  const parts: InsertRequest[] = []
  for (let from = 0; from < chunkCount; from += chunks) {
    const to = Math.min(chunkCount, from + chunks)
    const isLast = last && to === chunkCount
    parts.push({
      ...{ ...rest, buffer, whole, first: first && from === 0, last: isLast },
      chunks: { from, to, byteLength: (bytes * (to - from)) / chunkCount },
      ...(isLast && entry !== undefined ? { entry } : undefined),
    })
  }
  return parts
}
