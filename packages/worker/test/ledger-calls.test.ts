import { expect, onTestFinished, test } from 'vitest'
import { WorkerLog } from '../src/log.ts'
import type { InsertReply, InsertRequest } from '../src/protocol/insert-messages.ts'
import type { WriteIdentity } from '../src/protocol/ledger-messages.ts'
import type { DeliveryMode, LogLine, OpenReply } from '../src/protocol/messages.ts'
import { SinkWorker } from '../src/sink-worker.ts'
import { readFile } from './read-file.ts'
import { insertRequest, temporaryDirectory } from './session.ts'

const INFO = 3

interface Opened {
  readonly worker: SinkWorker
  readonly reply: OpenReply
  readonly lines: readonly LogLine[]
  /** One row for table `t`. */
  request(identity: WriteIdentity, a: number): Promise<InsertRequest>
  write(identity: WriteIdentity, a: number): Promise<InsertReply>
}

async function open(path: string, deliveryMode: DeliveryMode = 'exactly-once'): Promise<Opened> {
  const lines: LogLine[] = []
  const worker = new SinkWorker(
    new WorkerLog(INFO, (line) => lines.push(line)),
    () => undefined,
    () => undefined,
  )
  const reply = await worker.open({
    path,
    config: {},
    tables: [{ table: { name: 't' }, columns: [{ name: 'a', type: 'INTEGER' }], origin: 'declared' }],
    groupCommit: { maxBatches: 64, maxDelayMs: 0 },
    deliveryMode,
    checkpointBytes: 2 ** 26,
    repairTornCheckpoint: false,
    degradedTimeoutMs: 30_000,
    lockNonce: 'nonce',
  })
  onTestFinished(() => worker.stop())
  const request: Opened['request'] = async (identity, a) => {
    const prepared = await worker.prepareTable({ table: { name: 't' }, origin: 'declared' })
    if (prepared.status !== 'present') throw new Error(prepared.status)
    const figures = { rowCount: 1, deadLetterCount: 0, skippedCount: 0 }
    const entry = {
      ...{ table: '"t"', tableName: 't', digest: { version: 1, hash: String(a) } },
      figures: { ...figures, discardedRowCount: 0, discardedValueCount: 0 },
    }
    return insertRequest(prepared.layout, { a: [a] }, { identity, entry })
  }
  const write: Opened['write'] = async (identity, a) =>
    (await worker.insert([await request(identity, a)]))[0] as InsertReply
  return { worker, reply, lines, request, write }
}

const keyed = (key: string): WriteIdentity => ({ kind: 'key', key })

const offset = (channel: string, at: bigint): WriteIdentity => ({
  kind: 'offsets',
  offsets: [{ channel, offset: at, generation: 0 }],
})

test('SQL in a key or a channel is nothing but text', async () => {
  const path = `${temporaryDirectory()}/a.duckdb`
  const { worker, write } = await open(path)
  const hostile = [
    `k'; DROP TABLE t; --`,
    `k'); DELETE FROM ducksink_ledger; --`,
    `k' OR '1'='1`,
    `k" ; DROP TABLE ducksink_offsets; --`,
    `\\'; COMMIT; DROP TABLE t; /*`,
    '$1',
  ]
  for (const [index, text] of hostile.entries()) {
    expect(await write(keyed(text), index)).toMatchObject({ status: 'committed' })
    expect(await write(keyed(text), index)).toMatchObject({ duplicateOf: { rowCount: 1 } })
    expect(await write(offset(text, BigInt(index)), 100 + index)).toMatchObject({ status: 'committed' })
  }
  expect(await worker.readLedger([...hostile, "' OR ''='"])).toMatchObject({
    writes: [...hostile.map((_, index) => ({ digest: { version: 1, hash: String(index) } })), undefined],
  })
  await worker.pruneLedger(0)
  await worker.close()
  const all = hostile.map((_, index) => index)
  const rows = await readFile(path, 'SELECT a FROM t ORDER BY a')
  expect(rows.flat()).toEqual([...all, ...all.map((index) => 100 + index)])
  expect((await readFile(path, 'SELECT key FROM ducksink_ledger ORDER BY sequence')).flat()).toEqual(hostile)
  expect((await readFile(path, 'SELECT channel FROM ducksink_offsets ORDER BY sequence')).flat()).toEqual(
    hostile,
  )
})

