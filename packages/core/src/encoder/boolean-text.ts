// As DuckDB reads them, in any case.
const TRUE_TEXT = /^(?:true|t|yes|y|1)$/i
const FALSE_TEXT = /^(?:false|f|no|n|0)$/i

/** Why {@link toBoolean} finds no boolean in a value. */
export const NOT_A_BOOLEAN = "only true, false and their texts, such as 'true' or 'f', are booleans"

/** A boolean, or its text as DuckDB reads it; anything else is undefined. */
export function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return undefined
  if (TRUE_TEXT.test(value)) return true
  return FALSE_TEXT.test(value) ? false : undefined
}
