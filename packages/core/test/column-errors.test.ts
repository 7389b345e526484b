import { afterAll, beforeAll, expect, it } from 'vitest'
import { type SinkColumns, SinkEngine } from '../src/index.ts'
import { openEngine, rejection } from './open-engine.ts'
import { packed } from './packed.ts'

const tables = {
  t: {
    createTableSql:
      'CREATE TABLE t (id INTEGER, name VARCHAR, isOn BOOLEAN, moment TIMESTAMP, day DATE, raw BLOB)',
  },
}

const detached = (): Int32Array => {
  const array = new Int32Array(2)
  array.buffer.transfer()
  return array
}
const moments = (...values: bigint[]): SinkColumns => ({
  moment: { values: new BigInt64Array(values), type: 'TIMESTAMP' },
})
const utf8 = (bytes: readonly number[], offsets: readonly number[]): SinkColumns => ({
  name: { data: Uint8Array.from(bytes), offsets: Int32Array.from(offsets) },
})

/** What a call is given, and what it is refused with. */
const REFUSED: readonly (readonly [title: string, columns: unknown, expected: object])[] = [
  ['no object', null, { code: 'INVALID_ARGUMENT', message: /must be an object of named columns/ }],
  ['records', [{ id: 1 }], { code: 'INVALID_ARGUMENT' }],
  ['no columns', {}, { code: 'SCHEMA_MISMATCH', table: 't', message: /there are no columns/ }],
  [
    'two of one name',
    { id: [1], ID: [2] },
    { code: 'SCHEMA_MISMATCH', column: 'ID', message: /"id" and "ID"/ },
  ],
  ['none of the table', { nope: [1] }, { code: 'SCHEMA_MISMATCH', column: 'nope' }],
  [
    'unequal lengths',
    { id: [1, 2], name: ['a'] },
    { code: 'INVALID_VALUE', column: 'name', message: /1 rows, where column "id" has 2/ },
  ],
  ['a kind that is none', { id: 5 }, { code: 'INVALID_VALUE', column: 'id', found: 'number' }],
  [
    'a DataView',
    { id: new DataView(new ArrayBuffer(8)) },
    { code: 'INVALID_VALUE', column: 'id', found: 'DataView' },
  ],
  [
    'a getter that throws',
    {
      get id(): never {
        throw new Error('no')
      },
    },
    { code: 'INVALID_VALUE', column: 'id', cause: new Error('no'), message: /reading it threw/ },
  ],
  [
    'an array that belies its length',
    { id: Object.defineProperty(new Int32Array(3), 'length', { value: 100 }) },
    { code: 'INVALID_VALUE', column: 'id', message: /reading it threw/ },
  ],
  [
    'an unknown part of one',
    { id: { values: [1], nulls: [0] } },
    { code: 'INVALID_VALUE', message: /no part "nulls"/ },
  ],
  [
    'a detached buffer',
    { id: detached() },
    { code: 'INVALID_VALUE', column: 'id', message: /was transferred/ },
  ],
  [
    'too short a validity',
    { id: { values: new Int32Array(9), validity: new Uint8Array(1) } },
    { code: 'INVALID_VALUE', message: /1 bytes, and 9 rows need 2/ },
  ],
  [
    'a unit without its array',
    { moment: { values: new Int32Array(1), type: 'TIMESTAMP' } },
    { code: 'INVALID_VALUE', found: 'Int32Array' },
  ],
  [
    'an unknown unit',
    { moment: { values: new Int32Array(1), type: 'EPOCH' } },
    { code: 'INVALID_VALUE', message: /must be one of BOOLEAN/ },
  ],
  [
    'no offsets',
    { name: { data: new Uint8Array(0), offsets: new Int32Array(0) } },
    { code: 'INVALID_VALUE', message: /holds none/ },
  ],
  [
    'offsets that are none',
    { name: { data: new Uint8Array(0), offsets: [0] } },
    { code: 'INVALID_VALUE', found: 'array' },
  ],
  ['offsets that fall', utf8([97, 98], [0, 2, 1]), { code: 'INVALID_VALUE', row: 1, message: /falls below/ }],
  [
    'offsets out of the data',
    utf8([97, 98], [0, 1, 3]),
    { code: 'INVALID_VALUE', row: 1, message: /outside of the 2 bytes/ },
  ],
  ['offsets below the data', utf8([97, 98], [-1, 1]), { code: 'INVALID_VALUE', row: 0 }],
  [
    'offsets of more than 4 GiB',
    { name: { data: new Uint8Array(1), offsets: new BigInt64Array([0n, 2n ** 32n]) } },
    { code: 'INVALID_VALUE', row: 0 },
  ],
  [
    'bytes that are no UTF-8',
    utf8([97, 0xff, 98], [0, 1, 2, 3]),
    { code: 'INVALID_VALUE', row: 1, column: 'name' },
  ],
  ['an offset inside a character', utf8([0xc3, 0xa4], [0, 1, 2]), { code: 'INVALID_VALUE', row: 0 }],
  [
    'a boolean beyond 1',
    { isOn: { values: new Uint8Array([0, 2]), type: 'BOOLEAN' } },
    { code: 'INVALID_VALUE', row: 1, expected: 'BOOLEAN' },
  ],
  [
    'numbers for booleans',
    { isOn: new Uint8Array([0, 1]) },
    { code: 'INVALID_VALUE', row: 0, found: 'number' },
  ],
  [
    'bigints for timestamps',
    { moment: new BigInt64Array([0n]) },
    { code: 'INVALID_VALUE', row: 0, found: 'bigint' },
  ],
  ['a timestamp out of range', moments(0n, -(2n ** 63n)), { code: 'INVALID_VALUE', row: 1 }],
  [
    'a day out of range',
    { day: { values: new Int32Array([-(2 ** 31)]), type: 'DATE' } },
    { code: 'INVALID_VALUE', row: 0 },
  ],
  [
    'a number that does not fit',
    { id: new Float64Array([1, 2 ** 31]) },
    { code: 'INVALID_VALUE', row: 1, expected: 'INTEGER' },
  ],
]

