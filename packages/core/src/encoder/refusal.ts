/** Why a value has no exact form in a column's type; it never holds the value. */
export class Refusal {
  readonly #reason: string
  readonly #path: string
  /** What was thrown by the value itself: a getter, or a Proxy. */
  readonly cause: unknown

  constructor(reason: string, path = '', cause?: unknown) {
    this.#reason = reason
    this.#path = path
    this.cause = cause
  }

  /** The same, seen from the value that holds this one at `step` (`[2]`, `.name`). */
  within(step: string): Refusal {
    return new Refusal(this.#reason, step + this.#path, this.cause)
  }

  /** What is wrong and, inside a nested value, where. */
  get expected(): string {
    return this.#path === '' ? this.#reason : `at ${this.#path}, ${this.#reason}`
  }
}

/** Gives the text that DuckDB casts to exactly the value, or why there is none. */
export type TextForm = (value: unknown) => string | Refusal
