import { expect, test } from 'vitest'
import { openSession } from './session.ts'

// 12 bytes are the most that DuckDB keeps in a vector's entry, and 2,048 rows in a chunk

test('texts of every length are read as they are, and NULL apart from an empty one', async () => {
  const { database } = await openSession()
  const texts = ['', 'a', 'twelve bytes', 'thirteen byte', '🦆🦆🦆', '🦆🦆🦆🦆', '\ufeffa', 'a\0b']
  const sqlOf = (text: string): string =>
    ["''", ...[...text].map((one) => `chr(${one.codePointAt(0)})`)].join(' || ')
  const rows = await database.writer.texts(`SELECT unnest([${texts.map(sqlOf).join()}])`)
  expect(rows).toEqual(texts.map((text) => [text]))
  expect(await database.writer.texts("SELECT NULL::VARCHAR, ''")).toEqual([[null, '']])
  expect(await database.writer.texts("SELECT 'a' WHERE false")).toEqual([])
})

test('rows of several chunks come in their order, each with its NULLs', async () => {
  const { database } = await openSession()
  const rows = await database.writer.texts(`
    SELECT i::VARCHAR, CASE WHEN i % 3 > 0 THEN repeat('ab', (i % 10)::INTEGER) END FROM range(5000) AS rows(i)`)
  const expected = Array.from({ length: 5000 }, (_, i) => [String(i), i % 3 > 0 ? 'ab'.repeat(i % 10) : null])
  expect(rows).toEqual(expected)
})
