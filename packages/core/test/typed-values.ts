import type { LogicalType } from '@ducksink/worker'
import fc from 'fast-check'
import { dateText, timestampText, timeText } from '../src/encoder/temporal-text.ts'
import { canonicalJson, numberText } from './read-back.ts'

/** A value as an app gives it, and as it must come back, in the form that `comparable` gives. */
export interface Sample {
  readonly given: unknown
  readonly expected: unknown
}

type Samples = fc.Arbitrary<Sample>

const SCALAR_IDS = [
  ...(['BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT'] as const),
  ...([
    'UINTEGER',
    'UBIGINT',
    'UHUGEINT',
    'BIGNUM',
    'FLOAT',
    'DOUBLE',
    'VARCHAR',
    'JSON',
    'BLOB',
    'BIT',
  ] as const),
  ...(['UUID', 'DATE', 'TIME', 'TIME_NS', 'TIMETZ', 'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS'] as const),
  ...(['TIMESTAMP_NS', 'TIMESTAMPTZ', 'INTERVAL'] as const),
]

const NASTY = [
  ...[
    '',
    ' ',
    'NULL',
    'null',
    "'",
    '"',
    '\\',
    '\\\\',
    '[',
    ']',
    '{',
    '}',
    '(',
    ')',
    ',',
    ':',
    '=',
    '"]',
    ']"',
    "']",
  ],
  ...[
    '\\]',
    '}"',
    '][',
    '}{',
    '"}',
    '\0',
    '\n',
    '\r\n',
    '\t',
    '😀',
    'é',
    '\u2028',
    ' a ',
    "''",
    '""',
    '"]}"',
    '\\"]',
  ],
]

/** Strings of any Unicode, and all that means something to a parser of nested literals. */
const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(fc.constantFrom(...NASTY, 'a'), { maxLength: 4 }).map((parts) => parts.join('')),
)

const name = fc
  .oneof(fc.constantFrom('a', 'tag', 'value', 'select', 'A b'), text)
  .map((value) => value.replaceAll('\0', ''))
  // node-api reads a STRUCT into a plain object, where __proto__ is no field
  .filter((value) => value !== '' && value !== '__proto__')
const fold = (value: string): string => value.toLowerCase()

const decimalType = fc
  .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
  .map(([width, scale]): LogicalType => ({ id: 'DECIMAL', width, scale: Math.min(width, scale) }))
const enumType = fc.uniqueArray(text, { minLength: 1, maxLength: 5 }).map(
  (values): LogicalType => ({
    id: 'ENUM',
    values: [...new Set(values.map((value) => value.replaceAll('\0', '')))],
  }),
)

/** Types without others inside. */
export const scalarType: fc.Arbitrary<LogicalType> = fc.oneof(
  { arbitrary: fc.constantFrom(...SCALAR_IDS).map((id): LogicalType => ({ id })), weight: SCALAR_IDS.length },
  { arbitrary: decimalType, weight: 3 },
  { arbitrary: enumType, weight: 3 },
)

const keyType = fc.oneof(
  fc.constantFrom('VARCHAR', 'INTEGER', 'BOOLEAN', 'UUID', 'UBIGINT').map((id) => ({ id }) as LogicalType),
  enumType,
  fc.constant<LogicalType>({ id: 'LIST', element: { id: 'VARCHAR' } }),
)

/** Types with others inside, a few levels of them. */
export const nestedType: fc.Arbitrary<LogicalType> = fc.letrec<{
  any: LogicalType
  nested: LogicalType
  fields: { name: string; type: LogicalType }[]
}>((tie) => ({
  any: fc.oneof({ maxDepth: 4, depthSize: 'small', withCrossShrink: true }, scalarType, tie('nested')),
  fields: fc.uniqueArray(fc.record({ name, type: tie('any') }), {
    minLength: 1,
    maxLength: 3,
    selector: (field) => fold(field.name),
  }),
  nested: fc.oneof(
    tie('any').map((element): LogicalType => ({ id: 'LIST', element })),
    fc.record({
      id: fc.constant('ARRAY' as const),
      element: tie('any'),
      length: fc.integer({ min: 1, max: 3 }),
    }),
    tie('fields').map((fields): LogicalType => ({ id: 'STRUCT', fields })),
    fc.record({ id: fc.constant('MAP' as const), key: keyType, value: tie('any') }),
    tie('fields').map((members): LogicalType => ({ id: 'UNION', members })),
  ),
})).nested

