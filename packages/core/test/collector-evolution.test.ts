import { expect, it } from 'vitest'
import { openWith } from './evolving-engine.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

const NO_DELAY = 2 ** 30

it('a collector holds the records that its table must follow, and loses none and keeps their order', async () => {
  const path = databasePath()
  const engine = await openWith({ columns: 'evolve', types: 'evolve' }, 'id INTEGER', path)
  await engine.write('t', [{ id: -1 }])
  const receipts: number[] = []
  const collector = engine.table('t').collect({
    maxBatchRows: 1_000,
    maxDelayMs: NO_DELAY,
    onReceipt: ({ rowCount }) => receipts.push(rowCount),
  })
  for (let id = 0; id < 10_000; id++) {
    if (id === 1_500) collector.push({ id, x: 1 })
    else if (id === 3_200) collector.push({ id, x: 'text' })
    else if (id === 3_300) collector.push({ id, y: id })
    else collector.push({ id })
    if (id % 500 === 0) await collector.ready
    if (id === 5_000) await collector.flush()
  }
  await collector.close()
  expect(engine.bufferedBytes).toBe(0)
  expect(receipts.reduce((sum, rows) => sum + rows, 0)).toBe(10_000)
  await engine.close()
  const rows = await readFile(path, 'FROM t ORDER BY rowid')
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 10_001 }, (_, index) => index - 1))
  expect(rows.filter(({ x, y }) => x !== null || y !== null)).toEqual([
    { id: 1_500, x: '1', y: null },
    { id: 3_200, x: 'text', y: null },
    { id: 3_300, x: null, y: 3_300n },
  ])
})

it('a collector encodes again at once when its table has followed', async () => {
  const engine = await openWith({ types: 'evolve' }, 'id INTEGER')
  await engine.write('t', [{ id: 1 }])
  const collector = engine.table('t').collect({ maxDelayMs: NO_DELAY })
  collector.push({ id: 2 ** 40 })
  await collector.flush()
  // no type takes this one: a push that is encoded says so
  expect(() => collector.push({ id: [1] })).toThrow('cannot become BIGINT')
  collector.push({ id: 2 })
  await collector.close()
  expect(await engine.query('SELECT count(*) AS count FROM t')).toEqual([{ count: 3n }])
})

it('a collector hands records back whose table cannot follow them, and goes on', async () => {
  const engine = await openWith({ types: 'evolve' }, 'id INTEGER PRIMARY KEY')
  await engine.write('t', [{ id: 1 }])
  const failures: unknown[] = []
  const collector = engine.table('t').collect({
    maxDelayMs: NO_DELAY,
    onFailure: (error, records) => failures.push([error.code, records()]),
  })
  collector.push({ id: 2 })
  collector.push({ id: 2 ** 40 })
  await collector.flush()
  collector.push({ id: 3 })
  await collector.close()
  expect(failures).toEqual([['DDL_FAILED', [{ id: 2 ** 40 }]]])
  expect(await engine.query('FROM t ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
})

it('a collector discards values as a write does', async () => {
  const engine = await openWith({ columns: 'discard-value', types: 'discard-value' }, 'id INTEGER, a VARCHAR')
  await engine.write('t', [{ id: 1 }])
  const counts: number[] = []
  const collector = engine.table('t').collect({
    maxDelayMs: NO_DELAY,
    onReceipt: ({ discardedValueCount }) => counts.push(discardedValueCount),
  })
  for (const record of [
    { id: 2, x: 1 },
    { id: 'x', a: 'a' },
    { id: 1.5, a: 5, x: 1 },
    { id: 3, x: null },
  ]) {
    collector.push(record as { id: number })
  }
  await collector.flush()
  collector.push({ id: 4 })
  await collector.close()
  expect(counts).toEqual([5, 0])
  expect(await engine.query('FROM t WHERE id IS DISTINCT FROM 1')).toEqual([
    { id: 2, a: null },
    { id: null, a: 'a' },
    { id: null, a: null },
    { id: 3, a: null },
    { id: 4, a: null },
  ])
})

it('a collector whose table is altered by another write goes on with its new columns', async () => {
  const engine = await openWith({ types: 'evolve' }, 'id INTEGER')
  await engine.write('t', [{ id: 1 }])
  const collector = engine.table('t').collect({ maxDelayMs: NO_DELAY })
  collector.push({ id: 2 })
  await engine.write('t', [{ id: 2 ** 40 }])
  collector.push({ id: 2 ** 41 })
  await collector.close()
  expect(await engine.query('FROM t ORDER BY id')).toEqual(
    [1, 2, 2 ** 40, 2 ** 41].map((id) => ({ id: BigInt(id) })),
  )
})

it('a collector of a table that is absent and may not be made lets its rows go', async () => {
  const engine = await openEngine({ tables: { t: { schemaContract: { tables: 'discard-value' } } } })
  const receipts: unknown[] = []
  const collector = engine.table('t').collect({
    onReceipt: ({ rowCount, discardedRowCount }) => receipts.push([rowCount, discardedRowCount]),
  })
  collector.push({ id: 1 })
  await collector.close()
  expect(receipts).toEqual([[0, 1]])
  expect(engine.bufferedBytes).toBe(0)
})
