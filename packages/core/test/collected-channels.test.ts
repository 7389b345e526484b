import { expect, it } from 'vitest'
import type { SinkEngine, SinkEngineOptions, SinkError } from '../src/index.ts'
import { databasePath, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

interface Event {
  readonly id: unknown
}

const tables = { t: { columns: { id: 'BIGINT' } } }
const open = (options: Partial<SinkEngineOptions> = {}): Promise<SinkEngine> =>
  openEngine({ tables, deliveryMode: 'exactly-once', ...options })
/** The record of an offset, and where it is from. */
const event = (offset: number, channel = 'c'): [Event, { channel: string; offset: bigint }] => [
  { id: offset },
  { channel, offset: BigInt(offset) },
]
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)
const ids = async (engine: SinkEngine): Promise<unknown[]> =>
  (await engine.query('SELECT id::INTEGER AS id FROM t ORDER BY id')).map(({ id }) => id)

it('a source may be read again and cut into other batches: each record is written once', async () => {
  const path = databasePath()
  for (const [maxBatchRows, to] of [
    [7, 20],
    [3, 31],
    [50, 40],
  ] as const) {
    const engine = await open({ path })
    const committed = Number((await engine.committedOffset('c')) ?? 0n)
    const collector = engine.table<Event>('t').collect({ maxBatchRows })
    for (const offset of range(1, to)) collector.push(...event(offset))
    await collector.close()
    expect(engine.stats()).toMatchObject({ duplicateRecords: committed, committedRows: to - committed })
    await engine.close()
  }
  expect(await readFile(path, 'SELECT id::INTEGER AS id FROM t ORDER BY id')).toEqual(
    range(1, 40).map((id) => ({ id })),
  )
})

it('a batch commits the highest offset of each of its channels', async () => {
  const engine = await open()
  const collector = engine.table<Event>('t').collect()
  for (const offset of [1, 3, 4]) collector.push(...event(offset, 'a'))
  for (const offset of [10, 12]) collector.push(...event(offset, 'b'))
  collector.push(...event(5, 'a'))
  await collector.flush()
  expect([await engine.committedOffset('a'), await engine.committedOffset('b')]).toEqual([5n, 12n])
  expect(engine.stats()).toMatchObject({ committedBatches: 1, committedRows: 6 })
  // what is gathered or under way is dropped as what is committed is
  for (const offset of [12, 13, 13, 11]) collector.push(...event(offset, 'b'))
  void collector.flush()
  collector.push(...event(13, 'b'))
  await collector.flush()
  expect(engine.stats()).toMatchObject({ committedRows: 7, duplicateRecords: 4 })
})

it('a batch that fails holds up those behind it, and its records come again in order', async () => {
  const engine = await open({
    tables: { t: { createTableSql: 'CREATE TABLE t (id BIGINT CHECK (id <> 99))' } },
  })
  const failures: [string, number][] = []
  const onFailure = (error: SinkError, records: () => unknown[]): void =>
    void failures.push([error.code, records().length])
  const collector = engine.table<Event>('t').collect({ maxBatchRows: 3, onFailure })
  for (const offset of [1, 2, 3]) collector.push(...event(offset))
  collector.push({ id: 99 }, { channel: 'c', offset: 4n })
  // of another channel, but in the batch that fails, and so it is held up as well
  collector.push(...event(7, 'd'))
  for (const offset of [5, 6, 7]) collector.push(...event(offset))
  collector.push(...event(8, 'd'))
  await collector.flush()
  expect(failures).toEqual([
    ['CONSTRAINT_VIOLATED', 3],
    ['PRECEDING_BATCH_FAILED', 3],
  ])
  expect(await engine.committedOffset('c')).toBe(3n)
  const refused = { code: 'PRECEDING_BATCH_FAILED', retryable: true }
  expect(() => collector.push(...event(8))).toThrow(expect.objectContaining({ ...refused, channel: 'c' }))
  expect(() => collector.push(...event(9, 'd'))).toThrow(
    expect.objectContaining({ ...refused, channel: 'd' }),
  )
  for (const offset of range(1, 8)) collector.push(...event(offset))
  for (const offset of [7, 8, 9]) collector.push(...event(offset, 'd'))
  await collector.close()
  expect(await ids(engine)).toEqual([1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9])
  expect(failures).toHaveLength(2)
})

