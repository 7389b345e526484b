import { isMap } from 'node:util/types'
import { foldIdentifier, type LogicalType, type MapType, type TypeField } from '@ducksink/worker'
import { embeddedJsonText } from './json-text.ts'
import { type ScalarType, scalarTextForm } from './literal-scalar.ts'
import type { NestedSyntax } from './nested-syntax.ts'
import { isPlainRecord } from './plain-record.ts'
import { plainValue } from './plain-value.ts'
import { Refusal, type TextForm } from './refusal.ts'

/** The text of a value as it stands inside another. */
type ElementForm = TextForm

/** A type whose values hold others. */
export type NestedType = Exclude<LogicalType, ScalarType>

/** Compiles the text of a nested type's values, written in one syntax all through. */
export function nestedTextForm(type: NestedType, syntax: NestedSyntax): TextForm {
  const form = plainTextForm(type, syntax)
  return (value) => form(plainValue(type.id, value))
}

function plainTextForm(type: NestedType, syntax: NestedSyntax): TextForm {
  switch (type.id) {
    case 'LIST':
      return listText(elementForm(type.element, syntax))
    case 'ARRAY':
      return listText(elementForm(type.element, syntax), type.length)
    case 'STRUCT':
      return structText(type.fields, syntax)
    case 'MAP':
      return mapText(type, syntax)
    case 'UNION':
      return unionText(type.members, syntax)
    default:
      return type satisfies never
  }
}

function elementForm(type: LogicalType, syntax: NestedSyntax): ElementForm {
  if (isNested(type)) {
    const form = nestedTextForm(type, syntax)
    return (value) => (value === null ? syntax.nullText : syntax.nested(form, value))
  }
  if (type.id === 'JSON' && syntax.embedsJson) {
    return (value) => (value === null ? syntax.nullText : embeddedJsonText(value))
  }
  const form = syntax.scalarForm(type, scalarTextForm(type))
  return (value) => {
    if (value === null) return syntax.nullText
    const text = form(value)
    return typeof text === 'string' ? syntax.quoted(text) : text
  }
}

/** True for a type whose values hold others. */
export function isNested(type: LogicalType): type is NestedType {
  return ['LIST', 'ARRAY', 'STRUCT', 'MAP', 'UNION'].includes(type.id)
}

function listText(element: ElementForm, length?: number): TextForm {
  return (value) => {
    if (!Array.isArray(value)) return new Refusal('only an array can')
    if (length !== undefined && value.length !== length) return new Refusal(`it needs ${length} elements`)
    let text = '['
    for (let i = 0; i < value.length; i++) {
      const part = element(value[i])
      if (part instanceof Refusal) return part.within(`[${i}]`)
      text += i === 0 ? part : `,${part}`
    }
    return `${text}]`
  }
}

function structText(fields: readonly TypeField[], syntax: NestedSyntax): TextForm {
  const forms = fields.map(({ type }) => elementForm(type, syntax))
  const places = placesOf(fields)
  const absent = fields.map(() => syntax.nullText)
  return (value) => {
    if (!isPlainRecord(value)) return new Refusal('only a plain object can')
    const parts = [...absent]
    const seen = new Set<number>()
    for (const key of Object.keys(value)) {
      const place = places(key)
      const part = value[key]
      if (place === undefined) {
        // a field that says nothing may be there, as in a record
        if (part === undefined || part === null) continue
        return new Refusal('it has a field that the STRUCT has not')
      }
      const { name } = fields[place] as TypeField
      if (seen.has(place)) return new Refusal('it is there twice, in different case').within(`.${name}`)
      seen.add(place)
      const text = part === undefined ? syntax.nullText : (forms[place] as ElementForm)(part)
      if (text instanceof Refusal) return text.within(`.${name}`)
      parts[place] = text
    }
    return `{${parts.map((part, i) => `${syntax.quoted((fields[i] as TypeField).name)}:${part}`).join(',')}}`
  }
}

/** Where each field is: by its exact name or, as DuckDB does, without regard to the case of ASCII letters. */
function placesOf(fields: readonly TypeField[]): (key: string) => number | undefined {
  const exact = new Map(fields.map(({ name }, i) => [name, i]))
  const folded = new Map(fields.map(({ name }, i) => [foldIdentifier(name), i]))
  return (key) => exact.get(key) ?? folded.get(foldIdentifier(key))
}

function mapText({ key, value }: MapType, syntax: NestedSyntax): TextForm {
  const keyForm = syntax.keyForm(key, elementForm(key, syntax))
  const valueForm = elementForm(value, syntax)
  const noEntries = new Refusal('only a Map, an array of entries or, for VARCHAR keys, a plain object can')
  return (map) => {
    const entries = entriesOf(map, key.id === 'VARCHAR')
    if (entries === undefined) return noEntries
    const seen = new Set<string>()
    let text = '{'
    for (const [i, [entryKey, entryValue]] of entries.entries()) {
      if (entryKey === null) return new Refusal('a key of a MAP cannot be null').within(`[${i}]`)
      const left = keyForm(entryKey)
      if (left instanceof Refusal) return left.within(`[${i}].key`)
      if (seen.has(left)) return new Refusal('it has the key of another entry').within(`[${i}]`)
      seen.add(left)
      const right = valueForm(entryValue)
      if (right instanceof Refusal) return right.within(`[${i}].value`)
      text += `${i === 0 ? '' : ','}${left}${syntax.mapSeparator}${right}`
    }
    return `${text}}`
  }
}

function entriesOf(map: unknown, takesObject: boolean): readonly (readonly unknown[])[] | undefined {
  if (isMap(map)) return [...map]
  if (Array.isArray(map)) {
    const isEntries = map.every((entry) => Array.isArray(entry) && entry.length === 2)
    // every() passes over holes
    return isEntries && !map.includes(undefined) ? map : undefined
  }
  return takesObject && isPlainRecord(map) ? Object.keys(map).map((key) => [key, map[key]]) : undefined
}

/** A member of a UNION is named by the value: `{ tag, value }`, as node-api has it, or `{ [tag]: value }`. */
function unionText(members: readonly TypeField[], syntax: NestedSyntax): TextForm {
  const forms = members.map(({ type }) => elementForm(type, syntax))
  const places = placesOf(members)
  const refusal = new Refusal('it is not { tag, value } or { [tag]: value } with a member of the UNION')
  return (value) => {
    const tagged = taggedValue(value)
    const place = tagged === undefined ? undefined : places(tagged.tag)
    if (tagged === undefined || place === undefined) return refusal
    const { name } = members[place] as TypeField
    const text = (forms[place] as ElementForm)(tagged.value)
    return text instanceof Refusal ? text.within(`.${name}`) : `{${syntax.quoted(name)}:${text}}`
  }
}

function taggedValue(value: unknown): { tag: string; value: unknown } | undefined {
  if (!isPlainRecord(value)) return undefined
  const keys = Object.keys(value)
  const [only] = keys
  if (keys.length === 1 && only !== undefined) return { tag: only, value: value[only] }
  const { tag } = value
  const isTagged =
    keys.length === 2 && keys.includes('tag') && keys.includes('value') && typeof tag === 'string'
  return isTagged ? { tag: tag as string, value: value.value } : undefined
}
