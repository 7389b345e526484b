import { afterAll, beforeAll, expect, it } from 'vitest'
import { type SinkColumns, SinkEngine } from '../src/index.ts'
import { openEngine, rejection } from './open-engine.ts'

let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:' })
})
afterAll(() => engine.close())

const UTF8 = 5
const INT = { typeId: 2, bitWidth: 32, isSigned: true }
const BIGINT = { ...INT, bitWidth: 64 }
const LIST = { typeId: 12 }

type Arrays = Readonly<Record<string, unknown>>

/** A record batch of one column, as any version of Arrow JS has it, and as none should. */
function batchOf(type: object, length: number, arrays: Arrays): SinkColumns {
  const child = data(type, length, arrays)
  return { schema: { fields: [{ name: 'x' }] }, data: { length, children: [child] } } as SinkColumns
}

const data = (type: object, length: number, arrays: Arrays): object => ({
  ...{ type, length, offset: 0, nullCount: 0 },
  ...arrays,
})

const three = data(INT, 3, { values: Int32Array.of(1, 2, 3) })
const words = data({ typeId: UTF8 }, 2, {
  values: Uint8Array.of(97, 98),
  valueOffsets: Int32Array.of(0, 1, 2),
})

function detached<T extends Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(array: T): T {
  array.buffer.transfer()
  return array
}

/** Arrays that are not what the type says: DuckDB would read other values, or memory behind them. */
const REFUSED: readonly (readonly [title: string, columns: SinkColumns, because: RegExp])[] = [
  [
    'narrower numbers',
    batchOf(BIGINT, 200_000, { values: new Int8Array(200_000) }),
    /must be of BigInt64Array and are of Int8Array/,
  ],
  [
    'narrower fractions',
    batchOf({ typeId: 3, precision: 2 }, 3, { values: new Float32Array(3) }),
    /must be of Float64Array/,
  ],
  ['no typed array', batchOf(INT, 3, { values: [1, 2, 3] }), /are of no typed array/],
  [
    'half of the words',
    batchOf(BIGINT, 3, { values: new Int32Array(3) }),
    /1 values, too few for its 3 rows/,
  ],
  [
    'a width that is none',
    batchOf({ ...INT, bitWidth: 7 }, 3, { values: new Int8Array(3) }),
    /no column type/,
  ],
  ['too few bits', batchOf({ typeId: 6 }, 20, { values: Uint8Array.of(255) }), /too few for its 20 rows/],
  [
    'a unit that is none',
    batchOf({ typeId: 10, unit: 9 }, 1, { values: new BigInt64Array(1) }),
    /no column type/,
  ],
  ['a part of a row', batchOf(INT, 2.5, { values: new Int32Array(3) }), /must be whole numbers/],
  [
    'a bitmap before its start',
    batchOf(INT, 3, {
      ...{ values: new Int32Array(3), offset: -1 },
      ...{ nullCount: 1, nullBitmap: Uint8Array.of(5) },
    }),
    /must be whole numbers/,
  ],
  [
    'a bitmap whose buffer was transferred',
    batchOf(INT, 3, { values: new Int32Array(3), nullCount: 1, nullBitmap: new Uint8Array(0) }),
    /null bitmap has 0 bytes/,
  ],
  [
    'the same where its NULLs are counted only then',
    batchOf(INT, 3, { values: new Int32Array(3), nullCount: 0, nullBitmap: detached(Uint8Array.of(5)) }),
    /its buffer was transferred/,
  ],
  [
    'numbers whose buffer was transferred',
    batchOf(INT, 3, { values: detached(new Int32Array(3)) }),
    /its buffer was transferred/,
  ],
  [
    'offsets whose buffer was transferred',
    batchOf({ typeId: UTF8 }, 1, {
      ...{ values: new Uint8Array(2), valueOffsets: detached(Int32Array.of(0, 1)) },
    }),
    /its buffer was transferred/,
  ],
  [
    'text that is not bytes',
    batchOf({ typeId: UTF8 }, 1, { values: new Uint16Array(20), valueOffsets: Int32Array.of(0, 20) }),
    /must be of Uint8Array/,
  ],
  [
    'offsets with fractions',
    batchOf({ typeId: UTF8 }, 1, { values: new Uint8Array(2), valueOffsets: Float64Array.of(0, 1.5) }),
    /must be of Int32Array/,
  ],
  [
    'an index that its dictionary does not have',
    batchOf({ typeId: -1, indices: INT }, 3, {
      ...{ values: Int32Array.of(0, 1, 5), dictionary: { data: [words] } },
    }),
    /row 2, .* none of the 2 of its dictionary/,
  ],
  [
    'a list beyond what is inside of it',
    batchOf(LIST, 2, { valueOffsets: Int32Array.of(0, 2, 9), children: [three] }),
    /outside of the 3 rows inside of it/,
  ],
  [
    'lists that fall',
    batchOf(LIST, 2, { valueOffsets: Int32Array.of(0, 2, 1), children: [three] }),
    /or falls/,
  ],
  [
    'lists without their end',
    batchOf(LIST, 2, { valueOffsets: Int32Array.of(0, 2), children: [three] }),
    /2 offsets, too few/,
  ],
  [
    'lists of a size that there is not',
    batchOf({ typeId: 16, listSize: 2 }, 2, { children: [three] }),
    /3 rows, where it needs 4/,
  ],
  [
    'structs of fewer values',
    batchOf({ typeId: 13, children: [{ name: 'a' }] }, 4, { children: [three] }),
    /3 rows, where it needs 4/,
  ],
]