it('a record that is refused holds up those behind it until it comes again or is skipped', async () => {
  const engine = await open()
  const collector = engine.table<Event>('t').collect()
  await collector.flush()
  for (const offset of [1, 2]) collector.push(...event(offset))
  await collector.flush()
  collector.push(...event(3))
  const bad = { id: 'x' }
  expect(() => collector.push(bad, { channel: 'c', offset: 4n })).toThrow('cannot become BIGINT')
  expect(() => collector.push(...event(5))).toThrow('nothing more of channel "c"')
  await engine.resolveFailure('c', 'skip')
  expect(await engine.committedOffset('c')).toBe(4n)
  collector.push(...event(5))
  expect(() => collector.push(bad, { channel: 'c', offset: 6n })).toThrow('cannot become BIGINT')
  collector.push(...event(6))
  collector.push(...event(7))
  await collector.close()
  expect(await ids(engine)).toEqual([1, 2, 3, 5, 6, 7])
})

it('a record that is skipped takes none with it that was refused behind another', async () => {
  const engine = await open()
  const collector = engine.table<Event>('t').collect()
  collector.push(...event(4))
  await collector.flush()
  const refused = (...record: [Event, { channel: string; offset: bigint }]): void =>
    expect(() => collector.push(...record)).toThrow()
  refused({ id: 'x' }, { channel: 'c', offset: 5n })
  for (const offset of range(6, 100)) refused(...event(offset))
  collector.push(...event(5))
  await collector.flush()
  refused({ id: 'y' }, { channel: 'c', offset: 6n })
  await engine.resolveFailure('c', 'skip')
  expect(await engine.committedOffset('c')).toBe(6n)
  for (const offset of range(7, 100)) collector.push(...event(offset))
  await collector.close()
  expect(await ids(engine)).toEqual([4, 5, ...range(7, 100)])
})

it('a record that comes again while its failure is resolved is written', async () => {
  const engine = await open()
  const collector = engine.table<Event>('t').collect()
  collector.push(...event(1))
  await collector.flush()
  expect(() => collector.push({ id: 'x' }, { channel: 'c', offset: 2n })).toThrow('cannot become BIGINT')
  expect(() => collector.push(...event(3))).toThrow('nothing more of channel "c"')
  const resolved = engine.resolveFailure('c', 'skip')
  collector.push(...event(2))
  await resolved
  collector.push(...event(3))
  await collector.close()
  expect(await ids(engine)).toEqual([1, 2, 3])
})

it('records that wait for their table stay one batch, whose bad record fails all of it', async () => {
  const engine = await open()
  const failures: number[] = []
  const onFailure = (_: unknown, records: () => unknown[]): void => void failures.push(records().length)
  const collector = engine.table<Event>('t').collect({ onFailure })
  collector.push(...event(1))
  collector.push({ id: 'x' }, { channel: 'c', offset: 2n })
  collector.push(...event(3))
  await collector.flush()
  expect(failures).toEqual([3])
  expect(await engine.committedOffset('c')).toBeUndefined()
  for (const offset of [1, 2, 3]) collector.push(...event(offset))
  await collector.close()
  expect(await ids(engine)).toEqual([1, 2, 3])
})

it('a table that follows its records is written each record once', async () => {
  const schemaContract = { columns: 'evolve', types: 'evolve' } as const
  const engine = await open({ tables: { t: { schemaContract } } })
  const collector = engine.table<object>('t').collect({ maxBatchRows: 5 })
  for (let round = 0; round < 2; round++)
    for (const offset of range(1, 30)) {
      const record = { id: offset > 20 ? offset / 2 : offset, ...(offset === 13 ? { late: 'x' } : undefined) }
      collector.push(record, { channel: 'c', offset: BigInt(offset) })
    }
  await collector.close()
  expect(
    await engine.query('SELECT count(*) AS n, sum(id)::DOUBLE AS sum, max(late) AS late FROM t'),
  ).toEqual([{ n: 30n, sum: 337.5, late: 'x' }])
  expect(engine.stats().duplicateRecords).toBe(30)
})

