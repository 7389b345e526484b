import type { Span } from './column-encoder.ts'

// All columns of a type would share one machine code, which then looks each field up by its name. A copy of the loop
// with the field's name in it is compiled for that field of records of one shape: 92 instead of 127 ns a record of 8
// columns. It is made of the loop's own text, and only once a column has taken so many rows that it pays. What a loop
// asks of its field in each row is settled in the copy: 12 of 60 instructions a number.

const ROWS_WORTH_A_COPY = 16_384
const MAX_COPIES = 2

/** How a loop reads a value, in its text: copies do it as their field asks for, without a guard. */
export const FIELD_READ: RegExp =
  /field === null \? record : isGuarded && !Object\.hasOwn\(record, field\) \? (?:undefined|void 0) : record\[field\]/

/**
 * Takes the field's values of a span of records into `target`; returns how many rows it took.
 *
 * It reads a value by the very expression of {@link FIELD_READ}, which takes the record for the value where `field` is null,
 * and uses nothing but its parameters and globals, so that it can be copied.
 */
type Loop<Target> = (span: Span, field: string | null, isGuarded: boolean, target: Target) => number

/** A hot loop of one column. */
export class FieldLoop<Target> {
  readonly #loop: Loop<Target>
  /** What the loop writes to, and calls for all that is not common. */
  readonly #target: Target
  #current: Loop<Target>
  /** The field that the current loop is a copy for, null where it is one for values without a field. */
  #field: string | null | undefined
  /** The last copies, as wide records come now by their fields, now by their values. */
  readonly #copies = new Map<string | null, Loop<Target>>()
  #rowCount = 0

  constructor(loop: Loop<Target>, target: Target) {
    this.#loop = loop
    this.#target = target
    this.#current = loop
  }

  run(span: Span, field: string | null, isGuarded: boolean): number {
    // rare, and a field that needed no guard may need one later: an app may add names to Object.prototype
    if (isGuarded) return this.#loop(span, field, isGuarded, this.#target)
    if (this.#field !== field) this.#choose(span, field)
    return this.#current(span, field, isGuarded, this.#target)
  }

  #choose({ from, to }: Span, field: string | null): void {
    this.#rowCount += to - from
    const isWorthIt = this.#rowCount >= ROWS_WORTH_A_COPY
    this.#current = isWorthIt ? this.#copy(field) : this.#loop
    this.#field = isWorthIt ? field : undefined
  }

  #copy(field: string | null): Loop<Target> {
    const known = this.#copies.get(field)
    if (known !== undefined) return known
    if (this.#copies.size === MAX_COPIES) this.#copies.clear()
    const copy = copyFor(field, this.#loop)
    this.#copies.set(field, copy)
    return copy
  }
}

/** The loop itself where Node may not generate code from strings (`--disallow-code-generation-from-strings`). */
function copyFor<Target>(field: string | null, loop: Loop<Target>): Loop<Target> {
  const reading = field === null ? 'record' : `record[${JSON.stringify(field)}]`
  const text = loop.toString().replace(FIELD_READ, () => reading)
  try {
    return new Function(`return (${text})`)() as Loop<Target>
  } catch {
    return loop
  }
}
