import { randomUUID } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import type { Connection } from '../src/connection.ts'
import { Ledger, type LedgerWrite } from '../src/ledger.ts'
import { ledgerKeyProblem, MAX_LEDGER_KEY_BYTES } from '../src/ledger-key.ts'
import type { CommittedWrite, WriteIdentity } from '../src/protocol/ledger-messages.ts'
import { readFile } from './read-file.ts'
import { openSession, type Session, temporaryDirectory } from './session.ts'

const FIGURES = {
  ...{ rowCount: 7, deadLetterCount: 1, skippedCount: 2, discardedRowCount: 3 },
  discardedValueCount: 2 ** 40,
}
const DIGEST = { version: 3, hash: 'a1b2c3d4e5f60718293a4b5c6d7e8f90' }

const write = (identity: WriteIdentity, sequence = 1): LedgerWrite => ({
  identity,
  entry: { table: '"db"."t"', tableName: 't', digest: DIGEST, figures: FIGURES },
  sequence,
})
const keyed = (key: string, sequence?: number): LedgerWrite => write({ kind: 'key', key }, sequence)
const offset = (channel: string, at: bigint, sequence?: number): LedgerWrite =>
  write({ kind: 'offsets', offsets: [{ channel, offset: at, generation: 0 }] }, sequence)

async function open(path?: string): Promise<Session & { readonly ledger: Ledger }> {
  return (await openSession(path, {}, 'exactly-once')) as Session & { readonly ledger: Ledger }
}

async function insert({ writer, ledger }: Session, ...writes: LedgerWrite[]): Promise<void> {
  await ledger?.insert(writer, writes)
}

const lookUp = async (
  { database, ledger }: Session & { readonly ledger: Ledger },
  ...keys: string[]
): Promise<(CommittedWrite | undefined)[]> => {
  const found = await ledger.lookUp(database.writer, keys)
  return keys.map((key) => found.get(key))
}

