import type { StringOffsets } from './whole-column.ts'
import { INLINE_BYTES, STRING_ENTRY_BYTES } from './wire-type.ts'

// The entries of strings whose bytes follow one another. A string that is inline takes three unaligned words, of which
// those behind its end are masked: 2 ns an entry, where byte by byte is 12.

const WORDS = STRING_ENTRY_BYTES / 4

/** For each length of an inline string the masks of its three words. */
const MASKS = new Int32Array((INLINE_BYTES + 1) * 3)
for (let length = 0; length <= INLINE_BYTES; length++) {
  for (let word = 0; word < 3; word++) {
    const bytes = Math.min(4, Math.max(0, length - word * 4))
    MASKS[length * 3 + word] = bytes === 4 ? -1 : (1 << (bytes * 8)) - 1
  }
}

/** Strings of which entries are made. */
export interface StringRows {
  readonly data: DataView
  readonly offsets: StringOffsets
  readonly from: number
  readonly to: number
  /** Where the first of them stands in the heap; 0 where it is left out. */
  readonly heapStart?: number
}

/** Writes the entries of rows, one after another in the heap; gives true where some are long. */
export function writeStringEntries(
  entries: Uint32Array,
  { data, offsets, from, to, heapStart = 0 }: StringRows,
): boolean {
  const base = offsets[from] as number
  const shift = heapStart - base
  // behind it three words would reach beyond the end
  const lastWords = data.byteLength - INLINE_BYTES
  let hasLong = false
  let start = base
  for (let row = from, word = 0; row < to; row++, word += WORDS) {
    const end = offsets[row + 1] as number
    const length = end - start
    entries[word] = length
    if (length > INLINE_BYTES) {
      entries[word + 1] = data.getUint32(start, true)
      entries[word + 2] = start + shift
      entries[word + 3] = 0
      hasLong = true
    } else if (start <= lastWords) {
      const mask = length * 3
      entries[word + 1] = data.getUint32(start, true) & (MASKS[mask] as number)
      entries[word + 2] = data.getUint32(start + 4, true) & (MASKS[mask + 1] as number)
      entries[word + 3] = data.getUint32(start + 8, true) & (MASKS[mask + 2] as number)
    } else {
      entries[word + 1] = bytesOf(data, start, end)
      entries[word + 2] = bytesOf(data, start + 4, end)
      entries[word + 3] = bytesOf(data, start + 8, end)
    }
    start = end
  }
  return hasLong
}

/** Up to four bytes as a word. */
function bytesOf(data: DataView, from: number, end: number): number {
  let word = 0
  for (let at = from; at < end && at < from + 4; at++) word |= data.getUint8(at) << ((at - from) * 8)
  return word
}
