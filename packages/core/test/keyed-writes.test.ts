import { expect, it } from 'vitest'
import type { SinkEngine, SinkEngineOptions } from '../src/index.ts'
import { runFixture } from './child.ts'
import { databasePath, numbered, openEngine } from './open-engine.ts'
import { readFile, readValue } from './read-file.ts'

const columns = { id: 'INTEGER', name: 'VARCHAR' }
const tables = { events: { columns } }
const open = (options: Partial<SinkEngineOptions> = {}): Promise<SinkEngine> =>
  openEngine({ tables, deliveryMode: 'exactly-once', ...options })
const count = async (engine: SinkEngine, table = 'events'): Promise<unknown> =>
  (await engine.query<{ count: bigint }>(`SELECT count(*) AS count FROM ${table}`))[0]?.count

it('a batch that comes again under its key is not written again and has its first receipt', async () => {
  const engine = await open()
  const first = await engine.write('events', numbered(3), { key: 'k' })
  await engine.write('events', numbered(5), { key: 'other' })
  const second = await engine.write('events', numbered(3), { key: 'k' })
  expect(first).toMatchObject({ key: 'k', rowCount: 3, duplicate: false, sequence: 1 })
  expect(second).toEqual({ ...first, duplicate: true, durationMs: expect.any(Number) })
  expect(await count(engine)).toBe(8n)
  expect(engine.stats()).toMatchObject({ committedBatches: 2, committedRows: 8, duplicateBatches: 1 })
})

it('another batch under the same key is a conflict, and so is the same one for another table', async () => {
  const engine = await open()
  await engine.write('events', numbered(3), { key: 'k' })
  const conflict = { name: 'KeyConflictError', code: 'KEY_CONFLICT', key: 'k', retryable: false }
  await expect(engine.write('events', numbered(4), { key: 'k' })).rejects.toMatchObject(conflict)
  await expect(engine.write('others', numbered(3), { key: 'k' })).rejects.toMatchObject(conflict)
  expect(await count(engine)).toBe(3n)
  await engine.write('events', numbered(1), { key: 'next' })
})

it('a table is the same one however it is named, and one of another schema or catalog is not', async () => {
  const path = databasePath()
  const engine = await open({ path })
  const [row] = await engine.query<{ name: string }>('SELECT current_database() AS name')
  const catalog = row?.name as string
  await engine.write('events', numbered(2), { key: 'k' })
  const main = { schema: 'MAIN', name: 'Events' }
  for (const table of [main, { catalog, name: 'events' }, { catalog: catalog.toUpperCase(), ...main }])
    expect(await engine.write(table, numbered(2), { key: 'k' })).toMatchObject({ duplicate: true })
  // with the options of the table, which names no catalog
  await engine.write({ catalog, name: 'events' }, numbered(1), { key: 'named' })
  expect(await engine.write('events', numbered(1), { key: 'named' })).toMatchObject({ duplicate: true })
  await engine.query('CREATE SCHEMA other')
  for (const table of [{ schema: 'other' }, { catalog, schema: 'other' }, { catalog: 'beside' }])
    await expect(engine.write({ name: 'events', ...table }, numbered(2), { key: 'k' })).rejects.toMatchObject(
      { code: 'KEY_CONFLICT', table: 'events' },
    )
  expect(await count(engine)).toBe(3n)
})

it('a conflict is told in the same words, with the name of the table, wherever it is found', async () => {
  const name = 'ev"ents'
  const engine = await open({ tables: { [name]: { columns, badRecords: 'dead-letter' } } })
  await engine.write(name, numbered(1), { key: 'k' })
  const message =
    'key "k" names a batch for table "ev""ents" that is committed already, and the one for table "ev""ents" has another payload: it is not written; give it a key of its own'
  // found by the worker, by the last part of dead letters, and before a column would be added
  for (const other of [numbered(2), [{ id: 'x' }], [], [{ more: 1 }]])
    await expect(engine.write(name, other, { key: 'k' })).rejects.toMatchObject({ message, table: name })
})

