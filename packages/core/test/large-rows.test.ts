import { expect, test } from 'vitest'
import { BatchEncoder } from '../src/encoder/batch-encoder.ts'
import { decodeRecords } from '../src/encoder/decoder.ts'
import { openEngine } from './open-engine.ts'

const layout = {
  layoutId: 1,
  columns: [
    { name: 'id', type: 'INTEGER' },
    { name: 'note', type: 'VARCHAR' },
  ],
}

test('one batch of huge rows does not make the buffers of later ones huge', () => {
  const sizes: number[] = []
  const encoder = new BatchEncoder('t', layout, (bytes) => {
    sizes.push(bytes)
    return new ArrayBuffer(Math.ceil(bytes / 8) * 8)
  })
  const encodeAll = (records: readonly Record<string, unknown>[]): void => {
    encoder.begin()
    encoder.activate(0, 'id')
    encoder.activate(1, 'note')
    for (let index = 0; index < records.length; ) index = encoder.encode(records, index, records.length)
    encoder.finishPart()
  }
  encodeAll([{ id: 0, note: 'x'.repeat(4 * 2 ** 20) }])
  sizes.length = 0
  encodeAll(Array.from({ length: 8_192 }, (_, id) => ({ id, note: 'short' })))
  expect(Math.max(...sizes)).toBeLessThan(8 * 2 ** 20)
})

test('a row that there is no memory for is not taken, and the rows before it are', () => {
  let fails = true
  const encoder = new BatchEncoder('t', layout, (bytes) => {
    if (fails) throw new RangeError('Array buffer allocation failed')
    return new ArrayBuffer(bytes)
  })
  encoder.begin()
  encoder.activate(0, 'id')
  encoder.activate(1, 'note')
  for (let id = 0; id < 2_047; id++) encoder.encode([{ id, note: 'n' }], 0, 1)
  expect(() => encoder.encode([{ id: 2_047, note: 'n' }], 0, 1)).toThrow('no memory')
  expect(encoder.partRows).toBe(2_047)
  fails = false
  encoder.encode([{ id: 2_048, note: 'n' }], 0, 1)
  expect(encoder.finishPart().rowCount).toBe(2_048)
})

test('a column of long arrays that comes late takes no room in the rows before it', () => {
  const columns = [
    { name: 'id', type: 'INTEGER' },
    { name: 'grid', type: 'INTEGER[100][10]' },
  ]
  const encoder = new BatchEncoder('t', { layoutId: 1, columns }, (bytes) => new ArrayBuffer(bytes))
  encoder.begin()
  encoder.activate(0, 'id')
  for (let id = 0; id < 2_000; id++) encoder.encode([{ id }], 0, 1)
  encoder.activate(1, 'grid')
  expect(encoder.heldBytes).toBeLessThan(2 ** 17)
  const grid = Array.from({ length: 10 }, () => Array.from({ length: 100 }, (_, i) => i))
  encoder.encode([{ id: 2_000, grid }], 0, 1)
  const records = decodeRecords({ layoutId: 1, columns }, [0, 1], [encoder.finishPart()])
  expect(records).toEqual(
    Array.from({ length: 2_001 }, (_, id) => ({ id, grid: id === 2_000 ? grid : null })),
  )
})

test('short rows are written after huge ones, by write and by collect', async () => {
  const engine = await openEngine({ tables: { t: { columns: { id: 'INTEGER', note: 'VARCHAR' } } } })
  const table = engine.table('t')
  await table.write([{ id: -1, note: 'x'.repeat(4 * 2 ** 20) }])
  await table.write(Array.from({ length: 8_192 }, (_, id) => ({ id, note: 'short' })))
  const collector = table.collect()
  for (let id = 0; id < 10; id++) collector.push({ id, note: String(id).repeat(1_500_000) })
  for (let id = 10; id < 5_000; id++) {
    if (!collector.push({ id, note: 'short' })) await collector.ready
  }
  await collector.close()
  const [row] = await engine.query('SELECT count(*) AS n, sum(length(note))::BIGINT AS units FROM t')
  expect(row).toEqual({ n: 13_193n, units: BigInt(4 * 2 ** 20 + 10 * 1_500_000 + (8_192 + 4_990) * 5) })
})
