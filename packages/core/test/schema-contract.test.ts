import { once } from 'node:events'
import { type ILogObj, Logger } from 'tslog'
import { describe, expect, it } from 'vitest'
import { columnsOf, openWith } from './evolving-engine.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

const numbered = (count: number, extra: (id: number) => object = () => ({})): object[] =>
  Array.from({ length: count }, (_, id) => ({ id, ...extra(id) }))

describe('columns: evolve', () => {
  it('adds the columns that a batch has fields for, inferred over all of its records', async () => {
    const path = databasePath()
    const engine = await openWith({ columns: 'evolve' }, 'id INTEGER', path)
    const records = numbered(20_000, (id) => (id < 9_000 ? { x: id, n: null } : { x: id + 0.5, tags: ['a'] }))
    const receipt = await engine.write('t', records)
    expect(receipt).toMatchObject({ rowCount: 20_000, discardedRowCount: 0, discardedValueCount: 0 })
    expect(await columnsOf(engine)).toEqual(['id INTEGER', 'x DOUBLE', 'tags VARCHAR[]'])
    await engine.close()
    const [row] = await readFile(path, 'SELECT count(*) AS rows, sum(x) AS sum, count(tags) AS tags FROM t')
    expect(row).toEqual({ rows: 20_000n, sum: (19_999 * 20_000) / 2 + 11_000 / 2, tags: 11_000n })
  })

  it('takes a field that differs from a column in case alone for that column', async () => {
    const engine = await openWith({ columns: 'evolve' }, 'Id INTEGER')
    await engine.write('t', [{ ID: 1 }])
    await engine.write('t', [{ id: 2, Extra: 'x' }])
    await engine.write('t', [{ id: 3, EXTRA: 'y' }])
    expect(await engine.query('FROM t')).toEqual([
      { Id: 1, Extra: null },
      { Id: 2, Extra: 'x' },
      { Id: 3, Extra: 'y' },
    ])
  })

  it('lets writes at once that need the same new column have it', async () => {
    const engine = await openWith({ columns: 'evolve' }, 'id INTEGER')
    await Promise.all([1, 2, 3].map((id) => engine.write('t', [{ id, x: id }])))
    expect(await columnsOf(engine)).toEqual(['id INTEGER', 'x BIGINT'])
    expect(await engine.query('SELECT sum(x) AS sum FROM t')).toEqual([{ sum: 6n }])
  })

  it('makes a table again that was dropped meanwhile', async () => {
    const engine = await openWith({ columns: 'evolve', types: 'evolve' }, 'id INTEGER')
    await engine.write('t', [{ id: 1 }])
    const dropped = engine.query('DROP TABLE t')
    await engine.write('t', [{ id: 2, x: 1 }])
    await dropped
    expect(await columnsOf(engine)).toEqual(['id BIGINT', 'x BIGINT'])
  })

  it('fails a batch alone whose new field has no type, or cannot be a column', async () => {
    const engine = await openWith({ columns: 'evolve' }, 'id INTEGER')
    for (const field of ['', 'a\0b', 'x'.repeat(300)]) {
      const error = await rejection(engine.write('t', [{ id: 1, [field]: 1 }]))
      expect(error).toMatchObject({ name: 'SchemaError', table: 't' })
    }
    const conflict = await rejection(engine.write('t', [{ x: new Date(0) }, { x: 1 }]))
    expect(conflict).toMatchObject({ name: 'SchemaError', table: 't', column: 'x' })
    const none = await rejection(engine.write('t', [{ id: 1 }, { x: Symbol('x') }]))
    expect(none).toMatchObject({ name: 'SchemaError', column: 'x', row: 1, found: 'symbol' })
    expect(await columnsOf(engine)).toEqual(['id INTEGER'])
    await engine.write('t', [{ id: 2, 'any "name"; --': 1 }])
    expect(await columnsOf(engine)).toEqual(['id INTEGER', 'any "name"; -- BIGINT'])
  })

  it('fails a batch alone that has other fields each time it is read', async () => {
    const engine = await openWith({ columns: 'evolve' }, 'id INTEGER')
    let readings = 0
    const changing = new Proxy(
      {},
      {
        ownKeys: () => [`f${readings++}`],
        getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
        get: (_, field) => (field === '__proto__' ? Object.prototype : 1),
      },
    )
    const [failed, after] = await Promise.allSettled([
      engine.write('t', [changing]),
      engine.write('t', [{ id: 2 }]),
    ])
    expect(failed).toMatchObject({ status: 'rejected', reason: { name: 'SchemaError' } })
    expect(after.status).toBe('fulfilled')
    expect(await engine.query('SELECT id FROM t')).toEqual([{ id: 2 }])
  })

  it('adds what a batch has beside declared columns, which keep the types that were declared', async () => {
    const path = databasePath()
    const tables = {
      t: { columns: { price: 'DECIMAL(9,2)', note: 'VARCHAR' }, schemaContract: { columns: 'evolve' } },
    } as const
    for (const id of [1, 2]) {
      const engine = await openEngine({ path, tables })
      await engine.write('t', [{ id, price: 1.25 }])
      expect(await columnsOf(engine)).toEqual(['price DECIMAL(9,2)', 'note VARCHAR', 'id BIGINT'])
      await engine.close()
    }
    // a declared column that the table lacks is added as it is declared
    const more = { t: { ...tables.t, columns: { ...tables.t.columns, Day: 'DATE' } } }
    const engine = await openEngine({ path, tables: more })
    await engine.write('t', [{ id: 3, day: '2026-11-22' }])
    expect((await columnsOf(engine)).at(-1)).toBe('Day DATE')
  })

  it('adds a column to a table with keys, checks and indexes', async () => {
    const engine = await openWith({ columns: 'evolve' }, 'id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0)')
    await engine.query('CREATE INDEX i ON t (n)')
    await engine.write('t', [{ id: 1, n: 1, x: 'new' }])
    expect(await engine.query('FROM t')).toEqual([{ id: 1, n: 1, x: 'new' }])
  })
})

