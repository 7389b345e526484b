import { expect, test } from 'vitest'
import { openEngine } from './open-engine.ts'

const tables = { t: { columns: { a: 'INTEGER' } } }

test.each([
  ['a key that is no string', { key: 5 }],
  ['an empty key', { key: '' }],
  ['a key that cannot be sent', { key: () => 'k' }],
  ['a signal that is none', { signal: {} }],
  ['an option that there is not', { offset: 5n }],
])('%s is refused, and the writes beside it are written', async (_, options) => {
  const engine = await openEngine({ tables })
  const table = engine.table('t')
  const before = table.write([{ a: 1 }])
  const wrong = table.write([{ a: 2 }], options as never)
  const after = table.write([{ a: 3 }])
  await expect(wrong).rejects.toMatchObject({ name: 'InvalidOptionsError' })
  await Promise.all([before, after])
  expect(await engine.query('SELECT a FROM t ORDER BY a')).toEqual([{ a: 1 }, { a: 3 }])
})

test('the receipt of an empty batch comes after those of the batches before it', async () => {
  const engine = await openEngine({ tables })
  const order: string[] = []
  const table = engine.table('t')
  const full = table.write([{ a: 1 }]).then((receipt) => order.push(`full ${receipt.sequence}`))
  const empty = table.write([]).then((receipt) => order.push(`empty ${receipt.sequence}`))
  await Promise.all([full, empty])
  expect(order).toEqual(['full 1', 'empty 1'])
})

test.each([Number.NaN, -1, '5'])('close refuses a deadline of %s', async (timeoutMs) => {
  const engine = await openEngine()
  const closing = engine.close({ timeoutMs: timeoutMs as number })
  await expect(closing).rejects.toMatchObject({ name: 'InvalidOptionsError' })
  expect(engine.state).toBe('open')
})

test('a deadline of Infinity is none', async () => {
  const engine = await openEngine()
  await engine.close({ timeoutMs: Number.POSITIVE_INFINITY })
  expect(engine.state).toBe('closed')
})
