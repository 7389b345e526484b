// Whole numbers of 64 and 128 bits as 32-bit words, the low ones first, as DuckDB stores them.

const WORD = 2 ** 32
const wide = new BigUint64Array(2)
const wideWords = new Int32Array(wide.buffer)

/** Writes a whole number that is safe (`Number.isSafeInteger`) as an int64. */
export function writeInt64(value: number, words: Int32Array, at: number): void {
  const high = Math.floor(value / WORD)
  words[at] = value - high * WORD
  words[at + 1] = high
}

/**
 * Writes `whole * scale + rest`, which may need all 64 bits, in steps that a double holds exactly: `scale` is at most 10^9,
 * `rest` below it.
 */
export function writeProduct(
  whole: number,
  scale: number,
  rest: number,
  words: Int32Array,
  at: number,
): void {
  const value = whole * scale + rest
  if (Number.isSafeInteger(value)) {
    writeInt64(value, words, at)
    return
  }
  // whole = upper * 2^22 + lower: both products stay below 2^53
  const upper = Math.floor(whole / 2 ** 22)
  const lower = whole - upper * 2 ** 22
  const product = upper * scale
  const productHigh = Math.floor(product / 2 ** 10)
  const low = (product - productHigh * 2 ** 10) * 2 ** 22 + lower * scale + rest
  const carry = Math.floor(low / WORD)
  words[at] = low - carry * WORD
  words[at + 1] = productHigh + carry
}

/** Writes an integer of 128 bits. */
export function writeInt128(value: bigint, words: Int32Array, at: number): void {
  // the array keeps the lower 64 bits
  wide[0] = value
  wide[1] = value >> 64n
  for (let i = 0; i < 4; i++) words[at + i] = wideWords[i] as number
}

/** Writes an integer of 64 bits, with or without sign. */
export function writeBigint64(value: bigint, words: Int32Array, at: number): void {
  wide[0] = value
  words[at] = wideWords[0] as number
  words[at + 1] = wideWords[1] as number
}

/** Reads a signed integer of 64 bits. */
export function readBigint64(words: Int32Array, at: number): bigint {
  return (BigInt(words[at + 1] as number) << 32n) | BigInt((words[at] as number) >>> 0)
}
