import type { LogicalType } from './type-tree.ts'

/** Kinds of value that the language itself has; `instance` is of a class that is not named here. */
export const LANGUAGE_KINDS = [
  'null',
  'undefined',
  'boolean',
  'number',
  'bigint',
  'string',
  'Date',
  'Uint8Array',
  'typed array',
  'ArrayBuffer',
  'array',
  'object',
  'Map',
  'Set',
  'function',
  'symbol',
  'instance',
] as const

/** The objects of `Temporal`, by their `Symbol.toStringTag`. */
export const TEMPORAL_KINDS = [
  'Temporal.Instant',
  'Temporal.ZonedDateTime',
  'Temporal.PlainDateTime',
  'Temporal.PlainDate',
  'Temporal.PlainTime',
  'Temporal.PlainYearMonth',
  'Temporal.PlainMonthDay',
  'Temporal.Duration',
] as const

/** The value classes of `@duckdb/node-api`, by the name of their constructor. */
export const VALUE_CLASS_KINDS = [
  'DuckDBDecimalValue',
  'DuckDBUUIDValue',
  'DuckDBBlobValue',
  'DuckDBBitValue',
  'DuckDBDateValue',
  'DuckDBTimeValue',
  'DuckDBTimeNSValue',
  'DuckDBTimeTZValue',
  'DuckDBTimestampValue',
  'DuckDBTimestampSecondsValue',
  'DuckDBTimestampMillisecondsValue',
  'DuckDBTimestampNanosecondsValue',
  'DuckDBTimestampTZValue',
  'DuckDBIntervalValue',
  'DuckDBListValue',
  'DuckDBArrayValue',
  'DuckDBStructValue',
  'DuckDBMapValue',
  'DuckDBUnionValue',
  'DuckDBGeometryValue',
  'DuckDBVariantValue',
] as const

export type TemporalKind = (typeof TEMPORAL_KINDS)[number]
export type ValueClassKind = (typeof VALUE_CLASS_KINDS)[number]

/** A kind of JS value, as the matrix tells them apart. */
export type ValueKind = (typeof LANGUAGE_KINDS)[number] | TemporalKind | ValueClassKind

