import { expect, it } from 'vitest'
import type { SinkEngineOptions } from '../src/index.ts'
import { databasePath, numbered, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

const createTableSql = 'CREATE TABLE a (id INTEGER PRIMARY KEY)'
const tables = { a: { createTableSql }, b: { columns: { id: 'INTEGER' } } }

const SETTINGS: readonly NonNullable<SinkEngineOptions['groupCommit']>[] = [
  false,
  { maxBatches: 1 },
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
