import { afterAll, beforeAll, expect, it } from 'vitest'
import { SinkEngine, type SinkError, ValueError } from '../src/index.ts'
import { openEngine, rejection } from './open-engine.ts'

const columns = { id: 'INTEGER', name: 'VARCHAR' }
const kinds = { day: 'DATE', made: 'TIMESTAMP', bytes: 'BLOB', list: 'INTEGER[]', json: 'JSON' }
const tables = {
  events: { columns },
  kinds: { columns: { ...columns, ...kinds } },
  odd: {
    columns: {
      constructor: 'INTEGER',
      toString: 'VARCHAR',
      hasOwnProperty: 'BOOLEAN',
      ['__proto__']: 'INTEGER',
    },
  },
  lenient: { columns, schemaContract: { columns: 'discard-value' } as const },
}

// one for all: no test writes to a table that another one reads, but by an engine of its own
let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:', tables })
})
afterAll(() => engine.close())

class Point {
  id = 1
}

const refusingProxy = (trap: 'get' | 'getPrototypeOf' | 'ownKeys') =>
  new Proxy(
    { id: 1 },
    {
      [trap]: () => {
        throw new Error(`no ${trap}`)
      },
    },
  )

/** Kinds that are no plain objects, by how an error names them. */
const NO_RECORDS: readonly (readonly [found: string, value: unknown])[] = [
  ['null', null],
  ['undefined', undefined],
  ['number', 1],
  ['string', 'text'],
  ['array', [1]],
  ['Point', new Point()],
  ['Date', new Date()],
  ['Map', new Map([['id', 1]])],
  ['Uint8Array', new Uint8Array(1)],
  ['function', () => ({ id: 1 })],
  ['Object', Object.create({ id: 1 })],
]

// a table that is there, and one that would be inferred
it.each(['events', 'absent'])(
  'a record for table %s that is no plain object fails its batch',
  async (table) => {
    for (const [found, value] of NO_RECORDS) {
      const error = await rejection(engine.write(table, [{ id: 1 }, value as object, { id: 2 }]))
      expect(error, found).toBeInstanceOf(ValueError)
      expect(error).toMatchObject({ code: 'INVALID_VALUE', table, row: 1, expected: 'object', found })
    }
    expect(await engine.query(`SELECT table_name FROM duckdb_tables() WHERE table_name = 'absent'`)).toEqual(
      [],
    )
    expect(await engine.query('FROM events')).toEqual([])
  },
)

it('records without a prototype and of another realm are plain', async () => {
  const { runInNewContext } = await import('node:vm')
  const bare = Object.assign(Object.create(null), { id: 1 })
  await engine.write('plain', [bare, runInNewContext('({ id: 2 })'), Object.freeze({ id: 3 })])
  expect(await engine.query('FROM plain')).toEqual([{ id: 1n }, { id: 2n }, { id: 3n }])
})

it.each(['events', 'absent'])(
  'a getter that throws fails the batch for table %s and is its cause',
  async (table) => {
    const thrown = new Error('a secret')
    const record = {
      id: 3,
      get name(): string {
        throw thrown
      },
    }
    const error = await rejection(engine.write(table, [{ id: 1 }, { id: 2, name: 'x' }, record]))
    expect(error).toBeInstanceOf(ValueError)
    expect(error).toMatchObject({ table, row: 2, column: 'name', cause: thrown })
    expect((error as SinkError).message).not.toContain('secret')
    expect(await engine.query('FROM events')).toEqual([])
  },
)

it.each(['events', 'absent'])(
  'a Proxy that refuses to be read fails the batch for table %s',
  async (table) => {
    for (const trap of ['get', 'getPrototypeOf', 'ownKeys'] as const) {
      const error = await rejection(engine.write(table, [{ id: 0 }, refusingProxy(trap)]))
      expect(error, trap).toBeInstanceOf(ValueError)
      expect(error).toMatchObject({ table, row: 1, cause: new Error(`no ${trap}`) })
    }
  },
)

it('a value that throws when it is looked at fails the batch by row and column', async () => {
  const value = refusingProxy('getPrototypeOf')
  for (const field of Object.keys({ ...columns, ...kinds })) {
    const records = [{ id: 1 }, { id: 2 }, { [field]: value }]
    await expect(engine.write('kinds', records), field).rejects.toMatchObject({
      name: 'ValueError',
      row: 2,
      column: field,
    })
  }
})

it('a Proxy of a plain object is as good as the object', async () => {
  await engine.write('proxies', [new Proxy({ id: 1 }, {})])
  expect(await engine.query('FROM proxies')).toEqual([{ id: 1n }])
})

it('a getter is read like any field', async () => {
  await engine.write('getters', [
    {
      get id(): number {
        return 5
      },
    },
  ])
  expect(await engine.query('FROM getters')).toEqual([{ id: 5n }])
})

it('fields named like what every object inherits are own fields or NULL', async () => {
  await engine.write('odd', [
    JSON.parse('{ "constructor": 1, "toString": "a", "hasOwnProperty": true, "__proto__": 2 }'),
    { constructor: 3 },
    {},
  ])
  const rows = await engine.query('SELECT * FROM odd ORDER BY constructor NULLS LAST')
  expect(rows.map((row) => Object.entries(row))).toEqual([
    entriesOf(1, 'a', true, 2),
    entriesOf(3, null, null, null),
    entriesOf(null, null, null, null),
  ])
})

