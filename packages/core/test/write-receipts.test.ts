import { expect, it } from 'vitest'
import { databasePath, numbered, openEngine } from './open-engine.ts'
import { readFile, readValue } from './read-file.ts'

it('a write resolves to a receipt of exactly its rows, and they are in the file', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const receipt = await engine.write('events', [
    { id: 1, name: 'one' },
    { id: 2, name: 'two' },
  ])
  expect(receipt).toEqual({
    rowCount: 2,
    deadLetterCount: 0,
    discardedRowCount: 0,
    discardedValueCount: 0,
    skippedCount: 0,
    duplicate: false,
    sequence: 1,
    durationMs: expect.any(Number),
  })
  expect(receipt.durationMs).toBeGreaterThan(0)
  await engine.close()
  expect(await readFile(path, 'SELECT * FROM events ORDER BY id')).toEqual([
    { id: 1n, name: 'one' },
    { id: 2n, name: 'two' },
  ])
})

it('a receipt carries the key of its write, and has none where the write has none', async () => {
  const engine = await openEngine()
  const events = engine.table('events')
  expect(await events.write(numbered(1), { key: '2026-11' })).toMatchObject({ key: '2026-11' })
  expect(await events.write(numbered(1))).not.toHaveProperty('key')
})

it('writes made at once are committed in the order of their calls, whatever their size and table', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const sizes = [1, 20_000, 3, 0, 9_000, 2, 2, 1]
  const receipts = await Promise.all(
    sizes.map((size, index) => engine.write(index % 3 === 0 ? 'a' : 'b', numbered(size, index * 100_000))),
  )
  expect(receipts.map((receipt) => receipt.rowCount)).toEqual(sizes)
  const sequences = receipts.filter(({ rowCount }) => rowCount > 0).map(({ sequence }) => sequence)
  expect(sequences).toEqual([1, 2, 3, 4, 5, 6, 7])
  await engine.close()
  const sum = 'SELECT count(*) AS count, sum(id)::BIGINT AS sum FROM (FROM a UNION ALL FROM b)'
  const ids = sizes.flatMap((size, index) => numbered(size, index * 100_000))
  expect(await readFile(path, sum)).toEqual([
    { count: BigInt(ids.length), sum: BigInt(ids.reduce((total, { id }) => total + id, 0)) },
  ])
})

it('rows of concurrent writes to one table lie in the order of the calls', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const events = engine.table('events')
  await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      events.write(numbered(index % 7 === 0 ? 9_000 : 5, index * 9_000)),
    ),
  )
  await engine.close()
  const outOfOrder =
    'SELECT count(*) FROM (SELECT id < lag(id) OVER (ORDER BY rowid) AS back FROM events) WHERE back'
  expect(await readValue(path, outOfOrder)).toBe(0n)
})

it('an empty batch resolves to a receipt of no rows and makes no table', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  expect(await engine.write('events', [], { key: 'none' })).toMatchObject({ rowCount: 0, key: 'none' })
  await engine.close()
  expect(await readFile(path, 'FROM duckdb_tables()')).toEqual([])
})
