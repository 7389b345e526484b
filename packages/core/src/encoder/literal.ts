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
  if (!castsThroughJson(type)) return guarded(nestedTextForm(type, literalSyntax()))
  const unreadable = unreadableIn(type)
  if (unreadable === undefined) return guarded(nestedTextForm(type, jsonSyntax()))
  const refusal = new Refusal(`${unreadable} beside a UNION or a list of JSON is not supported yet`)
  return () => refusal
}

/** A type inside this one that DuckDB's JSON reader does not know: it refuses the whole then, even NULL. */
function unreadableIn(type: LogicalType): string | undefined {
  switch (type.id) {
    case 'LIST':
    case 'ARRAY':
      return unreadableIn(type.element)
    case 'STRUCT':
      return firstDefined(type.fields.map((field) => unreadableIn(field.type)))
    case 'UNION':
      return firstDefined(type.members.map((member) => unreadableIn(member.type)))
    case 'MAP':
      return unreadableIn(type.key) ?? unreadableIn(type.value)
    default:
      return ['BIT', 'BIGNUM', 'VARIANT', 'OTHER'].includes(type.id) ? type.id : undefined
  }
}

function firstDefined(names: readonly (string | undefined)[]): string | undefined {
  return names.find((name) => name !== undefined)
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