describe('types: evolve', () => {
  it('widens a column for a value that comes when parts have been sent, and loses and doubles no row', async () => {
    const path = databasePath()
    const engine = await openWith({ types: 'evolve' }, 'id INTEGER, a TINYINT, b INTEGER', path)
    await engine.write('t', [{ id: -1, a: 1, b: 1 }])
    const records = numbered(50_000, (id) => ({ a: id === 49_000 ? 300 : 1, b: id === 40_000 ? 'text' : id }))
    const writes = [
      engine.write('t', records),
      engine.write('t', numbered(10)),
      engine.write('t', [{ id: 0 }]),
    ]
    const receipts = await Promise.all(writes)
    expect(receipts.map(({ rowCount }) => rowCount)).toEqual([50_000, 10, 1])
    expect(receipts.map(({ sequence }) => sequence)).toEqual(
      receipts.map(({ sequence }) => sequence).toSorted(),
    )
    expect(await columnsOf(engine)).toEqual(['id INTEGER', 'a SMALLINT', 'b VARCHAR'])
    await engine.close()
    const [row] = await readFile(
      path,
      `SELECT count(*) AS rows, count(a) AS values, max(a) AS most, count(b) FILTER (b = id::VARCHAR) AS numbers,
        count(*) FILTER (b = 'text') AS texts FROM t WHERE id >= 0`,
    )
    expect(row).toEqual({ rows: 50_011n, values: 50_000n, most: 300, numbers: 49_999n, texts: 1n })
  })

  it('goes on from type to type, and writes scalars into a VARCHAR as their text', async () => {
    const engine = await openWith({ types: 'evolve' }, 'v TINYINT')
    const seen: string[] = []
    for (const v of [1, 300, 2 ** 40, 2n ** 80n, 2n ** 200n, 'text', 5, 0.5, true]) {
      await engine.write('t', [{ v }])
      seen.push(...(await columnsOf(engine)))
    }
    const types = ['TINYINT', 'SMALLINT', 'BIGINT', 'HUGEINT', 'BIGNUM', ...Array(4).fill('VARCHAR')]
    expect(seen).toEqual(types.map((type) => `v ${type}`))
    const rows = await engine.query<{ v: string }>('FROM t')
    expect(rows.map(({ v }) => v)).toEqual([
      ...['1', '300', String(2 ** 40), String(2n ** 80n), String(2n ** 200n), 'text', '5', '0.5', 'true'],
    ])
  })

  it('widens what is inside a column, and adds fields to a STRUCT', async () => {
    const engine = await openWith({ types: 'evolve' }, 'v STRUCT(a INTEGER), l INTEGER[]')
    await engine.write('t', [{ v: { a: 1 }, l: [1] }])
    await engine.write('t', [{ v: { a: 1.5, b: ['x'] } }, { l: [2 ** 40] }])
    expect(await columnsOf(engine)).toEqual(['v STRUCT(a DOUBLE, b VARCHAR[])', 'l BIGINT[]'])
    expect(await engine.query('SELECT v::VARCHAR AS v, l::VARCHAR AS l FROM t')).toEqual([
      { v: `{'a': 1.0, 'b': NULL}`, l: '[1]' },
      { v: `{'a': 1.5, 'b': [x]}`, l: null },
      { v: null, l: `[${2 ** 40}]` },
    ])
  })

  it('fails a batch alone with the value where no type takes it, and alters nothing', async () => {
    const engine = await openWith({ types: 'evolve' }, 'id INTEGER, b BLOB')
    for (const v of [[1], { a: 1 }, () => 1, new Uint8Array(1)]) {
      const error = await rejection(engine.write('t', [{ id: 2 ** 40 }, { id: v }]))
      expect(error).toMatchObject({ name: 'ValueError', column: 'id' })
    }
    expect(await rejection(engine.write('t', [{ id: 2 ** 40, b: 'täxt' }]))).toMatchObject({ column: 'b' })
    expect(await engine.query('FROM t')).toEqual([])
  })

  it('tells where DuckDB refuses the ALTER, and why; the next batch is written', async () => {
    const engine = await openWith({ types: 'evolve' }, 'id INTEGER PRIMARY KEY, n INTEGER')
    const records = numbered(20_000, (id) => (id === 19_000 ? { id: 2 ** 40 } : {}))
    const error = await rejection(engine.write('t', records))
    expect(error).toMatchObject({ name: 'SchemaError', code: 'DDL_FAILED', table: 't', column: 'id' })
    expect((error as Error).message).toContain('PRIMARY KEY')
    await engine.write('t', [{ id: 1, n: 2 ** 40 }])
    expect(await engine.query('FROM t')).toEqual([{ id: 1, n: BigInt(2 ** 40) }])
  })

  it('is taken for what it is when the engine opens with the columns that were declared', async () => {
    const path = databasePath()
    const tables = { t: { columns: { v: 'INTEGER' }, schemaContract: { types: 'evolve' } } } as const
    for (const v of [2 ** 40, 'text', 1]) {
      const engine = await openEngine({ path, tables })
      await engine.write('t', [{ v }])
      await engine.close()
    }
    expect(await readFile(path, 'FROM t')).toEqual([{ v: String(2 ** 40) }, { v: 'text' }, { v: '1' }])
  })

  it('and columns: evolve work on one batch together', async () => {
    const engine = await openWith({ columns: 'evolve', types: 'evolve' }, 'id TINYINT')
    await engine.write(
      't',
      numbered(10_000, (id) => (id > 9_000 ? { x: id } : {})),
    )
    expect(await columnsOf(engine)).toEqual(['id SMALLINT', 'x BIGINT'])
    expect(await engine.query('SELECT count(*) AS rows, count(x) AS xs FROM t')).toEqual([
      { rows: 10_000n, xs: 999n },
    ])
  })
})