test('what is under way behind a write of its channel that was taken back is refused', async () => {
  const path = `${temporaryDirectory()}/a.duckdb`
  const { worker, request } = await open(path)
  const before = await request(offset('d', 1n), 0)
  const [first, second, other] = [
    await request(offset('c', 1n), 1),
    await request(offset('c', 2n), 2),
    await request(keyed('k'), 3),
  ]
  // the connection is its own until its last part comes
  await worker.insert([{ ...before, last: false }])
  const answers = [first, second, other].map(async (write) => (await worker.insert([write]))[0])
  await worker.cancel(first.writeId)
  await worker.abandon(before.writeId)
  expect(await Promise.all(answers)).toMatchObject([
    { status: 'cancelled' },
    { status: 'rolled-back', error: { code: 'PRECEDING_BATCH_FAILED', channel: 'c' } },
    { status: 'committed' },
  ])
  await worker.close()
  expect(await readFile(path, 'SELECT a FROM t')).toEqual([[3]])
})

test('messages are answered in their order, though of one a write was taken back', async () => {
  const { worker, request } = await open(`${temporaryDirectory()}/a.duckdb`)
  const held = await request(offset('d', 1n), 0)
  const [taken, beside, behind] = [
    await request(offset('e', 1n), 1),
    await request(offset('c', 1n), 2),
    await request(offset('c', 2n), 3),
  ]
  // the connection is its own until its last part comes
  await worker.insert([{ ...held, last: false }])
  const told: string[] = []
  const messages = [[taken, beside], [behind]].map(async (writes) => {
    const answers = await worker.insert(writes)
    told.push(...answers.map(({ status }) => status))
  })
  expect(await worker.cancel(taken.writeId)).toBe(true)
  expect(told).toEqual([])
  expect(await worker.cancel(held.writeId)).toBe(false)
  await Promise.all(messages)
  expect(told).toEqual(['cancelled', 'committed', 'committed'])
})

test('what was sent before a write of its channel that was taken back is written', async () => {
  const path = `${temporaryDirectory()}/a.duckdb`
  const { worker, request } = await open(path)
  const held = await request(offset('d', 1n), 0)
  const [first, second, third, fourth] = [
    await request(offset('c', 1n), 1),
    await request(offset('c', 2n), 2),
    await request(offset('c', 3n), 3),
    await request(offset('c', 4n), 4),
  ]
  // the connection is its own until its last part comes
  await worker.insert([{ ...held, last: false }])
  const answers = [first, second, third, fourth].map(async (write) => (await worker.insert([write]))[0])
  await worker.cancel(third.writeId)
  await worker.cancel(second.writeId)
  await worker.abandon(held.writeId)
  expect(await Promise.all(answers)).toMatchObject([
    { status: 'committed' },
    { status: 'cancelled' },
    { status: 'cancelled' },
    { status: 'rolled-back', error: { code: 'PRECEDING_BATCH_FAILED', channel: 'c' } },
  ])
  await worker.close()
  expect(await readFile(path, 'SELECT a FROM t')).toEqual([[1]])
})

test('opening tells the committed offsets of all channels, and sequences go on', async () => {
  const path = `${temporaryDirectory()}/a.duckdb`
  const before = await open(path)
  expect(before.reply).toMatchObject({ status: 'open', committedOffsets: [] })
  await before.write(offset('c', 1n), 1)
  await before.write(offset('c', 2n), 2)
  await before.write(offset('d', 9n), 3)
  await before.worker.close()
  const { reply, write, worker } = await open(path)
  expect(reply).toMatchObject({
    committedOffsets: [
      { channel: 'c', offset: 2n },
      { channel: 'd', offset: 9n },
    ],
  })
  expect(await write({ kind: 'key', key: 'x' }, 4)).toMatchObject({ status: 'committed', sequence: 4 })
  await worker.close()
  expect(await readFile(path, 'SELECT a FROM t')).toEqual([[1], [2], [3], [4]])
})

test('opening fails where a table of the ledger is something else', async () => {
  const path = `${temporaryDirectory()}/a.duckdb`
  const { worker } = await open(path, 'at-least-once')
  const sql = 'CREATE TABLE ducksink_ledger (key INTEGER)'
  await worker.query({ queryId: 1, sql, parameters: undefined })
  await worker.close()
  const { reply } = await open(path)
  expect(reply).toMatchObject({ status: 'failed', error: { code: 'SCHEMA_MISMATCH', column: 'key' } })
  expect((await open(path, 'at-least-once')).reply.status).toBe('open')
})

