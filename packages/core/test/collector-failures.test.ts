import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import {
  type CollectOptions,
  ConstraintError,
  SinkEngine,
  type SinkError,
  type SinkRecord,
} from '../src/index.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile, readValue } from './read-file.ts'

const NO_DELAY = 2 ** 31 - 1

interface Failure {
  readonly error: SinkError
  readonly records: SinkRecord[]
}

/** A collector that counts what becomes of every row pushed. */
function collect(engine: SinkEngine, table: string, options: CollectOptions) {
  const failures: Failure[] = []
  let committed = 0
  const collector = engine.table(table).collect({
    maxDelayMs: NO_DELAY,
    ...options,
    onReceipt: ({ rowCount }) => {
      committed += rowCount
    },
    onFailure: (error, records) => failures.push({ error, records: records() }),
  })
  return { collector, failures, committed: () => committed }
}

const tables = {
  events: { createTableSql: 'CREATE TABLE events (id INTEGER PRIMARY KEY, text VARCHAR)' },
  kinds: {
    columns: {
      id: 'INTEGER',
      big: 'BIGINT',
      float: 'FLOAT',
      double: 'DOUBLE',
      flag: 'BOOLEAN',
      text: 'VARCHAR',
      bytes: 'BLOB',
      day: 'DATE',
      clock: 'TIME',
      made: 'TIMESTAMP',
      nanos: 'TIMESTAMP_NS',
      price: 'DECIMAL(9,2)',
      kind: `ENUM('a', 'b')`,
      json: 'JSON',
      uuid: 'UUID',
    },
  },
}

it('a batch that fails is handed over with its records, and the batches around it are committed', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  await engine.write('events', [{ id: 35 }])
  const { collector, failures, committed } = collect(engine, 'events', { maxBatchRows: 10 })
  for (let id = 0; id < 95; id++) {
    if (!collector.push({ id, text: `text ${id}` })) await collector.ready
  }
  await collector.close()
  expect(failures).toHaveLength(1)
  expect(failures[0]?.error).toBeInstanceOf(ConstraintError)
  const failed = Array.from({ length: 10 }, (_, index) => ({ id: index + 30, text: `text ${index + 30}` }))
  expect(failures[0]?.records).toEqual(failed)
  expect(committed()).toBe(85)
  expect(engine.bufferedBytes).toBe(0)
  await engine.close()
  expect(await readValue(path, 'SELECT count(*) FROM events WHERE text IS NOT NULL')).toBe(85n)
})

it('the records of a failed batch are decoded exactly and can be pushed again', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  await engine.write('kinds', [{ id: 0 }])
  const given = [
    {
      id: 1,
      big: 2n ** 60n,
      float: Math.fround(0.1),
      double: -0,
      flag: false,
      text: 'ä text that is not inline 🦆',
      bytes: Uint8Array.of(1, 2, 3),
      day: new Date('2026-11-22'),
      clock: '12:34:56.789012',
      made: new Date('2026-11-22T12:34:56.789Z'),
      nanos: '2026-11-22 12:34:56.789012345',
      price: '12.50',
      kind: 'b',
      json: '{"a":[1,2]}',
      uuid: '0b6cbd31-52fa-4d54-8f07-f2ad1df3a8ff',
    },
    Object.fromEntries(Object.keys(tables.kinds.columns).map((name) => [name, null])),
  ]
  const { collector, failures } = collect(engine, 'kinds', {})
  for (const record of given) collector.push(record)
  await engine.query('ALTER TABLE kinds DROP COLUMN uuid')
  await collector.flush()
  expect(failures).toHaveLength(1)
  const records = failures[0]?.records ?? []
  expect(records.map((record) => ({ ...record, price: undefined }))).toEqual(
    given.map((record) => ({ ...record, price: undefined })),
  )
  await engine.query('ALTER TABLE kinds ADD COLUMN uuid UUID')
  await engine.write('kinds', records)
  await engine.close()
  const [row = {}] = await readFile(
    path,
    'SELECT * REPLACE (price::VARCHAR AS price) FROM kinds WHERE id = 1',
  )
  expect(row).toMatchObject({ big: 2n ** 60n, double: -0, price: '12.50', json: '{"a":[1,2]}', kind: 'b' })
  expect(row).toMatchObject({ nanos: { nanos: 1_795_350_896_789_012_345n }, text: given[0]?.text })
})

