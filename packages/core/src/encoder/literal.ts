import type { LogicalType } from '@ducksink/worker'
import { jsonText } from './json-text.ts'
import { Refusal, type TextForm } from './refusal.ts'

/** Compiles the text of the values of a type that travels as text; null is the caller's matter. */
export function textFormOf(type: LogicalType): TextForm {
  switch (type.id) {
    case 'JSON':
      return guardedJsonText
    case 'NULL':
      return () => new Refusal('only null can')
    default:
      // only DuckDB itself can read it
      return (value) =>
        typeof value === 'string' ? value : new Refusal('only a string can; convert it first')
  }
}

/** A getter, or a Proxy, anywhere inside the value may throw. */
function guardedJsonText(value: unknown): string | Refusal {
  try {
    return jsonText(value)
  } catch (cause) {
    return new Refusal('reading one of its fields threw', cause)
  }
}