it.each(REFUSED)('what only looks like Arrow is refused by name: %s', async (_, columns, because) => {
  for (const transfer of [false, true])
    expect(await rejection(engine.table('refused').writeColumns(columns, { transfer }))).toMatchObject({
      ...{ code: 'INVALID_VALUE', table: 'refused', column: 'x' },
      message: expect.stringMatching(because),
    })
})

it('integers of 64 bits may be pairs of words, as older versions of Arrow JS have them', async () => {
  const tables = await openEngine({ config: { TimeZone: 'UTC' } })
  const values = (): Int32Array => new Int32Array(Int32Array.of(9, 1, 0, -1, -1).buffer, 4)
  for (const [table, type] of [
    ['ints', BIGINT],
    ['moments', { typeId: 10, unit: 2 }],
    ['zoned', { typeId: 10, unit: 1, timezone: 'UTC' }],
  ] as const)
    await tables.table(table).writeColumns(batchOf(type, 2, { values: values() }))
  expect(await tables.query('SELECT x FROM ints')).toEqual([{ x: 1n }, { x: -1n }])
  expect(await tables.query('SELECT epoch_us(x) AS x FROM moments')).toEqual([{ x: 1n }, { x: -1n }])
  expect(await tables.query('SELECT epoch_us(x) AS x FROM zoned')).toEqual([{ x: 1_000n }, { x: -1_000n }])
})

it('a row is named by its place in the table, whichever record batch it is in', async () => {
  const tenHours = BigInt(10 * 3_600)
  const batches = [[tenHours], [tenHours, 2n ** 62n]].map((values) => {
    const seconds = data({ typeId: 10, unit: 0, timezone: 'UTC' }, values.length, {
      values: BigInt64Array.from(values),
    })
    return { schema: { fields: [{ name: 'x' }] }, data: { length: values.length, children: [seconds] } }
  })
  const columns = { schema: { fields: [{ name: 'x' }] }, batches } as SinkColumns
  expect(await rejection(engine.table('rows').writeColumns(columns))).toMatchObject({
    ...{ code: 'INVALID_VALUE', column: 'x', row: 2 },
    message: expect.stringMatching(/^row 2, column "x"/),
  })
})
