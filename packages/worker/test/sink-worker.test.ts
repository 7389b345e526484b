import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WorkerLog } from '../src/log.ts'
import type { InsertReply, InsertRequest } from '../src/protocol/insert-messages.ts'
import type { GroupCommit, LogLine, QueryReply, QueryRequest, WorkerEvent } from '../src/protocol/messages.ts'
import type { TableLayout, TableSetup } from '../src/protocol/table-messages.ts'
import { SinkWorker } from '../src/sink-worker.ts'
import { readFile } from './read-file.ts'
import { insertRequest, temporaryDirectory } from './session.ts'

const TABLES: readonly TableSetup[] = ['t', 'u'].map((name) => ({
  table: { name },
  createTableSql: `CREATE TABLE ${name} (a INTEGER CHECK (a >= 0), b VARCHAR)`,
  origin: 'declared',
}))

const INFO = 3
const ENDLESS = 'SELECT count(*) FROM range(3_000_000) a(i), range(3_000_000) b(j) WHERE (i * j) % 7 = 3'
const COUNT = 'SELECT count(*)::INTEGER AS n FROM t'

interface Opened {
  readonly worker: SinkWorker
  readonly events: readonly WorkerEvent[]
  readonly lines: readonly LogLine[]
  layout(table: string): Promise<TableLayout>
  /** Writes one batch of rows that have these values of `a`; gives it up where it is to be run again. */
  write(a: readonly number[], options?: Partial<InsertRequest>): Promise<InsertReply>
  query(sql: string, parameters?: QueryRequest['parameters']): Promise<QueryReply>
  rows(sql: string): Promise<readonly object[]>
}

let nextQueryId = 1

const OPENING = {
  config: {},
  groupCommit: false,
  deliveryMode: 'at-least-once',
  checkpointBytes: 2 ** 26,
  repairTornCheckpoint: false,
  degradedTimeoutMs: 30_000,
  tables: [],
  lockNonce: 'nonce',
} as const

async function open(
  path = ':memory:',
  groupCommit: GroupCommit | false = { maxBatches: 64, maxDelayMs: 0 },
): Promise<Opened> {
  const events: WorkerEvent[] = []
  const lines: LogLine[] = []
  const worker = new SinkWorker(
    new WorkerLog(INFO, (line) => lines.push(line)),
    (event) => events.push(event),
    () => undefined,
  )
  const reply = await worker.open({ ...OPENING, path, tables: TABLES, groupCommit })
  expect(reply).toMatchObject({ status: 'open' })
  onTestFinished(() => worker.stop())
  const layout = async (name: string): Promise<TableLayout> => {
    const prepared = await worker.prepareTable({ table: { name }, origin: 'declared' })
    if (prepared.status !== 'present') throw new Error(`table ${name} is ${prepared.status}`)
    return prepared.layout
  }
  const known = await layout('t')
  const query: Opened['query'] = (sql, parameters) =>
    worker.query({ queryId: nextQueryId++, sql, parameters })
  return {
    worker,
    events,
    lines,
    layout,
    query,
    async write(a, options) {
      const request = insertRequest(known, { a }, options)
      const [answer] = await worker.insert([request])
      if (answer?.status === 'run-again' && answer.error.code !== 'TABLE_CHANGED')
        await worker.abandon(request.writeId)
      return answer as InsertReply
    },
    async rows(sql) {
      const answer = await query(sql)
      if (answer.status === 'failed') throw new Error(answer.error.message)
      return answer.rows
    },
  }
}

const unheardWorker = (): SinkWorker =>
  new SinkWorker(
    new WorkerLog(INFO, () => undefined),
    () => undefined,
    () => undefined,
  )

describe('opening', () => {
  test('makes the tables that were set up, and tells of each', async () => {
    const { events, lines, rows } = await open()
    expect(await rows('SHOW TABLES')).toEqual([{ name: 't' }, { name: 'u' }])
    expect(events.filter(({ type }) => type !== 'busy')).toMatchObject([
      { type: 'schemaChange', change: { kind: 'create-table', table: { name: 't' } } },
      { type: 'schemaChange', change: { kind: 'create-table', table: { name: 'u' } } },
    ])
    expect(lines.map(({ message }) => message)).toEqual(['table created', 'table created', 'target opened'])
  })

  test('that fails at a table says so, and frees the file', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const worker = unheardWorker()
    const tables: TableSetup[] = [
      { table: { name: 't' }, createTableSql: 'DROP TABLE t', origin: 'declared' },
    ]
    const request = { ...OPENING, path }
    expect(await worker.open({ ...request, tables })).toMatchObject({
      status: 'failed',
      error: { code: 'DDL_FAILED', table: 't' },
    })
    expect(await readFile(path, 'SELECT 1')).toEqual([[1]])
    expect(existsSync(`${path}.ducksink-lock`)).toBe(false)
    expect(await worker.open(request)).toMatchObject({ status: 'open' })
    await worker.close()
  })

  test('is refused once the thread is to end, and calls nothing of DuckDB', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const worker = unheardWorker()
    const stopped = worker.stop()
    expect(await worker.open({ ...OPENING, path })).toMatchObject({
      status: 'failed',
      error: { code: 'WORKER_DIED' },
    })
    await stopped
    expect(existsSync(path)).toBe(false)
  })
})