it('a batch that could not be encoded any more is known as well, and a conflict is one all the same', async () => {
  const engine = await open({ tables: {} })
  await engine.write('events', [{ id: 1, name: 'a' }], { key: 'k' })
  await engine.query('ALTER TABLE events DROP COLUMN name')
  expect(await engine.write('events', [{ id: 1, name: 'a' }], { key: 'k' })).toMatchObject({
    ...{ duplicate: true, rowCount: 1, sequence: 1 },
  })
  const other = engine.write('events', [{ id: 1, name: 'b' }], { key: 'k' })
  await expect(other).rejects.toMatchObject({ code: 'KEY_CONFLICT', table: 'events' })
  const wrong = engine.write('events', [{ id: 'x' }], { key: 'new' })
  await expect(wrong).rejects.toMatchObject({ code: 'INVALID_VALUE' })
  expect(engine.stats()).toMatchObject({ failedBatches: 2, duplicateBatches: 1 })
})

it('equal batches that are under way together are written once, conflicts among them fail alone', async () => {
  const engine = await open()
  const writes = [
    engine.write('events', numbered(2), { key: 'a' }),
    engine.write('events', numbered(2), { key: 'a' }),
    engine.write('events', numbered(3), { key: 'a' }),
    engine.write('events', numbered(20_000), { key: 'b' }),
    engine.write('events', numbered(20_000), { key: 'b' }),
    engine.write('events', numbered(2), { key: 'a' }),
    engine.write('events', numbered(1), { key: 'c' }),
  ]
  const settled = await Promise.allSettled(writes)
  const ends = settled.map((end) =>
    end.status === 'rejected' ? end.reason.code : [end.value.duplicate, end.value.rowCount],
  )
  expect(ends).toEqual([
    ...[[false, 2], [true, 2], 'KEY_CONFLICT', [false, 20_000], [true, 20_000], [true, 2], [false, 1]],
  ])
  expect(await count(engine)).toBe(20_003n)
})

it('the order of fields does not make it another batch', async () => {
  const engine = await open()
  await engine.write('events', [{ id: 1, name: 'a' }], { key: 'k' })
  expect(await engine.write('events', [{ name: 'a', id: 1 }], { key: 'k' })).toMatchObject({
    duplicate: true,
  })
})

it('a table that has followed other batches since does not make it another batch', async () => {
  const contract = { columns: 'evolve', types: 'evolve' } as const
  const engine = await open({ tables: { events: { schemaContract: contract } } })
  await engine.write('events', [{ id: 1 }], { key: 'k' })
  await engine.write('events', [{ id: 2 ** 40, name: 'a' }], { key: 'wider' })
  await engine.write('events', [{ id: 1.5 }], { key: 'double' })
  expect(await engine.write('events', [{ id: 1 }], { key: 'k' })).toMatchObject({ duplicate: true })
  expect(await count(engine)).toBe(3n)
})

it('what was discarded or set aside is told again, and not done again', async () => {
  const schemaContract = { columns: 'discard-value', types: 'discard-value' } as const
  const engine = await open({
    tables: {
      discarding: { columns, schemaContract },
      letters: { createTableSql: 'CREATE TABLE letters (id INTEGER PRIMARY KEY)', badRecords: 'dead-letter' },
      skipping: { columns, badRecords: 'skip' },
    },
  })
  const batches = {
    discarding: [{ id: 'x', more: 1 }, { id: 2 }],
    letters: [{ id: 1 }, { id: 'x' }, { id: 1 }, { id: 2 }],
    skipping: [{ id: 'x' }, { id: 'y' }],
  }
  const figures = {
    discarding: { rowCount: 2, discardedValueCount: 2 },
    letters: { rowCount: 2, deadLetterCount: 2 },
    skipping: { rowCount: 0, skippedCount: 2 },
  }
  for (const table of ['discarding', 'letters', 'skipping'] as const)
    for (const duplicate of [false, true]) {
      const receipt = await engine.write(table, batches[table], { key: table })
      expect(receipt).toMatchObject({ ...figures[table], duplicate })
    }
  expect(await count(engine, 'letters_dead_letters')).toBe(2n)
  expect(engine.stats()).toMatchObject({ deadLetters: 2, skippedRecords: 2, discardedValues: 2 })
})

