import { afterAll, beforeAll, expect, it, test } from 'vitest'
import { SinkEngine } from '../src/index.ts'
import { collectLog } from './log-lines.ts'
import { numbered, openEngine } from './open-engine.ts'

const tables = { t: { columns: { id: 'INTEGER' }, badRecords: 'dead-letter' } } as const
const MAX = 2n ** 63n - 1n

let once: SinkEngine
beforeAll(async () => {
  once = await SinkEngine.open({ path: ':memory:', tables, deliveryMode: 'exactly-once' })
})
afterAll(() => once.close())

test.each([
  ['no name at all', {}],
  ['a key and a channel', { key: 'k', channel: 'c', offset: 1n }],
  ['a channel without an offset', { channel: 'c' }],
  ['an offset without a channel', { offset: 1n }],
  ['a key and an offset', { key: 'k', offset: 1n }],
  ['an offset that is a number', { channel: 'c', offset: 1 }],
  ['an offset beyond BIGINT', { channel: 'c', offset: MAX + 1n }],
  ['an offset below BIGINT', { channel: 'c', offset: -MAX - 2n }],
  ['an empty channel', { channel: '', offset: 1n }],
  ['a blank channel', { channel: ' ', offset: 1n }],
  ['a key that is no string', { key: 1 }],
  ['a key with a NUL', { key: 'a\0b' }],
  ['a key that is not well-formed', { key: '\ud800' }],
  ['a key that is too long', { key: 'k'.repeat(2 ** 17) }],
])('exactly-once refuses a write with %s', async (_, options) => {
  await expect(once.write('t', numbered(1), options as never)).rejects.toMatchObject({
    ...{ name: 'InvalidOptionsError', code: 'INVALID_OPTIONS' },
  })
})

it('every offset of BIGINT is one', async () => {
  for (const offset of [-MAX - 1n, 0n, MAX])
    expect(await once.write('t', numbered(1), { channel: 'c', offset })).toMatchObject({ duplicate: false })
})

it('in at-least-once key, channel and offset are labels: in receipts, errors, dead letters and the log', async () => {
  const { logger, lines } = collectLog()
  const engine = await openEngine({ tables: { ...tables, strict: { columns: { id: 'INTEGER' } } }, logger })
  const labels = { key: 'k', channel: 'c', offset: 5n }
  for (let time = 0; time < 2; time++)
    expect(await engine.write('t', [{ id: 1 }, { id: 'x' }], labels)).toMatchObject({
      ...{ ...labels, rowCount: 1, duplicate: false },
    })
  const collector = engine.table<object>('t').collect()
  collector.push({ id: 2 })
  collector.push({ id: 'y' }, { channel: 'd', offset: 7n })
  collector.push({ id: 'z' })
  await collector.flush()
  const letters = await engine.deadLetters('t')
  expect(letters.map(({ key, channel, offset }) => [key, channel, offset])).toEqual([
    ['k', 'c', 5n],
    ['k', 'c', 5n],
    [undefined, 'd', 7n],
    [undefined, undefined, undefined],
  ])
  await expect(engine.write('strict', [{ id: 'x' }], labels)).rejects.toMatchObject({
    key: 'k',
    channel: 'c',
  })
  const committed = lines.find(({ message }) => message === 'batch committed')
  expect(committed).toMatchObject({ key: 'k', channel: 'c', offset: '5' })
  const failed = lines.find(({ message }) => message === 'batch failed')
  expect(failed).toMatchObject({ key: 'k', channel: 'c', offset: '5' })
  expect(() => collector.push({ id: 1 }, { channel: 'c' } as never)).toThrow('offset')
})

it('without exactly-once there is no ledger to ask, and it says so', async () => {
  const engine = await openEngine({ tables })
  for (const asked of [
    engine.committedOffset('c'),
    engine.resolveFailure('c', 'skip'),
    engine.receipt('k'),
    engine.pruneLedger({ olderThan: 0 }),
  ])
    await expect(asked).rejects.toMatchObject({
      ...{ name: 'InvalidOptionsError', message: expect.stringContaining(`deliveryMode 'exactly-once'`) },
    })
})

test.each([
  'ducksink_ledger',
  'ducksink_offsets',
  'DuckSink_Ledger',
  { schema: 'MAIN', name: 'ducksink_ledger' },
])('no batch can be written to the ledger: %j', async (name) => {
  const engine = await openEngine({ deliveryMode: 'exactly-once' })
  await expect(engine.write(name, [{ key: 'k' }], { key: 'k' })).rejects.toMatchObject({
    ...{ name: 'InvalidOptionsError', message: expect.stringContaining('ledger') },
  })
  expect(() => once.table(name)).toThrow('ledger')
  if (typeof name !== 'string') return
  await expect(openEngine({ tables: { [name]: {} } })).rejects.toThrow('ledger')
})

it('tables of the same name in another schema are the app’s own', async () => {
  await once.query('CREATE SCHEMA s')
  const written = once.write({ schema: 's', name: 'ducksink_ledger' }, [{ a: 1 }], { key: 'k' })
  expect(await written).toMatchObject({ rowCount: 1 })
})