describe('while nothing is open', () => {
  test.each(['before it is opened', 'after it was closed'])('every call is answered, %s', async (when) => {
    const { worker } = await open()
    if (when === 'after it was closed') await worker.close()
    const unopened = unheardWorker()
    const idle = when === 'after it was closed' ? worker : unopened
    const closed = { code: 'CLOSED' }
    const layout = { layoutId: 1, columns: [{ name: 'a', type: 'INTEGER' }] }
    const request = insertRequest(layout, { a: [1] })
    expect(await idle.insert([request, request])).toMatchObject([
      { status: 'rolled-back', error: closed, buffer: request.buffer },
      { status: 'rolled-back', error: closed },
    ])
    const question = { queryId: 1, sql: 'SELECT 1', parameters: undefined }
    expect(await idle.query(question)).toMatchObject({ status: 'failed', error: closed })
    expect(await idle.prepareTable(TABLES[0] as TableSetup)).toMatchObject({
      status: 'failed',
      error: closed,
    })
    expect(await idle.abandon(1)).toBeUndefined()
    expect(await idle.cancelQuery(1)).toBeUndefined()
    expect(await idle.close()).toEqual({ status: 'closed' })
    expect(await idle.stop()).toBeUndefined()
  })
})

test('calls of every kind made at once all end well, and the file holds exactly what was committed', async () => {
  const path = join(temporaryDirectory(), 'a.duckdb')
  const { worker, layout, write, query } = await open(path)
  const table = await layout('t')
  const calls: Promise<unknown>[] = []
  for (let round = 0; round < 25; round++) {
    calls.push(write([round]), write([round, round]))
    calls.push(query(COUNT), query('UPDATE u SET b = $1', [String(round)]))
    calls.push(worker.prepareTable({ table: { name: `made_${round % 5}` }, ...declared, origin: 'declared' }))
    const parts = [0, 1, 2].map((index) =>
      insertRequest(
        table,
        { a: [100 + index] },
        { writeId: 10_000 + round, first: index === 0, last: index === 2 },
      ),
    )
    for (const part of parts) calls.push(worker.insert([part]))
  }
  const replies = (await Promise.all(calls)).flat() as { status: string }[]
  const failed = replies.filter(({ status }) => status === 'failed' || status === 'rolled-back')
  expect(failed).toEqual([])
  expect(await worker.close()).toEqual({ status: 'closed' })
  expect(await readFile(path, 'SELECT count(*)::INTEGER, sum(a)::INTEGER FROM t')).toEqual([
    [25 * 6, 3 * ((24 * 25) / 2) + 25 * 303],
  ])
  expect(
    await readFile(path, "SELECT count(*)::INTEGER FROM duckdb_tables() WHERE table_name LIKE 'made%'"),
  ).toEqual([[5]])
})

const declared = { columns: [{ name: 'a', type: 'INTEGER' }] } as const