it('the records of a failed batch may be asked for later', async () => {
  const engine = await openEngine({ tables })
  await engine.write('events', [{ id: 1 }])
  const later: (() => SinkRecord[])[] = []
  const collector = engine.table('events').collect({
    maxBatchRows: 1_000,
    maxDelayMs: NO_DELAY,
    onFailure: (_error, records) => later.push(records),
  })
  const batch = (text: string) =>
    Array.from({ length: 1_000 }, (_, index) => ({ id: index + 1, text: text + index }))
  for (const record of batch('failed ')) collector.push(record)
  await collector.flush()
  // what comes after would use the same buffers
  for (let round = 1; round <= 5; round++) {
    await engine.write(
      'events',
      batch(`round ${round}, `).map(({ id, text }) => ({ id: id + round * 1_000, text })),
    )
  }
  await collector.close()
  expect(later.map((records) => records())).toEqual([batch('failed ')])
})

it('without onFailure the engine emits error', async () => {
  const engine = await openEngine({ tables })
  await engine.write('events', [{ id: 1 }])
  const collector = engine.table('events').collect({ maxDelayMs: NO_DELAY })
  collector.push({ id: 1 })
  const failed = once(engine, 'error')
  collector.push({ id: 2 })
  await collector.flush()
  expect(await failed).toEqual([expect.any(ConstraintError)])
  expect(await engine.query('SELECT id FROM events')).toEqual([{ id: 1 }])
})

it('held records come back as they were pushed where their table cannot be made', async () => {
  const frozen = { schemaContract: { tables: 'freeze' } } as const
  const engine = await openEngine({ tables: { frozen } })
  const cases = {
    frozen: [{ id: 1 }, { id: 2 }],
    conflict: [{ v: {} }, { v: 'a' }],
    nothing: [{ v: null }, {}],
  }
  for (const [table, records] of Object.entries(cases)) {
    const { collector, failures, committed } = collect(engine, table, {})
    for (const record of records) collector.push(record)
    await collector.close()
    expect(failures).toEqual([{ error: expect.objectContaining({ name: 'SchemaError', table }), records }])
    expect(committed()).toBe(0)
  }
  expect(engine.bufferedBytes).toBe(0)
  expect(await engine.query('FROM duckdb_tables()')).toEqual([])
})

it('rows pushed are rows committed and rows handed over, whatever fails', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables, maxBufferedBytes: 500_000 })
  await engine.write('events', [{ id: 10_000 }])
  const { collector, failures, committed } = collect(engine, 'events', { maxBatchRows: 700, maxDelayMs: 1 })
  let pushed = 0
  let refused = 0
  for (let step = 0; step < 30_000; step++) {
    // a value that is refused at once, a key that is there already, and everything else
    const id = step % 997 === 0 ? 'x' : step % 5_003 === 0 ? 10_000 : 20_000 + step
    try {
      const hasRoom = collector.push({ id, text: 'x'.repeat(step % 200) })
      pushed++
      if (!hasRoom) await collector.ready
    } catch {
      refused++
    }
  }
  await collector.close()
  const handedOver = failures.reduce((rows, { records }) => rows + records.length, 0)
  expect(refused).toBe(31)
  expect(handedOver).toBeGreaterThan(0)
  expect(committed() + handedOver).toBe(pushed)
  expect(engine.bufferedBytes).toBe(0)
  await engine.close()
  expect(await readValue(path, 'SELECT count(*) - 1 FROM events')).toBe(BigInt(committed()))
})

