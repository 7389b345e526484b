import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ErrorData } from '../src/protocol/errors.ts'
import type { InsertReply, InsertRequest } from '../src/protocol/insert-messages.ts'
import { sourceUrl, spawnChild } from './child.ts'
import type { PhysicalValue } from './parts.ts'
import { readFile } from './read-file.ts'
import { insertGroup, insertRequest, openSession, type Session, temporaryDirectory } from './session.ts'

type Values = Readonly<Record<string, readonly PhysicalValue[]>>

/** Tables `t` and `u`, whose `a` takes 0 to 99 once each; `b` takes anything. */
async function openTables(path?: string): Promise<Session> {
  const session = await openSession(path)
  for (const table of ['t', 'u'])
    await session.rows(`CREATE TABLE ${table} (a INTEGER PRIMARY KEY CHECK (a < 100), b VARCHAR)`)
  return session
}

async function request(
  session: Session,
  table: string,
  values: Values,
  options: Partial<InsertRequest> = {},
): Promise<InsertRequest> {
  return insertRequest(await session.layout(table), values, options)
}

const statuses = (replies: readonly InsertReply[]): string[] =>
  replies.map((reply) => ('error' in reply ? reply.error.code : reply.status))

const sequences = (replies: readonly InsertReply[]): number[] =>
  replies.flatMap((reply) => (reply.status === 'committed' ? reply.sequence : []))

const column = async ({ rows }: Session, table: string): Promise<unknown[]> =>
  (await rows(`SELECT a FROM ${table} ORDER BY rowid`)).map((row) => row.a)

