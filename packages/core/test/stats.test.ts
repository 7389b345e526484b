import { type ILogObj, Logger } from 'tslog'
import { expect, it } from 'vitest'
import { numbered, openEngine, rejection } from './open-engine.ts'

it('stats count what was committed, what failed, and what is held at the moment', async () => {
  const engine = await openEngine({
    tables: { events: { columns: { id: 'INTEGER' } } },
    maxBufferedBatches: 4,
  })
  const nothing = {
    committedBatches: 0,
    committedRows: 0,
    committedBytes: 0,
    failedBatches: 0,
    discardedRows: 0,
    discardedValues: 0,
    deadLetters: 0,
    skippedRecords: 0,
    duplicateBatches: 0,
    duplicateRecords: 0,
    bufferedBytes: 0,
    bufferedBatches: 0,
    pooledBytes: 0,
    pressureCount: 0,
    restartCount: 0,
  }
  expect(engine.stats()).toEqual(nothing)
  const writes = [engine.write('events', numbered(3)), engine.write('events', [{ id: 'x' }])]
  await Promise.resolve()
  expect(engine.stats()).toMatchObject({ bufferedBatches: 2, pressureCount: 1 })
  await Promise.allSettled(writes)
  const { committedBytes, pooledBytes, ...counts } = engine.stats()
  expect(counts).toEqual({
    committedBatches: 1,
    committedRows: 3,
    failedBatches: 1,
    discardedRows: 0,
    discardedValues: 0,
    deadLetters: 0,
    skippedRecords: 0,
    duplicateBatches: 0,
    duplicateRecords: 0,
    bufferedBytes: 0,
    bufferedBatches: 0,
    pressureCount: 1,
    restartCount: 0,
  })
  expect(committedBytes).toBeGreaterThan(3 * 4)
  expect(pooledBytes).toBeGreaterThan(0)
  await engine.write('events', numbered(1))
  const collector = engine.table('events').collect()
  collector.push({ id: 1 })
  expect(engine.stats().bufferedBytes).toBeGreaterThan(0)
  await collector.close()
  expect(engine.stats()).toMatchObject({ committedBatches: 3, committedRows: 5, bufferedBytes: 0 })
  // what was given is a picture of its moment
  const before = engine.stats()
  await engine.write('events', numbered(1))
  expect(before.committedBatches).toBe(3)
})

it('the log tells of the target, tables, batches and pressure, and never of row values', async () => {
  const lines: Record<string, unknown>[] = []
  const logger = new Logger<ILogObj>({ type: 'hidden' })
  logger.attachTransport({ format: 'json', write: (_record, line) => void lines.push(JSON.parse(line)) })
  const tables = { events: { createTableSql: 'CREATE TABLE events (id INTEGER PRIMARY KEY, name VARCHAR)' } }
  const engine = await openEngine({ logger, tables, maxBufferedBatches: 2 })
  const record = { id: 123_456_789, name: 'a secret' }
  await engine.write('events', [record], { key: 'the key' })
  await rejection(engine.write('events', [record], { key: 'again' }))
  await rejection(engine.write('events', [{ id: 'a secret' }]))
  await engine.close()
  const messages = lines.map(({ message }) => message)
  expect(messages).toEqual(
    expect.arrayContaining([
      'target opened',
      'table created',
      'batch committed',
      'batch failed',
      'pressure on',
      'pressure off',
      'target closed',
    ]),
  )
  const lineOf = (message: string) => lines.filter((line) => line.message === message)
  expect(lineOf('batch committed')).toEqual([
    expect.objectContaining({ table: 'events', key: 'the key', rowCount: 1, sequence: 1 }),
  ])
  expect(lineOf('batch failed')).toEqual([
    expect.objectContaining({ table: 'events', key: 'again', code: 'CONSTRAINT_VIOLATED' }),
    expect.objectContaining({ table: 'events', code: 'INVALID_VALUE' }),
  ])
  expect(JSON.stringify(lines)).not.toMatch(/secret|123456789/)
})

it('lines below the logger’s level do not reach it', async () => {
  const lines: Record<string, unknown>[] = []
  const logger = new Logger<ILogObj>({ type: 'hidden', minLevel: 4 })
  logger.attachTransport({ format: 'json', write: (_record, line) => void lines.push(JSON.parse(line)) })
  const engine = await openEngine({ logger })
  await engine.write('events', numbered(1))
  await rejection(engine.write('events', [{ id: 'x' }]))
  await engine.close()
  expect(lines.map(({ message }) => message)).toEqual(['batch failed'])
})
