import { expect, it } from 'vitest'
import type { Receipt, SinkEngine, SinkEngineOptions } from '../src/index.ts'
import { databasePath, numbered, openEngine } from './open-engine.ts'
import { readFile } from './read-file.ts'

const tables = { t: { columns: { id: 'BIGINT' } } }
const open = (options: Partial<SinkEngineOptions> = {}): Promise<SinkEngine> =>
  openEngine({ tables, deliveryMode: 'exactly-once', ...options })
/** Writes one record, whose id is the offset. */
const write = (engine: SinkEngine, offset: bigint, options: object = {}): Promise<Receipt> =>
  engine.write('t', [{ id: offset }], { channel: 'c', offset, ...options })
const writeBad = (engine: SinkEngine, offset: bigint): Promise<Receipt> =>
  engine.write('t', [{ id: 'x' }], { channel: 'c', offset })
/** How writes end: `written`, `duplicate`, or the code of their error. */
const ends = async (writes: Promise<Receipt>[]): Promise<unknown[]> =>
  (await Promise.allSettled(writes)).map((end) => {
    if (end.status === 'rejected') return end.reason.code ?? end.reason
    return end.value.duplicate ? 'duplicate' : 'written'
  })
const ids = async (engine: SinkEngine): Promise<unknown[]> =>
  (await engine.query('SELECT id FROM t ORDER BY rowid')).map(({ id }) => id)

it('offsets at or below the committed one are not written again', async () => {
  const engine = await open()
  expect(await write(engine, 10n)).toMatchObject({ channel: 'c', offset: 10n, rowCount: 1, duplicate: false })
  const again = await write(engine, 10n)
  expect(again).toMatchObject({ channel: 'c', offset: 10n, rowCount: 0, duplicate: true, sequence: 1 })
  expect(await ends([write(engine, 5n), write(engine, -5n), write(engine, 11n)])).toEqual([
    ...['duplicate', 'duplicate', 'written'],
  ])
  expect(await ids(engine)).toEqual([10n, 11n])
  expect(await engine.committedOffset('c')).toBe(11n)
  expect(await engine.committedOffset('other')).toBeUndefined()
})

it('an offset that comes again while it is under way waits for what becomes of it', async () => {
  const engine = await open()
  expect(await ends([write(engine, 10n), write(engine, 10n), write(engine, 7n)])).toEqual([
    ...['written', 'duplicate', 'duplicate'],
  ])
  expect(await ends([writeBad(engine, 20n), write(engine, 20n)])).toEqual([
    ...['INVALID_VALUE', 'PRECEDING_BATCH_FAILED'],
  ])
  expect(await ids(engine)).toEqual([10n])
})

it('what waits for the same offset under way counts as any batch does', async () => {
  const engine = await open({ maxBufferedBatches: 3 })
  const writes = [10n, 10n, 10n, 10n].map((offset) => write(engine, offset))
  expect([engine.bufferedBatches, engine.writableNeedDrain]).toEqual([3, true])
  const aborted = ends([write(engine, 10n, { signal: AbortSignal.abort('enough') })])
  expect(await ends(writes)).toEqual(['written', 'duplicate', 'duplicate', 'BACKPRESSURE'])
  expect(await aborted).toEqual(['enough'])
  expect([engine.bufferedBatches, engine.writableNeedDrain]).toEqual([0, false])
  // what found no room while its offset was under way is no hole
  expect(await ends([write(engine, 10n), write(engine, 11n)])).toEqual(['duplicate', 'written'])
})

it('after a failure later offsets are refused, and a retry in order goes through, pipelined as well', async () => {
  const engine = await open()
  const first = [write(engine, 5n), writeBad(engine, 10n), write(engine, 20n), write(engine, 30n)]
  expect(await ends(first)).toEqual([
    ...['written', 'INVALID_VALUE', 'PRECEDING_BATCH_FAILED', 'PRECEDING_BATCH_FAILED'],
  ])
  expect(await ends([write(engine, 20n), write(engine, 40n)])).toEqual([
    ...['PRECEDING_BATCH_FAILED', 'PRECEDING_BATCH_FAILED'],
  ])
  expect(await engine.committedOffset('c')).toBe(5n)
  const again = [10n, 20n, 30n, 40n, 50n].map((offset) => write(engine, offset))
  expect(await ends(again)).toEqual(['written', 'written', 'written', 'written', 'written'])
  expect(await ids(engine)).toEqual([5n, 10n, 20n, 30n, 40n, 50n])
})

