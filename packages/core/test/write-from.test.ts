import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  ConstraintError,
  SinkEngine,
  type SinkError,
  type SinkRecord,
  type SinkTable,
  ValueError,
} from '../src/index.ts'
import { databasePath, numbered, openEngine, rejection } from './open-engine.ts'
import { readFile } from './read-file.ts'

interface Event {
  readonly id: unknown
}

const createTableSql = 'CREATE TABLE events (id INTEGER PRIMARY KEY)'
const tables = { events: { createTableSql } }
const COUNT = 'SELECT count(*) AS count, min(id) AS first, max(id) AS last FROM events'
const NO_DELAY = 2 ** 31 - 1

let shared: SinkEngine
let made = 0
beforeAll(async () => {
  shared = await SinkEngine.open({ path: ':memory:' })
})
afterAll(() => shared.close())

/** A new table of the engine that the tests share. */
async function freshTable(): Promise<SinkTable<Event> & { readonly name: string }> {
  const name = `events${++made}`
  await shared.query(createTableSql.replace('events', name))
  return Object.assign(shared.table<Event>(name), { name })
}

function* generated(count: number): Generator<Event> {
  yield* numbered(count)
}

async function* generatedLater(count: number): AsyncGenerator<Event> {
  for (const record of numbered(count)) {
    if (record.id % 1_000 === 0) await setImmediate()
    yield record
  }
}

it.each([
  ['an array', numbered],
  ['a generator', generated],
  ['a Set', (count: number) => new Set(numbered(count))],
  ['an async generator', generatedLater],
])('everything that %s gives is written in batches, and summed up', async (_what, source) => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const sequences: number[] = []
  const summary = await engine.table<Event>('events').writeFrom(source(25_000), {
    maxBatchRows: 10_000,
    maxDelayMs: NO_DELAY,
    onReceipt: ({ sequence }) => sequences.push(sequence),
  })
  expect(summary).toEqual({
    rowCount: 25_000,
    batchCount: 3,
    failedRowCount: 0,
    deadLetterCount: 0,
    skippedCount: 0,
    duplicateCount: 0,
    durationMs: expect.any(Number),
  })
  expect(sequences).toEqual([1, 2, 3])
  expect(engine.bufferedBytes).toBe(0)
  await engine.close()
  expect(await readFile(path, COUNT)).toEqual([{ count: 25_000n, first: 0, last: 24_999 }])
})

it('an empty source writes nothing', async () => {
  const events = await freshTable()
  expect(await events.writeFrom([])).toMatchObject({ rowCount: 0, batchCount: 0 })
})

it('a source waits while the engine is full, however small its bounds are', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables, maxBufferedBatches: 1, maxBufferedBytes: 20_000 })
  const events = engine.table<Event>('events')
  // the age limit sends batches between the records, too
  const summary = await events.writeFrom(generatedLater(30_000), { maxBatchRows: 3_000, maxDelayMs: 0 })
  expect(summary.rowCount).toBe(30_000)
  await engine.close()
  expect(await readFile(path, COUNT)).toEqual([{ count: 30_000n, first: 0, last: 29_999 }])
})

it('two sources share the engine’s room', async () => {
  const engine = await openEngine({ maxBufferedBatches: 2, maxBufferedBytes: 20_000 })
  const options = { maxBatchRows: 500, maxDelayMs: 1 }
  const summaries = await Promise.all([
    engine.table('a').writeFrom(numbered(10_000), options),
    engine.table<Event>('b').writeFrom(generatedLater(10_000), options),
  ])
  expect(summaries.map(({ rowCount }) => rowCount)).toEqual([10_000, 10_000])
})

it('a source that never waits leaves the event loop to the app', async () => {
  const events = await freshTable()
  let turns = 0
  let isDone = false
  const written = events.writeFrom(generated(300_000)).finally(() => {
    isDone = true
  })
  while (!isDone) {
    turns++
    await setImmediate()
  }
  expect((await written).rowCount).toBe(300_000)
  expect(turns).toBeGreaterThan(5)
})

it('a source that fails ends with its own error; what came before is written', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const failure = new Error('the source is gone')
  const failing = function* (): Generator<Event> {
    yield* numbered(10)
    throw failure
  }
  const failingLater = async function* (): AsyncGenerator<Event> {
    yield* numbered(10, 10)
    throw failure
  }
  expect(await rejection(engine.table<Event>('events').writeFrom(failing()))).toBe(failure)
  expect(await rejection(engine.table<Event>('events').writeFrom(failingLater()))).toBe(failure)
  await engine.close()
  expect(await readFile(path, COUNT)).toEqual([{ count: 20n, first: 0, last: 19 }])
})

/** A source that tells whether it was ended before its end. */
function watched(records: readonly Event[]) {
  const state = { given: 0, isReturned: false }
  const source = (async function* (): AsyncGenerator<Event> {
    try {
      for (const record of records) {
        state.given++
        yield record
      }
    } finally {
      state.isReturned = true
    }
  })()
  return { state, source }
}

