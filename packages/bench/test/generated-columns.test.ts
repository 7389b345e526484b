import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { checksumSql, describeDifference, expectedChecksum, toChecksum } from '../src/checksum.ts'
import { createBatch, createTableSqlOf } from '../src/dataset.ts'
import { type Alphabet, createGenerated, type GeneratedColumn } from '../src/generated-columns.ts'

function textColumn(alphabet: Alphabet, bytes: number, distinct = 0): GeneratedColumn {
  return { name: 'c0', kind: 'text', alphabet, bytes, distinct, nullPercent: 0 }
}

function valuesOf(column: GeneratedColumn, rows: number): unknown[] {
  return createGenerated([column], { firstId: 0, rows }).map((record) => Reflect.get(record, column.name))
}

describe('generated columns', () => {
  for (const alphabet of ['ascii', 'latin', 'cjk', 'emoji'] as const) {
    it(`have ${alphabet} texts of the length that is asked for, all different`, () => {
      const texts = valuesOf(textColumn(alphabet, 50), 500) as string[]
      const lengths = texts.map((text) => Buffer.byteLength(text))
      expect(Math.max(...lengths)).toBeLessThanOrEqual(50)
      expect(Math.min(...lengths)).toBeGreaterThanOrEqual(47)
      expect(new Set(texts).size).toBe(500)
      expect(texts.every((text) => text.isWellFormed())).toBe(true)
    })
  }

  it('have as many different texts as are asked for', () => {
    const texts = valuesOf(textColumn('ascii', 8, 5), 1_000) as string[]
    expect(new Set(texts.map((text) => Number.parseInt(text, 10)))).toEqual(new Set([0, 1, 2, 3, 4]))
  })

  it('have as many NULLs as are asked for', () => {
    for (const nullPercent of [0, 10, 90]) {
      const values = valuesOf({ name: 'c7', kind: 'double', nullPercent }, 1_000)
      expect(values.filter((value) => value === null)).toHaveLength(nullPercent * 10)
    }
  })

  it('sum up in DuckDB as expected', async () => {
    const columns: GeneratedColumn[] = [
      { name: 'c0', kind: 'integer', nullPercent: 10 },
      { name: 'c1', kind: 'double', nullPercent: 0 },
      { name: 'c2', kind: 'boolean', nullPercent: 0 },
      { name: 'c3', kind: 'timestamp', nullPercent: 0 },
      { ...textColumn('cjk', 30), name: 'c4', nullPercent: 90 },
    ]
    const dataset = { kind: 'columns', columns } as const
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(createTableSqlOf(dataset))
    const json = JSON.stringify(createBatch(dataset, { firstId: 0, rows: 300 })).replaceAll("'", "''")
    await connection.run(
      `INSERT INTO t BY NAME SELECT unnest(from_json('${json}', '[{"c0":"INTEGER","c1":"DOUBLE","c2":"BOOLEAN","c3":"TIMESTAMP","c4":"VARCHAR"}]'), max_depth := 2)`,
    )
    const sums = await connection.runAndReadAll(checksumSql(dataset, 'duckdb'))
    expect(toChecksum(sums.getRowObjects()[0] ?? {})).toEqual(expectedChecksum(dataset, 300))
    // the same values in each column, two of them in the rows of each other
    await connection.run('UPDATE t SET c1 = 0.75 - c1 WHERE c1 IN (0.25, 0.5)')
    const mixed = await connection.runAndReadAll(checksumSql(dataset, 'duckdb'))
    const actual = toChecksum(mixed.getRowObjects()[0] ?? {})
    expect(describeDifference(actual, expectedChecksum(dataset, 300))).toMatch(/^records is \d+, not \d+$/)
    connection.closeSync()
    instance.closeSync()
  })
})