test('opening fails where a view has the name of a table of the ledger', async () => {
  const path = `${temporaryDirectory()}/a.duckdb`
  const { worker } = await open(path, 'at-least-once')
  await worker.query({
    queryId: 1,
    sql: 'CREATE VIEW ducksink_ledger AS SELECT 1 AS key',
    parameters: undefined,
  })
  await worker.close()
  const { reply } = await open(path)
  expect(reply).toMatchObject({
    ...{ status: 'failed', error: { code: 'SCHEMA_MISMATCH', table: 'ducksink_ledger' } },
  })
})

test('the ledger is read after all that was sent before', async () => {
  const { worker, request } = await open(':memory:')
  const insert = await request({ kind: 'key', key: 'x' }, 1)
  void worker.insert([insert])
  expect(await worker.readLedger(['y', 'x', 'a\0'])).toMatchObject({
    status: 'read',
    writes: [undefined, { sequence: 1, rowCount: 1, table: '"t"' }, undefined],
  })
  expect(await worker.readLedger([])).toEqual({ status: 'read', writes: [] })
})

test('pruning forgets, and leaves nothing of it in the log', async () => {
  const path = `${temporaryDirectory()}/a.duckdb`
  const { worker, write, lines } = await open(path)
  await write({ kind: 'key', key: 'x' }, 1)
  await write(offset('c', 1n), 2)
  await write(offset('c', 2n), 3)
  expect(await worker.pruneLedger(Date.now() - 3_600_000)).toMatchObject({ keyCount: 0, offsetCount: 0 })
  const pruned = await worker.pruneLedger(Date.now() + 3_600_000)
  expect(pruned).toEqual({ status: 'pruned', keyCount: 1, offsetCount: 1 })
  const sql = 'SELECT wal_size FROM pragma_database_size() WHERE database_name = current_database()'
  const size = await worker.query({ queryId: 1, sql, parameters: undefined })
  expect(size).toMatchObject({ rows: [{ wal_size: '0 bytes' }] })
  expect(JSON.stringify(lines)).toContain('"keyCount":1')
  expect(await write({ kind: 'key', key: 'x' }, 1)).toMatchObject({ status: 'committed', sequence: 4 })
})

test('a target without a ledger has none to read or prune', async () => {
  const { worker } = await open(':memory:', 'at-least-once')
  expect(await worker.readLedger(['x'])).toMatchObject({ error: { code: 'STATEMENT_REFUSED' } })
  expect(await worker.pruneLedger(0)).toMatchObject({ error: { code: 'STATEMENT_REFUSED' } })
  const tables = await worker.query({ queryId: 1, sql: 'SHOW TABLES', parameters: undefined })
  expect(tables).toMatchObject({ rows: [{ name: 't' }] })
})

test('a target that is closed gives no ledger', async () => {
  const { worker } = await open(':memory:')
  await worker.close()
  expect(await worker.readLedger(['x'])).toMatchObject({ status: 'failed', error: { code: 'CLOSED' } })
})

test('a key that a statement of the app has put into the ledger is known', async () => {
  const { worker, write } = await open(`${temporaryDirectory()}/a.duckdb`)
  expect(await write(keyed('a'), 1)).toMatchObject({ status: 'committed', sequence: 1 })
  const sql = "INSERT INTO ducksink_ledger SELECT * REPLACE ('b' AS key) FROM ducksink_ledger"
  expect(await worker.query({ queryId: 1, sql, parameters: undefined })).toMatchObject({ status: 'rows' })
  expect(await write(keyed('b'), 1)).toMatchObject({ status: 'committed', duplicateOf: { sequence: 1 } })
})

test('so is one of a statement that is committed, though the rows that it gives cannot be read', async () => {
  const { worker, write } = await open(`${temporaryDirectory()}/a.duckdb`)
  expect(await write(keyed('a'), 1)).toMatchObject({ status: 'committed', sequence: 1 })
  const sql = `INSERT INTO ducksink_ledger SELECT * REPLACE ('b' AS key) FROM ducksink_ledger
    RETURNING 'infinity'::TIMESTAMP`
  expect(await worker.query({ queryId: 1, sql, parameters: undefined })).toMatchObject({ status: 'failed' })
  expect(await write(keyed('b'), 1)).toMatchObject({ status: 'committed', duplicateOf: { sequence: 1 } })
})
