import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { InvalidOptionsError, SinkEngine, StatementError } from '../src/index.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'
import { openSteered } from './steered-engine.ts'

let engine: SinkEngine
beforeAll(async () => {
  engine = await SinkEngine.open({ path: ':memory:' })
  await engine.write('numbers', numbered(10))
})
afterAll(() => engine.close())

// takes minutes, unless it is ended
const ENDLESS = 'SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range * b.range = 7'

it('a SELECT gives its rows as plain objects', async () => {
  const rows = await engine.query('SELECT id, id * 2 AS double FROM numbers WHERE id < 2 ORDER BY id')
  expect(rows).toEqual([
    { id: 0n, double: 0n },
    { id: 1n, double: 2n },
  ])
  expect(Object.getPrototypeOf(rows[0])).toBe(Object.prototype)
  expect(await engine.query('FROM numbers WHERE id > 100')).toEqual([])
})

it('values come as the JS kinds that hold them exactly', async () => {
  const [row] = await engine.query(`
    SELECT 1::TINYINT AS tiny, 1::INTEGER AS int, 9007199254740993 AS big, 2::UBIGINT AS ubig,
      170141183460469231731687303715884105727::HUGEINT AS huge, 12.50::DECIMAL(9,2) AS price,
      1.5::DOUBLE AS double, 'NaN'::DOUBLE AS nan, true AS flag, 'x' AS text, NULL AS nothing,
      DATE '2026-11-22' AS day, TIMESTAMP '2026-11-22 12:34:56.789' AS made, [1, 2] AS list, {'a': 1} AS struct,
      12345678901234567890.123456789::DECIMAL(38,9) AS wide`)
  expect(row).toEqual({
    tiny: 1,
    int: 1,
    big: 9_007_199_254_740_993n,
    ubig: 2n,
    huge: 2n ** 127n - 1n,
    price: '12.50',
    double: 1.5,
    nan: NaN,
    flag: true,
    text: 'x',
    nothing: null,
    day: new Date('2026-11-22'),
    made: new Date('2026-11-22T12:34:56.789Z'),
    list: [1, 2],
    struct: { a: 1 },
    wide: '12345678901234567890.123456789',
  })
})

it('parameters of every kind reach the statement as they are', async () => {
  const made = new Date('2026-11-22T12:34:56.789Z')
  const kinds: readonly (readonly [value: unknown, type: string, read: unknown])[] = [
    [null, '"NULL"', null],
    [true, 'BOOLEAN', true],
    [5, 'INTEGER', 5],
    [2 ** 40, 'BIGINT', 2n ** 40n],
    [1.5, 'DOUBLE', 1.5],
    [-0, 'DOUBLE', -0],
    [NaN, 'DOUBLE', NaN],
    [2n ** 62n, 'BIGINT', 2n ** 62n],
    [2n ** 100n, 'HUGEINT', 2n ** 100n],
    ["it's; --", 'VARCHAR', "it's; --"],
    ['a\0b', 'VARCHAR', 'a\0b'],
    [made, 'TIMESTAMP', made],
    [Buffer.from('bytes'), 'BLOB', Uint8Array.from(Buffer.from('bytes'))],
  ]
  for (const [value, type, read] of kinds) {
    const [row] = await engine.query('SELECT $1 AS value, typeof($1) AS type', [value])
    expect(row).toEqual({ value: read, type })
  }
})

it('parameters may be named', async () => {
  const rows = await engine.query('SELECT id FROM numbers WHERE id BETWEEN $low AND $high ORDER BY id', {
    low: 3,
    high: 4,
  })
  expect(rows).toEqual([{ id: 3n }, { id: 4n }])
})

