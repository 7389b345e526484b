import { plainValue } from './plain-value.ts'
import { Refusal } from './refusal.ts'

const UUID = /^(\{?)[\da-f]{8}(?:-?[\da-f]{4}){4}[\da-f]{8}(\}?)$/i
const NOT_A_UUID = new Refusal('it is not a UUID of 32 hexadecimal digits')

const [HYPHEN, BRACE, NINE] = [45, 123, 57] as const

/** Writes a UUID, from its text or what stands for it: as a HUGEINT whose highest bit is flipped. */
export function writeUuid(value: unknown, words: Int32Array, at: number): Refusal | undefined {
  const text = plainValue('UUID', value)
  if (typeof text !== 'string' || !isUuid(text)) return NOT_A_UUID
  let index = text.charCodeAt(0) === BRACE ? 1 : 0
  for (let i = 3; i >= 0; i--) {
    let word = 0
    for (let digits = 0; digits < 8; index++) {
      const unit = text.charCodeAt(index)
      if (unit === HYPHEN) continue
      // 'a' to 'f' in either case end in 1 to 6, and come after the digits
      word = (word << 4) | ((unit & 0xf) + (unit > NINE ? 9 : 0))
      digits++
    }
    words[at + i] = i === 3 ? word ^ 0x8000_0000 : word
  }
  return undefined
}

function isUuid(text: string): boolean {
  const [, opening, closing] = UUID.exec(text) ?? []
  return opening !== undefined && (opening === '') === (closing === '')
}

/** The text of a UUID from its words. */
export function uuidText(words: Int32Array, at: number): string {
  const hex = [(words[at + 3] as number) ^ 0x8000_0000, words[at + 2], words[at + 1], words[at]]
    .map((word) => ((word as number) >>> 0).toString(16).padStart(8, '0'))
    .join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