describe('writes that wait', () => {
  test('share a commit, each with its own reply', async () => {
    const { write, rows } = await open()
    const replies = await Promise.all([write([1]), write([-1]), write([3, 3]), write([4])])
    expect(replies).toMatchObject([
      { status: 'committed', sequence: 1 },
      { status: 'run-again', error: { code: 'CONSTRAINT_VIOLATED' } },
      { status: 'committed', sequence: 2 },
      { status: 'committed', sequence: 3 },
    ])
    expect(await rows('SELECT a FROM t ORDER BY rowid')).toEqual([{ a: 1 }, { a: 3 }, { a: 3 }, { a: 4 }])
  })

  test('of one message are answered together', async () => {
    const { worker, layout } = await open()
    const table = await layout('t')
    const requests = [[1], [2], [3]].map((a) => insertRequest(table, { a }))
    const replies = await worker.insert(requests)
    expect(replies.map((reply) => reply.status)).toEqual(['committed', 'committed', 'committed'])
    expect(replies).toMatchObject(requests.map(({ buffer }) => ({ buffer })))
  })

  test('of one message with one that is to be run again are answered in two', async () => {
    const { worker, layout, query } = await open()
    const table = await layout('t')
    const requests = [[1], [2], [3]].map((a) => insertRequest(table, { a }))
    await query('CREATE OR REPLACE TABLE t AS SELECT a::BIGINT AS a, b FROM t')
    const answers = await worker.insert(requests)
    expect(answers.map(({ status }) => status)).toEqual(['run-again', 'deferred', 'deferred'])
    const [first, second, third] = requests.map(({ writeId }) => writeId) as [number, number, number]
    await worker.abandon(first)
    // the table is as it was for these two as well
    expect(await worker.insertReply(second)).toMatchObject({ status: 'run-again' })
    const again = insertRequest(await layout('t'), { a: [2n] }, { writeId: second, run: 1 })
    expect(await worker.insert([again])).toMatchObject([{ status: 'committed', sequence: 1 }])
    expect(await worker.insertReply(third)).toMatchObject({ status: 'run-again' })
    await worker.abandon(third)
    await expect(worker.insertReply(third)).rejects.toThrow('no reply')
  })

  test('are as good without group commit', async () => {
    const { write, rows } = await open(':memory:', false)
    const replies = await Promise.all([write([1]), write([-1]), write([2])])
    expect(replies.map((reply) => reply.status)).toEqual(['committed', 'run-again', 'committed'])
    expect(await rows(COUNT)).toEqual([{ n: 2 }])
  })

  // with a delay that the test would not survive
  const patient = { maxBatches: 3, maxDelayMs: 3_600_000 }

  test('wait no longer than until their group is full', async () => {
    const { write } = await open(':memory:', patient)
    const replies = await Promise.all([write([1]), write([2]), write([3])])
    expect(replies.map((reply) => reply.status)).toEqual(['committed', 'committed', 'committed'])
  })

  test.each([
    [
      'a statement',
      async ({ query }: Opened) => expect(await query('DELETE FROM u')).toMatchObject({ status: 'rows' }),
    ],
    ['closing', async ({ worker }: Opened) => expect(await worker.close()).toEqual({ status: 'closed' })],
  ])('wait for no more where %s comes behind them', async (_, next) => {
    const opened = await open(':memory:', patient)
    const written = opened.write([1])
    await next(opened)
    expect(await written).toMatchObject({ status: 'committed' })
  })

  test('go after their delay', async () => {
    const { write } = await open(':memory:', { maxBatches: 3, maxDelayMs: 20 })
    expect(await write([1])).toMatchObject({ status: 'committed', sequence: 1 })
    expect(await write([2])).toMatchObject({ status: 'committed', sequence: 2 })
  })
})

