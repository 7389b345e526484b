import type { LogicalType } from '@ducksink/worker'
import { isGeometryText } from './geometry-text.ts'
import { jsonText } from './json-text.ts'
import { Refusal, type TextForm } from './refusal.ts'

/** Compiles the text of the values of a type that travels as text; null is the caller's matter. */
export function textFormOf(type: LogicalType): TextForm {
  switch (type.id) {
    case 'JSON':
      return guardedJsonText
    case 'GEOMETRY':
      return textForm(isGeometryText, 'it is not well-known text such as POINT (1 2)')
    case 'NULL':
      return () => new Refusal('only null can')
    default:
      // only DuckDB itself can read it
      return textForm(() => true, 'only a string can; convert it first')
  }
}

function textForm(isExact: (text: string) => boolean, reason: string): TextForm {
  const refusal = new Refusal(reason)
  return (value) => (typeof value === 'string' && isExact(value) ? value : refusal)
}

/** A getter, or a Proxy, anywhere inside the value may throw. */
function guardedJsonText(value: unknown): string | Refusal {
  try {
    return jsonText(value)
  } catch (cause) {
    return new Refusal('reading one of its fields threw', cause)
  }
}
