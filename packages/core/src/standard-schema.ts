import { ValueError } from '@ducksink/worker'

// The interface as its authors publish it, to be copied: https://standardschema.dev

/** Any validator of the Standard Schema family: zod, valibot, arktype and others. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema says of a record: what is to be written for it, or why it is refused. */
export type Verdict = { readonly record: unknown } | { readonly error: ValueError }

/** Where the record stands. */
export interface SchemaPlace {
  readonly table: string
  readonly row: number
}

/** Has a table's schema look at a record. What the schema itself throws counts as an issue, without its message. */
export function validateRecord(
  schema: StandardSchema,
  record: unknown,
  place: SchemaPlace,
): Verdict | Promise<Verdict> {
  try {
    const result = schema['~standard'].validate(record)
    if (!(result instanceof Promise)) return verdict(record, result, place)
    return result.then(
      (settled) => verdict(record, settled, place),
      (error: unknown) => ({ error: thrown(error, place) }),
    )
  } catch (error) {
    return { error: thrown(error, place) }
  }
}

function verdict(record: unknown, result: SchemaResult<unknown>, { table, row }: SchemaPlace): Verdict {
  if (result.issues === undefined) return { record: result.value }
  const problems = result.issues.map((issue) => problemOf(record, issue))
  const column = result.issues[0]?.path?.map(keyOf).find((key) => typeof key === 'string')
  const message = `row ${row}: the schema of table "${table}" refuses the record: ${problems.join('; ')}`
  return { error: new ValueError(message, { table, row, column, problems }) }
}

function thrown(cause: unknown, { table, row }: SchemaPlace): ValueError {
  return new ValueError(`row ${row}: the schema of table "${table}" threw`, { table, row, cause })
}

function problemOf(record: unknown, { message, path = [] }: SchemaIssue): string {
  const keys = path.map(keyOf)
  const told = withoutValue(message, valueAt(record, keys))
  return keys.length === 0 ? told : `${keys.map(String).join('.')}: ${told}`
}

/** Some validators quote the value in what they say of it; errors and logs do not hold values. */
function withoutValue(message: string, value: unknown): string {
  if (typeof value === 'string') {
    const quoted = [`"${value}"`, `'${value}'`, JSON.stringify(value)]
    // a word of a few letters may be one of the validator's own
    const texts = value.length < 4 ? quoted : [...quoted, value]
    return texts.reduce((text, part) => text.replaceAll(part, '…'), message)
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') return message
  const digits = String(value).replaceAll(/[.+]/g, '\\$&')
  return message.replaceAll(new RegExp(`(?<![\\w.])${digits}n?(?![\\w])`, 'g'), '…')
}

function valueAt(record: unknown, keys: readonly PropertyKey[]): unknown {
  try {
    return keys.reduce((value, key) => (value as Record<PropertyKey, unknown>)[key], record)
  } catch {
    return undefined
  }
}

const keyOf = (step: PropertyKey | { readonly key: PropertyKey }): PropertyKey =>
  typeof step === 'object' ? step.key : step

/** True for what has the property `~standard` with a validator in it. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Partial<StandardSchema>)['~standard']
  return standard?.version === 1 && typeof standard.validate === 'function'
}