describe('a group of writes', () => {
  test('is committed in order, each with a sequence number of its own, for another process to read', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await openTables(path)
    const group = [
      await request(session, 't', { a: [3, 1] }),
      await request(session, 't', { a: [2] }),
      await request(session, 'u', { a: [9], b: ['x'] }),
      await request(session, 't', { b: ['y'], a: [0] }),
    ]
    const replies = await session.transactions.insertGroup(group)
    expect(statuses(replies)).toEqual(['committed', 'committed', 'committed', 'committed'])
    expect(sequences(replies)).toEqual([1, 2, 3, 4])
    expect(replies.map((reply) => reply.buffer)).toEqual(group.map(({ buffer }) => buffer))
    session.close()
    expect(await readFile(path, 'SELECT a FROM t ORDER BY rowid')).toEqual([[3], [1], [2], [0]])
    expect(await readFile(path, 'SELECT a, b FROM u')).toEqual([[9, 'x']])
  })

  test('loses the one member that violates a constraint, and no other', async () => {
    const session = await openTables()
    const replies = await insertGroup(session, [
      await request(session, 't', { a: [1] }),
      await request(session, 't', { a: [2, 1000, 3] }, { key: 'bad' }),
      await request(session, 't', { a: [4] }),
    ])
    expect(statuses(replies)).toEqual(['committed', 'CONSTRAINT_VIOLATED', 'committed'])
    expect(replies[1]).toMatchObject({ error: { table: 't', key: 'bad' } })
    expect(sequences(replies)).toEqual([1, 2])
    expect(await column(session, 't')).toEqual([1, 4])
  })

  test('over several tables loses only the member at fault', async () => {
    const session = await openTables()
    const replies = await insertGroup(session, [
      await request(session, 't', { a: [1] }),
      await request(session, 'u', { a: [1] }),
      await request(session, 't', { a: [1] }),
      await request(session, 'u', { a: [2] }),
    ])
    expect(statuses(replies)).toEqual(['committed', 'committed', 'CONSTRAINT_VIOLATED', 'committed'])
    expect([await column(session, 't'), await column(session, 'u')]).toEqual([[1], [1, 2]])
  })

  test('whose members all fail leaves nothing, and the next one goes on', async () => {
    const session = await openTables()
    const bad = { a: [1000] }
    const group = [
      await request(session, 't', bad),
      await request(session, 'u', bad),
      await request(session, 't', bad),
    ]
    expect(statuses(await insertGroup(session, group))).toEqual(Array(3).fill('CONSTRAINT_VIOLATED'))
    const next = await insertGroup(session, [await request(session, 't', { a: [5] })])
    expect(sequences(next)).toEqual([1])
    expect(await column(session, 't')).toEqual([5])
  })

  test('asks again for a member whose table has changed, and leaves those after it for later', async () => {
    const session = await openTables()
    const group = [
      await request(session, 't', { a: [1] }),
      await request(session, 'u', { b: ['x'], a: [1] }),
      await request(session, 't', { a: [2] }),
    ]
    await session.rows('ALTER TABLE u DROP COLUMN b')
    session.catalog.invalidate()
    const replies = await session.transactions.insertGroup(group)
    expect(replies.map(({ status }) => status)).toEqual(['committed', 'run-again'])
    const { writeId } = group[1] as InsertRequest
    expect(session.transactions.openWrite).toEqual({ writeId, isAwaited: true })
    expect([await column(session, 't'), await column(session, 'u')]).toEqual([[1], []])
    const again = await request(session, 'u', { a: [1] }, { writeId, run: 1 })
    expect(statuses(await session.transactions.insertParts([again]))).toEqual(['committed'])
    expect(session.transactions.openWrite).toBeUndefined()
    expect(await column(session, 'u')).toEqual([1])
  })

  test('does not ask for a write for ever', async () => {
    const session = await openTables()
    const late = await request(session, 'u', { b: ['x'], a: [1] }, { run: 8 })
    await session.rows('ALTER TABLE u DROP COLUMN b')
    session.catalog.invalidate()
    expect(statuses(await session.transactions.insertGroup([late]))).toEqual(['TABLE_CHANGED'])
    expect(session.transactions.openWrite).toBeUndefined()
  })

  test('loses a member whose buffer is no part, and writes the others', async () => {
    const session = await openTables()
    const foreign = await request(session, 't', { a: [2] }, { buffer: new ArrayBuffer(64) })
    const group = [await request(session, 't', { a: [1] }), foreign, await request(session, 't', { a: [3] })]
    const replies = await session.transactions.insertGroup(group)
    expect(statuses(replies)).toEqual(['committed', 'INSERT_FAILED', 'committed'])
    expect(await column(session, 't')).toEqual([1, 3])
  })

  test('ends as if each member had been written alone, whichever are bad', async () => {
    const writes = fc.array(
      fc.record({
        table: fc.constantFrom('t', 'u'),
        a: fc.array(fc.integer({ min: 0, max: 103 }), { minLength: 1, maxLength: 3 }),
        withB: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    )
    const session = await openTables()
    let sequence = 0
    await fc.assert(
      fc.asyncProperty(writes, async (list) => {
        await session.rows('DELETE FROM t')
        await session.rows('DELETE FROM u')
        const there: Record<string, number[]> = { t: [], u: [] }
        const expected: (number | string)[] = []
        const group: InsertRequest[] = []
        for (const { table, a, withB } of list) {
          const held = there[table] as number[]
          const isGood =
            new Set([...held, ...a]).size === held.length + a.length && a.every((key) => key < 100)
          if (isGood) held.push(...a)
          expected.push(isGood ? ++sequence : 'CONSTRAINT_VIOLATED')
          group.push(await request(session, table, withB ? { a, b: a.map(String) } : { a }))
        }
        const replies = await insertGroup(session, group)
        expect(
          replies.map((reply) => (reply.status === 'committed' ? reply.sequence : statuses([reply])[0])),
        ).toEqual(expected)
        expect({ t: await column(session, 't'), u: await column(session, 'u') }).toEqual(there)
      }),
      { numRuns: 30 },
    )
  })
})

describe('a write of several parts', () => {
  /** Sends parts with these keys, one after another; gives the replies. */
  async function write(
    session: Session,
    table: string,
    parts: readonly (readonly number[])[],
  ): Promise<InsertReply[]> {
    const replies: InsertReply[] = []
    const { writeId } = await request(session, table, { a: [0] })
    for (const [index, a] of parts.entries()) {
      const options = { writeId, first: index === 0, last: index === parts.length - 1 }
      replies.push(
        ...(await session.transactions.insertParts([await request(session, table, { a }, options)])),
      )
    }
    if (replies.at(-1)?.status === 'run-again') await session.transactions.abandon(writeId)
    return replies
  }

  test('is committed by its last part, and seen by nobody before', async () => {
    const session = await openTables()
    const seen = async (): Promise<unknown> =>
      (await session.database.reader.rows('SELECT count(*)::INTEGER AS n FROM t'))[0]?.n
    const first = await request(session, 't', { a: [1] }, { last: false })
    const { writeId } = first
    expect(statuses(await session.transactions.insertParts([first]))).toEqual(['inserted'])
    expect(session.transactions.openWrite?.writeId).toBe(writeId)
    const middle = await request(session, 't', { a: [2, 3] }, { writeId, first: false, last: false })
    expect(statuses(await session.transactions.insertParts([middle]))).toEqual(['inserted'])
    expect(await seen()).toBe(0)
    const last = await request(session, 't', { a: [4] }, { writeId, first: false })
    expect((await session.transactions.insertParts([last]))[0]).toEqual({
      status: 'committed',
      buffer: last.buffer,
      sequence: 1,
    })
    expect(session.transactions.openWrite).toBeUndefined()
    expect(await seen()).toBe(4)
  })

  test('may go in by one statement, which commits where it holds the last part', async () => {
    const session = await openTables()
    const first = await request(session, 't', { a: [1] }, { last: false })
    const { writeId } = first
    const second = await request(session, 't', { a: [2, 3] }, { writeId, first: false, last: false })
    const third = await request(session, 't', { a: [4] }, { writeId, first: false })
    expect(statuses(await session.transactions.insertParts([first, second]))).toEqual([
      'inserted',
      'inserted',
    ])
    expect(statuses(await session.transactions.insertParts([third]))).toEqual(['committed'])
    const bad = await request(session, 't', { a: [5] }, { last: false })
    const worse = await request(session, 't', { a: [1000] }, { writeId: bad.writeId, first: false })
    expect(new Set(statuses(await session.transactions.insertParts([bad, worse]))).size).toBe(1)
    await session.transactions.abandon(bad.writeId)
    expect(session.transactions.openWrite).toBeUndefined()
    const [row] = await session.database.reader.rows('SELECT sum(a)::INTEGER AS sum FROM t')
    expect(row?.sum).toBe(10)
  })

  test.each([
    ['first', [[1000], [1], [2], [3]]],
    ['second', [[1], [1000], [2], [3]]],
    ['third, by a key of the first', [[1], [2], [1], [3]]],
    ['last', [[1], [2], [3], [1000]]],
  ])(
    'is rolled back where its %s part fails, and every later part of that run is told the same',
    async (_, parts) => {
      const session = await openTables()
      await session.transactions.insertGroup([await request(session, 't', { a: [50] })])
      const replies = await write(session, 't', parts)
      const failed = replies.findIndex((reply) => reply.status === 'run-again')
      const error = (replies[failed] as { error: ErrorData }).error
      expect(error).toMatchObject({ code: 'CONSTRAINT_VIOLATED', table: 't' })
      expect(statuses(replies.slice(0, failed))).toEqual(Array(failed).fill('inserted'))
      expect(replies.slice(failed).map((reply) => (reply as { error: ErrorData }).error)).toEqual(
        Array(parts.length - failed).fill(error),
      )
      expect(session.transactions.openWrite).toBeUndefined()
      expect(await column(session, 't')).toEqual([50])
      expect(sequences(await write(session, 't', [[1], [2]]))).toEqual([2])
      expect(await column(session, 't')).toEqual([50, 1, 2])
    },
  )

  test('that is abandoned leaves nothing', async () => {
    const session = await openTables()
    const first = await request(session, 't', { a: [1] }, { last: false })
    await session.transactions.insertParts([first])
    await session.transactions.abandon(first.writeId + 1000)
    expect(session.transactions.openWrite?.writeId).toBe(first.writeId)
    await session.transactions.abandon(first.writeId)
    expect(session.transactions.openWrite).toBeUndefined()
    expect(await column(session, 't')).toEqual([])
    await session.transactions.abandon(first.writeId)
    const next = await session.transactions.insertGroup([await request(session, 't', { a: [1] })])
    expect(sequences(next)).toEqual([1])
  })

  test('that is abandoned after it failed is over', async () => {
    const session = await openTables()
    const first = await request(session, 't', { a: [1000] }, { last: false })
    expect(statuses(await session.transactions.insertParts([first]))).toEqual(['CONSTRAINT_VIOLATED'])
    expect(session.transactions.openWrite?.writeId).toBe(first.writeId)
    await session.transactions.abandon(first.writeId)
    expect(session.transactions.openWrite).toBeUndefined()
    expect(sequences(await write(session, 't', [[1], [2]]))).toEqual([1])
  })

  test('whose first part never came is a programming error', async () => {
    const session = await openTables()
    const part = await request(session, 't', { a: [1] }, { first: false })
    await expect(session.transactions.insertParts([part])).rejects.toThrow('not open')
  })

  test('of many chunks is whole in another process', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await openSession(path)
    await session.rows('CREATE TABLE t (a INTEGER, b VARCHAR)')
    const part = (index: number): Values => {
      const numbers = Array.from({ length: 8192 }, (_, row) => index * 8192 + row)
      return { a: numbers, b: numbers.map((n) => (n % 3 === 0 ? null : `text number ${n}`)) }
    }
    const { writeId } = await request(session, 't', part(0))
    for (const index of [0, 1, 2]) {
      const options = { writeId, first: index === 0, last: index === 2 }
      await session.transactions.insertParts([await request(session, 't', part(index), options)])
    }
    session.close()
    const sql = `SELECT count(*)::INTEGER, count(DISTINCT a)::INTEGER, count(b)::INTEGER, max(a),
      bool_and(b = 'text number ' || a) FROM t`
    expect(await readFile(path, sql)).toEqual([[24_576, 24_576, 16_384, 24_575, true]])
  })
})

