import { PartReader, type TableLayout } from '@ducksink/worker'
import { expect, it } from 'vitest'
import { Encoders } from '../src/encoders.ts'
import { RecordsSource } from '../src/records-source.ts'
import { DEFAULT_TABLE_OPTIONS } from '../src/resolved-tables.ts'
import { TableState } from '../src/table-state.ts'
import { TimeSlice } from '../src/time-slice.ts'
import { numbered } from './open-engine.ts'

it('the end of a batch that is sent leaves alone what its table encodes next', async () => {
  const layout: TableLayout = { layoutId: 1, columns: [{ name: 'id', type: 'INTEGER' }] }
  const reply = async () => ({ status: 'present', layout }) as const
  const table = new TableState({ name: 't' }, DEFAULT_TABLE_OPTIONS, {
    prepareTable: reply,
    evolveTable: reply,
  })
  const context = { slice: new TimeSlice(), encoders: new Encoders((bytes) => new ArrayBuffer(bytes)) }
  const sent = new RecordsSource(table, numbered(3), context)
  await sent.begin()
  expect(await sent.next()).toMatchObject({ last: true })
  const next = new RecordsSource(table, numbered(6_000), context)
  await next.begin()
  // in the middle of a part, where the event loop has its turn
  context.slice.yield = async () => sent.end()
  Object.defineProperty(context.slice, 'isSpent', { value: true })
  const part = await next.next()
  expect(part?.part.rowCount).toBe(6_000)
  expect(new PartReader((part as { part: { buffer: ArrayBuffer } }).part.buffer).rowCount).toBe(6_000)
})
