import { plainValue } from './plain-value.ts'
import { Refusal } from './refusal.ts'

const BITS = /^[01]+$/
const NO_BITS = new Refusal("it is not a text of bits such as '0101'")

/**
 * The bytes of a BIT, from text or what stands for it: how many bits of the first byte do not count, and then the bits
 * from the highest down, with ones for those that do not count.
 */
export function bitBytes(value: unknown): Uint8Array | Refusal {
  const text = plainValue('BIT', value)
  if (typeof text !== 'string' || !BITS.test(text)) return NO_BITS
  const padding = (8 - (text.length % 8)) % 8
  const bytes = new Uint8Array(1 + (text.length + padding) / 8)
  bytes[0] = padding
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) === ONE) setBit(bytes, i + padding)
  }
  for (let i = 0; i < padding; i++) setBit(bytes, i)
  return bytes
}

const ONE = 49

function setBit(bytes: Uint8Array, bit: number): void {
  const at = 1 + (bit >> 3)
  bytes[at] = (bytes[at] as number) | (0x80 >> (bit & 7))
}

/** The text of a BIT's bytes. */
export function bitText(bytes: Uint8Array): string {
  let text = ''
  for (let at = 1; at < bytes.length; at++) text += (bytes[at] as number).toString(2).padStart(8, '0')
  return text.slice(bytes[0])
}
