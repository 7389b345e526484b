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
  it('names the columns that differ', () => {
    const expected = expectedChecksum(FLAT_WORKLOAD, 100)
    expect(describeDifference(expected, expected)).toBeUndefined()
    expect(describeDifference({ ...expected, rows: '99', ok: '1' }, expected)).toBe(
      'rows is 99, not 100; ok is 1, not 34',
    )
  })
})