let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:', tables })
})
afterAll(() => engine.close())

it.each(REFUSED)('columns are refused: %s', async (_title, columns, expected) => {
  const { message, ...fields } = expected as { readonly message?: RegExp }
  for (const transfer of [false, true]) {
    const error = await rejection(engine.table('t').writeColumns(columns as SinkColumns, { transfer }))
    expect(error).toMatchObject(fields)
    if (message !== undefined) expect((error as Error).message).toMatch(message)
  }
  expect(await engine.query('SELECT count(*)::INTEGER AS n FROM t')).toEqual([{ n: 0 }])
  expect(engine.bufferedBatches).toBe(0)
})

it('the bounds of timestamps, and what stands for infinity, are taken', async () => {
  const engine = await openEngine({ tables })
  const values = [2n ** 63n - 1n, -(2n ** 63n) + 1n, -9_223_372_022_400_000_000n, 9_223_372_036_854_775_806n]
  await engine.table('t').writeColumns(moments(...values))
  const rows = await engine.query<{ text: string }>('SELECT moment::VARCHAR AS text FROM t ORDER BY rowid')
  expect(rows.map(({ text }) => text)).toEqual([
    ...['infinity', '-infinity', '290309-12-22 (BC) 00:00:00', '294247-01-10 04:00:54.775806'],
  ])
})

it('what is under a NULL is not looked at', async () => {
  const engine = await openEngine({ tables })
  const validity = Uint8Array.of(0b10)
  await engine.table('t').writeColumns({
    name: { data: Uint8Array.of(0xff, 97), offsets: new Int32Array([0, 1, 2]), validity },
    isOn: { values: new Uint8Array([9, 1]), type: 'BOOLEAN', validity },
    id: { values: new Float64Array([1.5, 2]), validity },
  })
  expect(await engine.query('SELECT id, name, isOn FROM t ORDER BY rowid')).toEqual([
    { id: null, name: null, isOn: null },
    { id: 2, name: 'a', isOn: true },
  ])
})

it('options are checked as those of write are, and transfer is none of that', async () => {
  const engine = await openEngine({ tables })
  const table = engine.table('t')
  const wrong = { transfer: 1, nope: true, offset: 1n } as object
  const error = await rejection(table.writeColumns({ id: [1] }, wrong))
  expect(error).toMatchObject({
    code: 'INVALID_OPTIONS',
    problems: expect.arrayContaining([expect.stringMatching('transfer')]),
  })
  await expect(table.writeColumns({ id: [1] }, null as never)).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
  })
  await expect(table.write([{ id: 1 }], { transfer: true } as object)).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
  })
})

