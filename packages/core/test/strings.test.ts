import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import type { SinkEngine } from '../src/index.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile, readValue } from './read-file.ts'

const columns = { id: 'INTEGER', text: 'VARCHAR', bytes: 'BLOB' }

async function openStrings(): Promise<{ engine: SinkEngine; path: string }> {
  const path = databasePath()
  return { path, engine: await openEngine({ path, tables: { strings: { columns } } }) }
}

const md5 = (data: string | Uint8Array): string => createHash('md5').update(data).digest('hex')
const hexOf = (text: string): string => Buffer.from(text).toString('hex').toUpperCase()

it('a string of 16 MiB is committed whole', async () => {
  const { engine, path } = await openStrings()
  const text = 'ein Satz mit Umlaut: ä. '.repeat(2 ** 20 * (16 / 25)).padEnd(2 ** 24 - 100, '.')
  await engine.write('strings', [
    { id: 1, text: 'before' },
    { id: 2, text },
    { id: 3, text: 'after' },
  ])
  await engine.close()
  expect(await readFile(path, 'SELECT id, md5(text) AS md5 FROM strings ORDER BY id')).toEqual(
    ['before', text, 'after'].map((given, index) => ({ id: index + 1, md5: md5(given) })),
  )
})

it('strings and blobs so long that they cut chunks short are committed each as it was given', async () => {
  const { engine, path } = await openStrings()
  const records = Array.from({ length: 500 }, (_, id) => ({
    id,
    text: id % 7 === 0 ? 'short' : String.fromCharCode(97 + (id % 26)).repeat(100_000 + id),
    bytes: id % 5 === 0 ? null : Buffer.alloc(50_000 + id, id),
  }))
  await engine.write('strings', records)
  await engine.close()
  const rows = await readFile(
    path,
    'SELECT id, md5(text) AS text, md5(bytes) AS bytes FROM strings ORDER BY id',
  )
  expect(rows).toEqual(
    records.map(({ id, text, bytes }) => ({ id, text: md5(text), bytes: bytes && md5(bytes) })),
  )
})

it('strings of every length around those that DuckDB keeps inline come back as they were given', async () => {
  const { engine, path } = await openStrings()
  const texts = Array.from({ length: 40 }, (_, length) => [
    'abcdefghijklmnopqrstuvwxyz0123456789ABCD'.slice(0, length),
    'äbcdefghijklmnopqrstuvwxyz0123456789ABCD'.slice(0, length),
    '\0'.repeat(length),
    '😀'.repeat(length),
  ]).flat()
  await engine.write(
    'strings',
    texts.map((text, id) => ({ id, text, bytes: Buffer.from(text) })),
  )
  await engine.close()
  const rows = await readFile(path, 'SELECT text, hex(bytes) AS hex FROM strings ORDER BY id')
  expect(rows).toEqual(texts.map((text) => ({ text, hex: hexOf(text) })))
})

it('empty strings and empty blobs are not NULL', async () => {
  const { engine, path } = await openStrings()
  await engine.write('strings', [{ id: 1, text: '', bytes: new Uint8Array() }])
  await engine.close()
  const sql = `SELECT text = '' AND bytes = ''::BLOB FROM strings`
  expect(await readValue(path, sql)).toBe(true)
})

it('a blob is the bytes that its view shows, and no others of its buffer', async () => {
  const { engine, path } = await openStrings()
  await engine.write('strings', [{ id: 1, bytes: Uint8Array.of(1, 2, 3, 4, 5).subarray(1, 4) }])
  await engine.close()
  expect(await readValue(path, 'SELECT hex(bytes) FROM strings')).toBe('020304')
})

it('text of every plane of Unicode comes back as it was given, among long and short ones', async () => {
  const { engine, path } = await openStrings()
  const words = [
    'Größe',
    '日本語のテキスト',
    '🦆🦆🦆',
    'e\u0301',
    '\u{10ffff}',
    '\ufeffBOM',
    'plain',
    '\ufffd',
    '',
  ]
  const texts = Array.from(
    { length: 4_000 },
    (_, id) => `${words[id % 9]}${id % 100 === 0 ? 'x'.repeat(id) : ''}`,
  )
  await engine.write(
    'strings',
    texts.map((text, id) => ({ id, text })),
  )
  await engine.close()
  const rows = await readFile(path, 'SELECT hex(text) AS hex FROM strings ORDER BY id')
  expect(rows.map(({ hex }) => hex)).toEqual(texts.map(hexOf))
})

it('a lone surrogate is refused, also where its other half follows in the next record', async () => {
  const { engine, path } = await openStrings()
  const write = (...texts: string[]) =>
    engine.write(
      'strings',
      texts.map((text, id) => ({ id, text })),
    )
  const refusal = { name: 'ValueError', column: 'text', expected: 'VARCHAR', found: 'string' }
  await expect(write('fine', '\ud83e')).rejects.toMatchObject({ ...refusal, row: 1 })
  await expect(write('\ud83e', '\udd86')).rejects.toMatchObject({ ...refusal, row: 0 })
  await expect(write('a text that is not inline', 'another such text \udd86')).rejects.toMatchObject({
    ...refusal,
    row: 1,
  })
  await write('\ud83e\udd86')
  await engine.close()
  expect(await readFile(path, 'SELECT text FROM strings')).toEqual([{ text: '🦆' }])
})

it('strings stay whole where reading them has a collector take others', async () => {
  const engine = await openEngine({ tables: { strings: { columns }, reads: { columns } } })
  const collector = engine.table('reads').collect({ maxDelayMs: 60_000 })
  await collector.ready
  const textOf = (id: number): string => `${id}: more than an entry has room for`
  const records = Array.from({ length: 1_000 }, (_, id) => ({
    id,
    get text(): string {
      if (id % 100 === 50) collector.push({ id, text: `the one of ${id} was read` })
      return textOf(id)
    },
  }))
  await engine.write('strings', records)
  await collector.close()
  const texts = await engine.query('SELECT text FROM strings ORDER BY id')
  expect(texts).toEqual(records.map((_, id) => ({ text: textOf(id) })))
  const wrong = "SELECT text FROM reads WHERE text != format('the one of {} was read', id)"
  expect(await engine.query(wrong)).toEqual([])
})