describe('while a write of several parts is open', () => {
  type Next = (a: number, last?: boolean, buffer?: ArrayBuffer) => Promise<InsertReply>

  async function openWrite(opened: Opened): Promise<Next & { readonly writeId: number }> {
    const table = await opened.layout('t')
    const first = insertRequest(table, { a: [1] }, { last: false })
    expect(await opened.worker.insert([first])).toMatchObject([{ status: 'inserted' }])
    const { writeId } = first
    const next: Next = async (a, last = true, buffer) => {
      const part = insertRequest(table, { a: [a] }, { writeId, first: false, last })
      const [reply] = await opened.worker.insert([buffer === undefined ? part : { ...part, buffer }])
      return reply as InsertReply
    }
    return Object.assign(next, { writeId })
  }

  test('other writes, statements and tables wait, and reads do not', async () => {
    const opened = await open()
    const next = await openWrite(opened)
    const answered: string[] = []
    const others = [
      opened.write([7]).then((reply) => answered.push(reply.status)),
      opened.query('DELETE FROM t WHERE a = 7').then((reply) => answered.push(reply.status)),
      opened.layout('u').then(() => answered.push('table')),
    ]
    expect(await opened.rows(COUNT)).toEqual([{ n: 0 }])
    expect(await next(2, false)).toMatchObject({ status: 'inserted' })
    expect(await opened.rows(COUNT)).toEqual([{ n: 0 }])
    expect(answered).toEqual([])
    expect(await next(3)).toMatchObject({ status: 'committed', sequence: 1 })
    await Promise.all(others)
    expect(answered.sort()).toEqual(['committed', 'rows', 'table'])
    expect(await opened.rows('SELECT a FROM t ORDER BY a')).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }])
  })

  test('and abandoned, the others go on without it', async () => {
    const opened = await open()
    const table = await opened.layout('t')
    const first = insertRequest(table, { a: [1] }, { last: false })
    await opened.worker.insert([first])
    const other = opened.write([7])
    await opened.worker.abandon(first.writeId)
    expect(await other).toMatchObject({ status: 'committed', sequence: 1 })
    expect(await opened.rows('SELECT a FROM t')).toEqual([{ a: 7 }])
  })

  test('and DuckDB refuses a row of it, the others go on when it is checked and committed', async () => {
    const opened = await open()
    const next = await openWrite(opened)
    const other = opened.write([7])
    const failed = await next(-1, false)
    expect(failed).toMatchObject({ status: 'run-again', error: { code: 'CONSTRAINT_VIOLATED' } })
    const { error } = failed as { error: object }
    expect(await next(3)).toMatchObject({ status: 'run-again', error })
    const checked = insertRequest(
      await opened.layout('t'),
      { a: [5, -1, -2] },
      { writeId: next.writeId, run: 1, action: 'check', last: false },
    )
    const fault = { code: 'CONSTRAINT_VIOLATED', message: 'the record violates CHECK((a >= 0))' }
    const refused = [1, 2].map((row) => ({ row, fault }))
    expect(await opened.worker.insert([checked])).toMatchObject([{ status: 'inserted', refused }])
    const end = { ...checked, action: 'commit', first: false, last: true } as const
    expect(await opened.worker.insert([end])).toMatchObject([{ status: 'committed', sequence: 1 }])
    expect(await other).toMatchObject({ status: 'committed', sequence: 2 })
    expect(await opened.rows('SELECT a FROM t')).toEqual([{ a: 5 }, { a: 7 }])
  })

  test('and fails otherwise, the others go on when its last part was answered', async () => {
    const opened = await open()
    const next = await openWrite(opened)
    const other = opened.write([7])
    const failed = await next(1, false, new ArrayBuffer(64))
    expect(failed).toMatchObject({ status: 'rolled-back', error: { code: 'INSERT_FAILED' } })
    const { error } = failed as { error: object }
    expect(await next(3)).toMatchObject({ status: 'rolled-back', error })
    expect(await other).toMatchObject({ status: 'committed', sequence: 1 })
    expect(await opened.rows('SELECT a FROM t')).toEqual([{ a: 7 }])
  })
})

describe('queries', () => {
  test('see every receipt that was given before them', async () => {
    const { write, rows } = await open()
    for (let n = 1; n <= 40; n++) {
      await write([n])
      expect(await rows(COUNT)).toEqual([{ n }])
    }
  })

  test('that run long do not hold up writes, and end when they are cancelled', async () => {
    const { worker, write, rows } = await open()
    const endless = worker.query({ queryId: 100_001, sql: ENDLESS, parameters: undefined })
    const waiting = worker.query({ queryId: 100_002, sql: 'SELECT 1 AS a', parameters: undefined })
    for (let n = 1; n <= 10; n++) expect(await write([n])).toMatchObject({ status: 'committed' })
    await worker.cancelQuery(100_002)
    await worker.cancelQuery(100_001)
    expect(await endless).toMatchObject({ status: 'failed', error: { code: 'STATEMENT_FAILED' } })
    expect(await waiting).toMatchObject({ status: 'failed', error: { message: 'the query was cancelled' } })
    expect(await rows(COUNT)).toEqual([{ n: 10 }])
  })

  test('that fail are answered as data, and leave both connections as they were', async () => {
    const { query, write, rows } = await open()
    await write([1])
    const refused = { status: 'failed', error: { code: 'STATEMENT_REFUSED' } }
    const failed = { status: 'failed', error: { code: 'STATEMENT_FAILED' } }
    expect(await query('BEGIN')).toMatchObject(refused)
    expect(await query('SELECT nonsense')).toMatchObject(failed)
    const violated = { status: 'failed', error: { code: 'CONSTRAINT_VIOLATED' } }
    expect(await query('INSERT INTO t VALUES (-1, NULL)')).toMatchObject(violated)
    expect(await query("INSERT INTO t VALUES ('x', NULL)")).toMatchObject(failed)
    expect(await write([2])).toMatchObject({ status: 'committed' })
    expect(await rows(COUNT)).toEqual([{ n: 2 }])
  })
})