it('parameters that cannot be bound are refused', async () => {
  for (const value of [
    undefined,
    {},
    [1],
    Symbol('x'),
    () => 1,
    new Map(),
    new Date(NaN),
    2n ** 128n,
    '\ud800',
  ]) {
    const error = await rejection(engine.query('SELECT $1', [value]))
    expect(error).toMatchObject({ name: expect.stringMatching(/InvalidOptionsError|StatementError/) })
  }
  await expect(engine.query('SELECT $1, $2', [1])).rejects.toBeInstanceOf(StatementError)
  await expect(engine.query('SELECT $a', { b: 1 })).rejects.toBeInstanceOf(InvalidOptionsError)
})

it('statements that are wrong, several or the engine’s own are refused', async () => {
  const refused = [
    'SELECT 1; SELECT 2',
    '',
    '-- nothing',
    'BEGIN',
    'COMMIT',
    'ROLLBACK',
    'USE memory',
    'SET threads = 4',
    'PRAGMA threads = 4',
    `ATTACH ':memory:' AS other`,
    'DETACH memory',
    'PREPARE p AS SELECT 1',
    'EXECUTE p',
    `COPY numbers TO 'numbers.csv'`,
    'INSTALL icu',
    'LOAD icu',
    'EXPORT DATABASE x',
  ]
  for (const sql of refused) {
    await expect(engine.query(sql), sql).rejects.toBeInstanceOf(StatementError)
  }
  for (const sql of ['SELEC 1', 'FROM no_such_table', 'SELECT 1 / ', `SELECT error('thrown')`]) {
    await expect(engine.query(sql)).rejects.toMatchObject({
      name: 'StatementError',
      code: 'STATEMENT_FAILED',
    })
  }
  for (const sql of ['SELECT 1\0; DROP TABLE numbers', undefined, 5]) {
    await expect(engine.query(sql as string)).rejects.toBeInstanceOf(InvalidOptionsError)
  }
  await expect(engine.query(`FROM read_csv('/etc/passwd')`)).rejects.toBeInstanceOf(StatementError)
  await expect(engine.query('FROM sink_batch(1)')).rejects.toBeInstanceOf(StatementError)
  expect(await engine.query('SELECT count(*) AS count FROM numbers')).toEqual([{ count: 10n }])
})

it('a SELECT sees every receipt that was given before it', async () => {
  for (let id = 0; id < 20; id++) {
    await engine.write('seen', [{ id }])
    expect(await engine.query('SELECT count(*) AS count FROM seen')).toEqual([{ count: BigInt(id + 1) }])
  }
})

it('queries are answered while a large batch is being written, and see nothing of it before its receipt', async () => {
  const { engine: other, steer, told } = await openSteered({ path: ':memory:', tables: {} })
  onTestFinished(() => other.close())
  await other.write('events', numbered(1))
  steer('hold COMMIT')
  await told('taken')
  const held = told('held')
  let isInserted = false
  void held.then(() => {
    isInserted = true
  })
  let isWritten = false
  const write = other.write('events', numbered(200_000, 1)).finally(() => {
    isWritten = true
  })
  const counts: unknown[] = []
  const ask = async (): Promise<void> => {
    const [{ count } = {}] = await other.query('SELECT count(*)::INTEGER AS count FROM events')
    counts.push(count)
  }
  // from its first part to the last, and then until it is committed
  while (!isInserted) await ask()
  await ask()
  expect(new Set(counts)).toEqual(new Set([1]))
  steer('go on')
  while (!isWritten) await ask()
  await write
  expect(new Set([...counts, 1, 200_001])).toEqual(new Set([1, 200_001]))
  expect(await other.query('SELECT count(*)::INTEGER AS count FROM events')).toEqual([{ count: 200_001 }])
})

it('a signal ends a query that runs, and those that wait go on', async () => {
  const controller = new AbortController()
  const running = engine.query(ENDLESS, [], { signal: controller.signal })
  const waiting = engine.query('SELECT 1 AS one')
  const cancelled = rejection(engine.query('SELECT 2', [], { signal: controller.signal }))
  // the worker has begun the first when it answers this
  await engine.write('begun', [{ id: 1 }])
  const reason = new Error('no longer')
  controller.abort(reason)
  expect(await rejection(running)).toBe(reason)
  expect(await cancelled).toBe(reason)
  expect(await waiting).toEqual([{ one: 1 }])
  expect(await rejection(engine.query('SELECT 1', [], { signal: controller.signal }))).toBe(reason)
})