it('dead letters say which channel and offset each of them is from', async () => {
  const createTableSql = 'CREATE TABLE t (id BIGINT CHECK (id <> 99))'
  const engine = await open({ tables: { t: { createTableSql, badRecords: 'dead-letter' } } })
  const collector = engine.table<Event>('t').collect()
  collector.push({ id: 'held' }, { channel: 'c', offset: 1n })
  await collector.flush()
  collector.push(...event(1, 'd'))
  collector.push({ id: 'x' }, { channel: 'c', offset: 2n })
  collector.push({ id: 99 }, { channel: 'd', offset: 4n })
  collector.push({ id: 99 }, { channel: 'c', offset: 7n })
  await collector.close()
  await engine.write('t', [{ id: 'y' }], { channel: 'e', offset: 5n })
  const letters = await engine.deadLetters('t')
  const places = letters.map(({ channel, offset, row }) => `${channel} ${offset} ${row}`)
  expect(places.sort()).toEqual(['c 1 0', 'c 2 1', 'c 7 3', 'd 4 2', 'e 5 0'])
  expect(await engine.committedOffset('c')).toBe(7n)
})

it('a channel is gathered by one collector at a time', async () => {
  const engine = await open()
  const one = engine.table<Event>('t').collect()
  const other = engine.table<Event>('other').collect()
  one.push(...event(1))
  expect(() => other.push(...event(2))).toThrow('another collector gathers records of channel "c"')
  const written = engine.write('t', [{ id: 2 }], { channel: 'c', offset: 2n })
  await expect(written).rejects.toThrow('a collector gathers records of channel "c"')
  await one.close()
  await engine.resolveFailure('c', 'retry')
  other.push(...event(2))
  await other.close()
  expect(await engine.committedOffset('c')).toBe(2n)
})

it('a record that says not where it is from is refused', async () => {
  const engine = await open()
  const collector = engine.table<Event>('t').collect()
  const at = { channel: 'c', offset: 1n }
  for (const wrong of [
    undefined,
    null,
    {},
    { ...at, offset: 1 },
    { ...at, offset: 2n ** 63n },
    { offset: 1n },
  ])
    expect(() => collector.push({ id: 1 }, wrong as never)).toThrow(
      expect.objectContaining({ name: 'InvalidOptionsError' }),
    )
  expect(collector.push({ id: 1 }, at)).toBe(true)
})

it('a record that is pushed while another one is read holds its channel up from its offset on', async () => {
  const engine = await open()
  const collector = engine.table<Event>('t').collect()
  let inner: unknown
  const outer = {
    get id() {
      try {
        collector.push(...event(2))
      } catch (error) {
        inner = error
      }
      return 1
    },
  }
  collector.push(outer, { channel: 'c', offset: 1n })
  expect(inner).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(() => collector.push(...event(3))).toThrow('nothing more of channel')
  collector.push(...event(2))
  collector.push(...event(3))
  await collector.close()
  expect(await ids(engine)).toEqual([1, 2, 3])
})

it('writeFrom asks where each record is from, and drops those that came before', async () => {
  const engine = await open()
  const source = range(1, 1_000).map((id) => ({ id }))
  const at = ({ id }: Event): { channel: string; offset: bigint } => ({
    channel: `c${(id as number) % 3}`,
    offset: BigInt(id as number),
  })
  const first = await engine.table<Event>('t').writeFrom(source.slice(0, 600), { at, maxBatchRows: 100 })
  expect(first).toMatchObject({ rowCount: 600, duplicateCount: 0 })
  const second = await engine.table<Event>('t').writeFrom(source, { at, maxBatchRows: 37 })
  expect(second).toMatchObject({ rowCount: 400, duplicateCount: 600 })
  expect(await engine.query('SELECT count(DISTINCT id) AS n FROM t')).toEqual([{ n: 1_000n }])
  await expect(engine.table<Event>('t').writeFrom(source)).rejects.toMatchObject({
    ...{ name: 'InvalidOptionsError', message: expect.stringContaining('`at`') },
  })
})

it('writeFrom goes on where the engine had no room for a moment', async () => {
  const engine = await open({ maxBufferedBytes: 64 * 1024, maxBufferedBatches: 2 })
  const at = ({ id }: Event): { channel: string; offset: bigint } => ({
    channel: 'c',
    offset: BigInt(id as number),
  })
  const source = range(1, 20_000).map((id) => ({ id }))
  const summary = await engine.table<Event>('t').writeFrom(source, { at, maxBatchRows: 500 })
  expect(summary).toMatchObject({ rowCount: 20_000, duplicateCount: 0, failedRowCount: 0 })
  expect(await engine.committedOffset('c')).toBe(20_000n)
})
