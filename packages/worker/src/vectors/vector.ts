import duckdb from '@duckdb/node-bindings'
import type { VectorNode } from '../protocol/vector-tree.ts'
import { fillFixed } from './fixed.ts'
import { fillListEntries } from './lists.ts'
import type { Slice } from './slice.ts'
import { fillStrings } from './strings.ts'
import { fillValidity } from './validity.ts'

/** Fills a vector, and those below it, from slices that follow one another. */
export function fillVector(vector: duckdb.Vector, node: VectorNode, slices: readonly Slice[]): void {
  switch (node.kind) {
    case 'fixed':
      fillFixed(vector, slices, node.slot, node.width)
      break
    case 'string':
      fillStrings(vector, slices, node.slot)
      break
    case 'list':
      // the child is fetched after it has grown
      fillChild(fillListEntries(vector, slices, node.slot), node.child, () =>
        duckdb.list_vector_get_child(vector),
      )
      break
    case 'array':
      fillChild(elementSlices(slices, node.length), node.child, () => duckdb.array_vector_get_child(vector))
      break
    case 'struct':
      for (const [index, child] of node.children.entries()) {
        fillVector(duckdb.struct_vector_get_child(vector, index), child, slices)
      }
      break
    default:
      node satisfies never
  }
  fillValidity(vector, slices, node.slot)
}

function fillChild(slices: readonly Slice[], node: VectorNode, child: () => duckdb.Vector): void {
  // a slice without rows says nothing, and need not even be there
  const filled = slices.filter((slice) => slice.rowCount > 0)
  if (filled.length > 0) fillVector(child(), node, filled)
}

function elementSlices(slices: readonly Slice[], length: number): Slice[] {
  return slices.map(({ part, chunk, blockRows, fromRow, rowCount, startRow }) => ({
    part,
    chunk,
    blockRows: blockRows * length,
    fromRow: fromRow * length,
    rowCount: rowCount * length,
    startRow: startRow * length,
  }))
}
