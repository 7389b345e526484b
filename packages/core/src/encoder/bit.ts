import { isUint8Array } from 'node:util/types'
import { nodeApiValue } from './node-api-value.ts'
import { Refusal } from './refusal.ts'

const BITS = /^[01]+$/
const NO_BITS = new Refusal("it is not a text of bits such as '0101'")

/**
 * The bytes of a BIT, from text or node-api's value: how many bits of the first byte do not count, and then the bits
 * from the highest down, with ones for those that do not count.
 */
export function bitBytes(value: unknown): Uint8Array | Refusal {
  if (typeof value !== 'string') return storedBits(value)
  if (!BITS.test(value)) return NO_BITS
  const padding = (8 - (value.length % 8)) % 8
  const bytes = new Uint8Array(1 + (value.length + padding) / 8)
  bytes[0] = padding
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) === ONE) setBit(bytes, i + padding)
  }
  for (let i = 0; i < padding; i++) setBit(bytes, i)
  return bytes
}

const ONE = 49

function storedBits(value: unknown): Uint8Array | Refusal {
  const data = nodeApiValue(value, 'DuckDBBitValue')?.data
  if (!isUint8Array(data) || data.length < 2 || (data[0] as number) > 7) return NO_BITS
  const bytes = Uint8Array.from(data)
  for (let i = 0; i < (data[0] as number); i++) setBit(bytes, i)
  return bytes
}

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