// a process that may not write beyond a size fails as on a full disk, with COMMITs that DuckDB really refuses
describe.skipIf(process.platform === 'win32')('on a disk that is full', () => {
  /** Runs steps against a worker in another process, then reads the file here; gives what each step answered. */
  async function run(
    config: Readonly<Record<string, string>>,
    steps: string,
  ): Promise<{ answers: Record<string, unknown>[]; path: string }> {
    const path = `${temporaryDirectory()}/a.duckdb`
    const child = spawnChild(
      `
      const { SinkWorker } = await import(${JSON.stringify(sourceUrl('sink-worker.ts'))})
      const { WorkerLog } = await import(${JSON.stringify(sourceUrl('log.ts'))})
      const { encodePart } = await import(${JSON.stringify(new URL('parts.ts', import.meta.url).href)})
      const say = (answer) => console.log(JSON.stringify(answer))
      const worker = new SinkWorker(new WorkerLog(0, () => {}), () => {}, () => {})
      const tables = ['t', 'u'].map((name) => ({
        table: { name },
        columns: [{ name: 'a', type: 'VARCHAR' }],
        origin: 'declared',
      }))
      const opened = await worker.open({
        path: ${JSON.stringify(path)},
        config: ${JSON.stringify(config)},
        tables,
        groupCommit: { maxBatches: 64, maxDelayMs: 0 },
        deliveryMode: 'at-least-once', checkpointBytes: 2 ** 26, repairTornCheckpoint: false, degradedTimeoutMs: 30_000, lockNonce: 'nonce',
      })
      if (opened.status !== 'open') say(opened)
      const layouts = {}
      for (const { table } of tables) layouts[table.name] = (await worker.prepareTable({ table, origin: 'declared' })).layout
      let writeId = 0
      const write = (table, rowCount, options) => {
        const values = Array.from({ length: rowCount }, (_, row) => String(Math.random()).repeat(3) + row)
        const { buffer } = encodePart([{ type: 'VARCHAR', values }])
        const { layoutId } = layouts[table]
        return { writeId: ++writeId, run: 0, layoutId, columns: [0], buffer, rowCount, first: true, last: true, ...options }
      }
      const insert = async (...requests) => {
        for (const { status, sequence, error } of await worker.insert(requests))
          say({ status, sequence, code: error?.code, message: error?.message, cause: error?.causeMessage })
      }
      const count = async () => {
        const sql = '(SELECT count(*)::INTEGER AS n FROM t) UNION ALL (SELECT count(*)::INTEGER AS n FROM u)'
        const { rows, error } = await worker.query({ queryId: 1, sql })
        say({ rows: rows?.map((row) => row.n), error: error?.message })
      }
      ${steps}
      await worker.close()
      `,
      { maxFileBytes: 300_000 },
    )
    const answers: Record<string, unknown>[] = []
    for (let line = await child.nextLine(); line !== undefined; line = await child.nextLine())
      answers.push(JSON.parse(line))
    await child.exited
    return { answers, path }
  }

  const unknown = {
    status: 'rolled-back',
    code: 'OUTCOME_UNKNOWN',
    cause: expect.stringMatching(/^TransactionContext Error: Failed to commit: Could not write file/),
  }
  const committed = (sequence: number): object => ({ status: 'committed', sequence })
  const inserted = { status: 'inserted' }
  const counts = 'SELECT (SELECT count(*)::INTEGER FROM t), (SELECT count(*)::INTEGER FROM u)'

  test('a COMMIT that fails leaves the outcome unknown, and the next batch goes on', async () => {
    const { answers, path } = await run(
      { checkpoint_threshold: '1GB' },
      `
      await insert(write('t', 10))
      await insert(write('t', 20_000))
      // alone the second would go well, but the first attempt may have written it
      await insert(write('t', 10_000), write('u', 10))
      const part = write('t', 10_000, { last: false })
      await insert(part)
      await insert(write('t', 10_000, { writeId: part.writeId, first: false }))
      await insert(write('u', 10), write('t', 10))
      const createTableSql = "CREATE TABLE v AS SELECT repeat(md5(i::VARCHAR), 2) AS a FROM range(20_000) r(i)"
      const { status, error } = await worker.prepareTable({ table: { name: 'v' }, createTableSql, origin: 'declared' })
      say({ status, code: error?.code, message: error?.message })
      const sql = 'INSERT INTO t SELECT md5(i::VARCHAR) FROM range(20_000) r(i)'
      const reply = await worker.query({ queryId: 2, sql })
      say({ status: reply.status, code: reply.error?.code })
      await insert(write('u', 1))
      await count()`,
    )
    expect(answers).toMatchObject([
      committed(1),
      unknown,
      unknown,
      unknown,
      inserted,
      unknown,
      committed(2),
      committed(3),
      { status: 'failed', code: 'DDL_FAILED', message: expect.stringContaining('Could not write file') },
      { status: 'failed', code: 'OUTCOME_UNKNOWN' },
      committed(4),
      { rows: [20, 11] },
    ])
    expect(await readFile(path, counts)).toEqual([[20, 11]])
  })

  test('a batch that became durable before its checkpoint failed is committed; later ones are not', async () => {
    const { answers, path } = await run(
      { checkpoint_threshold: '100KB' },
      `
      const before = () => write('t', 1_000)
      for (let status = 'committed', rounds = 0; status === 'committed' && rounds < 20; rounds++) {
        const [reply] = await worker.insert([before()])
        say({ status: reply.status, code: reply.error?.code, message: reply.error?.message })
        status = reply.status
      }
      await insert(write('t', 1), write('u', 1))
      const part = write('t', 1, { last: false })
      await insert(part)
      await insert(write('t', 1, { writeId: part.writeId, first: false }))`,
    )
    const good = answers.filter(({ status }) => status === 'committed').length
    const invalidated = {
      status: 'rolled-back',
      code: 'INSERT_FAILED',
      message: expect.stringContaining('has been invalidated because checkpointing failed'),
    }
    expect(good).toBeGreaterThan(0)
    expect(answers.slice(good)).toMatchObject(Array(answers.length - good).fill(invalidated))
    expect(answers).toHaveLength(good + 5)
    expect(await readFile(path, counts)).toEqual([[good * 1_000, 0]])
  })
})

