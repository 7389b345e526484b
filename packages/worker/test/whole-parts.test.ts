import { expect, it } from 'vitest'
import type { InsertRequest } from '../src/protocol/insert-messages.ts'
import { PartReader } from '../src/protocol/part-reader.ts'
import { PartWriter } from '../src/protocol/part-writer.ts'
import type { WholeColumn } from '../src/protocol/whole-column.ts'
import { cutWholePart } from '../src/whole-parts.ts'

const CHUNK_ROWS = 2_048

/** A part of so many chunks, whose only column travels beside it. */
function request(
  chunkCount: number,
  width: number,
): InsertRequest & { readonly whole: readonly WholeColumn[] } {
  const writer = new PartWriter(1, (bytes) => new ArrayBuffer(bytes))
  const validity = new Uint8Array(256)
  const block = { rowCount: CHUNK_ROWS, values: validity, width: 0, validity, nullCount: 0 }
  for (let chunk = 0; chunk < chunkCount; chunk++)
    writer.appendChunk(CHUNK_ROWS, [{ ...block, extent: undefined, heap: undefined }])
  const values = new Uint8Array(chunkCount * CHUNK_ROWS * width)
  const identity = { kind: 'key', key: 'k' } as const
  const entry = { table: 't', tableName: 't', digest: undefined } as unknown as NonNullable<
    InsertRequest['entry']
  >
  return {
    ...{
      writeId: 1,
      run: 0,
      layoutId: 1,
      columns: [0],
      buffer: writer.finish().buffer,
      key: 'k',
      identity,
      entry,
    },
    ...{ first: true, last: true, whole: [{ slot: 0, values, offsets: undefined }] },
  }
}

it('a part is cut by rows, and by bytes where its rows are long; the last piece alone ends the write', () => {
  for (const [chunkCount, width, sizes] of [
    [3, 4, [3]],
    [40, 4, [16, 16, 8]],
    [5, 1_000, [2, 2, 1]],
  ] as const) {
    const whole = request(chunkCount, width)
    const parts = cutWholePart(whole)
    expect(parts.map(({ chunks }) => (chunks?.to ?? 0) - (chunks?.from ?? 0))).toEqual(sizes)
    expect(parts.map(({ first }) => first)).toEqual(sizes.map((_, index) => index === 0))
    expect(parts.map(({ last, entry }) => [last, entry])).toEqual(
      sizes.map((_, index) => (index === sizes.length - 1 ? [true, whole.entry] : [false, undefined])),
    )
    expect(parts.every(({ identity, key }) => identity?.kind === 'key' && key === 'k')).toBe(true)
  }
})

it('a piece is read as a part whose rows begin where the pieces before it end', () => {
  const parts = cutWholePart(request(40, 4)).map((piece) => new PartReader(piece.buffer, piece))
  expect(parts.map(({ rowCount, chunkCount }) => [rowCount, chunkCount])).toEqual([
    ...[
      [16 * CHUNK_ROWS, 16],
      [16 * CHUNK_ROWS, 16],
      [8 * CHUNK_ROWS, 8],
    ],
  ])
  expect(parts.map((part) => part.firstRow(1))).toEqual([1, 17, 33].map((chunk) => chunk * CHUNK_ROWS))
  expect(parts.map((part) => part.wholeColumn(0)?.slot)).toEqual([0, 0, 0])
})
