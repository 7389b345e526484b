import {
  decimalBytes,
  enumBytes,
  type LogicalType,
  type NativeTypeId,
  type PartReader,
  stringBlock,
  stringBytes,
  travelsAsText,
} from '@ducksink/worker'
import { bignumValue } from './bignum.ts'
import { bitText } from './bit.ts'
import { decimalValue } from './decimal.ts'
import { dateValue, timestampValue, timeText } from './temporal-text.ts'
import { timeWithZoneText } from './time-writers.ts'
import { uuidText } from './uuid.ts'

/** Reads one value of a vector, which is not NULL. */
export type ReadValue = (row: number) => unknown

/** Where the values of one vector of a chunk are. */
export interface VectorPlace {
  readonly part: PartReader
  readonly chunk: number
  readonly rowCount: number
  /** Byte offset of the values. */
  readonly offset: number
}

/** Compiles the reader of the values of a type that holds no others. */
export function scalarReader(type: LogicalType, place: VectorPlace): ReadValue {
  const { part, offset, rowCount } = place
  if (travelsAsText(type)) return textReader(place)
  if (type.id === 'DECIMAL') {
    const read = integerReader(place, decimalBytes(type.width))
    return (row) => decimalValue(read(row), type.scale)
  }
  if (type.id === 'ENUM') {
    const Indexes = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[enumBytes(type.values.length)]
    const indexes = new Indexes(part.buffer, offset, rowCount)
    return (row) => type.values[indexes[row] as number]
  }
  return plainReader(type.id as NativeTypeId, place)
}

function plainReader(id: NativeTypeId, place: VectorPlace): ReadValue {
  const { part, offset, rowCount } = place
  const { buffer } = part
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
    case 'FLOAT':
      return at(new Float32Array(buffer, offset, rowCount))
    case 'DOUBLE':
      return at(new Float64Array(buffer, offset, rowCount))
    case 'BIGINT':
      return mapped(integerReader(place, 8), numberOrBigint)
    case 'UBIGINT':
      return mapped(integerReader(place, 8), (value) => numberOrBigint(BigInt.asUintN(64, value)))
    case 'HUGEINT':
      return mapped(integerReader(place, 16), numberOrBigint)
    case 'UHUGEINT':
      return mapped(integerReader(place, 16), (value) => numberOrBigint(BigInt.asUintN(128, value)))
    case 'VARCHAR':
      return textReader(place)
    case 'BLOB':
      return mapped(bytesReader(place), (bytes) => bytes.slice())
    case 'BIT':
      return mapped(bytesReader(place), bitText)
    case 'BIGNUM':
      return mapped(bytesReader(place), (bytes) => numberOrBigint(bignumValue(bytes)))
    case 'UUID': {
      const words = new Int32Array(buffer, offset, rowCount * 4)
      return (row) => uuidText(words, row * 4)
    }
    default:
      return temporalReader(id, place)
  }
}

type TemporalTypeId = Extract<NativeTypeId, 'DATE' | 'INTERVAL' | `TIME${string}`>

function temporalReader(id: TemporalTypeId, place: VectorPlace): ReadValue {
  const { part, offset, rowCount } = place
  switch (id) {
    case 'DATE': {
      const days = new Int32Array(part.buffer, offset, rowCount)
      return (row) => dateValue(days[row] as number)
    }
    case 'INTERVAL': {
      const halves = new Int32Array(part.buffer, offset, rowCount * 4)
      const units = new BigInt64Array(part.buffer, offset, rowCount * 2)
      return (row) => ({
        months: halves[row * 4],
        days: halves[row * 4 + 1],
        micros: numberOrBigint(units[row * 2 + 1] as bigint),
      })
    }
    case 'TIME':
      return mapped(integerReader(place, 8), (micros) => timeText(micros))
    case 'TIME_NS':
      return mapped(integerReader(place, 8), (nanos) => timeText(nanos, 1_000_000_000n))
    case 'TIMETZ':
      return mapped(integerReader(place, 8), timeWithZoneText)
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
    case 'TIMESTAMPTZ':
      return mapped(integerReader(place, 8), (units) => timestampValue(id, units))
    default:
      return id satisfies never
  }
}

/** Reads signed integers of so many bytes. */
function integerReader(
  { part, offset, rowCount }: VectorPlace,
  bytes: 2 | 4 | 8 | 16,
): (row: number) => bigint {
  const { buffer } = part
  if (bytes === 2 || bytes === 4) {
    const values = new (bytes === 2 ? Int16Array : Int32Array)(buffer, offset, rowCount)
    return (row) => BigInt(values[row] as number)
  }
  const high = new BigInt64Array(buffer, offset, (rowCount * bytes) / 8)
  if (bytes === 8) return (row) => high[row] as bigint
  return (row) => ((high[row * 2 + 1] as bigint) << 64n) | BigInt.asUintN(64, high[row * 2] as bigint)
}

function bytesReader({ part, offset, rowCount }: VectorPlace): (row: number) => Uint8Array {
  const block = stringBlock(part, offset, rowCount)
  return (row) => stringBytes(part, block, row)
}

function textReader(place: VectorPlace): ReadValue {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return mapped(bytesReader(place), (bytes) => decoder.decode(bytes))
}

const mapped =
  <T>(read: (row: number) => T, map: (value: T) => unknown): ReadValue =>
  (row) =>
    map(read(row))

const at =
  (values: { readonly [row: number]: number }): ReadValue =>
  (row) =>
    values[row]

function numberOrBigint(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
