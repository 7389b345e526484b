import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { InsertReply, InsertRequest } from '../src/protocol/insert-messages.ts'
import type { WriteIdentity } from '../src/protocol/ledger-messages.ts'
import { readFile } from './read-file.ts'
import { insertGroup, insertRequest, openSession, type Session, temporaryDirectory } from './session.ts'

const FIGURES = { deadLetterCount: 1, skippedCount: 2, discardedRowCount: 3, discardedValueCount: 4 }
const NO_ROWS = { action: 'commit', layoutId: 0, columns: [], buffer: new ArrayBuffer(0) } as const

/** Tables `t` and `u`, without an index, and `k`, whose `a` takes 0 to 99 once each. */
async function openTables(path?: string): Promise<Session> {
  const session = await openSession(path, {}, 'exactly-once')
  for (const table of ['t', 'u']) await session.rows(`CREATE TABLE IF NOT EXISTS ${table} (a INTEGER)`)
  await session.rows('CREATE TABLE IF NOT EXISTS k (a INTEGER PRIMARY KEY CHECK (a < 100))')
  return session
}

interface Options extends Partial<InsertRequest> {
  readonly table?: string
  readonly hash?: string
  readonly hashVersion?: number
}

/** One part of a write with an identity; its payload's hash is that of its values. */
async function request(
  session: Session,
  identity: WriteIdentity,
  a: readonly number[],
  { table = 't', hash = a.join(), hashVersion = 1, ...options }: Options = {},
): Promise<InsertRequest> {
  const figures = { rowCount: a.length, ...FIGURES }
  const entry = { table: `"${table}"`, tableName: table, digest: { version: hashVersion, hash }, figures }
  const { last = true } = options
  const layout = await session.layout(table)
  return insertRequest(layout, { a }, { identity, ...(last ? { entry } : undefined), ...options })
}

const keyed = (session: Session, key: string, a: readonly number[], options?: Options) =>
  request(session, { kind: 'key', key }, a, options)

const at = (channel: string, offset: bigint, generation = 0): WriteIdentity => ({
  kind: 'offsets',
  offsets: [{ channel, offset, generation }],
})

/** Short for what a reply says: the code of its error, or `duplicate`. */
const said = (reply: InsertReply | undefined): string => {
  if (reply === undefined) return 'none'
  if ('error' in reply) return reply.status === 'run-again' ? 'run-again' : reply.error.code
  return reply.status === 'committed' && reply.duplicateOf !== undefined ? 'duplicate' : reply.status
}

/** The message of the error that a reply has. */
const messageOf = (reply: InsertReply): string => ('error' in reply ? reply.error.message : '')

const one = async (session: Session, write: InsertRequest): Promise<InsertReply> =>
  (await insertGroup(session, [write]))[0] as InsertReply

/** The parts of a write of several. */
async function partsOf(
  session: Session,
  identity: WriteIdentity,
  parts: readonly (readonly number[])[],
  options: Options = {},
): Promise<InsertRequest[]> {
  const { writeId } = await request(session, identity, [], options)
  const hash = parts.flat().join()
  return Promise.all(
    parts.map((a, index) => {
      const place = { first: index === 0, last: index === parts.length - 1 }
      return request(session, identity, a, { hash, writeId, ...place, ...options })
    }),
  )
}

/** Inserts parts one after another; gives the replies. */
async function insertParts(
  { transactions }: Session,
  parts: readonly InsertRequest[],
): Promise<InsertReply[]> {
  const replies: InsertReply[] = []
  for (const part of parts) replies.push(...(await transactions.insertParts([part])))
  return replies
}

const column = async ({ rows }: Session, table = 't'): Promise<unknown[]> =>
  (await rows(`SELECT a FROM ${table} ORDER BY rowid`)).map((row) => row.a)

const keys = async ({ rows }: Session): Promise<unknown[]> =>
  (await rows('SELECT key FROM ducksink_ledger ORDER BY sequence')).map((row) => row.key)

