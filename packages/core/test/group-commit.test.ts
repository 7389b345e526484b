import { expect, it } from 'vitest'
import type { SinkEngineOptions } from '../src/index.ts'
import { databasePath, numbered, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

const createTableSql = 'CREATE TABLE a (id INTEGER PRIMARY KEY)'
const tables = { a: { createTableSql }, b: { columns: { id: 'INTEGER' } } }

const SETTINGS: readonly NonNullable<SinkEngineOptions['groupCommit']>[] = [
  false,
  { maxBatches: 4 },
  { maxDelayMs: 2 },
  { maxBatches: 3, maxDelayMs: 1 },
]

it.each(SETTINGS)(
  'writes that share commits or not have each its own receipt or failure: %j',
  async (groupCommit) => {
    const path = databasePath()
    const engine = await openEngine({ path, tables, groupCommit })
    const expected: { id: number }[] = []
    const writes = Array.from({ length: 60 }, (_, index) => {
      // a large one now and then, one that is refused here, one that DuckDB refuses, and small ones
      const records = numbered(index % 17 === 0 ? 10_000 : (index % 4) + 1, index * 10_000)
      if (index % 11 === 5) return engine.write('b', [...records, { id: 1.5 }])
      if (index % 13 === 7) return engine.write('a', [...records, records[0] as object])
      if (index % 3 !== 2) expected.push(...records)
      return engine.write(index % 3 === 2 ? 'b' : 'a', records)
    })
    const results = await Promise.allSettled(writes)
    const sequences: number[] = []
    for (const [index, result] of results.entries()) {
      const isBad = index % 11 === 5 || index % 13 === 7
      expect(result.status).toBe(isBad ? 'rejected' : 'fulfilled')
      if (result.status === 'fulfilled') sequences.push(result.value.sequence)
    }
    expect(sequences).toEqual(sequences.toSorted((x, y) => x - y))
    expect(new Set(sequences).size).toBe(sequences.length)
    await engine.close()
    expect(await readFile(path, 'FROM a ORDER BY rowid')).toEqual(expected)
  },
)

it('small batches that share a chunk keep each its own values, strings and NULLs', async () => {
  const path = databasePath()
  const columns = { id: 'INTEGER', text: 'VARCHAR', bytes: 'BLOB', flag: 'BOOLEAN', made: 'TIMESTAMP' }
  const engine = await openEngine({ path, tables: { kinds: { columns } } })
  const records = Array.from({ length: 1_500 }, (_, id) => ({
    id,
    // batches without a single long string, without a single NULL, and of nothing but NULL
    text: id % 30 < 3 ? null : id % 4 === 0 ? `${id} is a text that is not inline` : `${id}`,
    bytes: id % 7 === 0 ? null : Buffer.alloc(id % 40, id),
    flag: id % 21 < 9 ? null : id % 2 === 0,
    made: id % 5 === 0 ? null : new Date(id * 1_000),
  }))
  const writes: Promise<unknown>[] = []
  for (let from = 0; from < records.length; from += 3) {
    writes.push(engine.write('kinds', records.slice(from, from + 3)))
  }
  await Promise.all(writes)
  await engine.close()
  const rows = await readFile(
    path,
    'SELECT id, text, bytes, flag, epoch_ms(made) AS made FROM kinds ORDER BY id',
  )
  expect(rows).toEqual(
    records.map(({ bytes, made, ...rest }) => ({
      ...rest,
      bytes: bytes && { bytes },
      made: made && BigInt(made.getTime()),
    })),
  )
})

it('callers who each await their writes are all answered', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const caller = async (id: number) => {
    for (let round = 0; round < 10; round++) await engine.write('a', [{ id: id * 10 + round }])
  }
  await Promise.all(Array.from({ length: 64 }, (_, id) => caller(id)))
  await engine.close()
  const sql = 'SELECT count(*) AS count, count(DISTINCT id) AS ids FROM a'
  expect(await readFile(path, sql)).toEqual([{ count: 640n, ids: 640n }])
})
