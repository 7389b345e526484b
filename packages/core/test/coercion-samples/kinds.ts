import {
  DuckDBArrayValue,
  DuckDBBitValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBGeometryValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  DuckDBUnionValue,
  DuckDBUUIDValue,
  DuckDBVariantValue,
} from '@duckdb/node-api'
import type { ValueKind } from '@ducksink/worker'
import { Temporal as Polyfill } from 'temporal-polyfill/full'

/** Node's own where it has one, without a flag from 26 on. */
export const Temporal: typeof Polyfill = (globalThis as { Temporal?: typeof Polyfill }).Temporal ?? Polyfill

/** What a type makes of one kind of value. */
interface Cell {
  /** Values, each with what DuckDB prints of what it was given. */
  readonly takes: readonly (readonly [given: unknown, printed: string])[]
  readonly refuses?: readonly unknown[]
}

export interface TypeSamples {
  /** The column's type. */
  readonly type: string
  /** How the value is printed; `value::VARCHAR` where it is left out. */
  readonly printed?: string
  readonly cells: Readonly<Partial<Record<ValueKind, Cell>>>
}

export class Instance {
  a = 1
}

/** Values of every kind: a type that the matrix has refuse the kind must refuse each of them. */
export const KIND_SAMPLES: Readonly<Record<ValueKind, readonly unknown[]>> = {
  null: [null],
  undefined: [undefined],
  boolean: [true, false],
  number: [0, 1, 1.5, Number.NaN],
  bigint: [0n, 1n],
  string: ['', '1', 'text'],
  Date: [new Date(0), new Date(Number.NaN)],
  Uint8Array: [new Uint8Array(), Uint8Array.of(1, 2), Buffer.from('1')],
  'typed array': [new Int8Array(2), Float64Array.of(1, 2)],
  ArrayBuffer: [new ArrayBuffer(2), new SharedArrayBuffer(1), new DataView(new ArrayBuffer(1))],
  array: [[], [1], ['1'], [[1, 2]]],
  object: [{}, { a: 1 }, Object.create(null), { toString: () => '1', valueOf: () => 1 }],
  Map: [new Map(), new Map([['a', 1]])],
  Set: [new Set(), new Set([1])],
  function: [() => 1, Instance, function* generate() {}],
  symbol: [Symbol('1'), Symbol.iterator],
  instance: [
    new Instance(),
    new Number(1),
    new String('1'),
    new Boolean(true),
    /1/,
    new WeakMap(),
    new Error('1'),
  ],
  'Temporal.Instant': [Temporal.Instant.from('2026-11-22T00:00:00Z')],
  'Temporal.ZonedDateTime': [Temporal.ZonedDateTime.from('2026-11-22T00:00:00[UTC]')],
  'Temporal.PlainDateTime': [Temporal.PlainDateTime.from('2026-11-22T00:00:00')],
  'Temporal.PlainDate': [Temporal.PlainDate.from('2026-11-22')],
  'Temporal.PlainTime': [Temporal.PlainTime.from('12:34:56')],
  'Temporal.PlainYearMonth': [Temporal.PlainYearMonth.from('2026-11')],
  'Temporal.PlainMonthDay': [Temporal.PlainMonthDay.from('11-22')],
  'Temporal.Duration': [Temporal.Duration.from('P1D')],
  DuckDBDecimalValue: [new DuckDBDecimalValue(1n, 4, 0), new DuckDBDecimalValue(15n, 4, 1)],
  DuckDBUUIDValue: [DuckDBUUIDValue.Max],
  DuckDBBlobValue: [new DuckDBBlobValue(Uint8Array.of(49))],
  DuckDBBitValue: [DuckDBBitValue.fromString('1')],
  DuckDBDateValue: [DuckDBDateValue.Epoch],
  DuckDBTimeValue: [new DuckDBTimeValue(0n)],
  DuckDBTimeNSValue: [new DuckDBTimeNSValue(0n)],
  DuckDBTimeTZValue: [DuckDBTimeTZValue.fromMicrosAndOffset(0n, 0)],
  DuckDBTimestampValue: [DuckDBTimestampValue.Epoch],
  DuckDBTimestampSecondsValue: [DuckDBTimestampSecondsValue.Epoch],
  DuckDBTimestampMillisecondsValue: [DuckDBTimestampMillisecondsValue.Epoch],
  DuckDBTimestampNanosecondsValue: [DuckDBTimestampNanosecondsValue.Epoch],
  DuckDBTimestampTZValue: [DuckDBTimestampTZValue.Epoch],
  DuckDBIntervalValue: [new DuckDBIntervalValue(1, 1, 1n)],
  DuckDBListValue: [new DuckDBListValue([1])],
  DuckDBArrayValue: [new DuckDBArrayValue([1])],
  DuckDBStructValue: [new DuckDBStructValue({ a: 1 })],
  DuckDBMapValue: [new DuckDBMapValue([{ key: 'a', value: 1 }])],
  DuckDBUnionValue: [new DuckDBUnionValue('n', 1)],
  DuckDBGeometryValue: [new DuckDBGeometryValue(Uint8Array.of(1))],
  DuckDBVariantValue: [new DuckDBVariantValue(1)],
}