const same = (given: unknown): Sample => ({ given, expected: given })
const INTEGER_BITS: Readonly<Record<string, number>> = {
  ...{ TINYINT: 8, SMALLINT: 16, INTEGER: 32, BIGINT: 64, HUGEINT: 128 },
  ...{ UTINYINT: 8, USMALLINT: 16, UINTEGER: 32, UBIGINT: 64, UHUGEINT: 128 },
}

/** Values of a type that must be carried exactly. */
export function samplesOf(type: LogicalType): Samples {
  const inside = (inner: LogicalType): Samples =>
    fc.oneof({ arbitrary: samplesOf(inner), weight: 6 }, { arbitrary: fc.constant(same(null)), weight: 1 })
  switch (type.id) {
    case 'LIST':
      return listSamples(fc.array(inside(type.element), { maxLength: 4 }))
    case 'ARRAY':
      return listSamples(fc.array(inside(type.element), { minLength: type.length, maxLength: type.length }))
    case 'STRUCT':
      return fc.tuple(...type.fields.map((field) => inside(field.type))).map((parts) => ({
        given: Object.fromEntries(parts.map((part, i) => [type.fields[i]?.name, part.given])),
        expected: parts.map((part, i) => [type.fields[i]?.name, part.expected]),
      }))
    case 'MAP':
      return mapSamples(samplesOf(type.key), inside(type.value))
    case 'UNION':
      return fc
        .oneof(
          ...type.members.map((member) =>
            inside(member.type).map((sample) => ({ tag: member.name, sample })),
          ),
        )
        .map(({ tag, sample }) => ({
          given: { tag, value: sample.given },
          expected: { tag, value: sample.expected },
        }))
    case 'BLOB':
      return fc
        .uint8Array({ maxLength: 20 })
        .map((bytes) => ({ given: bytes, expected: Buffer.from(bytes).toString('hex') }))
    default:
      return scalarSamples(type)
  }
}

function listSamples(lists: fc.Arbitrary<Sample[]>): Samples {
  return lists.map((list) => ({
    given: list.map(({ given }) => given),
    expected: list.map(({ expected }) => expected),
  }))
}

function mapSamples(key: Samples, value: Samples): Samples {
  const entries = fc.uniqueArray(fc.tuple(key, value), {
    maxLength: 3,
    selector: ([{ expected }]) =>
      JSON.stringify(expected, (_, part) => (typeof part === 'bigint' ? `${part}` : part)),
  })
  return fc.tuple(entries, fc.boolean()).map(([pairs, asMap]) => {
    const given = pairs.map(([left, right]): [unknown, unknown] => [left.given, right.given])
    return {
      given: asMap ? new Map(given) : given,
      expected: pairs.map((pair) => pair.map((part) => part.expected)),
    }
  })
}

function scalarSamples(type: LogicalType): Samples {
  const bits = INTEGER_BITS[type.id]
  if (bits !== undefined) return integerSamples(bits, type.id.startsWith('U'))
  switch (type.id) {
    case 'BOOLEAN':
      return fc.boolean().map(same)
    case 'BIGNUM':
      return fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }).map((n) => ({ given: n, expected: `${n}` }))
    case 'FLOAT':
      return fc.float().map((n) => ({ given: n, expected: numberText(n) }))
    case 'DOUBLE':
      return fc.double().map((n) => ({ given: n, expected: numberText(n) }))
    case 'DECIMAL':
      return decimalSamples(type.width, type.scale)
    case 'ENUM':
      return fc.constantFrom(...type.values).map(same)
    case 'JSON':
      return jsonSamples
    case 'BIT':
      return fc.stringMatching(/^[01]{1,80}$/).map(same)
    case 'UUID':
      return fc.uuid().map((id) => ({ given: id, expected: id.toLowerCase() }))
    case 'INTERVAL':
      return intervalSamples
    case 'VARCHAR':
      return text.map(same)
    default:
      return temporalSamples(type)
  }
}

