import { types } from 'node:util'
import { isMarkedAsUntransferable } from 'node:worker_threads'
import type { StringOffsets, WholeColumn } from '@ducksink/worker'
import type { ColumnArray, Segment } from './column-array.ts'
import type { NumericArray } from './sink-columns.ts'

// Buffers that are transferred are others afterwards, and all views of the old ones are empty. So each view is made anew,
// for which its place is read before.

type View = NodeJS.ArrayBufferView & { readonly length: number }
type Remake = (view: View) => View

/** What has come of each buffer. */
type Moves = ReadonlyMap<ArrayBufferLike, ArrayBuffer>

/** Makes all views of some columns anew; the buffers of their old ones have been moved since this was called. */
export function remember(columns: readonly ColumnArray[]): (moves: Moves) => readonly ColumnArray[] {
  const remakes = new Map<View, (moves: Moves) => View>()
  for (const column of columns)
    for (const view of viewsOf(column)) {
      const { buffer, byteOffset, length } = view
      const Kind = view.constructor as new (b: ArrayBufferLike, at: number, length: number) => View
      remakes.set(view, (moves) => {
        const moved = moves.get(buffer)
        return moved === undefined ? view : new Kind(moved, byteOffset, length)
      })
    }
  return (moves) =>
    columns.map((column) => remade(column, (view) => (remakes.get(view) as (m: Moves) => View)(moves)))
}

/**
 * Takes over the buffers of columns: the caller's are detached, and nothing is copied. Those that cannot be taken over
 * stay the caller's: shared ones, and Node's own, such as the pool of small Buffers. `lendable` are those of them that
 * are of one segment alone.
 */
export function takeOver(segments: readonly Segment[]): {
  readonly segments: readonly Segment[]
  readonly lendable: ReadonlySet<ArrayBufferLike>
} {
  const remakes = segments.map(({ columns }) => remember(columns))
  const moves = new Map<ArrayBufferLike, ArrayBuffer>()
  const lendable = new Set<ArrayBufferLike>()
  for (const { columns } of segments) {
    const buffers = new Set(columns.flatMap(viewsOf).map(({ buffer }) => buffer))
    for (const buffer of buffers) {
      const known = moves.get(buffer)
      const moved = known ?? moveBuffer(buffer)
      if (moved === undefined) continue
      moves.set(buffer, moved)
      if (known === undefined) lendable.add(moved)
      else lendable.delete(moved)
    }
  }
  return {
    segments: segments.map(({ rowCount }, index) => ({
      rowCount,
      columns: (remakes[index] as ReturnType<typeof remember>)(moves),
    })),
    lendable,
  }
}

/** Columns with copies of shared memory, which others may change after it was looked at. */
export function unshare(columns: readonly ColumnArray[]): readonly ColumnArray[] {
  const isShared = ({ buffer }: View): boolean => types.isSharedArrayBuffer(buffer)
  return columns.map((column) =>
    viewsOf(column).some(isShared)
      ? remade(column, (view) => (isShared(view) ? (view as Uint8Array).slice() : view))
      : column,
  )
}

function moveBuffer(buffer: ArrayBufferLike): ArrayBuffer | undefined {
  if (!types.isArrayBuffer(buffer) || isMarkedAsUntransferable(buffer)) return undefined
  try {
    return buffer.transferToFixedLength()
  } catch {
    // WebAssembly's memory is not detached
    return undefined
  }
}

/** What has come of the buffers that were lent with a part, now that they are back. */
export function movesOf(lent: readonly WholeColumn[], back: readonly WholeColumn[]): Moves {
  const moves = new Map<ArrayBufferLike, ArrayBuffer>()
  lent.forEach(({ values, offsets }, index) => {
    const { values: movedValues, offsets: movedOffsets } = back[index] as WholeColumn
    moves.set(values.buffer, movedValues.buffer)
    if (offsets !== undefined) moves.set(offsets.buffer, (movedOffsets as StringOffsets).buffer)
  })
  return moves
}

/** Every view that a column is made of. */
export function viewsOf({ validity, ...column }: ColumnArray): readonly View[] {
  const views: View[] = validity === undefined ? [] : [validity.bits]
  if (column.kind === 'fixed') views.push(column.values)
  if (column.kind === 'packed') views.push(column.data, column.offsets)
  return views
}

function remade(column: ColumnArray, remake: Remake): ColumnArray {
  const { validity } = column
  const moved = validity && { bits: remake(validity.bits) as Uint8Array, offset: validity.offset }
  switch (column.kind) {
    case 'fixed':
      return { ...column, values: remake(column.values) as NumericArray, validity: moved }
    case 'packed': {
      const data = remake(column.data) as Uint8Array
      return { ...column, data, offsets: remake(column.offsets) as StringOffsets, validity: moved }
    }
    case 'values':
      return { ...column, validity: moved }
    default:
      return column satisfies never
  }
}
