import fc from 'fast-check'
import { expect, it } from 'vitest'
import { writeStringEntries } from '../src/protocol/string-entries.ts'

const texts = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 40 })

/** What an entry says, as DuckDB reads it. */
function entryBytes(entries: Uint32Array, row: number, heap: Uint8Array): Uint8Array {
  const length = entries[row * 4] as number
  if (length <= 12) return new Uint8Array(entries.buffer, row * 16 + 4, length)
  const start = entries[row * 4 + 2] as number
  return heap.subarray(start, start + length)
}

it('entries say what lies between offsets, with zeros behind what is inline and the prefix of what is not', () => {
  fc.assert(
    fc.property(texts, fc.nat(5), fc.nat(16), (values, skipped, behind) => {
      const from = Math.min(skipped, values.length - 1)
      const offsets = new Int32Array(values.length + 1)
      values.forEach((value, row) => {
        offsets[row + 1] = (offsets[row] as number) + value.byteLength
      })
      const bytes = Buffer.concat([...values, Buffer.alloc(behind, 7)])
      const data = new DataView(new Uint8Array(bytes).buffer)
      const entries = new Uint32Array(values.length * 4).fill(0xffff_ffff)
      const hasLong = writeStringEntries(entries, { data, offsets, from, to: values.length })
      const heap = new Uint8Array(bytes).subarray(offsets[from])
      expect(hasLong).toBe(values.slice(from).some((value) => value.byteLength > 12))
      values.slice(from).forEach((value, row) => {
        expect(Buffer.from(entryBytes(entries, row, heap))).toEqual(Buffer.from(value))
        const inline = new Uint8Array(entries.buffer, row * 16 + 4, 12)
        if (value.byteLength > 12) expect([...inline.subarray(0, 4)]).toEqual([...value.subarray(0, 4)])
        else expect([...inline.subarray(value.byteLength)]).toEqual(new Array(12 - value.byteLength).fill(0))
      })
    }),
  )
})
