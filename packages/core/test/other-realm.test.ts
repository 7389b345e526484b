import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { openEngine, rejection } from './open-engine.ts'

// what a vm context makes are instances of classes that are not this realm's own
const inOtherRealm = <T>(code: string): T => runInNewContext(code) as T

const MOMENT = new Date('2026-11-22T12:34:56.789Z')
const DAY = new Date('2026-11-22')

it('a Date of another realm is as good as any, in columns and inside values', async () => {
  const columns = {
    moment: 'TIMESTAMP',
    day: 'DATE',
    moments: 'TIMESTAMP[]',
    inside: 'STRUCT(day DATE, moment TIMESTAMPTZ)',
    byDay: 'MAP(DATE, INTEGER)',
  }
  const engine = await openEngine({ tables: { own: { columns }, other: { columns } } })
  const record = (moment: Date, day: Date, byDay: Map<Date, number>): object => ({
    moment,
    day,
    moments: [moment],
    inside: { day, moment },
    byDay,
  })
  const moment = inOtherRealm<Date>(`new Date(${MOMENT.getTime()})`)
  const day = inOtherRealm<Date>(`new Date(${DAY.getTime()})`)
  expect(moment).not.toBeInstanceOf(Date)
  await engine.write('own', [record(MOMENT, DAY, new Map([[DAY, 1]]))])
  const byDay = inOtherRealm<Map<Date, number>>(`new Map([[new Date(${DAY.getTime()}), 1]])`)
  await engine.write('other', [record(moment, day, byDay)])
  expect(await engine.query('FROM own EXCEPT FROM other')).toEqual([])
  expect(await engine.query('SELECT count(*)::INTEGER AS count FROM other')).toEqual([{ count: 1 }])
})

it('bytes of another realm are as good as any, in columns and inside values', async () => {
  const columns = { bytes: 'BLOB', list: 'BLOB[]', choice: 'UNION(bytes BLOB, id INTEGER)' }
  const engine = await openEngine({ tables: { blobs: { columns } } })
  const bytes = inOtherRealm<Uint8Array>('new Uint8Array([9, 65, 66, 9]).subarray(1, 3)')
  expect(bytes).not.toBeInstanceOf(Uint8Array)
  await engine.write('blobs', [{ bytes, list: [bytes], choice: { tag: 'bytes', value: bytes } }])
  const sql =
    'SELECT bytes::VARCHAR AS bytes, list::VARCHAR AS list, choice.bytes::VARCHAR AS choice FROM blobs'
  expect(await engine.query(sql)).toEqual([{ bytes: 'AB', list: '[AB]', choice: 'AB' }])
})

it('columns are inferred from what another realm made', async () => {
  const engine = await openEngine()
  const record = inOtherRealm<object>('({ at: new Date(0), bytes: new Uint8Array([65]), list: [1] })')
  await engine.write('inferred', [record])
  const sql = 'SELECT column_type FROM (DESCRIBE inferred)'
  const types = ['TIMESTAMP', 'BLOB', 'BIGINT[]'].map((column_type) => ({ column_type }))
  expect(await engine.query(sql)).toEqual(types)
})

it('what only has the prototype of a Date or of bytes is refused', async () => {
  const columns = { moment: 'TIMESTAMP', bytes: 'BLOB', list: 'BLOB[]' }
  const engine = await openEngine({ tables: { t: { columns } } })
  const fakes = [
    { moment: Object.create(Date.prototype) },
    { moment: { [Symbol.toStringTag]: 'Date' } },
    { bytes: Object.create(Uint8Array.prototype) },
    { list: [Object.create(Uint8Array.prototype)] },
  ]
  for (const fake of fakes) {
    expect(await rejection(engine.write('t', [fake]))).toMatchObject({ name: 'ValueError' })
  }
})

it('a batch of another realm is the same batch, and a Date of one says how much of the ledger is forgotten', async () => {
  const columns = {
    id: 'INTEGER',
    at: 'TIMESTAMP',
    bytes: 'BLOB',
    inside: 'JSON',
    byName: 'MAP(VARCHAR, INTEGER)',
  }
  const engine = await openEngine({ deliveryMode: 'exactly-once', tables: { t: { columns } } })
  const code = `[{
    id: 1,
    at: new Date(${MOMENT.getTime()}),
    bytes: new Uint8Array([1, 2]),
    inside: { a: { b: [1, null] } },
    byName: new Map([['a', 1]]),
  }]`
  const own = new Function(`return ${code}`)() as object[]
  expect(await engine.write('t', own, { key: 'k' })).toMatchObject({ duplicate: false })
  expect(await engine.write('t', inOtherRealm<object[]>(code), { key: 'k' })).toMatchObject({
    duplicate: true,
  })
  const olderThan = inOtherRealm<Date>('new Date(8.64e15)')
  expect(await engine.pruneLedger({ olderThan })).toEqual({ keyCount: 1, offsetCount: 0 })
})
