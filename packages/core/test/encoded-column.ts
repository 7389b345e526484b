import { type LogicalType, logicalTypeName, type Part, type TableLayout, ValueError } from '@ducksink/worker'
import { BatchEncoder } from '../src/encoder/batch-encoder.ts'
import { decodeRecords } from '../src/encoder/decoder.ts'

const layoutOf = (type: LogicalType): TableLayout => ({
  layoutId: 1,
  columns: [{ name: 'c', type: logicalTypeName(type) }],
})

/** Encodes values of one column `c` as a part, whose buffer ends with it. */
export function encodeColumn(type: LogicalType, values: readonly unknown[]): Part {
  const encoder = new BatchEncoder('t', layoutOf(type), (bytes) => new ArrayBuffer(bytes))
  encoder.begin()
  encoder.activate(0, 'c')
  const records = values.map((c) => ({ c }))
  for (let row = 0; row < records.length; ) row = encoder.encode(records, row, records.length)
  const part = encoder.finishPart()
  return { ...part, buffer: part.buffer.slice(0, part.byteLength) }
}

/** The values that a part of one column holds. */
export function decodeColumn(type: LogicalType, part: Part): unknown[] {
  return decodeRecords(layoutOf(type), [0], [part]).map((record) => record.c)
}

/** True for a value that a column takes, false for one that is refused as it must be. */
export function isAccepted(type: LogicalType, value: unknown): boolean {
  try {
    encodeColumn(type, [value])
    return true
  } catch (error) {
    if (error instanceof ValueError) return false
    throw error
  }
}
