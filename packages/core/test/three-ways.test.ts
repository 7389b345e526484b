import {
  Bool,
  type DataType,
  DateDay,
  Field,
  Float64,
  Int32,
  Int64,
  List,
  Struct,
  Table,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openEngine } from './open-engine.ts'

// What DuckDB makes of literals is the judge: records, columns and tables of Arrow with the same values hold the same.

/** A column type, its values, and what they are in Arrow and in SQL. */
interface Kind {
  readonly type: string
  readonly value: fc.Arbitrary<unknown>
  readonly arrow: () => DataType
  readonly literal: (value: never) => string
}

/** Without quotes to be doubled, and with U+0000: the bytes themselves. */
const textLiteral = (text: string): string => `decode(from_hex('${Buffer.from(text).toString('hex')}'))`
const momentLiteral = (date: Date): string => `make_timestamp(${BigInt(date.getTime()) * 1_000n})`
const text = fc.oneof(
  fc.string({ maxLength: 14 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('', 'exactly 12 b', 'exactly 13 by', 'a\0b', 'ü'.repeat(6), 'x'.repeat(5_000)),
)
const millis = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 })
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

const KINDS: readonly Kind[] = [
  { type: 'INTEGER', value: int, arrow: () => new Int32(), literal: String },
  {
    type: 'BIGINT',
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    arrow: () => new Int64(),
    literal: (value) => `'${value}'::BIGINT`,
  },
  {
    type: 'DOUBLE',
    value: fc.double(),
    arrow: () => new Float64(),
    literal: (value) => `'${Object.is(value, -0) ? '-0.0' : value}'::DOUBLE`,
  },
  { type: 'BOOLEAN', value: fc.boolean(), arrow: () => new Bool(), literal: String },
  { type: 'VARCHAR', value: text, arrow: () => new Utf8(), literal: textLiteral },
  {
    type: 'TIMESTAMP_MS',
    value: millis.map((ms) => new Date(ms)),
    arrow: () => new TimestampMillisecond(),
    literal: (value) => `${momentLiteral(value)}::TIMESTAMP_MS`,
  },
  {
    type: 'DATE',
    value: millis.map((ms) => new Date(Math.floor(ms / 86_400_000) * 86_400_000)),
    arrow: () => new DateDay(),
    literal: (value) => `${momentLiteral(value)}::DATE`,
  },
  {
    type: 'VARCHAR[]',
    value: fc.array(fc.option(text), { maxLength: 4 }),
    arrow: () => new List(new Field('item', new Utf8(), true)),
    literal: (value: readonly (string | null)[]) =>
      `[${value.map((one) => (one === null ? 'NULL' : textLiteral(one))).join(', ')}]::VARCHAR[]`,
  },
  {
    type: 'STRUCT(a INTEGER, b VARCHAR)',
    value: fc.record({ a: fc.option(int), b: fc.option(text) }),
    arrow: () => new Struct([new Field('a', new Int32(), true), new Field('b', new Utf8(), true)]),
    literal: ({ a, b }: { a: number | null; b: string | null }) =>
      `{ 'a': ${a ?? 'NULL'}::INTEGER, 'b': ${b === null ? 'NULL::VARCHAR' : textLiteral(b)} }`,
  },
]

const batches = fc.record({
  rowCount: fc.constantFrom<number[]>(1, 2, 13, 511, 513, 2_047, 2_049, 5_000),
  // where a part of the rows of an Arrow table begins
  skipped: fc.integer({ min: 0, max: 9 }),
  transfer: fc.boolean(),
  columns: fc.array(
    fc.constantFrom(...KINDS).chain((kind) =>
      fc.record({
        kind: fc.constant(kind),
        cycle: fc.array(fc.option(kind.value, { freq: 4 }), { minLength: 1, maxLength: 17 }),
      }),
    ),
    { minLength: 1, maxLength: 5 },
  ),
})

it('records, columns and tables of Arrow become what DuckDB makes of the same literals', async () => {
  const engine = await openEngine()
  await fc.assert(
    fc.asyncProperty(batches, async ({ rowCount, skipped, transfer, columns }) => {
      const named = columns.map((column, index) => ({ ...column, name: `c${index}` }))
      const definition = named.map(({ name, kind }) => `${name} ${kind.type}`).join(', ')
      for (const table of ['literals', 'records', 'columns', 'arrow'])
        await engine.query(`CREATE OR REPLACE TABLE ${table} (row INTEGER, ${definition})`)
      const valuesOf = (cycle: readonly unknown[], count = rowCount, from = 0): unknown[] =>
        Array.from({ length: count }, (_, row) => cycle[(from + row) % cycle.length])
      const rows = Int32Array.from({ length: rowCount }, (_, row) => row)

      const literals = named.map(({ kind, cycle }) => {
        const list = cycle.map((value) => (value === null ? 'NULL' : kind.literal(value as never))).join(', ')
        return `([${list}]::${kind.type}[])[row % ${cycle.length} + 1]`
      })
      await engine.query(
        `INSERT INTO literals SELECT row, ${literals.join(', ')} FROM range(${rowCount}) AS rows(row)`,
      )
      const fields = Object.fromEntries(named.map(({ name, cycle }) => [name, valuesOf(cycle)]))
      await engine.write(
        'records',
        Array.from(rows, (row) => ({
          row,
          ...Object.fromEntries(named.map(({ name }) => [name, fields[name]?.[row]])),
        })),
      )
      await engine.table('columns').writeColumns({ row: rows.slice(), ...fields }, { transfer })
      const vectors = named.map(({ name, kind, cycle }) => {
        const from = cycle.length * 10 - skipped
        return [name, vectorFromArray(valuesOf(cycle, rowCount + skipped, from), kind.arrow())] as const
      })
      const row = vectorFromArray([...new Int32Array(skipped), ...rows], new Int32())
      const whole = new Table({ row, ...Object.fromEntries(vectors) })
      await engine.table('arrow').writeColumns(whole.slice(skipped), { transfer })

      for (const table of ['records', 'columns', 'arrow']) {
        const isOther = named.map(
          ({ name }) =>
            `t.${name} IS DISTINCT FROM l.${name} OR t.${name}::VARCHAR IS DISTINCT FROM l.${name}::VARCHAR`,
        )
        const [found] = await engine.query(
          `SELECT count(*)::INTEGER AS same FROM ${table} t JOIN literals l USING (row) WHERE NOT (${isOther.join(' OR ')})`,
        )
        expect({ table, ...found }).toEqual({ table, same: rowCount })
      }
    }),
    { numRuns: 20 },
  )
})