describe('a write of several parts on a file', () => {
  /** Sends writes of two parts each as the worker's queue does; gives the answers to their last parts. */
  async function send(
    session: Session,
    table: string,
    writes: readonly (readonly [number, number])[],
  ): Promise<readonly InsertReply[]> {
    const answers: Promise<readonly InsertReply[]>[] = []
    for (const [one, two] of writes) {
      const first = await request(session, table, { a: [one] }, { last: false })
      const { writeId } = first
      const last = await request(session, table, { a: [two] }, { writeId, first: false })
      await session.transactions.insertParts([first])
      answers.push(session.transactions.insertParts([last]))
      await session.transactions.turn
    }
    return (await Promise.all(answers)).flat()
  }

  const pairs = Array.from({ length: 12 }, (_, index) => [2 * index, 2 * index + 1] as const)

  test('is inserted while the one before it commits, and commits after it', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await openSession(path)
    await session.rows('CREATE TABLE plain (a INTEGER)')
    const replies = await send(session, 'plain', pairs)
    expect(sequences(replies)).toEqual(pairs.map((_, index) => index + 1))
    expect(session.secondWriters).toBe(1)
    await session.transactions.quiet()
    session.close()
    expect(await readFile(path, 'SELECT a FROM plain ORDER BY rowid')).toEqual(pairs.flat().map((a) => [a]))
  })

  test.each(['PRIMARY KEY', 'UNIQUE', 'REFERENCES other (k)'])(
    'waits for the one before it where the column is %s',
    async (constraint) => {
      const session = await openSession(`${temporaryDirectory()}/a.duckdb`)
      await session.rows('CREATE TABLE other (k INTEGER PRIMARY KEY)')
      await session.rows('INSERT INTO other FROM range(100)')
      await session.rows(`CREATE TABLE keyed (a INTEGER ${constraint})`)
      const replies = await send(session, 'keyed', pairs)
      expect(sequences(replies)).toEqual(pairs.map((_, index) => index + 1))
      expect(session.secondWriters).toBe(0)
    },
  )

  test('waits where the table may have got an index since it was read', async () => {
    const session = await openSession(`${temporaryDirectory()}/a.duckdb`)
    await session.rows('CREATE TABLE plain (a INTEGER)')
    await send(session, 'plain', pairs.slice(0, 2))
    await session.transactions.quiet()
    await session.rows('CREATE UNIQUE INDEX once ON plain (a)')
    session.catalog.invalidate()
    session.transactions.clearStatements()
    const replies = await send(session, 'plain', [pairs[2] as [number, number], [0, 100]])
    expect(statuses(replies)).toEqual(['committed', 'CONSTRAINT_VIOLATED'])
  })
})