it('a query may be aborted at any moment without harm to the next one', async () => {
  for (let turns = 0; turns < 40; turns++) {
    const controller = new AbortController()
    const running = engine.query('SELECT count(*) FROM range(200000)', [], { signal: controller.signal })
    const settled = Promise.allSettled([running])
    for (let turn = 0; turn < turns; turn++) await setImmediate()
    controller.abort()
    await settled
    expect(await engine.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  }
})

it('writes go on while a query runs', async () => {
  const controller = new AbortController()
  const running = engine.query(ENDLESS, [], { signal: controller.signal })
  expect(await engine.write('beside', numbered(20_000))).toMatchObject({ rowCount: 20_000 })
  controller.abort()
  await rejection(running)
})

it('a column called __proto__ and columns of one name come as own fields', async () => {
  const [row = {}] = await engine.query('SELECT 1 AS __proto__, 2 AS a, 3 AS a')
  expect(Object.entries(row)).toEqual([
    ['__proto__', 1],
    ['a', 2],
    ['a:1', 3],
  ])
})

it('a field called __proto__ comes as an own field', async () => {
  const [row] = await engine.query<{ s: object }>(`SELECT {'__proto__': 1, 'a': {'__proto__': [2]}} AS s`)
  expect(JSON.stringify(row?.s)).toBe('{"__proto__":1,"a":{"__proto__":[2]}}')
})

it('statements that change rows take their turn among the writes', async () => {
  const path = databasePath()
  const other = await openEngine({ path })
  await other.write('events', numbered(3))
  const settled = await Promise.all([
    other.write('events', numbered(1, 10)),
    other.query('DELETE FROM events WHERE id = 0'),
    other.write('events', numbered(20_000, 100)),
    other.query('UPDATE events SET id = -id WHERE id = $1', [1]),
    other.query('INSERT INTO events VALUES (20) RETURNING id'),
  ])
  expect(settled.at(-1)).toEqual([{ id: 20n }])
  await other.close()
  const ids = [-1n, 2n, 10n, 20n].map((id) => ({ id }))
  expect(await readFile(path, 'FROM events WHERE id < 100 ORDER BY id')).toEqual(ids)
  expect(await readFile(path, 'SELECT count(*) AS count FROM events')).toEqual([{ count: 20_004n }])
})

it('EXPLAIN ANALYZE of an INSERT inserts nothing', async () => {
  await rejection(engine.query('EXPLAIN ANALYZE INSERT INTO numbers VALUES (100)'))
  expect(await engine.query('SELECT count(*) AS count FROM numbers')).toEqual([{ count: 10n }])
})

it('a statement that changes rows does not wait behind a SELECT', async () => {
  const other = await openEngine()
  await other.write('events', numbered(3))
  const order: string[] = []
  const controller = new AbortController()
  const select = other
    .query('SELECT count(*) FROM range(100000) a, range(1000000) b', [], { signal: controller.signal })
    .catch(() => order.push('select'))
  await other.query('DELETE FROM events')
  order.push('delete')
  controller.abort()
  await select
  expect(order).toEqual(['delete', 'select'])
})

it('a constraint that a statement violates is told without its values', async () => {
  const other = await openEngine()
  await other.query('CREATE TABLE secrets (x VARCHAR PRIMARY KEY)')
  await other.query('INSERT INTO secrets VALUES ($1)', ['secret-42'])
  const error = (await rejection(other.query('INSERT INTO secrets VALUES ($1)', ['secret-42']))) as Error
  expect(error).toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  expect(inspect(error, { depth: 9 })).not.toContain('secret-42')
})