it('a bad record ends it with the refusal, and the source is read no further', async () => {
  const events = await freshTable()
  await events.write([{ id: -1 }])
  const { state, source } = watched([...numbered(1_000), { id: 1.5 }, ...numbered(100_000, 1_000)])
  const error = await rejection(events.writeFrom(source))
  expect(error).toBeInstanceOf(ValueError)
  expect(error).toMatchObject({ table: events.name, column: 'id' })
  expect(state).toEqual({ given: 1_001, isReturned: true })
})

it('a batch that fails ends it with the failure', async () => {
  const events = await freshTable()
  await events.write([{ id: 500 }])
  const error = await rejection(events.writeFrom(numbered(1_000), { maxBatchRows: 100 }))
  expect(error).toBeInstanceOf(ConstraintError)
})

it('with onFailure bad records and failed batches are handed over, and everything else is written', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  await engine.write('events', [{ id: 550 }])
  const failures: [SinkError, SinkRecord[]][] = []
  const source = [...numbered(10), { id: 'x' }, ...numbered(990, 10), { id: null, extra: 1 }]
  const summary = await engine.table<Event>('events').writeFrom(source, {
    maxBatchRows: 100,
    maxDelayMs: NO_DELAY,
    onFailure: (error, records) => failures.push([error, records()]),
  })
  expect(summary).toMatchObject({ rowCount: 900, batchCount: 9, failedRowCount: 102 })
  expect(failures.map(([error, records]) => [error.name, records])).toEqual(
    expect.arrayContaining([
      ['ValueError', [{ id: 'x' }]],
      ['SchemaError', [{ id: null, extra: 1 }]],
      ['ConstraintError', numbered(100, 500)],
    ]),
  )
  expect(failures).toHaveLength(3)
  await engine.close()
  expect(await readFile(path, COUNT)).toEqual([{ count: 901n, first: 0, last: 999 }])
})

it('what a callback throws ends it', async () => {
  const events = await freshTable()
  const thrown = new Error('from the callback')
  const fail = () => {
    throw thrown
  }
  expect(await rejection(events.writeFrom(numbered(5), { onReceipt: fail }))).toBe(thrown)
  expect(await rejection(events.writeFrom([{ id: 'x' }], { onFailure: fail }))).toBe(thrown)
})

it('a signal that is aborted already reads nothing', async () => {
  const events = await freshTable()
  const { state, source } = watched(numbered(10))
  const signal = AbortSignal.abort('no')
  expect(await rejection(events.writeFrom(source, { signal }))).toBe('no')
  expect(state.given).toBe(0)
})

it('a signal ends the reading of a source that goes on for ever', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const controller = new AbortController()
  const { signal } = controller
  const endless = function* (): Generator<Event> {
    for (let id = 0; ; id++) {
      if (id === 5_000) controller.abort()
      yield { id }
    }
  }
  expect(await rejection(engine.table<Event>('events').writeFrom(endless(), { signal }))).toBe(signal.reason)
  expect(engine.bufferedBytes).toBe(0)
  const [row] = await engine.query(
    'SELECT max(id) - count(*) + 1 AS gaps, max(id) >= 4999 AS all FROM events',
  )
  expect(row).toEqual({ gaps: 0n, all: true })
})

it('a signal ends the wait for a source that gives nothing more', async () => {
  const events = await freshTable()
  const controller = new AbortController()
  const { signal } = controller
  const stuck = async function* (): AsyncGenerator<Event> {
    yield { id: 1 }
    queueMicrotask(() => controller.abort())
    await new Promise(() => undefined)
  }
  expect(await rejection(events.writeFrom(stuck(), { signal }))).toBe(signal.reason)
  expect(await shared.query(`SELECT id FROM ${events.name}`)).toEqual([{ id: 1 }])
})

it('closing the engine ends it, and what it has read is written', async () => {
  const path = databasePath()
  const engine = await openEngine({ path, tables })
  const { state, source } = watched(numbered(50_000))
  const handedOver: unknown[] = []
  const written = engine.table<Event>('events').writeFrom(
    (async function* () {
      for await (const record of source) {
        if (record.id === 20_000) void engine.close()
        yield record
      }
    })(),
    { onFailure: (error) => handedOver.push(error) },
  )
  await expect(written).rejects.toMatchObject({ name: 'ClosedError' })
  expect(state.isReturned).toBe(true)
  expect(handedOver).toEqual([])
  await engine.close()
  expect(await readFile(path, COUNT)).toEqual([{ count: 20_000n, first: 0, last: 19_999 }])
})

it('what is no source is refused', async () => {
  const events = await freshTable()
  for (const source of [undefined, null, 5, 'text', {}, () => []]) {
    await expect(events.writeFrom(source as never)).rejects.toMatchObject({
      name: 'InvalidOptionsError',
      code: 'INVALID_ARGUMENT',
    })
  }
})