/** What a value must be like where its kind alone does not say it; all else of the kind is refused. */
export const COERCION_RULES = {
  null: 'becomes NULL; a column that is NOT NULL refuses it',
  boolText: '`true`, `t`, `yes`, `y`, `1`, `false`, `f`, `no`, `n` or `0`, in any case',
  whole: "a whole number within the type's range; a fraction is refused, never rounded",
  wholeText: "decimal text of a whole number within the type's range, such as `42`, `-7`, `42.0` or `4.2e1`",
  range: "within the type's range",
  single: 'a number that single precision holds exactly; `Math.fround` makes any number one',
  exactNumber: 'a whole number that the type holds exactly',
  nearestText:
    'decimal text, which means the nearest number of the type; also `nan`, `inf` and `infinity`, in any case',
  decimal:
    "digits that fit the type's width and scale, never rounded; a number means the shortest decimal that reads back as it: 0.1 is 0.1",
  unicode: 'well-formed Unicode; half of a surrogate pair is refused',
  finite: 'a finite number',
  jsonText: 'JSON text, kept as it stands; a string becomes a JSON string by `JSON.stringify`',
  jsonValue:
    'made of arrays, plain objects, strings, finite numbers, bigints, booleans and null, at most 1,000 levels deep',
  blobText: 'ASCII in which `\\xAB` stands for a byte, as DuckDB prints a BLOB',
  memory: 'the bytes that it covers, in the order in which they lie in memory',
  bits: 'at least one bit; text of nothing but `0` and `1`',
  uuidText: '32 hexadecimal digits, with or without hyphens and braces',
  enumText: "exactly one of the type's values",
  midnight: 'midnight in UTC, exactly',
  dateText: '`YYYY-MM-DD`, with ` (BC)` after years before 1, or `infinity`, `-infinity`, `epoch`',
  isoCalendar: 'of the ISO 8601 calendar, within the range and precision of the type',
  timeText: '`HH:MM[:SS[.f]]` up to `24:00:00`, with no more digits than the type holds',
  zonedTimeText: '`HH:MM:SS[.f]` with an offset (`Z`, `+02`, `-05:30`), at most six digits',
  timestampText:
    '`YYYY-MM-DD[ HH:MM[:SS[.f]]]`, with no more digits than the type holds and no offset but zero, or `infinity`, `-infinity`, `epoch`',
  zonedTimestampText:
    '`YYYY-MM-DD HH:MM:SS[.f]` with an offset (`Z`, `+02`, `-05:30`), or `infinity`, `-infinity`, `epoch`',
  precision: 'within the range and precision of the type, never cut or rounded',
  utc: 'its time in UTC, within the range and precision of the type',
  instant: 'its instant, in whole microseconds; the type keeps no zone',
  intervalParts: '`{ months, days, micros }`, whole numbers within range; what is left out is 0',
  intervalText: 'amounts and a clock, such as `1 year 2 days 03:04:05.678`; a fraction in seconds only',
  duration: 'in whole microseconds; years are 12 months and weeks 7 days',
  elements: 'each element by the rules of its type; a hole or `undefined` is refused',
  count: 'exactly as many elements as the type has, each by the rules of its type',
  nestedText:
    "the literal that DuckDB prints, such as `[1, NULL]`, `{'a': 1}`, `{k=v}`; what is inside, by the rules of its type",
  fields:
    'each field by the rules of its type, found by name in any case; one that is absent or `undefined` is NULL, one that the type has not is refused unless it is null',
  stringKeys: 'with strings for keys; the same as an object with those fields',
  entries: 'each key and value by the rules of its type; keys are not null and not the same twice',
  entryArray: 'of `[key, value]` pairs, by the same rules as a `Map`',
  varcharKeys: 'where keys are VARCHAR, by the same rules as a `Map`',
  member: '`{ tag, value }`, or `{ [tag]: value }`, the value by the rules of that member',
  wktText: 'well-known text, such as `POINT (1 2)`; its numbers mean the nearest doubles',
  variantText: 'becomes a VARIANT that holds a VARCHAR',
  otherText: 'what DuckDB itself casts to the type',
} as const

export type CoercionRule = keyof typeof COERCION_RULES

/** What becomes of a kind of value in a column of a type. */
export type Coercion = 'exact' | 'refused' | CoercionRule

type Cells = Readonly<Partial<Record<ValueKind, Coercion>>>

const INTEGER: Cells = { number: 'whole', bigint: 'range', string: 'wholeText', DuckDBDecimalValue: 'whole' }
const TIMESTAMP: Cells = {
  Date: 'utc',
  string: 'timestampText',
  'Temporal.Instant': 'utc',
  'Temporal.PlainDateTime': 'isoCalendar',
  DuckDBTimestampValue: 'precision',
  DuckDBTimestampSecondsValue: 'precision',
  DuckDBTimestampMillisecondsValue: 'precision',
  DuckDBTimestampNanosecondsValue: 'precision',
}
const LIST: Cells = {
  array: 'elements',
  Set: 'elements',
  Uint8Array: 'elements',
  'typed array': 'elements',
  string: 'nestedText',
  DuckDBListValue: 'elements',
  DuckDBArrayValue: 'elements',
}
const ARRAY = Object.fromEntries(
  Object.entries(LIST).map(([kind, rule]) => [kind, rule === 'elements' ? 'count' : rule]),
) as Cells

/**
 * The coercion matrix: what becomes of each kind of JS value in a column of each type. What is not listed is refused,
 * except that null and undefined are NULL everywhere.
 *
 * Encoders look here which classes of values a type takes, docs/types.md is generated from it, and the tests walk it.
 */