describe('discard-value', () => {
  it('leaves fields without a column out, and counts those that said something', async () => {
    const engine = await openWith({ columns: 'discard-value' }, 'id INTEGER')
    const receipt = await engine.write('t', [
      { id: 1, x: 1, y: null },
      { id: 2, x: 'a' },
      { id: 3 },
      { id: 4, x: null },
    ])
    expect(receipt).toMatchObject({ rowCount: 4, discardedValueCount: 2, discardedRowCount: 0 })
    expect(engine.stats()).toMatchObject({ discardedValues: 2, discardedRows: 0 })
    expect(await columnsOf(engine)).toEqual(['id INTEGER'])
  })

  it('makes values NULL that their column cannot hold, and counts them, however many', async () => {
    const path = databasePath()
    const engine = await openWith({ types: 'discard-value' }, 'id INTEGER, a INTEGER, b VARCHAR', path)
    const records = numbered(30_000, (id) => ({
      a: id % 1_000 === 0 ? 1.5 : id,
      b: id >= 10_000 && id < 15_000 ? id : `text of ${id}`,
    }))
    const receipt = await engine.write('t', records)
    expect(receipt).toMatchObject({ rowCount: 30_000, discardedValueCount: 30 + 5_000 })
    await engine.close()
    const [row] = await readFile(
      path,
      `SELECT count(*) FILTER (a IS NULL AND id % 1000 = 0) AS nulls, count(*) FILTER (a = id) AS kept,
        count(*) FILTER (b IS NULL AND id BETWEEN 10000 AND 14999) AS texts, count(b) AS others FROM t`,
    )
    expect(row).toEqual({ nulls: 30n, kept: 29_970n, texts: 5_000n, others: 25_000n })
  })

  it('counts what it leaves out in all records of a batch, also where the last ones are no rows', async () => {
    const columns = { id: 'INTEGER' }
    const schemaContract = { columns: 'discard-value' } as const
    const engine = await openEngine({ tables: { t: { columns, schemaContract, badRecords: 'skip' } } })
    const records = numbered(10_000, (id) => (id < 7_000 ? { x: id } : { id: 'none', x: id }))
    const counts = { skippedCount: 3_000, discardedValueCount: 10_000 }
    expect(await engine.write('t', records)).toMatchObject({ rowCount: 7_000, ...counts })
    // no part at all
    expect(await engine.write('t', [{ id: 'none', x: 1 }])).toMatchObject({ discardedValueCount: 1 })
    expect(engine.stats()).toMatchObject({ skippedRecords: 3_001, discardedValues: 10_001 })
  })

  it('makes a value NULL that cannot be read', async () => {
    const engine = await openWith({ types: 'discard-value' }, 'id INTEGER, a INTEGER')
    const record = {
      id: 1,
      get a(): number {
        throw new Error('no')
      },
    }
    expect(await engine.write('t', [record, { id: 2, a: 2 }])).toMatchObject({ discardedValueCount: 1 })
    expect(await engine.query('FROM t')).toEqual([
      { id: 1, a: null },
      { id: 2, a: 2 },
    ])
  })

  it('leaves out the rows of a table that is absent, in the order of the receipts', async () => {
    const engine = await openEngine({ tables: { t: { schemaContract: { tables: 'discard-value' } } } })
    const writes = [engine.write('other', [{ id: 1 }]), engine.write('t', [{ id: 1 }, { id: 2 }])]
    const order: number[] = []
    writes.forEach((write, index) => void write.then(() => order.push(index)))
    const [, receipt] = await Promise.all(writes)
    expect(receipt).toMatchObject({ rowCount: 0, discardedRowCount: 2, discardedValueCount: 0 })
    expect(order).toEqual([0, 1])
    expect(engine.stats()).toMatchObject({ discardedRows: 2, committedRows: 1 })
    await engine.query('CREATE TABLE t (id INTEGER)')
    expect(await engine.write('t', [{ id: 1 }])).toMatchObject({ rowCount: 1, discardedRowCount: 0 })
  })
})

