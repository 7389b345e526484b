// 16 bits a key and 5 of them set: one new key in 1,000 is taken for a known one when it is full.
const MAX_KEYS = 2 ** 20
const BITS = MAX_KEYS * 16
const BITS_A_KEY = 5

/** Tells of most keys that they were never added, and so need not be looked up: a Bloom filter of 2 MiB. */
export class KeyFilter {
  readonly #words = new Uint32Array(BITS / 32)
  #count = 0

  /** Makes a key known; from too many on it tells nothing any more. */
  add(key: string): void {
    this.#count++
    const first = hashOf(key, FIRST_SEED)
    const step = hashOf(key, SECOND_SEED) | 1
    for (let index = 0, bit = first; index < BITS_A_KEY; index++, bit = (bit + step) >>> 0) {
      const word = (bit & (BITS - 1)) >>> 5
      this.#words[word] = (this.#words[word] as number) | (1 << (bit & 31))
    }
  }

  /** False for a key that was never added; nearly always true for no other. */
  mayHave(key: string): boolean {
    if (this.#count > MAX_KEYS) return true
    const first = hashOf(key, FIRST_SEED)
    const step = hashOf(key, SECOND_SEED) | 1
    for (let index = 0, bit = first; index < BITS_A_KEY; index++, bit = (bit + step) >>> 0) {
      if (((this.#words[(bit & (BITS - 1)) >>> 5] as number) & (1 << (bit & 31))) === 0) return false
    }
    return true
  }
}

const FIRST_SEED = 0x811c9dc5
const SECOND_SEED = 0x9747b28c

/** FNV-1a over the code units, its bits mixed at last as MurmurHash3 does. */
function hashOf(key: string, seed: number): number {
  let hash = seed
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
