import { castsThroughJson, type LogicalType } from '@ducksink/worker'
import { isNested, nestedTextForm } from './literal-nested.ts'
import { scalarTextForm } from './literal-scalar.ts'
import { jsonSyntax, literalSyntax } from './nested-syntax.ts'
import { Refusal, type TextForm } from './refusal.ts'

/**
 * Compiles the text of a type's values: what DuckDB casts to exactly the value, or a {@link Refusal}.
 *
 * Where `castsThroughJson(type)` holds the text is JSON, and must be cast to JSON first. Null is the caller's matter.
 */
export function textFormOf(type: LogicalType): TextForm {
  if (!isNested(type)) return type.id === 'JSON' ? guarded(scalarTextForm(type)) : scalarTextForm(type)
  return guarded(nestedTextForm(type, castsThroughJson(type) ? jsonSyntax() : literalSyntax()))
}

/** A getter, or a Proxy, anywhere inside the value may throw. */
function guarded(form: TextForm): TextForm {
  return (value) => {
    try {
      return form(value)
    } catch (cause) {
      return new Refusal('reading one of its fields threw', '', cause)
    }
  }
}