function entriesOf(...values: unknown[]): [string, unknown][] {
  return ['constructor', 'toString', 'hasOwnProperty', '__proto__'].map((name, index) => [
    name,
    values[index],
  ])
}

it('an own field __proto__ that the table does not have is refused, and pollutes nothing', async () => {
  const engine = await openEngine({ tables })
  const record = JSON.parse('{ "id": 1, "__proto__": { "name": "polluted" } }')
  await expect(engine.write('events', [record])).rejects.toMatchObject({
    name: 'SchemaError',
    column: '__proto__',
    row: 0,
  })
  await engine.write('lenient', [record])
  expect(await engine.query('FROM lenient')).toEqual([{ id: 1, name: null }])
  expect({}).not.toHaveProperty('name')
})

it('an inferred column may be called __proto__ or constructor', async () => {
  await engine.write('named', [
    JSON.parse('{ "__proto__": 1, "constructor": 2 }'),
    JSON.parse('{ "__proto__": 3 }'),
  ])
  const rows = await engine.query('FROM named')
  expect(rows.map((row) => Object.values(row))).toEqual([
    [1n, 2n],
    [3n, null],
  ])
})

it('fields that are not enumerable, symbols and what is inherited are no fields', async () => {
  const record = Object.defineProperty({ id: 1, [Symbol('x')]: 2 }, 'extra', { value: 3, enumerable: false })
  await engine.write('own', [record])
  expect(await engine.query('FROM own')).toEqual([{ id: 1n }])
})

it('an extra field fails the batch by row and name, unless it says nothing', async () => {
  const engine = await openEngine({ tables })
  const error = await rejection(engine.write('events', [{ id: 1 }, { id: 2, extra: 'secret' }]))
  expect(error).toMatchObject({
    name: 'SchemaError',
    code: 'SCHEMA_MISMATCH',
    table: 'events',
    column: 'extra',
    row: 1,
    found: 'string',
  })
  expect((error as SinkError).message).not.toContain('secret')
  expect(await engine.query('FROM events')).toEqual([])
  await engine.write('events', [
    { id: 3, extra: null },
    { id: 4, extra: undefined },
  ])
  await expect(
    engine.write('events', [
      { id: 5, extra: null },
      { id: 6, extra: 0 },
    ]),
  ).rejects.toMatchObject({ row: 1 })
  expect(await engine.query('SELECT id FROM events ORDER BY id')).toEqual([{ id: 3 }, { id: 4 }])
})

it('an extra field is left out where the contract says discard-value', async () => {
  const engine = await openEngine({ tables })
  await engine.write('lenient', [
    { id: 1, extra: 'x' },
    { other: () => 1, id: 2, name: 'two' },
  ])
  expect(await engine.query('FROM lenient ORDER BY id')).toEqual([
    { id: 1, name: null },
    { id: 2, name: 'two' },
  ])
})

it('a field finds its column whatever the case of its letters', async () => {
  const engine = await openEngine({ tables })
  await engine.write('lenient', [{ ID: 10, Name: 'x' }])
  expect(await engine.query('FROM lenient')).toEqual([{ id: 10, name: 'x' }])
})

it('two fields that differ in case alone are refused, in one record and over several', async () => {
  const refusal = { name: 'SchemaError', code: 'SCHEMA_MISMATCH', column: 'ID' }
  await expect(engine.write('events', [{ id: 1, ID: 1 }])).rejects.toMatchObject({ ...refusal, row: 0 })
  await expect(engine.write('events', [{ id: 1 }, { name: 'x' }, { ID: 1 }])).rejects.toMatchObject({
    ...refusal,
    row: 2,
  })
  await expect(engine.write('absent', [{ id: 1 }, { ID: 1 }])).rejects.toMatchObject({ name: 'SchemaError' })
})

it('records that are no array are refused', async () => {
  for (const records of [undefined, null, 5, 'text', { id: 1 }, new Set([{ id: 1 }])]) {
    await expect(engine.write('events', records as never)).rejects.toMatchObject({
      name: 'InvalidOptionsError',
      code: 'INVALID_ARGUMENT',
    })
  }
})

it('records that the caller takes away before they are written fail the batch', async () => {
  const records: object[] = Array.from({ length: 20_000 }, (_, id) => ({ id }))
  const write = engine.write('events', records)
  records.length = 5
  await expect(write).rejects.toMatchObject({ name: 'ValueError', row: 5 })
  const more: object[] = [{ id: 1 }]
  const written = engine.write('grown', more)
  more.push({ id: 2, other: true })
  expect(await written).toMatchObject({ rowCount: 1 })
  expect(await engine.query('SELECT id FROM grown')).toEqual([{ id: 1n }])
})

it('a hole in the array of records is no record', async () => {
  const records = [{ id: 1 }, { id: 2 }]
  delete records[0]
  await expect(engine.write('events', records)).rejects.toMatchObject({ name: 'ValueError', row: 0 })
})