it('a batch that DuckDB refuses after those behind it were sent holds them up as well', async () => {
  const createTableSql = 'CREATE TABLE t (id BIGINT CHECK (id <> 20))'
  const engine = await open({ tables: { t: { createTableSql } } })
  const sent = [10n, 20n, 30n, 40n].map((offset) => write(engine, offset))
  const refused = 'PRECEDING_BATCH_FAILED'
  expect(await ends(sent)).toEqual(['written', 'CONSTRAINT_VIOLATED', refused, refused])
  await expect(write(engine, 50n)).rejects.toMatchObject({ code: refused, channel: 'c', retryable: true })
  // other channels and other modes of the same table go on
  await engine.write('t', [{ id: 1n }], { channel: 'other', offset: 1n })
  await engine.write('t', [{ id: 2n }], { key: 'k' })
  expect(await ids(engine)).toEqual([10n, 1n, 2n])
})

it('a retry that fails holds up what is behind it once more', async () => {
  const engine = await open()
  await ends([writeBad(engine, 10n), write(engine, 20n)])
  const refused = 'PRECEDING_BATCH_FAILED'
  expect(await ends([writeBad(engine, 10n), write(engine, 20n), write(engine, 30n)])).toEqual([
    ...['INVALID_VALUE', refused, refused],
  ])
  expect(await ends([10n, 20n, 30n].map((offset) => write(engine, offset)))).toEqual([
    ...['written', 'written', 'written'],
  ])
})

it("'skip' leaves a batch out for good, also for those who open the target later", async () => {
  const path = databasePath()
  const engine = await open({ path })
  await ends([write(engine, 5n), writeBad(engine, 10n), write(engine, 20n)])
  await engine.resolveFailure('c', 'skip')
  expect(await engine.committedOffset('c')).toBe(10n)
  expect(await ends([write(engine, 10n), write(engine, 20n), write(engine, 30n)])).toEqual([
    ...['duplicate', 'written', 'written'],
  ])
  await ends([writeBad(engine, 40n)])
  await engine.resolveFailure('c', 'skip')
  await engine.close()
  const again = await open({ path })
  expect(await again.committedOffset('c')).toBe(40n)
  await again.close()
  expect(await readFile(path, 'FROM t')).toEqual([5n, 20n, 30n].map((id) => ({ id })))
})

it("'skip' leaves out nothing that was never tried", async () => {
  const engine = await open()
  await ends([writeBad(engine, 5n), write(engine, 6n), write(engine, 7n)])
  await write(engine, 5n)
  await engine.resolveFailure('c', 'skip')
  expect(await engine.committedOffset('c')).toBe(5n)
  expect(await ends([write(engine, 6n), writeBad(engine, 7n), write(engine, 8n)])).toEqual([
    ...['written', 'INVALID_VALUE', 'PRECEDING_BATCH_FAILED'],
  ])
  await engine.resolveFailure('c', 'skip')
  expect(await ends([write(engine, 7n), write(engine, 8n)])).toEqual(['duplicate', 'written'])
  expect(await ids(engine)).toEqual([5n, 6n, 8n])
})

it('a batch that is left out counts as one that failed, and as none that was committed', async () => {
  const engine = await open()
  await ends([write(engine, 5n), writeBad(engine, 10n)])
  await engine.resolveFailure('c', 'skip')
  expect(engine.stats()).toMatchObject({ committedBatches: 1, failedBatches: 1, bufferedBatches: 0 })
})

it('a failure that is resolved twice at once is resolved once', async () => {
  const engine = await open()
  await ends([writeBad(engine, 5n), write(engine, 6n)])
  await Promise.all([engine.resolveFailure('c', 'skip'), engine.resolveFailure('c', 'skip')])
  expect(await engine.committedOffset('c')).toBe(5n)
  expect(await ends([write(engine, 6n)])).toEqual(['written'])
  await ends([writeBad(engine, 7n)])
  await Promise.all([
    ...[engine.resolveFailure('c', 'skip'), engine.resolveFailure('c', 'retry')],
    ...[engine.resolveFailure('c', 'skip'), write(engine, 8n).catch(() => undefined)],
  ])
  expect(await ends([write(engine, 7n), write(engine, 9n)])).toEqual(['duplicate', 'written'])
})