const MATRIX: Readonly<Record<LogicalType['id'], Cells>> = {
  BOOLEAN: { boolean: 'exact', string: 'boolText' },
  TINYINT: INTEGER,
  SMALLINT: INTEGER,
  INTEGER,
  BIGINT: INTEGER,
  HUGEINT: INTEGER,
  UTINYINT: INTEGER,
  USMALLINT: INTEGER,
  UINTEGER: INTEGER,
  UBIGINT: INTEGER,
  UHUGEINT: INTEGER,
  BIGNUM: { ...INTEGER, bigint: 'exact' },
  FLOAT: { number: 'single', bigint: 'exactNumber', string: 'nearestText' },
  DOUBLE: { number: 'exact', bigint: 'exactNumber', string: 'nearestText' },
  DECIMAL: { number: 'decimal', bigint: 'decimal', string: 'decimal', DuckDBDecimalValue: 'decimal' },
  VARCHAR: { string: 'unicode' },
  JSON: {
    ...{ string: 'jsonText', number: 'finite', bigint: 'exact', boolean: 'exact' },
    ...{ array: 'jsonValue', object: 'jsonValue' },
  },
  BLOB: {
    ...{ Uint8Array: 'exact', ArrayBuffer: 'exact', 'typed array': 'memory', string: 'blobText' },
    DuckDBBlobValue: 'exact',
  },
  BIT: { string: 'bits', DuckDBBitValue: 'bits' },
  UUID: { string: 'uuidText', DuckDBUUIDValue: 'exact' },
  ENUM: { string: 'enumText' },
  DATE: {
    ...{ Date: 'midnight', string: 'dateText' },
    ...{ 'Temporal.PlainDate': 'isoCalendar', DuckDBDateValue: 'exact' },
  },
  TIME: {
    ...{ string: 'timeText', 'Temporal.PlainTime': 'precision' },
    ...{ DuckDBTimeValue: 'exact', DuckDBTimeNSValue: 'precision' },
  },
  TIME_NS: {
    ...{ string: 'timeText', 'Temporal.PlainTime': 'exact' },
    ...{ DuckDBTimeValue: 'exact', DuckDBTimeNSValue: 'exact' },
  },
  TIMETZ: { string: 'zonedTimeText', DuckDBTimeTZValue: 'exact' },
  TIMESTAMP,
  TIMESTAMP_S: TIMESTAMP,
  TIMESTAMP_MS: TIMESTAMP,
  TIMESTAMP_NS: TIMESTAMP,
  TIMESTAMPTZ: {
    ...{ Date: 'precision', string: 'zonedTimestampText' },
    ...{ 'Temporal.Instant': 'precision', 'Temporal.ZonedDateTime': 'instant' },
    DuckDBTimestampTZValue: 'exact',
  },
  INTERVAL: {
    ...{ object: 'intervalParts', string: 'intervalText' },
    ...{ 'Temporal.Duration': 'duration', DuckDBIntervalValue: 'exact' },
  },
  LIST,
  ARRAY,
  STRUCT: { object: 'fields', Map: 'stringKeys', string: 'nestedText', DuckDBStructValue: 'fields' },
  MAP: {
    ...{ Map: 'entries', array: 'entryArray', object: 'varcharKeys', string: 'nestedText' },
    DuckDBMapValue: 'entries',
  },
  UNION: { object: 'member', DuckDBUnionValue: 'member' },
  GEOMETRY: { string: 'wktText' },
  VARIANT: { string: 'variantText' },
  NULL: {},
  OTHER: { string: 'otherText' },
}

/** The types of the matrix, in the order of its rows. */
export const COERCION_TYPES = Object.keys(MATRIX) as readonly LogicalType['id'][]

/** What becomes of a kind of value in a column of a type. */
export function coercionOf(type: LogicalType['id'], kind: ValueKind): Coercion {
  if (kind === 'null' || kind === 'undefined') return 'null'
  return MATRIX[type][kind] ?? 'refused'
}