describe('a write whose key is committed', () => {
  test('is written once, and answered with what was committed', async () => {
    const session = await openTables()
    const first = await one(session, await keyed(session, 'x', [1, 2]))
    expect(first).toMatchObject({ status: 'committed', sequence: 1 })
    expect(first).not.toHaveProperty('duplicateOf')
    const again = await keyed(session, 'x', [1, 2])
    expect(await one(session, again)).toEqual({
      status: 'committed',
      buffer: again.buffer,
      sequence: 1,
      duplicateOf: {
        ...{ rowCount: 2, ...FIGURES, sequence: 1, table: '"t"' },
        digest: { version: 1, hash: '1,2' },
      },
    })
    expect(await column(session)).toEqual([1, 2])
    expect(await one(session, await keyed(session, 'y', [3]))).toMatchObject({ sequence: 2 })
  })

  test('is known after the target was closed, and sequences go on', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const before = await openTables(path)
    await insertGroup(before, [await keyed(before, 'x', [1]), await keyed(before, 'y', [2])])
    before.close()
    const session = await openTables(path)
    const group = [await keyed(session, 'y', [2]), await keyed(session, 'z', [3])]
    expect(await insertGroup(session, group)).toMatchObject([
      { status: 'committed', duplicateOf: { sequence: 2 } },
      { status: 'committed', sequence: 3 },
    ])
    session.close()
    expect(await readFile(path, 'SELECT a FROM t')).toEqual([[1], [2], [3]])
  })

  test('with another payload is a conflict that names key and tables, and no value', async () => {
    const session = await openTables()
    await one(session, await keyed(session, 'x', [1]))
    const reply = await one(session, await keyed(session, 'x', [4711]))
    expect(reply).toMatchObject({ error: { code: 'KEY_CONFLICT', key: 'x', retryable: false } })
    expect(messageOf(reply)).toMatch(/"x" .* table "t" .* has another payload/)
    expect(JSON.stringify(reply)).not.toContain('4711')
    expect(await column(session)).toEqual([1])
  })

  test('for another table is a conflict, where only the letters of a name differ it is the same', async () => {
    const session = await openTables()
    await one(session, await keyed(session, 'x', [1]))
    const other = await one(session, await keyed(session, 'x', [1], { table: 'u' }))
    expect(messageOf(other)).toMatch(/table "t" .* table "u" is not the same/)
    const same = await keyed(session, 'x', [1])
    const entry = { ...(same.entry as NonNullable<InsertRequest['entry']>), table: '"T"' }
    expect(said(await one(session, { ...same, entry }))).toBe('duplicate')
    expect(await column(session, 'u')).toEqual([])
  })

  test('is taken for the same where another version of the rules has made its hash', async () => {
    const session = await openTables()
    await one(session, await keyed(session, 'x', [1]))
    const later = await keyed(session, 'x', [1], { hash: 'other', hashVersion: 2 })
    expect(said(await one(session, later))).toBe('duplicate')
  })
})

