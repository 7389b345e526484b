/** Why a value has no exact form in a column's type; it never holds the value. */
export class Refusal {
  /** What is wrong, or what is expected. */
  readonly expected: string
  /** What was thrown by the value itself: a getter, or a Proxy. */
  readonly cause: unknown

  constructor(expected: string, cause?: unknown) {
    this.expected = expected
    this.cause = cause
  }
}

/** Gives the text that DuckDB casts to exactly the value, or why there is none. */
export type TextForm = (value: unknown) => string | Refusal
