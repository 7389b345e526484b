import type { PackedColumn } from '../src/index.ts'

/** Strings or bytes one after another; a NULL has no bytes and no bit. */
export function packed(values: readonly (string | Uint8Array | null)[]): PackedColumn {
  const bytes = values.map((value) =>
    typeof value === 'string' ? Buffer.from(value) : (value ?? new Uint8Array(0)),
  )
  const offsets = new Int32Array(values.length + 1)
  bytes.forEach((one, row) => {
    offsets[row + 1] = (offsets[row] as number) + one.byteLength
  })
  const column = { data: new Uint8Array(Buffer.concat(bytes)), offsets }
  return values.includes(null)
    ? { ...column, validity: bitmap(values.map((value) => value !== null)) }
    : column
}

/** A bit a row. */
export function bitmap(isValid: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(isValid.length / 8))
  isValid.forEach((valid, row) => {
    if (valid) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7))
  })
  return bits
}