it('a batch that writes nothing at all is known again: without records, or without a table', async () => {
  const tables = { none: { schemaContract: { tables: 'discard-value' } } } as const
  const path = databasePath()
  const engine = await open({ path, tables })
  for (const duplicate of [false, true]) {
    expect(await engine.write('any', [], { key: 'empty' })).toMatchObject({ rowCount: 0, duplicate })
    const leftOut = await engine.write('none', numbered(3), { key: 'left out' })
    expect(leftOut).toMatchObject({ rowCount: 0, discardedRowCount: 3, duplicate })
  }
  await expect(engine.write('any', numbered(1), { key: 'empty' })).rejects.toMatchObject({
    ...{ code: 'KEY_CONFLICT' },
  })
  await engine.close()
  expect(await readFile(path, `SELECT key FROM ducksink_ledger ORDER BY key`)).toEqual([
    { key: 'empty' },
    { key: 'left out' },
  ])
})

it('a batch is known in another process, and after a crash', async () => {
  const path = databasePath()
  expect(await runFixture('keyed-writer', [path]).nextLine()).toBe('false 10 false 5')
  const again = runFixture('keyed-writer', [path])
  expect(await again.nextLine()).toBe('true 10 true 5')
  await again.ended
  const engine = await open({ path, tables: {} })
  await engine.close()
  expect(await readValue(path, 'SELECT count(*) FROM events')).toBe(20n)
})

it('receipt() gives the receipt of a key that is committed', async () => {
  const engine = await open()
  const under = engine.write('events', numbered(3), { key: 'k' })
  // it comes after the writes that were sent before
  const [receipt, read] = await Promise.all([under, under.then(() => engine.receipt('k'))])
  expect(read).toEqual({ ...receipt, durationMs: expect.any(Number) })
  expect(await engine.receipt('never')).toBeUndefined()
  await expect(engine.receipt('')).rejects.toMatchObject({ name: 'InvalidOptionsError' })
})

it('pruneLedger forgets old keys and says how many, and what comes again under them is written', async () => {
  const engine = await open()
  await engine.write('events', numbered(1), { key: 'a' })
  await engine.write('events', numbered(1), { key: 'b' })
  for (const offset of [1n, 2n, 3n]) await engine.write('events', numbered(1), { channel: 'c', offset })
  expect(await engine.pruneLedger({ olderThan: new Date(0) })).toEqual({ keyCount: 0, offsetCount: 0 })
  expect(await engine.pruneLedger({ olderThan: Date.now() + 60_000 })).toEqual({
    ...{ keyCount: 2, offsetCount: 2 },
  })
  expect(await engine.write('events', numbered(1), { key: 'a' })).toMatchObject({ duplicate: false })
  const again = await engine.write('events', numbered(1), { channel: 'c', offset: 3n })
  expect(again).toMatchObject({ duplicate: true })
  for (const olderThan of [new Date(Number.NaN), Number.NaN, 1e300, -1e300, '2026', undefined])
    await expect(engine.pruneLedger({ olderThan } as never)).rejects.toMatchObject({
      ...{ name: 'InvalidOptionsError' },
    })
})

it('pruneLedger takes every time that a Date can be, and says so where the ledger is gone', async () => {
  const engine = await open()
  for (const olderThan of [-8.64e15, 0.5, 8.64e15])
    expect(await engine.pruneLedger({ olderThan })).toEqual({ keyCount: 0, offsetCount: 0 })
  await engine.query('DROP TABLE ducksink_ledger')
  await expect(engine.pruneLedger({ olderThan: 1 })).rejects.toMatchObject({
    ...{ name: 'SchemaError', code: 'SCHEMA_MISMATCH' },
  })
})

it('dead letters are written again without a key', async () => {
  const engine = await open({ tables: { events: { columns: { id: 'INTEGER' }, badRecords: 'dead-letter' } } })
  await engine.write('events', [{ id: 'x' }], { key: 'k' })
  const transform = (): object => ({ id: 7 })
  expect(await engine.replayDeadLetters('events', { transform })).toMatchObject({ rowCount: 1 })
  expect(await engine.query('FROM events')).toEqual([{ id: 7 }])
  expect(await engine.deadLetters('events')).toEqual([])
})
