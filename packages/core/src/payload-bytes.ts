import type { IHasher } from 'hash-wasm'
import { dataViewOf } from './encoder/data-view.ts'

/** Units of a text that are written together: a long one takes its room bit by bit. */
const PIECE_UNITS = 1 << 20

/** Hashed together: a call of the hash costs 0.1 us, and takes 16 KiB at a time itself. */
const FLUSH_BYTES = 1 << 16

/** To copy fewer bytes costs less than a call of the hash. */
const BLOCK_BYTES = 1 << 12

/** Texts up to this length are written unit by unit, which costs less than one call of a native method. */
const SHORT_UNITS = 24

/** Bytes on their way into a hash, little-endian. */
export class PayloadBytes {
  readonly #hash: IHasher
  #bytes = Buffer.allocUnsafeSlow(2 * FLUSH_BYTES)
  #view = dataViewOf(this.#bytes)
  #used = 0

  constructor(hash: IHasher) {
    this.#hash = hash
  }

  begin(): void {
    this.#used = 0
    this.#hash.init()
  }

  /** The hash of all that was written since {@link begin}. */
  end(): Uint8Array {
    this.#flush()
    return this.#hash.digest('binary')
  }

  /** Where the next byte goes: {@link truncate} takes what comes after it back, until {@link settle} is called. */
  get mark(): number {
    return this.#used
  }

  truncate(mark: number): void {
    this.#used = mark
  }

  /** Says that what was written stays. */
  settle(): void {
    if (this.#used >= FLUSH_BYTES) this.#flush()
  }

  writeByte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#used++] = byte
  }

  writeUint32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#used, value, true)
    this.#used += 4
  }

  /** Writes over four bytes that were written before. */
  replaceUint32(mark: number, value: number): void {
    this.#view.setUint32(mark, value, true)
  }

  /** NaN has many forms in memory, and 0 two: each is written in one. */
  writeFloat64(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.#used, Number.isNaN(value) ? Number.NaN : value + 0, true)
    this.#used += 8
  }

  writeInt64(value: bigint): void {
    this.#reserve(8)
    this.#view.setBigInt64(this.#used, value, true)
    this.#used += 8
  }

  writeBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength)
    this.#bytes.set(bytes, this.#used)
    this.#used += bytes.byteLength
  }

  /** Writes bytes that stay: many of them are hashed where they are. */
  writeBlock(bytes: Uint8Array): void {
    if (bytes.byteLength < BLOCK_BYTES) {
      this.writeBytes(bytes)
      this.settle()
      return
    }
    this.#flush()
    this.#hash.update(bytes)
  }

  /** Writes the number of units of a text, then the units in pieces. */
  writeText(text: string): void {
    const units = text.length
    this.writeUint32(units)
    if (units <= PIECE_UNITS) {
      this.#writePiece(text)
      return
    }
    for (let start = 0; start < units; start += PIECE_UNITS)
      this.#writePiece(text.slice(start, start + PIECE_UNITS))
  }

  /**
   * Writes the units of a text whose number is known: how many bytes each takes, then so many of each. Those of ASCII
   * take one, all others two, as UTF-16 has them, which keeps lone surrogates apart.
   */
  #writePiece(text: string): void {
    const units = text.length
    // UTF-8 has more bytes than units unless all are ASCII, also where what has no room is cut off
    this.#reserve(1 + 2 * units + 4)
    const start = this.#used + 1
    const isAscii = units <= SHORT_UNITS ? this.#writeShort(text, start) : this.#writeAscii(text, start)
    if (!isAscii) this.#bytes.write(text, start, 2 * units, 'utf16le')
    this.#bytes[this.#used] = isAscii ? 1 : 2
    this.#used = start + (isAscii ? units : 2 * units)
  }

  #writeShort(text: string, start: number): boolean {
    const bytes = this.#bytes
    let seen = 0
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      seen |= unit
      bytes[start + i] = unit
    }
    return seen < 128
  }

  #writeAscii(text: string, start: number): boolean {
    return this.#bytes.write(text, start, text.length + 4, 'utf8') === text.length
  }

  #reserve(byteLength: number): void {
    const needed = this.#used + byteLength
    if (needed > this.#bytes.byteLength) this.#resize(Math.max(needed, 2 * this.#bytes.byteLength))
  }

  #flush(): void {
    if (this.#used > 0) this.#hash.update(this.#bytes.subarray(0, this.#used))
    this.#used = 0
    // one huge value must not keep its room for ever
    if (this.#bytes.byteLength > 16 * FLUSH_BYTES) this.#resize(2 * FLUSH_BYTES)
  }

  #resize(byteLength: number): void {
    const bytes = Buffer.allocUnsafeSlow(byteLength)
    this.#bytes.copy(bytes, 0, 0, this.#used)
    this.#bytes = bytes
    this.#view = dataViewOf(bytes)
  }
}
