import { isAnyArrayBuffer } from 'node:util/types'
import { plainValue } from './plain-value.ts'
import { Refusal } from './refusal.ts'
import { bytesOfView } from './view-bytes.ts'

const NOT_BLOB_TEXT = /[\u0080-\uffff]|\\(?!x[\da-fA-F]{2})/
const BYTE = /\\x([\da-fA-F]{2})/g

/** The bytes of a BLOB: those that a buffer or a view covers, or those of DuckDB's own text of it. */
export function bytesOf(value: unknown): Uint8Array | Refusal {
  const plain = plainValue('BLOB', value)
  if (typeof plain === 'string') return bytesOfText(plain)
  const buffer = ArrayBuffer.isView(plain) ? plain.buffer : plain
  if (!isAnyArrayBuffer(buffer)) return new Refusal('only bytes can, or text in which DuckDB reads bytes')
  if (isDetached(buffer)) return new Refusal('its buffer was transferred, and its bytes with it')
  if (!ArrayBuffer.isView(plain)) return new Uint8Array(buffer)
  return bytesOfView(plain)
}

function isDetached(buffer: ArrayBufferLike): boolean {
  // Node 22 has the property, and the language's library for TypeScript not yet
  return buffer.byteLength === 0 && 'detached' in buffer && buffer.detached === true
}

/** ASCII in which `\xAB` stands for a byte, and a backslash for nothing else. */
function bytesOfText(text: string): Uint8Array | Refusal {
  if (NOT_BLOB_TEXT.test(text)) {
    return new Refusal('a BLOB is text of ASCII and \\xAB for other bytes; give bytes for all else')
  }
  return Buffer.from(
    text.replace(BYTE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}
