import type { LogicalType } from '@ducksink/worker'

/** What was found where a value of a type should be, and what stands against it. */
export interface Found {
  readonly value: unknown
  readonly type: LogicalType
  readonly because: string
  readonly cause: unknown
}

/**
 * A value that its type cannot hold, on its way out: each encoder that holds others says where in its own values it
 * was, and the batch makes it an error of its row and column.
 */
export class RefusedValue extends Error {
  /** The record, in the span that the encoder was given; for an element its row in the vector of the elements. */
  readonly index: number
  /** Where it is in that record's value: `[3].name`. */
  readonly path: string
  readonly found: Found

  constructor(index: number, found: Found, path = '') {
    super(found.because)
    this.index = index
    this.path = path
    this.found = found
  }

  /** The same, seen from the record at `index` whose value holds this one at `step`. */
  within(index: number, step: string): RefusedValue {
    return new RefusedValue(index, this.found, step + this.path)
  }
}
