import { afterAll, beforeAll, expect, it } from 'vitest'
import { SinkEngine } from '../src/index.ts'

let engine: SinkEngine
let made = 0
beforeAll(async () => {
  engine = await SinkEngine.open({
    path: ':memory:',
    tables: { evolving: { schemaContract: { columns: 'evolve' } } },
  })
})
afterAll(() => engine.close())

/** Writes batches into a new table, and reads what it holds then. */
async function written(...batches: (readonly object[])[]): Promise<unknown[][]> {
  const table = `t${++made}`
  await engine.query(`CREATE TABLE ${table} (id INTEGER, a INTEGER DEFAULT 7, b VARCHAR DEFAULT 'none')`)
  for (const batch of batches) await engine.write(table, batch)
  const rows = await engine.query(`FROM ${table} ORDER BY id`)
  return rows.map(({ id, a, b }) => [id, a, b])
}

it('a field that no record of a batch has gets the DEFAULT of its column', async () => {
  expect(await written([{ id: 1 }, { id: 2 }], [{ id: 3, b: 'x' }])).toEqual([
    [1, 7, 'none'],
    [2, 7, 'none'],
    [3, 7, 'x'],
  ])
})

it('a field that only some records of a batch have is NULL in the others', async () => {
  const many = Array.from({ length: 9_000 }, (_, id) => ({ id: id + 10 }))
  const rows = await written([{ id: 1 }, { id: 2, a: 5 }, { id: 3 }], [...many, { id: 9_999, b: 'last' }])
  expect(rows).toEqual([
    [1, null, 'none'],
    [2, 5, 'none'],
    [3, null, 'none'],
    ...many.map(({ id }) => [id, 7, null]),
    [9_999, 7, 'last'],
  ])
})

it('an undefined field is a field that is there and NULL', async () => {
  expect(await written([{ id: 1, a: undefined }], [{ id: 2, a: null, b: undefined }])).toEqual([
    [1, null, 'none'],
    [2, null, null],
  ])
})

it('fields may stand in any order, and in another one in each record', async () => {
  const rows = await written([
    { b: 'x', a: 1, id: 1 },
    { id: 2, b: 'y', a: 2 },
    { a: 3, id: 3 },
    { id: 4, a: 4, b: 'z' },
    { b: 'w', id: 5 },
  ])
  expect(rows).toEqual([
    [1, 1, 'x'],
    [2, 2, 'y'],
    [3, 3, null],
    [4, 4, 'z'],
    [5, null, 'w'],
  ])
})

it('a batch in which every value of a column is NULL is written as NULL, chunk for chunk', async () => {
  const rows = await written(
    Array.from({ length: 5_000 }, (_, id) => ({ id, a: id < 2_500 ? null : id, b: null })),
  )
  expect(rows).toEqual(Array.from({ length: 5_000 }, (_, id) => [id, id < 2_500 ? null : id, null]))
})

it('a batch without any field of the table is refused', async () => {
  await expect(written([{}, {}])).rejects.toMatchObject({
    name: 'SchemaError',
    code: 'SCHEMA_MISMATCH',
    table: `t${made}`,
  })
})

it('a batch is written once, and as a whole, where fields come late, one after another', async () => {
  const many = Array.from({ length: 40_000 }, (_, id) => ({ id }))
  const late = [...many, { id: 40_000, a: 1 }, ...many.slice(0, 9_000), { id: 40_001, b: 'x' }]
  const rows = await written(late, [{ id: 50_000 }], late)
  const expected = [...late, ...late].map((record) => [
    record.id,
    'a' in record ? record.a : null,
    'b' in record ? record.b : null,
  ])
  expect(rows).toHaveLength(expected.length + 1)
  expect(rows.filter(([, a, b]) => a !== null || b !== null)).toEqual([
    [40_000, 1, null],
    [40_000, 1, null],
    [40_001, null, 'x'],
    [40_001, null, 'x'],
    [50_000, 7, 'none'],
  ])
})

it('records without any field come before those that have some', async () => {
  const rows = await written([...Array.from({ length: 5_000 }, () => ({})), { id: 1 }])
  expect(rows.filter(([id]) => id !== null)).toEqual([[1, 7, 'none']])
  expect(rows).toHaveLength(5_001)
})

it('a field that comes late becomes a column where the table may have new ones', async () => {
  await engine.query('CREATE TABLE evolving (id INTEGER)')
  const records = Array.from({ length: 20_000 }, (_, id) => (id < 15_000 ? { id } : { id, late: `${id}` }))
  await expect(engine.write('evolving', records)).resolves.toMatchObject({ rowCount: 20_000 })
  const [row] = await engine.query('SELECT count(*) AS rows, count(late) AS late FROM evolving')
  expect(row).toEqual({ rows: 20_000n, late: 5_000n })
})
