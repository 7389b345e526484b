import { expect, it } from 'vitest'
import type { SchemaContract, SinkEngine } from '../src/index.ts'
import { databasePath, openEngine } from './open-engine.ts'

const EVOLVE: SchemaContract = { columns: 'evolve', types: 'evolve' }
const batch = [{ id: 1, x: 5 }, { id: 'q' }, { id: 3 }]

/** An engine in which a batch was committed under `k`, before its table's options became others. */
async function reopened(badRecords: 'fail-batch' | 'dead-letter'): Promise<SinkEngine> {
  const path = databasePath()
  const before = await openEngine({
    ...{ path, deliveryMode: 'exactly-once' },
    tables: {
      t: { columns: { id: 'BIGINT' }, badRecords: 'skip', schemaContract: { columns: 'discard-value' } },
    },
  })
  await before.write('t', batch, { key: 'k' })
  await before.close()
  return openEngine({
    ...{ path, deliveryMode: 'exactly-once' },
    tables: { t: { schemaContract: EVOLVE, badRecords } },
  })
}

/** The schema changes that an engine tells of while something runs. */
async function changesOf(engine: SinkEngine, run: () => Promise<void>): Promise<readonly string[]> {
  const kinds: string[] = []
  const onChange = ({ kind }: { readonly kind: string }): number => kinds.push(kind)
  engine.on('schemaChange', onChange)
  await run()
  engine.off('schemaChange', onChange)
  return kinds
}

it('a batch that comes again adds no column, widens none and makes no dead letter table', async () => {
  for (const badRecords of ['fail-batch', 'dead-letter'] as const) {
    const engine = await reopened(badRecords)
    const changes = await changesOf(engine, async () => {
      const again = await engine.write('t', batch, { key: 'k' })
      expect(again).toMatchObject({ duplicate: true, rowCount: 2, skippedCount: 1 })
    })
    expect(changes).toEqual([])
    expect(
      await engine.query('SELECT table_name FROM duckdb_tables() WHERE NOT starts_with(table_name, $1)', [
        'ducksink',
      ]),
    ).toEqual([{ table_name: 't' }])
    await engine.close()
  }
})

it('nor does one whose table is known already, nor a batch that is in conflict with it', async () => {
  const engine = await reopened('fail-batch')
  const changes = await changesOf(engine, async () => {
    await engine.write('t', [{ id: 7 }], { key: 'warm' })
    expect(await engine.write('t', batch, { key: 'k' })).toMatchObject({ duplicate: true })
    for (const other of [[{ id: 1, y: 2 }], [{ id: 1.5 }], [{ id: 'q' }]])
      await expect(engine.write('t', other, { key: 'k' })).rejects.toMatchObject({ code: 'KEY_CONFLICT' })
  })
  expect(changes).toEqual([])
  expect(
    await changesOf(engine, async () => void (await engine.write('t', [{ id: 'q', y: 2 }], { key: 'new' }))),
  ).toEqual(['add-column', 'alter-type'])
})

it('a table that was dropped is not made again by a batch that comes again, however large', async () => {
  const engine = await openEngine({ deliveryMode: 'exactly-once' })
  const large = Array.from({ length: 40_000 }, (_, id) => ({ id }))
  await engine.write('t', large, { key: 'k' })
  await engine.query('DROP TABLE t')
  expect(await engine.write('t', large, { key: 'k' })).toMatchObject({ duplicate: true, rowCount: 40_000 })
  await expect(engine.write('t', large.slice(1), { key: 'k' })).rejects.toMatchObject({
    code: 'KEY_CONFLICT',
  })
  expect(await engine.query("SELECT * FROM duckdb_tables() WHERE table_name = 't'")).toEqual([])
  expect(await engine.write('t', [{ id: 1 }], { key: 'new' })).toMatchObject({ duplicate: false })
})

it('a table that goes while batches wait for the worker is made again by a new one alone', async () => {
  const engine = await openEngine({ deliveryMode: 'exactly-once' })
  await engine.write('t', [{ id: 1 }], { key: 'k' })
  const dropped = engine.query('DROP TABLE t')
  // encoded for the table that is gone when the worker takes it
  const again = await engine.write('t', [{ id: 1 }], { key: 'k' })
  await dropped
  expect(again).toMatchObject({ duplicate: true })
  expect(await engine.query("SELECT * FROM duckdb_tables() WHERE table_name = 't'")).toEqual([])
  await engine.write('t', [{ id: 1 }], { key: 'warm' })
  const dropping = engine.query('DROP TABLE t')
  // the worker asks for the first of them once more, and takes nothing else meanwhile
  const written = [2, 3].map((id) => engine.write('t', [{ id }], { key: `new ${id}` }))
  await dropping
  expect(await Promise.all(written)).toMatchObject([{ duplicate: false }, { duplicate: false }])
  expect(await engine.query('FROM t')).toEqual([{ id: 2n }, { id: 3n }])
})
