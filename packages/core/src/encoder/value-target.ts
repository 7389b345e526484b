// Each loop reads the field, writes the common kind of value, and leaves everything else to a slow method: NULL,
// the other kinds that are exact, and refusals. With checks this takes 5 to 10 ns a value.

/** What a loop writes the common kind of value to, and calls for any other. */
export interface ValueTarget<Values> {
  /** Replaced where the buffer has grown. */
  values: Values
  readonly fillOther: (value: unknown, row: number, index: number) => void
}