describe('the ledger', () => {
  test('is two tables of the target, in its schema main', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await open(path)
    await insert(session, keyed('k', 4), offset('c', 9n, 5))
    session.close()
    const columns = 'key, "table", hash, hash_version, row_count, discarded_value_count, sequence'
    expect(await readFile(path, `SELECT ${columns} FROM main.ducksink_ledger`)).toEqual([
      ['k', '"db"."t"', DIGEST.hash, 3, '7', String(2 ** 40), '4'],
    ])
    expect(await readFile(path, 'SELECT channel, "offset", sequence FROM main.ducksink_offsets')).toEqual([
      ['c', '9', '5'],
    ])
    const age = "SELECT age(now(), committed_at) < INTERVAL '1 hour' FROM ducksink_ledger"
    expect(await readFile(path, age)).toEqual([[true]])
  })

  test('gives for each key what was committed, all figures of it', async () => {
    const session = await open()
    await insert(session, keyed('a', 1), keyed('b', 2))
    const a = { ...FIGURES, sequence: 1, table: '"db"."t"', digest: DIGEST }
    expect(await lookUp(session, 'b', 'absent', 'a')).toEqual([{ ...a, sequence: 2 }, undefined, a])
    expect(await lookUp(session)).toEqual([])
  })

  test('keeps a write without a digest', async () => {
    const session = await open()
    const entry = { table: 't', tableName: 't', digest: undefined, figures: FIGURES }
    await insert(session, keyed('a'), { ...keyed('b'), entry })
    expect((await lookUp(session, 'a', 'b')).map((found) => found?.digest)).toEqual([DIGEST, undefined])
  })

  test('takes any key for nothing but text', async () => {
    const session = await open()
    const keys = [
      "it's",
      "'; DROP TABLE ducksink_ledger; --",
      '"); DELETE FROM ducksink_ledger',
      '\\',
      '$1 $$ ? :a %',
      'line\nbreak\r\t\u0001',
      '🦆 naïve 日本',
      ' a',
      'a ',
      'A',
      'a',
      'x'.repeat(10_000),
      `${'🦆'.repeat(10_000)}`,
    ]
    await insert(session, ...keys.map((key, index) => keyed(key, index)))
    expect((await lookUp(session, ...keys)).map((found) => found?.sequence)).toEqual([...keys.keys()])
  })

  test('has nothing for what is no key', async () => {
    const session = await open()
    await insert(session, keyed('a'))
    expect(await lookUp(session, 'a\0b', '\ud800', '')).toEqual([undefined, undefined, undefined])
  })

  test('takes more keys at once than a chunk has rows', async () => {
    const session = await open()
    const keys = Array.from({ length: 5000 }, (_, index) => `key-${index}`)
    await insert(session, ...keys.map((key, index) => keyed(key, index)))
    expect((await lookUp(session, ...keys)).map((found) => found?.sequence)).toEqual([...keys.keys()])
  })

  test('asks DuckDB for the keys that it may have, and for no others', async () => {
    const session = await open()
    await insert(session, keyed('a'))
    const { writer } = session.database
    const asked = vi.spyOn(writer, 'hasRows')
    const ledger = await Ledger.open(writer, session.catalog)
    const find = async (...keys: string[]) => [...(await ledger.find(writer, keys)).keys()]
    expect(await find('new', 'newer')).toEqual([])
    expect(asked).not.toHaveBeenCalled()
    expect(await find('new', 'a')).toEqual(['a'])
    expect(asked).toHaveBeenCalledTimes(1)
    const shared = await Ledger.open(writer, session.catalog, { isShared: true })
    expect(await shared.find(writer, ['new'])).toEqual(new Map())
    expect(asked).toHaveBeenCalledTimes(2)
  })

  test('does not take a key or an offset twice', async () => {
    const session = await open()
    await insert(session, keyed('a'), offset('c', 1n))
    await expect(insert(session, keyed('b'), keyed('a'))).rejects.toThrow('another writer of the database')
    await expect(insert(session, offset('c', 1n))).rejects.toThrow('another writer of the database')
    expect(await lookUp(session, 'b')).toEqual([undefined])
  })

  test('knows its last sequence and the highest offset of each channel when it is opened again', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await open(path)
    expect([session.ledger.lastSequence, session.ledger.committedOffsets]).toEqual([0, []])
    await insert(session, keyed('a', 4), offset('c', 2n ** 62n, 5), offset('c', 3n, 6), offset('b', -1n, 3))
    session.close()
    const { ledger } = await open(path)
    expect(ledger.lastSequence).toBe(6)
    expect(ledger.committedOffsets).toEqual([
      { channel: 'b', offset: -1n },
      { channel: 'c', offset: 2n ** 62n },
    ])
  })
})

describe('the tables', () => {
  test.each([
    ['CREATE TABLE ducksink_ledger (key VARCHAR)', 'no column "table"'],
    ['CREATE VIEW ducksink_ledger AS SELECT 1', 'ducksink_ledger'],
    ['CREATE TABLE ducksink_offsets (channel VARCHAR, "offset" INTEGER)', 'column "offset" as INTEGER'],
  ])('are refused where %s was run', async (sql, message) => {
    const { database, catalog, rows } = await openSession()
    await rows(sql)
    await expect(Ledger.open(database.writer, catalog)).rejects.toThrow(message)
  })

  test.each([
    ['ADD COLUMN more INTEGER', 'columns that do not belong to it'],
    ['RENAME TO other; CREATE TABLE ducksink_ledger AS FROM other', 'no PRIMARY KEY (key)'],
  ])('are refused after ALTER TABLE ... %s', async (sql, message) => {
    const { database, catalog } = await open()
    await database.writer.run(`ALTER TABLE ducksink_ledger ${sql}`)
    catalog.invalidate()
    const opened = Ledger.open(database.writer, catalog)
    await expect(opened).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH', table: 'ducksink_ledger' })
    await expect(opened).rejects.toThrow(message)
  })

  test('are not mistaken for temporary ones, or those of another schema', async () => {
    const session = await openSession()
    await session.rows('CREATE TEMP TABLE ducksink_ledger (key VARCHAR)')
    await session.rows('CREATE SCHEMA s; CREATE TABLE s.ducksink_offsets (a INTEGER)')
    const ledger = await Ledger.open(session.database.writer, session.catalog)
    await insert({ ...session, ledger }, keyed('a'), offset('c', 1n))
    expect(await lookUp({ ...session, ledger }, 'a')).toHaveLength(1)
    expect(await session.rows('SELECT * FROM temp.ducksink_ledger')).toEqual([])
  })
})

