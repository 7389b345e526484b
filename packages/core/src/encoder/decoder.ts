import {
  isValid,
  type LogicalType,
  type Part,
  PartReader,
  parseLogicalType,
  stringBlock,
  stringBytes,
  type TableLayout,
  travelsAsText,
  wireTypeOf,
} from '@ducksink/worker'
import { dateValue, timestampValue, timeText } from './temporal-text.ts'

/** Reads one value of a chunk. */
type ReadValue = (row: number) => unknown

/**
 * Turns parts back into records that would be encoded to the same parts again: numbers where they are exact,
 * bigints beyond, a `Date` where it is exact and text where it is not; the types that travel as text stay text.
 */
export function decodeRecords(
  layout: TableLayout,
  columns: readonly number[],
  parts: readonly Part[],
): Record<string, unknown>[] {
  const types = layout.columns.map((column) => parseLogicalType(column.type))
  const records: Record<string, unknown>[] = []
  for (const { buffer } of parts) {
    const part = new PartReader(buffer)
    for (let chunk = 0; chunk < part.chunkCount; chunk++) {
      const readers = columns.map((column) => ({
        name: layout.columns[column]?.name as string,
        read: chunkReader(part, chunk, column, types[column] as LogicalType),
      }))
      for (let row = 0; row < part.chunkRows(chunk); row++) records.push(decodeRow(readers, row))
    }
  }
  return records
}

function decodeRow(
  readers: readonly { name: string; read: ReadValue }[],
  row: number,
): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (const { name, read } of readers) {
    Object.defineProperty(record, name, {
      value: read(row),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return record
}

function chunkReader(part: PartReader, chunk: number, column: number, type: LogicalType): ReadValue {
  const valuesOffset = part.valuesOffset(chunk, column)
  if (valuesOffset === 0) return () => null
  const validityOffset = part.validityOffset(chunk, column)
  const read = valueReader(part, valuesOffset, part.chunkRows(chunk), type)
  return (row) => (isValid(part, validityOffset, row) ? read(row) : null)
}

function valueReader(part: PartReader, offset: number, rowCount: number, type: LogicalType): ReadValue {
  const { buffer } = part
  const id = wireTypeOf(type)
  const int64 = (): BigInt64Array => new BigInt64Array(buffer, offset, rowCount)
  switch (id) {
    case 'BOOLEAN':
      return (row) => part.bytes[offset + row] !== 0
    case 'TINYINT':
      return at(new Int8Array(buffer, offset, rowCount))
    case 'SMALLINT':
      return at(new Int16Array(buffer, offset, rowCount))
    case 'INTEGER':
      return at(new Int32Array(buffer, offset, rowCount))
    case 'UTINYINT':
      return at(new Uint8Array(buffer, offset, rowCount))
    case 'USMALLINT':
      return at(new Uint16Array(buffer, offset, rowCount))
    case 'UINTEGER':
      return at(new Uint32Array(buffer, offset, rowCount))
    case 'BIGINT':
      return integerAt(int64())
    case 'UBIGINT':
      return integerAt(new BigUint64Array(buffer, offset, rowCount))
    case 'FLOAT':
      return at(new Float32Array(buffer, offset, rowCount))
    case 'DOUBLE':
      return at(new Float64Array(buffer, offset, rowCount))
    case 'DATE': {
      const days = new Int32Array(buffer, offset, rowCount)
      return (row) => dateValue(days[row] as number)
    }
    case 'TIME': {
      const micros = int64()
      return (row) => timeText(micros[row] as bigint)
    }
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
    case 'TIMESTAMPTZ': {
      const units = int64()
      return (row) => timestampValue(id, units[row] as bigint)
    }
    case 'VARCHAR':
    case 'BLOB':
      return stringReader(part, offset, rowCount, id === 'BLOB' && !travelsAsText(type))
    default:
      return id satisfies never
  }
}

function stringReader(part: PartReader, offset: number, rowCount: number, asBytes: boolean): ReadValue {
  const block = stringBlock(part, offset, rowCount)
  if (asBytes) return (row) => stringBytes(part, block, row).slice()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return (row) => decoder.decode(stringBytes(part, block, row))
}

const at =
  (values: { readonly [row: number]: number }): ReadValue =>
  (row) =>
    values[row]

const integerAt =
  (values: { readonly [row: number]: bigint }): ReadValue =>
  (row) => {
    const value = values[row] as bigint
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
