import { inspect } from 'node:util'
import { spawnWorker, type WorkerEvent } from '@ducksink/worker'
import { expect, it } from 'vitest'
import { runFixture } from './child.ts'
import { FAILING_TABLES, SECRET, SECRET_NUMBER, writeFailing } from './fixtures/failing-batches.ts'
import { collectLog, type LogLine } from './log-lines.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { openSteered } from './steered-engine.ts'

const WARN = 4

/** A line without what the app's logger itself adds. */
function told({ level, message, levelId: _, time: _time, _logMeta, ...fields }: LogLine): unknown[] {
  return [level, message, fields]
}

it('the life of an engine is in the log, each event with its fields', async () => {
  const path = databasePath()
  const { logger, lines } = collectLog()
  const engine = await openEngine({ path, logger, maxBufferedBatches: 2 })
  await engine.write('events', numbered(3), { key: 'first' })
  await rejection(engine.write('events', [{ other: 1 }], { key: 'second' }))
  await engine.close()
  const columns = [{ name: 'id', type: 'BIGINT' }]
  const reason = 'row 0: field "other" has no column in table "events"'
  const committed = {
    table: 'events',
    key: 'first',
    rowCount: 3,
    sequence: 1,
    durationMs: expect.any(Number),
  }
  // the lines of the worker come by another channel than its answers
  const isOfWorker = ({ message }: LogLine): boolean => /^t(?:able|arget) /.test(message)
  expect(lines.filter(isOfWorker).map(told)).toEqual([
    ['INFO', 'target opened', { target: path, duckdb: expect.stringMatching(/^v\d/) }],
    ['INFO', 'table created', { table: 'events', columns, origin: 'inferred' }],
    ['INFO', 'target closed', { target: path }],
  ])
  // of pressure it is told when all else that was under way is done
  expect(lines.filter((line) => !isOfWorker(line)).map(told)).toEqual([
    ['DEBUG', 'pressure on', { bufferedBytes: 0, bufferedBatches: 1 }],
    ['DEBUG', 'batch committed', committed],
    ['WARN', 'batch failed', { table: 'events', key: 'second', code: 'SCHEMA_MISMATCH', reason }],
    ['DEBUG', 'pressure off', { bufferedBytes: 0, bufferedBatches: 0 }],
    ['DEBUG', 'pressure on', { bufferedBytes: 0, bufferedBatches: 1 }],
    ['DEBUG', 'pressure off', { bufferedBytes: 0, bufferedBatches: 0 }],
  ])
})

it('the death of the worker is in the log', async () => {
  const { logger, lines } = collectLog(WARN)
  const { engine, steer } = await openSteered({ path: ':memory:', logger })
  steer('throw')
  await rejection(engine.closed)
  const reason = 'thrown in the worker'
  expect(lines.map(told)).toEqual([
    ['ERROR', 'the worker cannot go on', { code: 'STATEMENT_FAILED', reason }],
    ['ERROR', 'the worker died', { reason }],
  ])
})

it.each([
  { minLevel: 0, posted: 3 },
  { minLevel: WARN, posted: 0 },
])(
  'at level $minLevel the worker posts $posted lines of its log, those that are logged',
  async ({ minLevel, posted }) => {
    const events: WorkerEvent[] = []
    const { logger, lines } = collectLog(minLevel)
    const engine = await openEngine({
      logger,
      createWorker: (options) => spawnWorker(options).on('message', (event) => events.push(event)),
    })
    await engine.write('events', numbered(1))
    await engine.close()
    expect(events.filter(({ type }) => type === 'log')).toHaveLength(posted)
    expect(lines.filter(({ message }) => /^t(?:able|arget) /.test(message))).toHaveLength(posted)
  },
)

it('no value of a row is in the log, nor in what a batch fails with', async () => {
  const { logger, lines } = collectLog()
  const engine = await openEngine({ logger, tables: FAILING_TABLES })
  const errors = await writeFailing(engine)
  expect(errors).not.toContain(undefined)
  await engine.close()
  expect(lines.filter(({ message }) => message === 'batch failed')).toHaveLength(errors.length)
  for (const text of [
    JSON.stringify(lines),
    inspect(errors, { depth: 20, showHidden: true }),
    JSON.stringify(errors),
  ]) {
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain(String(SECRET_NUMBER))
  }
})

it('no secret of the settings is in the log, nor in what an engine shows of itself', async () => {
  const { logger, lines } = collectLog()
  const engine = await openEngine({ logger, config: { http_proxy_password: SECRET } })
  await engine.write('events', numbered(1))
  const text =
    JSON.stringify(lines) + inspect(engine, { depth: 20, showHidden: true }) + JSON.stringify(engine)
  expect(text).not.toContain(SECRET)
})

it('without a logger nothing is printed, whatever goes wrong', async () => {
  expect(await runFixture('silent-app').ended).toEqual({ code: 0, signal: null, lines: [], stderr: '' })
})

it('a write whose signal has no error for its reason is logged as well', async () => {
  const { logger, lines } = collectLog(WARN)
  const engine = await openEngine({ logger })
  const controller = new AbortController()
  const write = engine.write('events', numbered(1), { signal: controller.signal })
  controller.abort(null)
  expect(await rejection(write)).toBeNull()
  expect(lines.map(told)).toEqual([['WARN', 'batch failed', { table: 'events' }]])
})
