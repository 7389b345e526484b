import { SinkError, ValueError } from '@ducksink/worker'
import { type FieldRecord, kindOf } from './column-encoder.ts'

/** False where Node runs with `--disable-proto=throw`. */
export const MAY_READ_PROTO: boolean = mayReadProto()

function mayReadProto(): boolean {
  try {
    // biome-ignore lint/suspicious/noProto: whether that is allowed is what is asked
    return ({} as { readonly __proto__?: unknown }).__proto__ === Object.prototype
  } catch {
    return false
  }
}

/** True for object literals, objects without a prototype, and those of another realm. */
export function isPlainRecord(value: unknown): value is FieldRecord {
  if (typeof value !== 'object' || value === null) return false
  // no function of Object is called for most: V8 reads this as a constant of the record's shape, 6 ns sooner
  // biome-ignore lint/suspicious/noProto: see above
  if (MAY_READ_PROTO && (value as { readonly __proto__?: unknown }).__proto__ === Object.prototype)
    return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

/** True for a record that has just these fields in this order: one comparison a field, and no list of them made. */
export function hasShape(record: FieldRecord, shape: readonly string[]): boolean {
  const { length } = shape
  let index = 0
  for (const field in record) {
    // beyond the end there is no text, and V8 compares texts alone four times as fast
    if (index === length || field !== shape[index]) return false
    index++
  }
  return index === length && index > 0
}

/** Where in a batch something was found; `row` is left out where there is no batch yet. */
export interface RecordPlace {
  /** Left out where the records are for no table yet. */
  readonly table: string | undefined
  readonly row?: number | undefined
  /** The field that was being read. */
  readonly column?: string | undefined
}

/** A {@link ValueError} for what is no plain object. */
export function notPlain({ table, row }: RecordPlace, value: unknown): ValueError {
  const found = kindOf(value)
  const message = `${subject(row, table)} is not a plain object but ${found}`
  return new ValueError(message, { table, row, expected: 'object', found })
}

/** A {@link ValueError} for a record that threw when it was read: a getter, or a Proxy. */
export function unreadable({ table, row, column }: RecordPlace, cause: unknown): SinkError {
  if (cause instanceof SinkError) return cause
  const what = column === undefined ? 'it' : `field "${column}"`
  return new ValueError(`${subject(row, table)}: reading ${what} threw`, {
    table,
    row,
    column,
    cause,
  })
}

function subject(row: number | undefined, table: string | undefined): string {
  const record = row === undefined ? 'a record' : `row ${row} of a batch`
  return table === undefined ? record : `${record} for table "${table}"`
}