describe('DDL by query()', () => {
  test('is told, and a write encoded for the table as it was is asked for again, before any other', async () => {
    const { write, query, layout, worker, rows } = await open()
    await write([1])
    expect(await query('ALTER TABLE t ADD COLUMN c INTEGER DEFAULT 9')).toMatchObject({ changedSchema: true })
    // the column that is written is as it was
    expect(await write([2])).toMatchObject({ status: 'committed' })
    await query('CREATE OR REPLACE TABLE t AS SELECT a::BIGINT AS a, b, c FROM t')
    const writeId = 3_000
    const stale = await write([3], { writeId })
    expect(stale).toMatchObject({ status: 'run-again', error: { code: 'TABLE_CHANGED' } })
    const after = insertRequest(await layout('t'), { a: [4n] })
    const later = worker.insert([after])
    const again = insertRequest(await layout('t'), { a: [3n] }, { writeId, run: 1 })
    expect(await worker.insert([again])).toMatchObject([{ status: 'committed', sequence: 3 }])
    expect(await later).toMatchObject([{ status: 'committed', sequence: 4 }])
    expect(await rows('SELECT a, c FROM t ORDER BY a')).toEqual([
      { a: 1n, c: 9 },
      { a: 2n, c: 9 },
      { a: 3n, c: null },
      { a: 4n, c: null },
    ])
  })

  test('drops a table: a write is asked for again or abandoned, and it can be made again', async () => {
    const { write, query, worker, rows } = await open()
    await write([1])
    await query('DROP TABLE t')
    const writeId = 2_000
    expect(await write([2], { writeId })).toMatchObject({
      status: 'run-again',
      error: { code: 'TABLE_CHANGED' },
    })
    await worker.abandon(writeId)
    expect(await worker.prepareTable({ table: { name: 't' }, origin: 'declared' })).toEqual({
      status: 'absent',
    })
    expect(await worker.prepareTable(TABLES[0] as TableSetup)).toMatchObject({ status: 'present' })
    expect(await write([3])).toMatchObject({ status: 'committed' })
    expect(await rows('SELECT a FROM t')).toEqual([{ a: 3 }])
  })
})

describe('closing', () => {
  test('settles what was there first, refuses what comes after, and frees the file', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const { worker, write, query } = await open(path)
    const before = [write([1]), write([2]), query('INSERT INTO t VALUES (3, NULL)')]
    const closing = worker.close()
    const after = write([4])
    expect(await closing).toEqual({ status: 'closed' })
    expect((await Promise.all(before)).map((reply) => reply.status)).toContain('committed')
    expect(await after).toMatchObject({ status: 'rolled-back', error: { code: 'CLOSED' } })
    expect(existsSync(`${path}.wal`)).toBe(false)
    expect(existsSync(`${path}.ducksink-lock`)).toBe(false)
    expect(await readFile(path, 'SELECT a FROM t WHERE a < 3 ORDER BY a')).toEqual([[1], [2]])
  })

  test('waits for a query that runs', async () => {
    const path = join(temporaryDirectory(), 'a.duckdb')
    const { worker, query } = await open(path)
    const running = query('SELECT count(*)::INTEGER AS n FROM range(20_000_000) r(i) WHERE i % 7 = 3')
    expect(await worker.close()).toEqual({ status: 'closed' })
    expect(await running).toMatchObject({ status: 'rows', rows: [{ n: 2_857_143 }] })
    expect(await readFile(path, 'SELECT count(*)::INTEGER FROM t')).toEqual([[0]])
  })

  test('twice at once is answered twice', async () => {
    const { worker } = await open()
    expect(await Promise.all([worker.close(), worker.close()])).toMatchObject([
      { status: 'closed' },
      { status: expect.stringMatching(/closed|failed/) },
    ])
  })
})

test('stopping in the middle leaves in the file exactly the batches that were told committed', async () => {
  const path = join(temporaryDirectory(), 'a.duckdb')
  const { worker, write, query } = await open(path, false)
  const batch = Array.from({ length: 2_000 }, (_, row) => row)
  const writes = Array.from({ length: 12 }, () => write(batch))
  const endless = query(ENDLESS)
  await writes[2]
  await worker.stop()
  const replies = await Promise.all(writes)
  const committed = replies.filter((reply) => reply.status === 'committed').length
  expect(committed).toBeGreaterThanOrEqual(3)
  expect(replies.slice(committed).every((reply) => reply.status === 'rolled-back')).toBe(true)
  expect(await endless).toMatchObject({ status: 'failed' })
  expect(await readFile(path, 'SELECT count(*)::INTEGER FROM t')).toEqual([[committed * 2_000]])
})

test('the log holds no row value', async () => {
  const { write, query, lines, worker } = await open()
  await write([123_456_789])
  await write([-123_456_789])
  await query("INSERT INTO t VALUES (-123456789, 'hunter2')")
  await worker.close()
  expect(JSON.stringify(lines)).not.toMatch(/123.?456.?789|hunter2/)
  expect(lines.some(({ message }) => message === 'target closed')).toBe(true)
})
