import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readColumns } from '../src/columns/read-columns.ts'
import type { SinkColumn, UnitType } from '../src/index.ts'
import { PayloadHasher } from '../src/payload-hash.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { bitmap, packed } from './packed.ts'
import { propertyRuns } from './property-runs.ts'
import { readValue } from './read-file.ts'

// What is written by columns is what the same values become when they are written by records: whatever form a column has,
// whether its arrays are what DuckDB has or go value by value, copied or handed over.

type Numeric =
  | 'Int8Array'
  | 'Int16Array'
  | 'Int32Array'
  | 'BigInt64Array'
  | 'Uint8Array'
  | 'Uint16Array'
  | 'Uint32Array'
  | 'BigUint64Array'
  | 'Float32Array'
  | 'Float64Array'

/** A column type, values for it as records have them, and the arrays that can hold them. */
interface Kind {
  readonly type: string
  readonly value: fc.Arbitrary<unknown>
  readonly array?: Numeric
  readonly unit?: UnitType
  /** What the array has for a value. */
  readonly element?: (value: never) => number | bigint
  readonly isPacked?: boolean
}

const integers = (type: string, array: Numeric, min: number, max: number): Kind => ({
  ...{ type, array },
  value: fc.integer({ min, max }),
})
const text = fc.oneof(
  fc.string({ maxLength: 14 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom('', 'exactly 12 b', 'exactly 13 by', '\uFFFD', 'x'.repeat(300)),
)
const millis = fc.integer({ min: -8.64e15, max: 8.64e15 })
const dates = millis.map((ms) => new Date(ms))
const days = fc.integer({ min: -1e8, max: 1e8 }).map((day) => new Date(day * 86_400_000))

const KINDS: readonly Kind[] = [
  integers('TINYINT', 'Int8Array', -128, 127),
  integers('UTINYINT', 'Uint8Array', 0, 255),
  integers('SMALLINT', 'Int16Array', -32_768, 32_767),
  integers('USMALLINT', 'Uint16Array', 0, 65_535),
  integers('INTEGER', 'Int32Array', -(2 ** 31), 2 ** 31 - 1),
  integers('UINTEGER', 'Uint32Array', 0, 2 ** 32 - 1),
  integers('BIGINT', 'Int32Array', -(2 ** 31), 2 ** 31 - 1),
  integers('INTEGER', 'Float64Array', -(2 ** 31), 2 ** 31 - 1),
  integers('DECIMAL(12, 2)', 'Int32Array', -(2 ** 31), 2 ** 31 - 1),
  { type: 'BIGINT', array: 'BigInt64Array', value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { type: 'UBIGINT', array: 'BigUint64Array', value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  { type: 'HUGEINT', array: 'BigInt64Array', value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { type: 'DOUBLE', array: 'Float64Array', value: fc.double() },
  { type: 'FLOAT', array: 'Float32Array', value: fc.float() },
  { type: 'DOUBLE', array: 'Float32Array', value: fc.float() },
  { type: 'VARCHAR', value: text, isPacked: true },
  { type: 'JSON', value: text.map((one) => JSON.stringify(one)), isPacked: true },
  { type: 'UUID', value: fc.uuid(), isPacked: true },
  { type: 'BLOB', value: fc.uint8Array({ maxLength: 40 }), isPacked: true },
  {
    type: 'BOOLEAN',
    array: 'Uint8Array',
    unit: 'BOOLEAN',
    value: fc.boolean(),
    element: (value: boolean) => Number(value),
  },
  {
    type: 'DATE',
    array: 'Int32Array',
    unit: 'DATE',
    value: days,
    element: (value: Date) => value.getTime() / 86_400_000,
  },
  {
    type: 'TIMESTAMP',
    array: 'BigInt64Array',
    unit: 'TIMESTAMP',
    value: dates,
    element: (value: Date) => BigInt(value.getTime()) * 1_000n,
  },
  {
    type: 'TIMESTAMPTZ',
    array: 'BigInt64Array',
    unit: 'TIMESTAMPTZ',
    value: dates,
    element: (value: Date) => BigInt(value.getTime()) * 1_000n,
  },
  {
    type: 'TIMESTAMP_MS',
    array: 'BigInt64Array',
    unit: 'TIMESTAMP',
    value: dates,
    element: (value: Date) => BigInt(value.getTime()) * 1_000n,
  },
  {
    type: 'TIMESTAMP',
    array: 'BigInt64Array',
    unit: 'TIMESTAMP_MS',
    value: dates,
    element: (value: Date) => BigInt(value.getTime()),
  },
]

/** A column's values, and the form that they are given in. */
interface Column {
  readonly kind: Kind
  readonly values: readonly unknown[]
  readonly form: 'array' | 'typed' | 'packed'
  /** Rows before the array's own in its buffer. */
  readonly lead: number
}

const batches = fc
  .record({
    rowCount: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 2_000, max: 2_100 })),
    width: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ rowCount, width }) =>
    fc.record({
      transfer: fc.boolean(),
      columns: fc.array(
        fc.constantFrom(...KINDS).chain((kind) =>
          fc.record({
            kind: fc.constant(kind),
            // a short cycle of values: thousands of random ones a column would be slow to make and to shrink
            values: fc
              .array(fc.option(kind.value, { freq: 4 }), { minLength: 1, maxLength: 23 })
              .map((cycle) => Array.from({ length: rowCount }, (_, row) => cycle[row % cycle.length])),
            form: fc.constantFrom<Column['form'][]>('array', kind.isPacked === true ? 'packed' : 'typed'),
            lead: fc.integer({ min: 0, max: 3 }),
          }),
        ),
        { minLength: width, maxLength: width },
      ),
    }),
  )

function given({ kind, values, form, lead }: Column): SinkColumn {
  if (form === 'array') return values
  if (form === 'packed') return packed(values as (string | null)[])
  const { array = 'Int32Array', unit, element = (value: never) => value } = kind
  const Typed = globalThis[array] as Int32ArrayConstructor
  const typed = new Typed(values.length + lead).subarray(lead)
  values.forEach((value, row) => {
    if (value !== null) typed[row] = element(value as never) as number
  })
  const validity = values.includes(null)
    ? { validity: bitmap(values.map((value) => value !== null)) }
    : undefined
  return validity === undefined && unit === undefined
    ? typed
    : { values: typed, ...validity, ...(unit && { type: unit }) }
}

it('columns of any form become what the same values in records become, and have the same hash', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const hasher = await PayloadHasher.load()
  let runs = 0
  await fc.assert(
    fc.asyncProperty(batches, async ({ columns, transfer }) => {
      const run = runs++
      const types = columns.map(({ kind }, index) => `c${index} ${kind.type}`).join(', ')
      for (const side of ['columns', 'records'])
        await engine.query(`CREATE TABLE ${side}_${run} (row INTEGER, ${types})`)
      const rowCount = columns[0]?.values.length ?? 0
      const records = Array.from({ length: rowCount }, (_, row) => ({
        row,
        ...Object.fromEntries(columns.map(({ values }, index) => [`c${index}`, values[row]])),
      }))
      const row = Int32Array.from({ length: rowCount }, (_, index) => index)
      const named = Object.fromEntries(columns.map((column, index) => [`c${index}`, given(column)]))
      // packed bytes are texts to the hash
      if (!columns.some(({ kind, form }) => kind.type === 'BLOB' && form === 'packed')) {
        const hash = hasher.beginColumns({ name: 't' })
        expect(hash.digest(readColumns('t', { row, ...named }))).toEqual(hasher.begin({}, records).digest())
      }
      const receipts = await Promise.all([
        engine.table(`columns_${run}`).writeColumns({ row, ...named }, { transfer }),
        engine.write(`records_${run}`, records),
      ])
      expect(receipts.map((receipt) => receipt.rowCount)).toEqual([rowCount, rowCount])
      expect(row.buffer.detached).toBe(transfer)
    }),
    { numRuns: propertyRuns(30) },
  )
  await engine.close()
  const differences = Array.from({ length: runs }, (_, run) => {
    const rows = (side: string): string => `SELECT COLUMNS(*)::VARCHAR FROM ${side}_${run}`
    return `SELECT count(*) AS n FROM ((${rows('columns')} EXCEPT ALL ${rows('records')})
      UNION ALL (${rows('records')} EXCEPT ALL ${rows('columns')}))`
  })
  expect(await readValue(path, `SELECT sum(n)::INTEGER FROM (${differences.join(' UNION ALL ')})`)).toBe(0)
})
