/**
 * What the rows of a column were given as, read from what became of them: with all of them of one kind, nothing of it
 * is lost. The views show the column's own memory, until it takes the next rows.
 */
export type GivenValues =
  /** Numbers that an element is each. */
  | {
      readonly kind: 'numbers'
      readonly values:
        | Int8Array
        | Int16Array
        | Int32Array
        | Uint8Array
        | Uint16Array
        | Uint32Array
        | Float32Array
        | Float64Array
    }
  /** Numbers, or the milliseconds of Dates: so many units make one, and two words the units. */
  | {
      readonly kind: 'numbers of words' | 'Dates'
      readonly words: Int32Array
      readonly units: number
      readonly isSigned: boolean
    }
  /** 0 or 1. */
  | { readonly kind: 'booleans'; readonly values: Uint8Array }
  /** Entries of four words as DuckDB has them, with a place in the heap for an address. */
  | { readonly kind: 'strings'; readonly entries: Uint32Array; readonly heap: Uint8Array }