it("after 'retry' the source may be cut into other batches than before", async () => {
  const engine = await open()
  await ends([write(engine, 5n), writeBad(engine, 10n), write(engine, 20n)])
  await engine.resolveFailure('c', 'retry')
  expect(await engine.committedOffset('c')).toBe(5n)
  expect(await ends([write(engine, 15n), write(engine, 20n)])).toEqual(['written', 'written'])
})

it('a failure to resolve that there is not is none', async () => {
  const engine = await open()
  await engine.resolveFailure('never', 'skip')
  await write(engine, 10n)
  await engine.resolveFailure('c', 'skip')
  await engine.resolveFailure('c', 'retry')
  expect(await engine.committedOffset('c')).toBe(10n)
  await expect(engine.resolveFailure('c', 'forget' as never)).rejects.toMatchObject({
    ...{ name: 'InvalidOptionsError', channel: 'c' },
  })
})

it('a write that is aborted, or finds no room, holds up what is behind it', async () => {
  const engine = await open({ maxBufferedBatches: 3 })
  const controller = new AbortController()
  const reason = new Error('enough')
  const writes = [write(engine, 10n), write(engine, 20n, { signal: controller.signal }), write(engine, 30n)]
  writes.push(write(engine, 40n))
  controller.abort(reason)
  const refused = 'PRECEDING_BATCH_FAILED'
  expect(await ends(writes)).toEqual(['written', reason, refused, 'BACKPRESSURE'])
  expect(await ends([write(engine, 40n)])).toEqual([refused])
  const aborted = write(engine, 20n, { signal: AbortSignal.abort(reason) })
  expect(await ends([aborted, write(engine, 30n)])).toEqual([reason, refused])
  expect(await ends([20n, 30n, 40n].map((offset) => write(engine, offset)))).toEqual([
    ...['written', 'written', 'written'],
  ])
  expect(await ids(engine)).toEqual([10n, 20n, 30n, 40n])
})

it('a write that is aborted while it waits in the worker holds up nothing that came before it', async () => {
  const engine = await open({ groupCommit: { maxDelayMs: 1_000 } })
  const controller = new AbortController()
  const { signal } = controller
  const writes = [write(engine, 1n), write(engine, 2n), write(engine, 3n, { signal }), write(engine, 4n)]
  // answered by the worker when it has them all, and long before it takes the first
  await engine.query('SELECT 1')
  controller.abort('aborted')
  expect(await ends(writes)).toEqual(['written', 'written', 'aborted', 'PRECEDING_BATCH_FAILED'])
  await engine.resolveFailure('c', 'skip')
  expect(await engine.committedOffset('c')).toBe(3n)
  expect(await ids(engine)).toEqual([1n, 2n])
})

it('batches without rows and batches that are left out commit their offset', async () => {
  const path = databasePath()
  const schemaContract = { tables: 'discard-value' } as const
  const engine = await open({ path, tables: { ...tables, none: { schemaContract } } })
  await engine.write('t', [], { channel: 'c', offset: 3n })
  await engine.write('none', numbered(2), { channel: 'd', offset: 4n })
  await engine.close()
  const again = await open({ path })
  expect(await again.committedOffset('c')).toBe(3n)
  expect(await again.committedOffset('d')).toBe(4n)
})

it('large batches of one channel are committed in order and known again', async () => {
  const path = databasePath()
  const engine = await open({ path })
  const large = (index: number): Promise<Receipt> =>
    engine.write('t', numbered(20_000, index * 20_000), { channel: 'c', offset: BigInt(index) })
  expect(await ends([0, 1, 2, 1, 3].map(large))).toEqual([
    ...['written', 'written', 'written', 'duplicate', 'written'],
  ])
  await engine.close()
  expect(await readFile(path, 'SELECT count(*) AS n, count(DISTINCT id) AS d FROM t')).toEqual([
    { n: 80_000n, d: 80_000n },
  ])
})
