import { expect, it } from 'vitest'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile, readValue } from './read-file.ts'

// one row, a chunk of 2,048 and its neighbours, a part of 8,192 and the next, a row group, and more than two
const SIZES = [1, 2_047, 2_048, 2_049, 8_192, 8_193, 122_880, 300_000]

const START = Date.UTC(2026, 0, 1)

const record = (id: number) => ({
  id,
  text: id % 10 === 3 ? null : `row ${id} of a text that is not short`,
  half: id / 2,
  made: new Date(START + id * 1_000),
})

const WRONG = `
  SELECT count(*) FROM events WHERE half IS DISTINCT FROM id / 2
    OR made IS DISTINCT FROM TIMESTAMP '2026-01-01' + INTERVAL (id) SECOND
    OR text IS DISTINCT FROM CASE WHEN id % 10 <> 3 THEN 'row ' || id || ' of a text that is not short' END`

it('a batch of any size is committed with every row once and as it was given', async () => {
  const path = databasePath()
  const columns = { batch: 'INTEGER', id: 'INTEGER', text: 'VARCHAR', half: 'DOUBLE', made: 'TIMESTAMP' }
  const engine = await openEngine({ path, tables: { events: { columns } } })
  const events = engine.table('events')
  for (const size of SIZES) {
    const records = Array.from({ length: size }, (_, id) => ({ batch: size, ...record(id) }))
    expect((await events.write(records)).rowCount).toBe(size)
  }
  expect(engine.bufferedBytes).toBe(0)
  await engine.close()
  const counts = 'SELECT batch, count(*) AS count, count(DISTINCT id) AS ids, max(id) AS last FROM events'
  expect(await readFile(path, `${counts} GROUP BY batch ORDER BY batch`)).toEqual(
    SIZES.map((size) => ({ batch: size, count: BigInt(size), ids: BigInt(size), last: size - 1 })),
  )
  expect(await readValue(path, WRONG)).toBe(0n)
})

it('a batch of a table with 600 columns is committed as it was given', async () => {
  const path = databasePath()
  const engine = await openEngine({ path })
  const names = Array.from({ length: 600 }, (_, index) => `c${index}`)
  const records = Array.from({ length: 300 }, (_, row) =>
    Object.fromEntries(names.map((name, index) => [name, index % 3 === 0 ? `${row}:${index}` : row * index])),
  )
  await engine.write('wide', records)
  await engine.close()
  const sums = names.map((name, index) => (index % 3 === 0 ? `max(${name})` : `sum(${name})::BIGINT`))
  const [row = {}] = await readFile(path, `SELECT count(*), ${sums.join(', ')} FROM wide`)
  expect(Object.values(row)).toEqual([
    300n,
    ...names.map((_, index) => (index % 3 === 0 ? `9:${index}` : BigInt((index * 299 * 300) / 2))),
  ])
})