test.each([1, 32, 1024])('a look-up of %i keys reads the index, not the table', async (count) => {
  const session = await open()
  const { database, rows, ledger } = session
  await rows(`
    INSERT INTO ducksink_ledger
    SELECT md5(i::VARCHAR), 't', md5(i::VARCHAR), 1, 1, 0, 0, 0, 0, i, now() FROM range(50_000) t(i)`)
  const asked: string[] = []
  const spy = {
    hasRows: async (sql: string) => asked.push(sql) > 0,
    rows: async (sql: string) => {
      asked.push(sql)
      return []
    },
  } as unknown as Connection
  const keys = Array.from({ length: count }, () => randomUUID().replaceAll('-', ''))
  await ledger.lookUp(spy, keys)
  expect(asked).toHaveLength(2)
  for (const sql of asked) {
    const [plan] = await database.writer.rows(`EXPLAIN ANALYZE ${sql}`)
    expect(String(plan?.explain_value)).toContain('Index Scan')
  }
})

describe('pruning', () => {
  const BEFORE = Date.UTC(2020, 0, 1)

  async function openOld(): Promise<Session & { readonly ledger: Ledger }> {
    const session = await open()
    const written = [keyed('a'), keyed('b'), keyed('new')]
    const offsets = [
      ...[offset('c', 1n), offset('c', 2n), offset('c', 3n)],
      ...[offset('d', 5n), offset('e', 1n), offset('e', 2n)],
    ]
    await insert(session, ...written, ...offsets)
    const old = `committed_at = TIMESTAMPTZ '2019-12-31 23:59:59.999Z'`
    await session.rows(`UPDATE ducksink_ledger SET ${old} WHERE key <> 'new'`)
    await session.rows(`UPDATE ducksink_offsets SET ${old} WHERE (channel, "offset") <> ('e', 2)`)
    return session
  }

  test('forgets what is older, but the newest offset of each channel, and says how much', async () => {
    const session = await openOld()
    const { ledger, database, rows } = session
    expect(await ledger.prune(database.writer, BEFORE)).toEqual({ keyCount: 2, offsetCount: 3 })
    expect(await rows('SELECT key FROM ducksink_ledger')).toEqual([{ key: 'new' }])
    expect(await rows('SELECT channel, "offset" AS at FROM ducksink_offsets ORDER BY ALL')).toEqual([
      { channel: 'c', at: 3n },
      { channel: 'd', at: 5n },
      { channel: 'e', at: 2n },
    ])
    expect(await ledger.prune(database.writer, BEFORE)).toEqual({ keyCount: 0, offsetCount: 0 })
  })

  test('leaves what is of that very time', async () => {
    const { ledger, database } = await openOld()
    expect(await ledger.prune(database.writer, BEFORE - 1)).toEqual({ keyCount: 0, offsetCount: 0 })
  })

  test('lets a key that was forgotten be taken again', async () => {
    const session = await openOld()
    await session.ledger.prune(session.database.writer, BEFORE)
    await insert(session, keyed('a', 9))
    expect(await lookUp(session, 'a')).toMatchObject([{ sequence: 9 }])
  })
})

test('a key is some text that a database can hold', () => {
  const problems = ['', 'a\0', '\udc00', 'x'.repeat(MAX_LEDGER_KEY_BYTES + 1), 1, null].map(ledgerKeyProblem)
  expect(problems).toEqual([
    'must not be empty',
    'must not hold a NUL character',
    'must not hold a lone surrogate',
    'must be at most 65536 bytes of UTF-8, got 65537',
    'must be a string, got number',
    'must be a string, got null',
  ])
  expect(ledgerKeyProblem('🦆'.repeat(MAX_LEDGER_KEY_BYTES / 4))).toBeUndefined()
})
