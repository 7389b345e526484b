import { notAnInteger, toInteger } from './exact-number.ts'
import { plainValue } from './plain-value.ts'
import { Refusal } from './refusal.ts'

/** Bytes in front of the digits: their number, with the highest bit set. */
const HEAD_BYTES = 3
const HEAD_BIT = 0x80_0000
const MAX_BYTES = HEAD_BIT - 1

/**
 * The bytes of a BIGNUM: how many digits of base 256 it has, and then the digits from the highest down; those of a
 * negative one are complemented, all of them, so that bytes sort as numbers do.
 */
export function bignumBytes(value: unknown): Uint8Array | Refusal {
  const integer = toInteger(plainValue('BIGNUM', value))
  if (integer === undefined) return new Refusal(notAnInteger(value))
  const isNegative = integer < 0n
  const hex = (isNegative ? -integer : integer).toString(16)
  const length = (hex.length + 1) >> 1
  if (length > MAX_BYTES) return new Refusal('it is out of range')
  const bytes = Buffer.alloc(HEAD_BYTES + length)
  bytes.writeUIntBE(HEAD_BIT | length, 0, HEAD_BYTES)
  bytes.write(hex.padStart(length * 2, '0'), HEAD_BYTES, 'hex')
  return isNegative ? complement(bytes) : bytes
}

/** What the bytes of a BIGNUM say. */
export function bignumValue(bytes: Uint8Array): bigint {
  const isNegative = (bytes[0] as number) < 0x80
  const digits = (isNegative ? complement(bytes) : bytes).subarray(HEAD_BYTES)
  const absolute = BigInt(`0x${Buffer.from(digits).toString('hex')}`)
  return isNegative ? -absolute : absolute
}

const complement = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0xff)
