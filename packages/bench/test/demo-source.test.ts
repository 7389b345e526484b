import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { beforeAll, describe, expect, it } from 'vitest'
import { batchesByMonth, type FlightBatch } from '../src/demo/flight-batches.ts'
import { type Flight, FlightFile } from '../src/demo/flight-file.ts'

function flight(date: string): Flight {
  return { date: new Date(date), delay: 0, distance: 100, origin: 'ORD', destination: 'BOS' }
}

async function* slicesOf(...slices: readonly string[][]): AsyncGenerator<Flight[]> {
  for (const slice of slices) yield slice.map(flight)
}

async function collect(batches: AsyncIterable<FlightBatch>): Promise<(readonly [string, number])[]> {
  const collected: (readonly [string, number])[] = []
  for await (const { key, flights } of batches) collected.push([key, flights.length])
  return collected
}

describe('the file of flights', () => {
  let file: FlightFile

  beforeAll(async () => {
    file = await FlightFile.open()
  })

  it('gives the records that hyparquet reads, over the end of a row group', async () => {
    const [rowStart, rowEnd] = [272_700, 272_800]
    const read: Flight[] = []
    let row = 0
    for await (const slice of file.slices(rowEnd)) {
      read.push(...slice.slice(Math.max(0, rowStart - row)))
      row += slice.length
    }
    const url = new URL('../data/flights-3m.parquet', import.meta.resolve('vega-datasets'))
    const { buffer } = await readFile(fileURLToPath(url))
    const compressors = { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) }
    const expected = await parquetReadObjects({ file: buffer, compressors, rowStart, rowEnd })
    expect(read).toEqual(
      expected.map((record) => ({
        ...record,
        delay: Number(record.delay),
        distance: Number(record.distance),
      })),
    )
  })

  it('ends at the limit, or with the file', async () => {
    expect(file.rowCount).toBe(3_000_000)
    const lengths: number[] = []
    for await (const slice of file.slices(10_000)) lengths.push(slice.length)
    expect(lengths).toEqual([8_192, 1_808])
  })

  it('comes in batches of a month', async () => {
    expect(await collect(batchesByMonth(file.slices(520_000), 122_880))).toEqual([
      ['2001-01/1', 122_880],
      ['2001-01/2', 122_880],
      ['2001-01/3', 122_880],
      ['2001-01/4', 122_880],
      ['2001-01/5', 16_719],
      ['2001-02/1', 11_761],
    ])
  })
})

describe('batches by month', () => {
  it('begins one at a new month, within a slice or between two', async () => {
    const slices = slicesOf(
      ['2001-01-31T23:59Z', '2001-02-01T00:00Z'],
      ['2001-02-28T23:59Z'],
      ['2001-03-01T00:00Z', '2002-03-01T00:00Z'],
    )
    expect(await collect(batchesByMonth(slices, 10))).toEqual([
      ['2001-01/1', 1],
      ['2001-02/1', 2],
      ['2001-03/1', 1],
      ['2002-03/1', 1],
    ])
  })

  it('counts the batches of a month', async () => {
    const day = '2001-01-01T12:00Z'
    expect(await collect(batchesByMonth(slicesOf([day, day, day], [day, day]), 2))).toEqual([
      ['2001-01/1', 2],
      ['2001-01/2', 2],
      ['2001-01/3', 1],
    ])
    expect(await collect(batchesByMonth(slicesOf([day, day], [day, day]), 2))).toHaveLength(2)
  })

  it('gives none of no flights', async () => {
    expect(await collect(batchesByMonth(slicesOf([], []), 2))).toEqual([])
  })
})
