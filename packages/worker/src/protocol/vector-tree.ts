import type { LogicalType } from './logical-type.ts'
import {
  decimalBytes,
  enumBytes,
  isStringLike,
  NATIVE_WIDTHS,
  type NativeTypeId,
  travelsAsText,
  wireTypeOf,
} from './wire-type.ts'

// A column is one vector or, where its type holds others, a tree of them, as in DuckDB. A part has a place for each
// vector, in pre-order: a column's own, then those below it.
//
//   LIST    itself, then its elements
//   MAP     itself, which is a list, then the STRUCT of an entry, then keys and values
//   ARRAY   itself, then its elements, `length` for each row
//   STRUCT  itself, then its fields
//   UNION   itself, which is a struct, then the tags (UTINYINT), then its members

/** A vector of a column's tree; `slot` is its place in a part's directory. */
export type VectorNode =
  | { readonly kind: 'fixed'; readonly slot: number; readonly width: number }
  | { readonly kind: 'string'; readonly slot: number }
  | { readonly kind: 'list'; readonly slot: number; readonly child: VectorNode }
  | { readonly kind: 'array'; readonly slot: number; readonly length: number; readonly child: VectorNode }
  | { readonly kind: 'struct'; readonly slot: number; readonly children: readonly VectorNode[] }

/** The trees of a table's columns, and how many vectors they have in all. */
export interface VectorTrees {
  readonly trees: readonly VectorNode[]
  readonly vectorCount: number
}

/** Gives every vector of these columns its slot. */
export function vectorTreesOf(columns: readonly LogicalType[]): VectorTrees {
  let next = 0
  const tags = (): VectorNode => ({ kind: 'fixed', slot: next++, width: 1 })
  const place = (type: LogicalType): VectorNode => {
    const slot = next++
    switch (type.id) {
      case 'LIST':
        return { kind: 'list', slot, child: place(type.element) }
      case 'ARRAY':
        return { kind: 'array', slot, length: type.length, child: place(type.element) }
      case 'STRUCT':
        return { kind: 'struct', slot, children: type.fields.map((field) => place(field.type)) }
      case 'UNION':
        return {
          kind: 'struct',
          slot,
          children: [tags(), ...type.members.map((member) => place(member.type))],
        }
      case 'MAP':
        return {
          kind: 'list',
          slot,
          child: { kind: 'struct', slot: next++, children: [place(type.key), place(type.value)] },
        }
      default:
        return isStringLike(type)
          ? { kind: 'string', slot }
          : { kind: 'fixed', slot, width: fixedWidth(type) }
    }
  }
  const trees = columns.map((type) => place(wireTypeOf(type)))
  return { trees, vectorCount: next }
}

/** Bytes of a value of a type that holds no others, as it travels. */
export function fixedWidth(type: LogicalType): number {
  if (type.id === 'DECIMAL') return decimalBytes(type.width)
  if (type.id === 'ENUM') return enumBytes(type.values.length)
  return NATIVE_WIDTHS[travelsAsText(type) ? 'VARCHAR' : (type.id as NativeTypeId)]
}
