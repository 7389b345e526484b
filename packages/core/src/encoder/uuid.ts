import { nodeApiValue } from './node-api-value.ts'
import { Refusal } from './refusal.ts'
import { writeInt128 } from './words-column.ts'

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i
const NOT_A_UUID = new Refusal('it is not a UUID of 32 digits and 4 hyphens')

// Where the eight digits of each word stand, from the highest word down; a hyphen may be among them.
const [FIRST, SECOND, THIRD, FOURTH] = [0, 9, 19, 28] as const

/** Writes a UUID, from its text or node-api's value: as a HUGEINT whose highest bit is flipped. */
export function writeUuid(value: unknown, words: Int32Array, at: number): Refusal | undefined {
  if (typeof value !== 'string') return writeStored(value, words, at)
  if (!UUID.test(value)) return NOT_A_UUID
  words[at + 3] = wordAt(value, FIRST) ^ 0x8000_0000
  words[at + 2] = wordAt(value, SECOND)
  words[at + 1] = wordAt(value, THIRD)
  words[at] = wordAt(value, FOURTH)
  return undefined
}

function writeStored(value: unknown, words: Int32Array, at: number): Refusal | undefined {
  const hugeint = nodeApiValue(value, 'DuckDBUUIDValue')?.hugeint
  if (typeof hugeint !== 'bigint' || BigInt.asIntN(128, hugeint) !== hugeint) return NOT_A_UUID
  writeInt128(hugeint, words, at)
  return undefined
}

function wordAt(text: string, start: number): number {
  let word = 0
  let digits = 0
  for (let i = start; digits < 8; i++) {
    const unit = text.charCodeAt(i)
    if (unit === HYPHEN) continue
    // 'a' to 'f' in either case end in 1 to 6, and have a bit that digits do not
    word = (word << 4) | ((unit & 0xf) + (unit > NINE ? 9 : 0))
    digits++
  }
  return word
}

const HYPHEN = 45
const NINE = 57

/** The text of a UUID from its words. */
export function uuidText(words: Int32Array, at: number): string {
  const hex = [(words[at + 3] as number) ^ 0x8000_0000, words[at + 2], words[at + 1], words[at]]
    .map((word) => ((word as number) >>> 0).toString(16).padStart(8, '0'))
    .join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