describe('a group', () => {
  test('writes the first of equal ones, and answers the others with it', async () => {
    const session = await openTables()
    const group = [
      await keyed(session, 'x', [1]),
      await keyed(session, 'x', [1]),
      await keyed(session, 'y', [2]),
      await keyed(session, 'x', [9]),
      await keyed(session, 'y', [2], { table: 'u' }),
      await keyed(session, 'x', [1]),
    ]
    const replies = await session.transactions.insertGroup(group)
    const conflict = 'KEY_CONFLICT'
    expect(replies.map(said)).toEqual([
      'committed',
      'duplicate',
      'committed',
      conflict,
      conflict,
      'duplicate',
    ])
    expect(replies[5]).toMatchObject({ sequence: 1, duplicateOf: { sequence: 1, rowCount: 1 } })
    expect([await column(session), await column(session, 'u')]).toEqual([[1, 2], []])
    expect(await keys(session)).toEqual(['x', 'y'])
  })

  test('that holds nothing new leaves nothing', async () => {
    const session = await openTables()
    await one(session, await keyed(session, 'x', [1]))
    const group = [await keyed(session, 'x', [1]), await keyed(session, 'x', [2])]
    expect((await insertGroup(session, group)).map(said)).toEqual(['duplicate', 'KEY_CONFLICT'])
    expect(await one(session, await keyed(session, 'y', [1]))).toMatchObject({ sequence: 2 })
  })

  test('whose first of two equal ones fails writes the second', async () => {
    const session = await openTables()
    const group = [
      await keyed(session, 'x', [1, 1000], { table: 'k', hash: 'same' }),
      await keyed(session, 'x', [2], { table: 'k', hash: 'same' }),
      await keyed(session, 'y', [3], { table: 'k' }),
    ]
    const replies = await insertGroup(session, group)
    expect(replies.map(said)).toEqual(['run-again', 'committed', 'committed'])
    expect(await column(session, 'k')).toEqual([2, 3])
    expect(await keys(session)).toEqual(['x', 'y'])
  })

  test('loses a member whose key no database can hold, and no other', async () => {
    const session = await openTables()
    const group = [
      await keyed(session, 'x\0', [1]),
      await keyed(session, '\ud800', [2]),
      await request(session, at('c\0', 1n), [3]),
      await keyed(session, "x'); DROP TABLE t; --", [4]),
    ]
    const invalid = 'INVALID_ARGUMENT'
    expect((await insertGroup(session, group)).map(said)).toEqual([invalid, invalid, invalid, 'committed'])
    expect(await column(session)).toEqual([4])
  })

  test('takes writes to several tables, and those without rows', async () => {
    const session = await openTables()
    const empty = await keyed(session, 'empty', [])
    const group = [
      await keyed(session, 'x', [1]),
      { ...empty, ...NO_ROWS },
      await keyed(session, 'y', [2], { table: 'u' }),
      { ...(await keyed(session, 'empty', [])), ...NO_ROWS },
      await request(session, at('c', 1n), [3]),
    ]
    const replies = await session.transactions.insertGroup(group)
    expect(replies.map(said)).toEqual(['committed', 'committed', 'committed', 'duplicate', 'committed'])
    expect(await keys(session)).toEqual(['x', 'empty', 'y'])
    expect([await column(session), await column(session, 'u')]).toEqual([[1, 3], [2]])
  })
})

describe('a write of several parts', () => {
  const X: WriteIdentity = { kind: 'key', key: 'x' }

  test('is written once; the parts of the second are taken and not written', async () => {
    const session = await openTables()
    const parts = [[1, 2], [3], [4]]
    const written = await insertParts(session, await partsOf(session, X, parts))
    expect(written.map(said)).toEqual(['inserted', 'inserted', 'committed'])
    const again = await insertParts(session, await partsOf(session, X, parts))
    expect(again.map(said)).toEqual(['inserted', 'inserted', 'duplicate'])
    expect(session.transactions.openWrite).toBeUndefined()
    const merged = await session.transactions.insertParts(await partsOf(session, X, parts))
    expect(merged.map(said)).toEqual(['inserted', 'inserted', 'duplicate'])
    expect(await column(session)).toEqual([1, 2, 3, 4])
  })

  test('is in conflict at its end', async () => {
    const session = await openTables()
    await one(session, await keyed(session, 'x', [1]))
    const replies = await insertParts(session, await partsOf(session, X, [[1], [2]]))
    expect(replies.map(said)).toEqual(['inserted', 'KEY_CONFLICT'])
    expect(await column(session)).toEqual([1])
  })

  test('that is abandoned leaves its key free, whether it was there or not', async () => {
    const session = await openTables()
    const [first] = await partsOf(session, X, [[1], [2]])
    await insertParts(session, [first as InsertRequest])
    await session.transactions.abandon((first as InsertRequest).writeId)
    expect([await column(session), await keys(session)]).toEqual([[], []])
    expect(said(await one(session, await keyed(session, 'x', [1])))).toBe('committed')
    const [again] = await partsOf(session, X, [[1], [2]])
    await insertParts(session, [again as InsertRequest])
    await session.transactions.abandon((again as InsertRequest).writeId)
    expect(said(await one(session, await keyed(session, 'x', [1])))).toBe('duplicate')
  })

  test('that is run again with its rows checked goes into the ledger once', async () => {
    const session = await openTables()
    const parts = await partsOf(session, X, [[1, 1000], [2]], { table: 'k' })
    const replies = await insertParts(session, parts)
    expect(replies.map(said)).toEqual(['run-again', 'run-again'])
    expect(await keys(session)).toEqual([])
    const [first, last] = parts as [InsertRequest, InsertRequest]
    const again = [
      { ...first, run: 1, action: 'check' },
      { ...last, run: 1, action: 'check', last: false },
      { ...last, ...NO_ROWS, run: 1, first: false },
    ] as const
    expect((await insertParts(session, again)).map(said)).toEqual(['inserted', 'inserted', 'committed'])
    expect(await column(session, 'k')).toEqual([1, 2])
    expect(await keys(session)).toEqual(['x'])
    const replayed = await insertParts(session, await partsOf(session, X, [[1, 1000], [2]], { table: 'k' }))
    expect(replayed.map(said)).toEqual(['inserted', 'duplicate'])
  })

  test('that is begun while the one before commits waits where that has its key', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await openTables(path)
    const sent: Promise<readonly InsertReply[]>[] = []
    for (const key of ['x', 'y', 'y', 'x', 'z', 'z', 'z']) {
      const [first, last] = await partsOf(session, { kind: 'key', key }, [[1], [2]])
      await session.transactions.insertParts([first as InsertRequest])
      sent.push(session.transactions.insertParts([last as InsertRequest]))
      await session.transactions.turn
    }
    const replies = (await Promise.all(sent)).flat()
    const [written, known] = ['committed', 'duplicate']
    expect(replies.map(said)).toEqual([written, written, known, known, written, known, known])
    expect(session.secondWriters).toBe(1)
    session.close()
    expect(await readFile(path, 'SELECT a, count(*) FROM t GROUP BY a ORDER BY a')).toEqual([
      [1, '3'],
      [2, '3'],
    ])
    expect(await readFile(path, 'SELECT key, sequence FROM ducksink_ledger ORDER BY 1')).toEqual([
      ['x', '1'],
      ['y', '2'],
      ['z', '3'],
    ])
  })
})