function integerSamples(bits: number, isUnsigned: boolean): Samples {
  const min = isUnsigned ? 0n : -(2n ** BigInt(bits - 1))
  const max = isUnsigned ? 2n ** BigInt(bits) - 1n : -min - 1n
  return fc
    .tuple(fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max)), fc.nat(2))
    .map(([value, form]) => {
      const asNumber = BigInt(Number(value)) === value
      const given = form === 0 ? value : form === 1 && asNumber ? Number(value) : String(value)
      return { given, expected: String(value) }
    })
}

function decimalSamples(width: number, scale: number): Samples {
  const max = 10n ** BigInt(width) - 1n
  return fc.tuple(fc.bigInt({ min: -max, max }), fc.boolean()).map(([units, asNumber]) => {
    const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0')
    const point = digits.length - scale
    const written = `${units < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? '.' : ''}${digits.slice(point)}`
    const isShort = digits.replace(/^0+|0+$/g, '').length <= 15
    return { given: asNumber && isShort ? Number(written) : written, expected: String(units) }
  })
}

const jsonSamples: Samples = fc
  .letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
      text,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(text, tie('value'), { maxKeys: 3 }),
    ),
  }))
  .value.filter((value) => value !== null)
  .map((value) => ({
    given: typeof value === 'string' ? JSON.stringify(value) : value,
    expected: canonicalJson(value),
  }))

const intervalSamples: Samples = fc
  .record({
    months: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    days: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    micros: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constant(-(2n ** 63n))),
  })
  .map((parts) => ({ given: parts, expected: `${parts.months} ${parts.days} ${parts.micros}` }))

function temporalSamples(type: LogicalType): Samples {
  const micros = fc.bigInt({ min: -9_223_372_022_400_000_000n, max: 2n ** 63n - 2n })
  const withText = (units: fc.Arbitrary<bigint>, form: (units: bigint) => string): Samples =>
    units.map((value) => ({ given: form(value), expected: String(value) }))
  const timestamps = (units: fc.Arbitrary<bigint>): Samples =>
    withText(units, (value) => timestampText(type.id as 'TIMESTAMP', value))
  switch (type.id) {
    case 'DATE':
      return withText(fc.bigInt({ min: -2_147_483_647n, max: 2_147_483_647n }), (days) =>
        dateText(Number(days)),
      )
    case 'TIME':
      return withText(fc.bigInt({ min: 0n, max: 86_400_000_000n }), (micros) => timeText(micros))
    case 'TIME_NS':
      return withText(fc.bigInt({ min: 0n, max: 86_400_000_000_000n }), (nanos) =>
        timeText(nanos, 1_000_000_000n),
      )
    case 'TIMETZ':
      return fc.bigInt({ min: 0n, max: 86_400_000_000n }).map((value) => ({
        given: `${timeText(value)}+02:30`,
        expected: String((value << 24n) | BigInt(57_599 - 9_000)),
      }))
    case 'TIMESTAMP_NS':
      return timestamps(fc.bigInt({ min: -9_223_286_400_000_000_000n, max: 2n ** 63n - 2n }))
    case 'TIMESTAMP_MS':
      return timestamps(micros.map((value) => value / 1_000n))
    case 'TIMESTAMP_S':
      return timestamps(micros.map((value) => value / 1_000_000n))
    default:
      return timestamps(micros)
  }
}