it('messages hold no value', async () => {
  const engine = await openEngine({ tables })
  const error = await rejection(engine.table('t').writeColumns({ id: packed(['secret']) }))
  expect((error as Error).message).toContain('row 0, column "id" of table "t"')
  expect((error as Error).message).not.toContain('secret')
})

it('a buffer that is transferred while the batch waits for its turn is missed, and nothing is made of it', async () => {
  const engine = await openEngine({ tables })
  const columns = [new Int32Array(5), new Float64Array(5), new BigInt64Array(5)]
  const writes = columns.map((id) => rejection(engine.table('t').writeColumns({ id })))
  for (const { buffer } of columns) (buffer as ArrayBuffer).transfer()
  for (const error of await Promise.all(writes))
    expect(error).toMatchObject({ code: 'INVALID_VALUE', column: 'id' })
  const shorter = [1, 2, 3]
  const write = rejection(engine.table('t').writeColumns({ id: shorter }))
  shorter.length = 1
  expect(await write).toMatchObject({ code: 'INVALID_VALUE', column: 'id' })
})

it('a buffer that is transferred while its values are read is missed, and no NULLs are made of it', async () => {
  const validate = (value: unknown): { value: unknown } => ({ value })
  const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
  const reading = await openEngine({ tables: { t: { ...tables.t, schema } } })
  const hashing = await openEngine({ tables, deliveryMode: 'exactly-once' })
  for (const engine of [reading, hashing]) {
    const key = engine === hashing ? { key: 'a' } : {}
    const values = new BigInt64Array(200_000)
    const write = engine.table('t').writeColumns({ moment: { values, type: 'TIMESTAMP' } }, key)
    setImmediate(() => values.buffer.transfer())
    expect(await rejection(write)).toMatchObject({ code: 'INVALID_VALUE', column: 'moment' })
    expect(await engine.query('SELECT count(*)::INTEGER AS n FROM t')).toEqual([{ n: 0 }])
    expect(engine.bufferedBytes).toBe(0)
  }
})

it('arrays that a value changes as it is read are looked at after that, and never read beyond their end', async () => {
  const engine = await openEngine({ tables })
  const data = new TextEncoder().encode('the first oneand another one')
  const offsets = Int32Array.of(0, 13, 28)
  const flags = Uint8Array.of(1, 0)
  const changes: readonly [column: string, change: () => void][] = [
    ['name', () => (offsets[2] = 1_000_000_000)],
    ['isOn', () => (flags[1] = 77)],
    ['name', () => data.fill(255)],
  ]
  for (const [column, change] of changes) {
    const day: unknown[] = [new Date(0), null]
    Object.defineProperty(day, 1, {
      get: () => {
        change()
        return null
      },
    })
    const columns = { name: { data, offsets }, isOn: { values: flags, type: 'BOOLEAN' }, day } as const
    expect(await rejection(engine.table('t').writeColumns(columns))).toMatchObject({
      ...{ code: 'INVALID_VALUE', column },
    })
    offsets[2] = 28
    flags[1] = 0
  }
})

it('what cannot be handed over is copied: shared memory, that of WebAssembly, and small Buffers', async () => {
  const engine = await openEngine({ tables })
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const pooled = Buffer.from('abcd')
  shared.set([1, 2])
  // Node's types know nothing of it
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Memory: new (pages: object) => { buffer: ArrayBuffer } }
  }
  const memory = new Int32Array(new WebAssembly.Memory({ initial: 1 }).buffer, 0, 2)
  memory.set([3, 4])
  const name = { data: pooled, offsets: new Int32Array([0, 2, 4]) }
  await engine.table('t').writeColumns({ id: shared, name }, { transfer: true })
  await engine.table('t').writeColumns({ id: memory }, { transfer: true })
  expect([pooled.toString(), shared[1], memory[1]]).toEqual(['abcd', 2, 4])
  expect(await engine.query('SELECT id, name FROM t ORDER BY id')).toEqual([
    { id: 1, name: 'ab' },
    { id: 2, name: 'cd' },
    { id: 3, name: null },
    { id: 4, name: null },
  ])
})