describe('a channel', () => {
  const offsets = async ({ rows }: Session): Promise<unknown[]> =>
    (await rows('SELECT channel || "offset" AS at FROM ducksink_offsets ORDER BY sequence')).map(
      ({ at }) => at,
    )

  test('has the offsets of what is committed, of writes without rows as well', async () => {
    const session = await openTables()
    const skipped = await request(session, at('c', 2n), [])
    await insertGroup(session, [await request(session, at('c', 1n), [1]), { ...skipped, ...NO_ROWS }])
    await insertParts(session, await partsOf(session, at('d', 7n), [[2], [3]]))
    expect(await offsets(session)).toEqual(['c1', 'c2', 'd7'])
    expect(await column(session)).toEqual([1, 2, 3])
  })

  test('refuses what is under way behind a write that failed, and no other channel', async () => {
    const session = await openTables()
    const group = [
      await request(session, at('c', 1n), [1], { table: 'k' }),
      await request(session, at('c', 2n), [1000], { table: 'k' }),
      await request(session, at('c', 3n), [3], { table: 'k' }),
      await request(session, at('d', 1n), [4], { table: 'k' }),
      await keyed(session, 'x', [5], { table: 'k' }),
    ]
    const replies = await insertGroup(session, group)
    const preceding = 'PRECEDING_BATCH_FAILED'
    expect(replies.map(said)).toEqual(['committed', 'run-again', preceding, 'committed', 'committed'])
    expect(replies[2]).toMatchObject({ error: { table: 'k', channel: 'c', retryable: true } })
    expect(await offsets(session)).toEqual(['c1', 'd1'])
    const parts = await insertParts(session, await partsOf(session, at('c', 4n), [[6], [7]]))
    expect(parts.map(said)).toEqual([preceding, preceding])
    expect(session.transactions.openWrite).toBeUndefined()
  })

  test('goes on with what main sends after the failure', async () => {
    const session = await openTables()
    await insertGroup(session, [await request(session, at('c', 1n), [1000], { table: 'k' })])
    expect(said(await one(session, await request(session, at('c', 2n), [2])))).toBe('PRECEDING_BATCH_FAILED')
    expect(said(await one(session, await request(session, at('c', 1n, 1), [1])))).toBe('committed')
    expect(said(await one(session, await request(session, at('c', 2n, 1), [2])))).toBe('committed')
    expect(said(await one(session, await request(session, at('c', 3n, 0), [3])))).toBe(
      'PRECEDING_BATCH_FAILED',
    )
    expect(await offsets(session)).toEqual(['c1', 'c2'])
  })

  test('refuses for all channels of a write that was refused for one of them', async () => {
    const session = await openTables()
    await insertGroup(session, [await request(session, at('c', 1n), [1000], { table: 'k' })])
    const both: WriteIdentity = {
      kind: 'offsets',
      offsets: [
        { channel: 'd', offset: 1n, generation: 0 },
        { channel: 'c', offset: 2n, generation: 0 },
      ],
    }
    const group = [await request(session, both, [2]), await request(session, at('d', 2n), [3])]
    expect((await insertGroup(session, group)).map(said)).toEqual(Array(2).fill('PRECEDING_BATCH_FAILED'))
  })

  test('counts a write that main took back as failed, until that comes again', async () => {
    const session = await openTables()
    const parts = await partsOf(session, at('c', 1n), [[1], [2]])
    const { writeId } = parts[0] as InsertRequest
    await insertParts(session, parts.slice(0, 1))
    await session.transactions.abandon(writeId)
    const behind = await request(session, at('c', 2n), [3])
    expect(said(await one(session, behind))).toBe('PRECEDING_BATCH_FAILED')
    const again = parts.map((part) => ({ ...part, run: 1 }))
    expect((await insertParts(session, again)).map(said)).toEqual(['inserted', 'committed'])
    expect(said(await one(session, await request(session, at('c', 2n, 1), [3])))).toBe('committed')
    expect(await column(session)).toEqual([1, 2, 3])
  })

  test('refuses a write that was inserted while the one before it could not be committed', async () => {
    const path = `${temporaryDirectory()}/a.duckdb`
    const session = await openTables(path)
    const { connection } = session.writer
    const run = connection.run.bind(connection)
    const cause = new Error('TransactionContext Error: Failed to commit: could not write all bytes')
    let failCommit = (): void => undefined
    connection.run = (sql) =>
      sql === 'COMMIT' ? new Promise((_, reject) => (failCommit = () => reject(cause))) : run(sql)
    const first = await partsOf(session, at('c', 1n), [[1], [2]])
    const second = await partsOf(session, at('c', 2n), [[3], [4]])
    await insertParts(session, first.slice(0, 1))
    const failed = session.transactions.insertParts(first.slice(1))
    await session.transactions.turn
    expect((await insertParts(session, second.slice(0, 1))).map(said)).toEqual(['inserted'])
    const refused = session.transactions.insertParts(second.slice(1))
    failCommit()
    expect((await failed).map(said)).toEqual(['OUTCOME_UNKNOWN'])
    expect((await refused).map(said)).toEqual(['PRECEDING_BATCH_FAILED'])
    connection.run = run
    expect([await column(session), await offsets(session)]).toEqual([[], []])
  })

  test.each(['before it fails', 'before it comes again'])(
    'a write taken back %s is not forgotten with one before it that comes again',
    async (when) => {
      const session = await openTables()
      // refuses 1000 at COMMIT only
      await session.rows('CREATE TABLE i (a INTEGER); CREATE INDEX x ON i (CAST(a AS TINYINT))')
      const table = { table: 'i' }
      const parts = await partsOf(session, at('c', 1n), [[1], [1000]], table)
      const [second, third] = [
        await request(session, at('c', 2n), [2], table),
        await request(session, at('c', 3n), [3], table),
      ]
      expect((await insertParts(session, parts.slice(0, 1))).map(said)).toEqual(['inserted'])
      if (when === 'before it fails') session.transactions.refused(second)
      expect((await insertParts(session, parts.slice(1))).map(said)).toEqual(['run-again'])
      if (when === 'before it comes again') session.transactions.refused(second)
      const { writeId } = second
      const first = parts[0] as InsertRequest
      const again = [
        { ...first, run: 1, action: 'check', last: false },
        { ...(parts[1] as InsertRequest), ...NO_ROWS, run: 1 },
      ] as const
      expect((await insertParts(session, again)).map(said)).toEqual(['inserted', 'committed'])
      expect(third.writeId).toBeGreaterThan(writeId)
      expect(said(await one(session, third))).toBe('PRECEDING_BATCH_FAILED')
      expect(await offsets(session)).toEqual(['c1'])
    },
  )

  test('does not count a run that is to be begun again', async () => {
    const session = await openTables()
    const write = await request(session, at('c', 1n), [1000, 1], { table: 'k' })
    expect((await session.transactions.insertGroup([write])).map(said)).toEqual(['run-again'])
    const again = [
      { ...write, run: 1, action: 'check', last: false },
      { ...write, ...NO_ROWS, run: 1, first: false },
    ] as const
    expect((await insertParts(session, again)).map(said)).toEqual(['inserted', 'committed'])
    expect(said(await one(session, await request(session, at('c', 2n), [2])))).toBe('committed')
  })
})