it('what a callback throws is the app’s own: the batch stays what it is', async () => {
  const engine = await openEngine({ tables })
  await engine.write('events', [{ id: 1 }])
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => thrown.push(error))
  try {
    let failed = 0
    const collector = engine.table('events').collect({
      maxDelayMs: NO_DELAY,
      onReceipt: () => {
        throw new Error('from onReceipt')
      },
      onFailure: () => {
        failed++
        throw new Error('from onFailure')
      },
    })
    collector.push({ id: 2 })
    await collector.flush()
    expect(failed).toBe(0)
    collector.push({ id: 1 })
    await collector.flush()
    await collector.close()
    expect(failed).toBe(1)
    await engine.query('SELECT 1')
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
  expect(thrown).toEqual([new Error('from onReceipt'), new Error('from onFailure')])
  expect(await engine.query('SELECT id FROM events ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }])
})

it('a callback that closes the collector at the first bad record loses none of the others', async () => {
  const engine = await openEngine({ tables: { t: { columns: { x: 'INTEGER' } } } })
  const failed: SinkRecord[] = []
  let committed = 0
  let closing: Promise<void> | undefined
  const collector = engine.table('t').collect({
    maxDelayMs: NO_DELAY,
    onReceipt: ({ rowCount }) => {
      committed += rowCount
    },
    onFailure: (_error, records) => {
      failed.push(...records())
      closing ??= collector.close()
    },
  })
  for (const x of ['bad', 1, 2]) collector.push({ x })
  // the collector asked for the table's columns before this write did
  await engine.table('t').write([{ x: 0 }])
  await engine.flush()
  await closing
  expect({ failed, committed }).toEqual({ failed: [{ x: 'bad' }], committed: 2 })
  expect(engine.bufferedBytes).toBe(0)
})

it('a record that pushes another one into its own collector is taken, and the other one is refused', async () => {
  const engine = await openEngine({ tables })
  const { collector, committed } = collect(engine, 'events', { maxBatchRows: 3 })
  const refused: unknown[] = []
  const push = (id: number): void => {
    try {
      collector.push({ id, text: 'inner' })
    } catch (error) {
      refused.push((error as SinkError).code)
    }
  }
  for (let id = 0; id < 8; id++) {
    collector.push({
      id,
      get text() {
        push(id + 100)
        return `outer ${id}`
      },
    })
  }
  await collector.close()
  expect(refused).toEqual(Array(8).fill('INVALID_ARGUMENT'))
  expect(committed()).toBe(8)
  expect(await engine.query('SELECT id, text FROM events ORDER BY rowid')).toEqual(
    Array.from({ length: 8 }, (_, id) => ({ id, text: `outer ${id}` })),
  )
})

it('a record that flushes or closes its own collector is in what that sends', async () => {
  const engine = await openEngine({ tables })
  const flushing = collect(engine, 'events', {})
  const flushes: Promise<void>[] = []
  for (let id = 0; id < 4; id++) {
    flushing.collector.push({
      id,
      get text() {
        flushes.push(flushing.collector.flush(), engine.flush())
        return 'a'
      },
    })
  }
  await Promise.all(flushes)
  expect(flushing.committed()).toBe(4)
  const closing = collect(engine, 'events', {})
  const closed: Promise<void>[] = []
  closing.collector.push({ id: 10, text: 'b' })
  closing.collector.push({
    id: 11,
    get text() {
      closed.push(closing.collector.close())
      return 'b'
    },
  })
  // it waits for the same end
  await closing.collector.close()
  expect(closing.committed()).toBe(2)
  await Promise.all(closed)
  expect(await engine.query('SELECT id FROM events ORDER BY rowid')).toEqual(
    [0, 1, 2, 3, 10, 11].map((id) => ({ id })),
  )
})

it('what a logger pushes into the collector that it is told of is written', async () => {
  let told = 0
  let isListening = false
  const line = (): void => undefined
  const debug = (_fields: unknown, message: string): void => {
    if (message === 'pressure on' && isListening && told++ === 0) collector.push({ a: 99 })
  }
  const logger = { settings: { minLevel: 2 }, debug, info: line, warn: line, error: line } as never
  const engine = await SinkEngine.open({ path: ':memory:', maxBufferedBatches: 2, logger })
  await engine.query('CREATE TABLE t (a INTEGER)')
  const collector = engine.table<object>('t').collect()
  await setTimeout(50)
  isListening = true
  collector.push({ a: 1 })
  await collector.flush()
  await collector.close()
  expect(told).toBeGreaterThan(0)
  expect(await engine.query('SELECT a FROM t ORDER BY a')).toEqual([{ a: 1 }, { a: 99 }])
  await engine.close()
})

it('a collector that a getter closes twice is closed when all of it is written', async () => {
  const engine = await SinkEngine.open({ path: ':memory:' })
  await engine.query('CREATE TABLE t (a INTEGER)')
  const collector = engine.table<object>('t').collect()
  let committed: Promise<number> | undefined
  collector.push({
    get a() {
      void collector.close()
      committed ??= collector.close().then(() => engine.stats().committedBatches)
      return 1
    },
  })
  expect(await committed).toBe(1)
  await engine.close()
})