describe('freeze', () => {
  it('is what columns and types are by default', async () => {
    const engine = await openWith({}, 'id INTEGER')
    expect(await rejection(engine.write('t', [{ id: 1, x: 1 }]))).toMatchObject({
      name: 'SchemaError',
      column: 'x',
    })
    expect(await rejection(engine.write('t', [{ id: 1.5 }]))).toMatchObject({
      name: 'ValueError',
      column: 'id',
    })
    expect(await columnsOf(engine)).toEqual(['id INTEGER'])
  })

  it('of tables leaves the columns of a table that is there free to evolve', async () => {
    const engine = await openWith({ tables: 'freeze', columns: 'evolve' }, 'id INTEGER')
    await engine.write('t', [{ id: 1, x: 1 }])
    expect(await columnsOf(engine)).toEqual(['id INTEGER', 'x BIGINT'])
  })
})

it('each change is told by schemaChange and in the log, with before and after', async () => {
  const logger = new Logger<ILogObj>({ type: 'hidden' })
  const lines: Record<string, unknown>[] = []
  logger.attachTransport({ format: 'json', write: (_record, line) => void lines.push(JSON.parse(line)) })
  const engine = await openEngine({
    logger,
    tables: { t: { schemaContract: { columns: 'evolve', types: 'evolve' } } },
  })
  await engine.write('t', [{ id: 1 }])
  const added = once(engine, 'schemaChange')
  await engine.write('t', [{ x: 1 }])
  const table = { name: 't' }
  const after = [{ name: 'x', type: 'BIGINT' }]
  expect(await added).toEqual([{ table, kind: 'add-column', before: [], after, origin: 'inferred' }])
  const altered = once(engine, 'schemaChange')
  await engine.write('t', [{ x: 'secret' }])
  const wider = [{ name: 'x', type: 'VARCHAR' }]
  expect(await altered).toEqual([
    { table, kind: 'alter-type', before: after, after: wider, origin: 'inferred' },
  ])
  await engine.close()
  expect(lines).toContainEqual(
    expect.objectContaining({ message: 'column added', table: 't', before: [], after }),
  )
  expect(lines).toContainEqual(
    expect.objectContaining({ message: 'column type widened', table: 't', before: after, after: wider }),
  )
  expect(JSON.stringify(lines)).not.toContain('secret')
})

it('a batch that is aborted while its table follows it is not written', async () => {
  const engine = await openWith({ columns: 'evolve' }, 'id INTEGER')
  const controller = new AbortController()
  engine.on('schemaChange', () => controller.abort(new Error('enough')))
  const records = numbered(200_000, (id) => ({ x: id }))
  await expect(engine.write('t', records, { signal: controller.signal })).rejects.toThrow('enough')
  expect(await engine.query('SELECT count(*) AS count FROM t')).toEqual([{ count: 0n }])
})