test('tables of the ledger that were dropped fail a write for good, with their name', async () => {
  const session = await openTables()
  await one(session, await keyed(session, 'x', [1]))
  await session.rows('DROP TABLE ducksink_ledger; DROP TABLE ducksink_offsets')
  session.transactions.clearStatements()
  session.catalog.invalidate()
  const replies = [
    await one(session, await keyed(session, 'y', [2])),
    await one(session, await request(session, at('c', 1n), [3])),
  ]
  expect(replies.map(said)).toEqual(['SCHEMA_MISMATCH', 'SCHEMA_MISMATCH'])
  for (const reply of replies) expect(messageOf(reply)).toContain("ledger's tables were changed")
  expect(await column(session)).toEqual([1])
})

describe('whatever is written', () => {
  interface Model {
    readonly ledger: Map<string, { readonly hash: string; readonly sequence: number }>
    readonly rows: number[]
    sequence: number
  }
  const write = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    // 1000 breaks the CHECK
    payload: fc.constantFrom(1, 2, 3, 1000),
    partCount: fc.integer({ min: 1, max: 3 }),
  })
  type Write = typeof write extends fc.Arbitrary<infer T> ? T : never

  /** What a write must be told; the model is changed as it is written. */
  function expected(model: Model, { key, payload, partCount }: Write): string {
    const before = model.ledger.get(key)
    const hash = `${payload}:${partCount}`
    if (before !== undefined) return before.hash === hash ? `duplicate ${before.sequence}` : 'KEY_CONFLICT'
    if (payload === 1000) return 'run-again'
    model.ledger.set(key, { hash, sequence: ++model.sequence })
    for (let part = 0; part < partCount; part++) model.rows.push(payload)
    return `committed ${model.sequence}`
  }

  const told = (reply: InsertReply | undefined): string =>
    reply?.status === 'committed' ? `${said(reply)} ${reply.sequence}` : said(reply)

  async function run(session: Session, group: readonly Write[]): Promise<string[]> {
    const parts = await Promise.all(
      group.map(({ key, payload, partCount }) => {
        const rows = Array.from({ length: partCount }, () => [payload])
        const options = { table: 'p', hash: `${payload}:${partCount}` }
        return partsOf(session, { kind: 'key', key }, rows, options)
      }),
    )
    const answers: string[] = []
    for (let index = 0; index < parts.length; ) {
      const length = parts.slice(index).findIndex((one) => one.length > 1)
      const whole = parts.slice(index, length === -1 ? undefined : index + length).flat()
      if (whole.length > 0) {
        answers.push(...(await insertGroup(session, whole)).map(told))
        index += whole.length
        continue
      }
      const several = parts[index++] as InsertRequest[]
      answers.push(told((await insertParts(session, several)).at(-1)))
      await session.transactions.abandon((several[0] as InsertRequest).writeId)
    }
    return answers
  }

  test('the ledger and the tables are as a Map says, and each is told so', async () => {
    const session = await openSession(':memory:', {}, 'exactly-once')
    await session.rows('CREATE TABLE p (a INTEGER CHECK (a < 100))')
    const groups = fc.array(fc.array(write, { minLength: 1, maxLength: 6 }), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(groups, async (sequence) => {
        await session.rows('DELETE FROM p; DELETE FROM ducksink_ledger')
        const start = await one(session, await keyed(session, 'start', [], { table: 'p' }))
        if (start.status !== 'committed') throw new Error(start.status)
        const model: Model = { ledger: new Map(), rows: [], sequence: start.sequence }
        for (const group of sequence) {
          const answers = await run(session, group)
          expect(answers).toEqual(group.map((one) => expected(model, one)))
        }
        expect(await column(session, 'p')).toEqual(model.rows)
        const ledger = await session.rows('SELECT key, hash, sequence FROM ducksink_ledger')
        const found = ledger.map(({ key, hash, sequence }) => [key, { hash, sequence: Number(sequence) }])
        model.ledger.set('start', { hash: '', sequence: start.sequence })
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(model.ledger))
      }),
      { numRuns: 40 },
    )
  })
})
