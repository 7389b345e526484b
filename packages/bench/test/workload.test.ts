import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { checksumSql, describeDifference, expectedChecksum, toChecksum } from '../src/checksum.ts'
import { FLAT_WORKLOAD } from '../src/dataset.ts'
import { createRanges, createRecord, createRecords, selectRowsSql } from '../src/workload.ts'

describe('the workload', () => {
  it('gives the same record for the same id', () => {
    expect(createRecord(123_456)).toEqual(createRecord(123_456))
    expect(createRecord(7)).toEqual({
      id: 7,
      name: 'Charlie',
      age: 27,
      location: 'Phoenix',
      price: 7 * 1.37,
      ok: false,
      ts: new Date('2023-11-14T22:13:27Z'),
      note: 'order 7 shipped from warehouse 7 to customer 217',
    })
  })

  it('never repeats a record from one batch to the next', () => {
    const records = createRanges(3, 50).flatMap(createRecords)
    expect(records.map(({ id }) => id)).toEqual(Array.from({ length: 150 }, (_, i) => i))
    expect(new Set(records.map(({ note }) => note)).size).toBe(150)
  })

  it('is made alike by DuckDB itself, and sums up as expected', async () => {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(`CREATE TABLE t AS ${selectRowsSql({ firstId: 0, rows: 3_000 })}`)
    const rows = await connection.runAndReadAll('SELECT * FROM t WHERE id < 40 ORDER BY id')
    expect(rows.getRowObjectsJS()).toEqual(createRecords({ firstId: 0, rows: 40 }))
    const sums = await connection.runAndReadAll(checksumSql(FLAT_WORKLOAD, 'duckdb'))
    expect(toChecksum(sums.getRowObjects()[0] ?? {})).toEqual(expectedChecksum(FLAT_WORKLOAD, 3_000))
    connection.closeSync()
    instance.closeSync()
  })
})

describe('the checksum', () => {
  // By none of these a row is missing, a text longer or shorter, or the sum of a column another.
  it.each([
    ['names', 'name', `name = CASE id WHEN 0 THEN 'Diana' ELSE 'Alice' END WHERE id IN (0, 3)`],
    ['places', 'location', `location = CASE id WHEN 1 THEN 'Phoenix' ELSE 'Chicago' END WHERE id IN (1, 2)`],
    ['ages', 'age', 'age = 43 - age WHERE id IN (1, 2)'],
    ['prices', 'priceCents', 'price = 4.11 - price WHERE id IN (1, 2)'],
    ['flags', 'ok', 'ok = NOT ok WHERE id IN (3, 4)'],
    ['moments', 'tsMs', 'ts = epoch_ms(1700000000000 + (3 - id) * 1000) WHERE id IN (1, 2)'],
    ['characters', 'note', `note = replace(note, 'ware', 'wrae')`],
  ])('tells that two %s have changed places', async (_, figure, change) => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run(`CREATE TABLE t AS ${selectRowsSql({ firstId: 0, rows: 100 })}`)
    await connection.run(`UPDATE t SET ${change}`)
    const sums = await connection.runAndReadAll(checksumSql(FLAT_WORKLOAD, 'duckdb'))
    const actual = toChecksum(sums.getRowObjects()[0] ?? {})
    expect(describeDifference(actual, expectedChecksum(FLAT_WORKLOAD, 100))).toMatch(
      new RegExp(`^${figure} is \\d+, not \\d+$`),
    )
    connection.closeSync()
  })

  it('names the columns that differ', () => {
    const expected = expectedChecksum(FLAT_WORKLOAD, 100)
    expect(describeDifference(expected, expected)).toBeUndefined()
    expect(describeDifference({ ...expected, rows: '99', ok: '1' }, expected)).toBe(
      'rows is 99, not 100; ok is 1, not 1717',
    )
  })
})
